"""How customers are ranked: each order is one sorted text per customer.

A *member* is the band's rank, then a key of the order, then the customer id:
``0`` + ``04210`` + ``acme``. Members compare as bytes, so a ranking is a plain
ordered set, a page starts right after the last member of the page before it
(no offset that shifts while scores move), and a band is one contiguous range.
The *place* of a member is the part by which the order sorts: the whole member
for attention, all but the band's rank for the others.
"""

import base64
import binascii
from dataclasses import dataclass

from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.clock import to_ms
from streams.views.base import CursorRefused, Sort

__all__ = [
    "BANDS",
    "RANKINGS",
    "Ranking",
    "cursor_of",
    "findable",
    "needle",
    "place_of",
    "ranges",
    "ranking_of",
    "read_cursor",
]

#: The bands from worst to best; the index is the band's rank in every member.
BANDS = (Band.RED, Band.YELLOW, Band.UNKNOWN, Band.GREEN)

_SCORE_NONE = 99_999  # sorts behind every score, in both directions
_MS_MAX = 10**15
_SEPARATOR = "\0"  # cannot stand in an id, and sorts before every character of a name


@dataclass(frozen=True, slots=True)
class Ranking:
    """One ordered set, and how long a member's key is (0: it ends at a separator)."""

    name: str
    key_chars: int

    def member(self, row: CustomerHealth) -> str:
        """The customer's text in this ranking."""
        return f"{BANDS.index(row.health.band)}{_key(self.name, row)}{row.customer_id}"

    def customer_id(self, member: str) -> str:
        """The customer that a member stands for."""
        if self.key_chars:
            return member[1 + self.key_chars :]
        return member.rpartition(_SEPARATOR)[2]


_WORST = Ranking("worst", 5)
_BEST = Ranking("best", 5)
_NAME = Ranking("name", 0)
_CHANGED = Ranking("changed", 15)
RANKINGS = (_WORST, _BEST, _NAME, _CHANGED)

_OF_SORT = {
    Sort.ATTENTION: _WORST,
    Sort.SCORE: _WORST,
    Sort.SCORE_DESC: _BEST,
    Sort.NAME: _NAME,
    Sort.CHANGED: _CHANGED,
}


def ranking_of(sort: Sort) -> Ranking:
    """The ranking that an order reads; attention and score share one."""
    return _OF_SORT[sort]


def place_of(sort: Sort, member: str) -> str:
    """The part of a member by which the order sorts across bands."""
    return member if sort is Sort.ATTENTION else member[1:]


def ranges(sort: Sort, band: Band | None, place: str | None) -> list[tuple[str, str]]:
    """The ranges of members after a place, in Redis' notation: ``[`` with, ``(`` without.

    One range a band; for attention the bands follow each other, for the other
    orders their members must be merged by place.
    """
    found = []
    for rank, each in enumerate(BANDS):
        if band is not None and each is not band:
            continue
        low = f"[{rank}"
        if place is not None and sort is not Sort.ATTENTION:
            low = f"({rank}{place}"
        elif place is not None and place > low[1:]:
            low = f"({place}"  # in a band before the place's this leaves nothing
        found.append((low, f"({rank + 1}"))
    return found


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


def findable(row: CustomerHealth) -> str:
    """What a search looks into: name, id and owner, case folded, one a line."""
    owner = row.attributes.get("owner", "")
    return "\n".join(
        _folded(text) for text in (row.customer_name or "", row.customer_id, str(owner))
    )


def needle(search: str) -> str:
    """A search as :func:`findable` text would contain it."""
    return _folded(search.strip())


def _key(ranking: str, row: CustomerHealth) -> str:
    score = row.health.score
    if ranking == "worst":
        return f"{_SCORE_NONE if score is None else score:05d}"
    if ranking == "best":
        return f"{_SCORE_NONE if score is None else 10_000 - score:05d}"
    if ranking == "changed":
        return f"{_MS_MAX - 1 - to_ms(row.changed_at):015d}"
    return _folded(row.customer_name or row.customer_id)[:200] + _SEPARATOR


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(_SEPARATOR, " ").split())
