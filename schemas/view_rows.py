"""What those who write a view read of a row: some of the fields of its contract."""

# What each field is stands in the contract, schemas/scores.py.
# ruff: noqa: D102

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from schemas.scores import Band

__all__ = ["Row", "RowHealth", "RowMover", "RowPlace"]


class RowPlace(Protocol):
    """What a view's writer reads of a segment."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...


class RowHealth(Protocol):
    """What a view's writer reads of a health."""

    @property
    def score(self) -> int | None: ...
    @property
    def band(self) -> Band: ...
    @property
    def contributions(self) -> Sequence[object]: ...
    @property
    def overrides(self) -> Sequence[str]: ...
    @property
    def segment(self) -> RowPlace | None: ...
    @property
    def handled(self) -> object | None: ...
    @property
    def not_pursued(self) -> object | None: ...


class RowMover(Protocol):
    """What a view's writer reads of a mover."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def delta(self) -> int: ...


class Row(Protocol):
    """What a view's writer reads of a customer's health, whichever way it was made.

    :class:`~schemas.views.CustomerHealth` is one; one that was read the short way, without the
    contract's objects, is as good for that.
    """

    @property
    def customer_id(self) -> str: ...
    @property
    def customer_name(self) -> str | None: ...
    @property
    def epoch(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    @property
    def health(self) -> RowHealth: ...
    @property
    def because(self) -> str: ...
    @property
    def movers(self) -> Sequence[RowMover]: ...
    @property
    def changed_at(self) -> datetime: ...
    @property
    def attributes(self) -> Mapping[str, str | int | bool]: ...
