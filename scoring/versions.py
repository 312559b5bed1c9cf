"""State versions: how a row's body is written in each, and what cannot be read.

The version stands in each row and header. A release knows the one that was
released last and its own, and writes what the partition's header says.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

import msgspec

__all__ = ["Codec", "MissingCard", "NewerState", "RowError", "check_version", "readable"]

T = TypeVar("T")
#: What decoding damaged bytes may raise: a broken text is no error of msgspec's own.
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class RowError(ValueError):
    """A row that this release cannot read: damaged, or written by a newer one."""


class NewerState(RowError):
    """Of a state version that this release does not know."""


class MissingCard(RowError):
    """The header names a scorecard of whose text there is no row."""


class Codec(NamedTuple):
    """How a row is written and read, in one state version: its body, and therein what was told.

    What was told is given, and read, beside the places that the last evaluation found.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]
    pack_told: Callable[[Any, Any], bytes]
    unpack_told: Callable[[Any, Any], Any]


def check_version(version: int, known: Collection[int]) -> None:
    """Pass if this release knows the state version.

    Raises:
        NewerState: naming those that it knows.
    """
    if version not in known:
        reads = " and ".join(map(str, sorted(known)))
        raise NewerState(f"state version {version}; this release reads {reads}")


def readable(decode: Callable[[Any], T], packed: object, what: str) -> T:
    """What the bytes of a row, or of a part of it, say.

    Raises:
        RowError: naming ``what`` is damaged.
    """
    try:
        return decode(packed)
    except _UNREADABLE as error:
        raise RowError(f"damaged {what}: {error}") from error
