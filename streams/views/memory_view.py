"""The view in memory: the shipped fake. One contract suite holds it against Redis.

For tests and for pages without a Redis. It lives and dies with its process.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from schemas.scores import Band
from schemas.views import CustomerHealth, HistoryPoint
from streams.views.base import (
    HISTORY_MAX,
    LIMIT_MAX,
    STREAM_MAX,
    Applied,
    Change,
    Page,
    Sort,
    ViewUnavailable,
)
from streams.views.ranking import (
    BANDS,
    cursor_of,
    findable,
    needle,
    place_of,
    ranking_of,
    read_cursor,
)

__all__ = ["MemoryView"]


class MemoryView:
    """:class:`~streams.views.base.View` in dictionaries.

    Set ``outage`` to a message to have every call fail as if the store were down.
    """

    def __init__(self) -> None:
        self.outage: str | None = None
        self._rows: dict[str, CustomerHealth] = {}
        self._histories: dict[str, list[HistoryPoint]] = {}
        self._log: list[tuple[int, str | None]] = []  # (number, customer id or None: read again)
        self._number = 0
        self._news = asyncio.Event()

    async def apply(self, batch: Sequence[CustomerHealth]) -> Sequence[Applied]:
        """Take in rows."""
        self._answer()
        return [self._apply(row) for row in batch]

    async def customer(self, customer_id: str) -> CustomerHealth | None:
        """One customer's current health."""
        self._answer()
        return self._rows.get(customer_id)

    async def history(self, customer_id: str, limit: int = HISTORY_MAX) -> Sequence[HistoryPoint]:
        """A customer's scores, newest first."""
        self._answer()
        return self._histories.get(customer_id, [])[: max(limit, 0)]

    async def customers(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        band: Band | None = None,
        sort: Sort = Sort.ATTENTION,
        search: str = "",
    ) -> Page:
        """A page of customers."""
        limit = min(max(limit, 1), LIMIT_MAX)
        after = read_cursor(sort, cursor) if cursor else ""
        self._answer()
        ranking = ranking_of(sort)
        placed = sorted(
            (place_of(sort, ranking.member(row)), row.customer_id)
            for row in self._rows.values()
            if (band is None or row.health.band is band) and needle(search) in findable(row)
        )
        left = [(place, customer_id) for place, customer_id in placed if place > after]
        page = left[:limit]
        following = cursor_of(sort, page[-1][0]) if len(left) > limit else None
        return Page(tuple(self._rows[customer_id] for _, customer_id in page), following)

    async def counts(self) -> Mapping[Band, int]:
        """How many customers each band holds."""
        self._answer()
        return {band: sum(row.health.band is band for row in self._rows.values()) for band in BANDS}

    async def position(self) -> str:
        """The place of the newest change."""
        self._answer()
        return f"{self._number}-0"

    async def changes(
        self, after: str | None = None, *, wait_s: float = 1.0
    ) -> AsyncGenerator[Sequence[Change], None]:
        """Batches of changes."""
        self._answer()
        number = self._number if after is None else self._held(after)
        if number is None:
            number = self._number
            yield [Change(f"{number}-0", None)]
        while True:
            if number == self._number:
                await self._wait(wait_s)
            self._answer()
            entries = [entry for entry in self._log if entry[0] > number]
            number = self._number
            yield self._changed(entries)

    async def remove(self, customer_id: str) -> bool:
        """Forget one customer, its history included."""
        self._answer()
        found = self._rows.pop(customer_id, None) is not None
        self._histories.pop(customer_id, None)
        if found:
            self._tell(None)
        return found

    async def clear(self) -> None:
        """Forget all customers."""
        self._answer()
        self._rows.clear()
        self._histories.clear()
        self._tell(None)

    async def dump(self) -> Mapping[str, CustomerHealth]:
        """Every customer's current health by id."""
        self._answer()
        return dict(self._rows)

    async def problems(self) -> Sequence[str]:
        """Nothing: its rankings are made anew for every page."""
        self._answer()
        return []

    async def ping(self) -> None:
        """Return unless there is an outage."""
        self._answer()

    async def close(self) -> None:
        """Nothing to give back."""

    def _answer(self) -> None:
        if self.outage is not None:
            raise ViewUnavailable(self.outage, "This recovers by itself.")

    def _apply(self, row: CustomerHealth) -> Applied:
        held = self._rows.get(row.customer_id)
        if held is not None:
            order, held_order = (row.epoch, row.sequence), (held.epoch, held.sequence)
            if order < held_order:
                return Applied.STALE
            if order == held_order:
                return Applied.DUPLICATE
        self._rows[row.customer_id] = row
        history = self._histories.setdefault(row.customer_id, [])
        history.insert(
            0,
            HistoryPoint(
                at=row.changed_at,
                sequence=row.sequence,
                score=row.health.score,
                band=row.health.band,
                because=row.because,
            ),
        )
        del history[HISTORY_MAX:]
        self._tell(row.customer_id)
        return Applied.APPLIED

    def _tell(self, customer_id: str | None) -> None:
        self._number += 1
        self._log.append((self._number, customer_id))
        del self._log[:-STREAM_MAX]
        self._news.set()
        self._news = asyncio.Event()

    async def _wait(self, wait_s: float) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), wait_s)
        except TimeoutError:
            return

    def _held(self, after: str) -> int | None:
        """The number of a place, None when changes after it may be gone."""
        head, _, tail = after.partition("-")
        if not (head.isascii() and head.isdigit() and len(head) < 16) or tail not in ("", "0"):
            return None
        number = int(head)
        dropped = self._number - len(self._log)
        return number if dropped <= number <= self._number else None

    def _changed(self, entries: Sequence[tuple[int, str | None]]) -> list[Change]:
        numbers: dict[str, int] = {}
        reset: int | None = None
        for number, customer_id in entries:
            if customer_id is None:
                numbers.clear()
                reset = number
            else:
                numbers.pop(customer_id, None)
                numbers[customer_id] = number
        found = [] if reset is None else [Change(f"{reset}-0", None)]
        return found + [
            Change(f"{number}-0", self._rows[customer_id])
            for customer_id, number in numbers.items()
            if customer_id in self._rows
        ]
