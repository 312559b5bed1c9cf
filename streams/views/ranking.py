"""How customers are ranked: each order is one sorted text per customer.

A *member* is whether the customer is pursued, the band's rank, then a key of the
order, then the customer id: ``0`` + ``0`` + ``04210`` + ``acme``. Members compare as
bytes, so a ranking is a plain ordered set, a page starts right after the last member of
the page before it (no offset that shifts while scores move), and the pursued customers
of a band are one contiguous range. The *place* of a member is the part by which the
order sorts: all but the first two characters.
"""

import base64
import binascii
from dataclasses import dataclass

from schemas.scores import Band
from schemas.view_rows import Row
from streams.clock import to_ms
from streams.views.attention import WEIGHT_MAX, Attention, attention_of
from streams.views.base import CursorRefused, Sort

__all__ = [
    "BANDS",
    "RANKINGS",
    "Ranking",
    "cursor_of",
    "findable",
    "members_of",
    "needle",
    "place_of",
    "prefixes",
    "range_of",
    "ranking_of",
    "read_cursor",
    "segment_of",
]

#: The bands from worst to best; the index is the band's rank in every member.
BANDS = (Band.RED, Band.YELLOW, Band.UNKNOWN, Band.GREEN)

_SCORE_NONE = 99_999  # sorts behind every score, in both directions
_MS_MAX = 10**15
_PREFIX = 2
_WEIGHT_CHARS = len(str(WEIGHT_MAX))
_SEPARATOR = "\0"  # cannot stand in an id, and sorts before every character of a name


@dataclass(frozen=True, slots=True)
class Ranking:
    """One ordered set, and how long a member's key is (0: it ends at a separator)."""

    name: str
    key_chars: int

    def member(self, row: Row, at_ms: int) -> str:
        """The customer's text in this ranking; ``at_ms`` matters to attention only."""
        return f"{_head(row)}{self._key(row, at_ms)}{row.customer_id}"

    def customer_id(self, member: str) -> str:
        """The customer that a member stands for."""
        if self.key_chars:
            return member[_PREFIX + self.key_chars :]
        return member.rpartition(_SEPARATOR)[2]

    def _key(self, row: Row, at_ms: int) -> str:
        if self.name == "attention":
            return _attention_key(attention_of(row, at_ms))
        return _KEYS[self.name](row)


_WORST = Ranking("worst", 5)
_BEST = Ranking("best", 5)
_NAME = Ranking("name", 0)
_CHANGED = Ranking("changed", 15)
_ATTENTION = Ranking("attention", 1 + len(str(WEIGHT_MAX)))
#: A row in the store remembers its members by their place in here: append, never reorder.
RANKINGS = (_WORST, _BEST, _NAME, _CHANGED, _ATTENTION)

_HEADS = {
    (pursued, band): f"{0 if pursued else 1}{rank}"
    for pursued in (True, False)
    for rank, band in enumerate(BANDS)
}

_OF_SORT = {
    Sort.ATTENTION: _ATTENTION,
    Sort.SCORE: _WORST,
    Sort.SCORE_DESC: _BEST,
    Sort.NAME: _NAME,
    Sort.CHANGED: _CHANGED,
}


def ranking_of(sort: Sort) -> Ranking:
    """The ranking that an order reads."""
    return _OF_SORT[sort]


def members_of(row: Row, found: Attention) -> list[str]:
    """The customer's text in each of ``RANKINGS``; ``found`` is its attention."""
    head, customer_id = _head(row), row.customer_id
    keys = (
        _attention_key(found) if one is _ATTENTION else _KEYS[one.name](row) for one in RANKINGS
    )
    return [f"{head}{key}{customer_id}" for key in keys]


def segment_of(row: Row) -> str:
    """The name of the customer's segment; empty where its card has none."""
    return "" if row.health.segment is None else row.health.segment.name


def place_of(member: str) -> str:
    """The part of a member by which the order sorts across bands."""
    return member[_PREFIX:]


def prefixes(band: Band | None, *, pursued: bool | None) -> list[str]:
    """What the members of these customers begin with; None: whichever."""
    return [
        f"{0 if each else 1}{rank}"
        for each in ((True, False) if pursued is None else (pursued,))
        for rank, one in enumerate(BANDS)
        if band is None or one is band
    ]


def range_of(prefix: str, place: str | None) -> tuple[str, str]:
    """The members of a prefix after a place, in Redis' notation: ``[`` with, ``(`` without."""
    low = f"[{prefix}" if place is None else f"({prefix}{place}"
    return low, f"({prefix[0]}{int(prefix[1]) + 1}"


def cursor_of(sort: Sort, place: str) -> str:
    """An opaque cursor: the page after this place."""
    return base64.urlsafe_b64encode(f"{sort}{_SEPARATOR}{place}".encode()).decode().rstrip("=")


def read_cursor(sort: Sort, cursor: str) -> str:
    """The place that :func:`cursor_of` was given.

    Raises:
        CursorRefused: damaged, or made for another order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise CursorRefused("the cursor is damaged: use `next` as it was answered") from None
    made_for, separator, place = text.partition(_SEPARATOR)
    if not separator or made_for != sort:
        raise CursorRefused(f"the cursor was not made for sort={sort}: start without a cursor")
    return place


def findable(row: Row) -> str:
    """What a search looks into: name, id and owner, case folded, one a line."""
    owner = row.attributes.get("owner", "")
    return "\n".join(
        _folded(text) for text in (row.customer_name or "", row.customer_id, str(owner))
    )


def needle(search: str) -> str:
    """A search as :func:`findable` text would contain it."""
    return _folded(search.strip())


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(_SEPARATOR, " ").split())


def _head(row: Row) -> str:
    health = row.health
    return _HEADS[health.not_pursued is None, health.band]


def _worst_key(row: Row) -> str:
    score = row.health.score
    return f"{_SCORE_NONE if score is None else score:05d}"


def _best_key(row: Row) -> str:
    score = row.health.score
    return f"{_SCORE_NONE if score is None else 10_000 - score:05d}"


def _name_key(row: Row) -> str:
    return _folded(row.customer_name or row.customer_id)[:200] + _SEPARATOR


def _changed_key(row: Row) -> str:
    return f"{_MS_MAX - 1 - to_ms(row.changed_at):015d}"


def _attention_key(found: Attention) -> str:
    return f"{found.standing:d}{WEIGHT_MAX - found.weight:0{_WEIGHT_CHARS}d}"


_KEYS = {"worst": _worst_key, "best": _best_key, "name": _name_key, "changed": _changed_key}
