"""The view in memory: the shipped fake. One contract suite holds it against Redis.

For tests and for pages without a Redis. It lives and dies with its process.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from schemas.scores import Band
from schemas.view_rows import Row
from schemas.views import CustomerHealth, HistoryPoint, Percentile
from streams.clock import to_ms
from streams.views.attention import attention_of
from streams.views.base import (
    HISTORY_MAX,
    LIMIT_MAX,
    STREAM_MAX,
    Applied,
    Change,
    Page,
    Segment,
    Sort,
    ViewUnavailable,
    percentile,
)
from streams.views.ranking import (
    BANDS,
    cursor_of,
    findable,
    needle,
    place_of,
    ranking_of,
    read_cursor,
    segment_of,
)
from streams.views.row_json import read_back

__all__ = ["MemoryView"]


class MemoryView:
    """:class:`~streams.views.base.View` in dictionaries.

    Set ``outage`` to a message to have every call fail as if the store were down.
    """

    def __init__(self) -> None:
        self.outage: str | None = None
        self._rows: dict[str, CustomerHealth] = {}
        self._histories: dict[str, list[HistoryPoint]] = {}
        self._ranked: dict[str, int] = {}  # as of when, Unix milliseconds
        self._log: list[tuple[int, str | None]] = []  # (number, customer id or None: read again)
        self._number = 0
        self._news = asyncio.Event()

    async def apply(self, batch: Sequence[Row]) -> Sequence[Applied]:
        """Take in rows."""
        self._answer()
        return [self._apply(read_back(row)) for row in batch]

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
        segment: str | None = None,
        pursued: bool | None = None,
        sort: Sort = Sort.ATTENTION,
        search: str = "",
    ) -> Page:
        """A page of customers."""
        limit = min(max(limit, 1), LIMIT_MAX)
        after = read_cursor(sort, cursor) if cursor else ""
        self._answer()
        ranking = ranking_of(sort)
        placed = sorted(
            (place_of(ranking.member(row, self._ranked[row.customer_id])), row.customer_id)
            for row in self._in(segment, pursued=pursued)
            if (band is None or row.health.band is band) and needle(search) in findable(row)
        )
        left = [(place, customer_id) for place, customer_id in placed if place > after]
        page = left[:limit]
        following = cursor_of(sort, page[-1][0]) if len(left) > limit else None
        return Page(tuple(self._rows[customer_id] for _, customer_id in page), following)

    async def counts(
        self, *, segment: str | None = None, pursued: bool | None = None
    ) -> Mapping[Band, int]:
        """How many customers each band holds."""
        self._answer()
        rows = self._in(segment, pursued=pursued)
        return {band: sum(row.health.band is band for row in rows) for band in BANDS}

    async def segments(self) -> Sequence[Segment]:
        """The segments that have customers, the largest first, then by name."""
        self._answer()
        labels = {
            row.health.segment.name: row.health.segment.label
            for row in self._rows.values()
            if row.health.segment is not None
        }
        found = [Segment(*each, len(self._in(each[0]))) for each in labels.items()]
        return sorted(found, key=lambda segment: (-segment.customers, segment.name))

    async def percentiles(self, rows: Sequence[CustomerHealth]) -> Sequence[Percentile]:
        """Where each of these customers' scores stands among all, and in its segment."""
        self._answer()
        everywhere = self._scores(None)
        found = []
        for row in rows:
            segment = segment_of(row)
            within = self._scores(segment) if segment else []
            found.append(
                Percentile(
                    portfolio=_rank(row.health.score, everywhere),
                    n=len(everywhere),
                    segment=_rank(row.health.score, within),
                    segment_n=len(within),
                )
            )
        return found

    async def refresh(self, now_ms: int, limit: int = 500) -> int:
        """Rank anew those whose renewal came a step closer; how many there were."""
        self._answer()
        steps = (
            (attention_of(row, self._ranked[customer_id]).next_ms, customer_id)
            for customer_id, row in self._rows.items()
        )
        due = sorted((at, each) for at, each in steps if at is not None and at <= now_ms)[:limit]
        self._ranked.update((customer_id, now_ms) for _, customer_id in due)
        return len(due)

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

    def _in(self, segment: str | None, *, pursued: bool | None = None) -> list[CustomerHealth]:
        return [
            row
            for row in self._rows.values()
            if (not segment or segment_of(row) == segment)
            and pursued in (None, row.health.not_pursued is None)
        ]

    def _scores(self, segment: str | None) -> list[int]:
        scores = (row.health.score for row in self._in(segment))
        return [score for score in scores if score is not None]

    def _apply(self, row: CustomerHealth) -> Applied:
        held = self._rows.get(row.customer_id)
        if held is not None:
            order, held_order = (row.epoch, row.sequence), (held.epoch, held.sequence)
            if order < held_order:
                return Applied.STALE
            if order == held_order:
                return Applied.DUPLICATE
        self._rows[row.customer_id] = row
        self._ranked[row.customer_id] = to_ms(row.changed_at)
        history = self._histories.setdefault(row.customer_id, [])
        history.insert(
            0,
            HistoryPoint.of(row),
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


def _rank(score: int | None, scores: Sequence[int]) -> int | None:
    if score is None:
        return None
    below = sum(other < score for other in scores)
    return percentile(below, scores.count(score), len(scores))
