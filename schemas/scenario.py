"""The scenario file: what happens to one customer, and what a scorecard must say of it.

A customer-success team writes and reads it. Validated here: shapes, and times as
they are written. What the sentences of ``do`` mean is known to
``streams.scenarios.sentences``, what may be expected to
``streams.scenarios.expectations``. The format is described in ``docs/scenarios.md``.
"""

import re
from datetime import date, time
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from schemas.account import AccountStatus, Seats
from schemas.base import Id, Name, Strings

__all__ = ["AccountFacts", "LocalTime", "ScenarioFile", "Step", "parse_local"]

_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})(?: (\d{2}:\d{2}(?::\d{2})?))?", re.ASCII)
#: Beyond these, instants and zones are anybody's guess.
_YEARS = range(1971, 3000)


class LocalTime(NamedTuple):
    """A time as people write it: a date, and a time of day unless the date stands alone."""

    day: date
    clock: time | None = None


def parse_local(text: str) -> LocalTime:
    """The time in ``2026-06-22``, ``2026-06-22 11:00`` or ``2026-06-22 11:00:30``.

    Raises:
        ValueError: with what was expected.
    """
    found = _LOCAL.fullmatch(text)
    if found is None:
        raise ValueError("expected a time such as 2026-06-22 or 2026-06-22 11:00")
    try:
        day = date.fromisoformat(found[1])
    except ValueError:
        raise ValueError(f"there is no day {found[1]}") from None
    if day.year not in _YEARS:
        raise ValueError(f"expected a year from {_YEARS[0]} to {_YEARS[-1]}, got {day.year}")
    try:
        return LocalTime(day, None if found[2] is None else time.fromisoformat(found[2]))
    except ValueError:
        raise ValueError(f"there is no time of day {found[2]}") from None


def _is_time(text: str) -> str:
    parse_local(text)
    return text


When = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="A time in the scenario's zone, such as 2026-06-22 or 2026-06-22 11:00;"
        " a date alone is 12:00."
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountFacts(_Strict):
    """Who the customer is: the ``account.created`` event, at ``known_from`` or ``started``."""

    id: Id
    known_from: When | None = Field(
        default=None, description="When we hear of the account first. Default: `started`."
    )
    started: When | None = Field(default=None, description="When the contract began.")
    name: Name | None = None
    status: AccountStatus | None = None
    mrr: str | None = Field(
        default=None, description="Monthly recurring revenue, such as 2000 EUR."
    )
    seats: Seats | None = None
    plan: Name | None = None
    owner: Name | None = None
    renewal: When | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    zone: Name | None = Field(default=None, description="The customer's own IANA time zone.")
    parent: Id | None = None
    internal: bool | None = None
    attributes: Strings | None = None

    @model_validator(mode="after")
    def _begins(self) -> "AccountFacts":
        if self.known_from is None and self.started is None:
            raise ValueError("expected `started`, or `known_from`: when the account is known first")
        return self


class Step(_Strict):
    """Something that happens (``do``), or what must be found at a time (``at``, ``expect``)."""

    do: str | None = Field(
        default=None, description="A time and a sentence, such as `2026-04-16 nps 9`."
    )
    at: When | None = None
    expect: dict[str, Any] | None = Field(
        default=None, min_length=1, description="What must be found at `at`, by name."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Step":
        if self.do is not None and self.at is None and self.expect is None:
            return self
        if self.do is None and self.at is not None and self.expect is not None:
            return self
        raise ValueError("expected either `do`, or `at` with `expect`")


class ScenarioFile(_Strict):
    """A whole scenario: one customer, one scorecard."""

    scenario: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="What happens, in a sentence."
    )
    scorecard: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="A scorecard's name, or a path that ends in .yaml."
    )
    zone: str = Field(default="UTC", description="IANA time zone of all times in the file.")
    account: AccountFacts
    steps: tuple[Step, ...] = Field(json_schema_extra={"minItems": 1})

    @field_validator("steps")
    @classmethod
    def _some(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        # Not `min_length`: that would count the right ones, and complain twice of a wrong one.
        if not steps:
            raise ValueError("expected at least one")
        return steps
