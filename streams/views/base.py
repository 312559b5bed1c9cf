"""The view's port: what a read model of the scores promises.

A view is never the truth. It can be thrown away and written anew from the
customers' rows, and everything in it follows from the greatest
(epoch, sequence) that it was given for each customer, whatever the order and
however often. What lives here: the promises. What must never live here: Redis.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from schemas.scores import Band
from schemas.view_rows import Row
from schemas.views import CustomerHealth, HistoryPoint, Percentile

__all__ = [
    "GROUP_MIN",
    "HISTORY_MAX",
    "LIMIT_MAX",
    "STREAM_MAX",
    "Applied",
    "Change",
    "CursorRefused",
    "Page",
    "Segment",
    "Sort",
    "View",
    "ViewUnavailable",
    "percentile",
]

#: Of each customer this many earlier scores are kept.
HISTORY_MAX = 500
#: About this many changes are kept for viewers that come back after a break.
STREAM_MAX = 10_000
#: Customers on one page, at most.
LIMIT_MAX = 500
#: In a smaller group of scored customers a percentile is theatre, and there is none.
GROUP_MIN = 20


class Applied(StrEnum):
    """What became of a row that the view was given."""

    APPLIED = "applied"
    STALE = "stale"  # a greater (epoch, sequence) is held: nothing was changed
    DUPLICATE = "duplicate"  # the same (epoch, sequence) is held: nothing was changed


class Sort(StrEnum):
    """The orders in which customers can be listed. Ties are broken by the customer id."""

    ATTENTION = "attention"  # risk x value x closeness of renewal; handled, then not pursued last
    SCORE = "score"  # lowest first; without a score last
    SCORE_DESC = "-score"  # highest first; without a score last
    NAME = "name"
    CHANGED = "changed"  # newest first


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers, and the cursor of those that follow; None when these are the last."""

    items: tuple[CustomerHealth, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that has customers, as its scorecard names it, and how many."""

    name: str
    label: str
    customers: int


def percentile(below: int, equal: int, n: int) -> int | None:
    """The percentile rank, 1 to 100, of one of ``n`` scored customers; None below 20 of them.

    ``below`` have a lower score, ``equal`` the same one, itself included. The only
    worst is at 1, the only best at 100; those that share a score share the middle of
    their ranks, rounded down.
    """
    if n < GROUP_MIN:
        return None
    rank = 1 + 99 * (2 * below + max(equal, 1) - 1) // (2 * (n - 1))
    return min(rank, 100)  # the counts are read one after the other while scores move


@dataclass(frozen=True, slots=True)
class Change:
    """A customer as it stands now, and the place in the log of changes.

    ``customer`` is None when anything may have changed: the view was emptied, or
    changes were missed. Read again what is shown.
    """

    id: str
    customer: CustomerHealth | None


class ViewUnavailable(Exception):
    """The store does not answer. ``message`` says what and where, ``remedy`` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class CursorRefused(ValueError):
    """The cursor was not made by this view, or for another order."""


class View(Protocol):
    """Current health, rankings, counts and history of all customers.

    Every method but the pure ones may raise :class:`ViewUnavailable`.
    """

    async def apply(self, batch: Sequence[Row]) -> Sequence[Applied]:
        """Take in rows; the answers stand in the order of the rows.

        Each row takes effect whole or not at all. A row whose (epoch, sequence)
        is not greater than the one held changes nothing.
        """

    async def customer(self, customer_id: str) -> CustomerHealth | None:
        """One customer's current health."""

    async def history(self, customer_id: str, limit: int = HISTORY_MAX) -> Sequence[HistoryPoint]:
        """A customer's scores, newest first, the current one included."""

    async def customers(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        band: Band | None = None,
        segment: str | None = None,
        pursued: bool | None = None,
        sort: Sort = Sort.ATTENTION,
        search: str = "",
    ) -> Page:
        """A page of customers; those of a band, of a segment, those (not) pursued.

        ``search`` is looked for in id, name and owner, without regard to case. A
        page can hold fewer than ``limit`` customers, and even none, while
        ``next`` is set: a search examines a bounded number of customers a page.

        Raises:
            CursorRefused: the cursor belongs to another order, or is damaged.
        """

    async def counts(
        self, *, segment: str | None = None, pursued: bool | None = None
    ) -> Mapping[Band, int]:
        """How many customers each band holds; every band is in it."""

    async def segments(self) -> Sequence[Segment]:
        """The segments that have customers, the largest first, then by name."""

    async def percentiles(self, rows: Sequence[CustomerHealth]) -> Sequence[Percentile]:
        """Where each of these customers' scores stands among all, and in its segment."""

    async def refresh(self, now_ms: int, limit: int = 500) -> int:
        """Rank anew those whose renewal came a step closer; how many there were.

        ``limit`` at most: call it again until there are fewer. A row is ranked as of its
        change when it is applied, so that the order follows from the rows and the latest
        refresh alone. Viewers are told nothing: no customer changed.
        """

    async def position(self) -> str:
        """The place of the newest change, to be given to :meth:`changes`."""

    def changes(
        self, after: str | None = None, *, wait_s: float = 1.0
    ) -> AsyncGenerator[Sequence[Change], None]:
        """Batches of changes after a place, or from now on; it never ends by itself.

        Several changes of one customer in a batch are one, the newest. An empty
        batch says that nothing happened for ``wait_s``. A place that is no
        longer held gives a change without a customer first.
        """

    async def remove(self, customer_id: str) -> bool:
        """Forget one customer, its history included; whether there was one."""

    async def clear(self) -> None:
        """Forget all customers. Viewers are told to read again.

        Rows applied meanwhile are forgotten whole or kept whole.
        """

    async def dump(self) -> Mapping[str, CustomerHealth]:
        """Every customer's current health by id, for verification."""

    async def problems(self) -> Sequence[str]:
        """Where the view contradicts itself, in words: rankings against rows."""

    async def ping(self) -> None:
        """Return when the store answers."""

    async def close(self) -> None:
        """Give back the connections."""
