"""The view written anew from the customers' rows, and held against them. Workers may go on.

A worker sends a score change, from where it reaches the view, before the row it
belongs to is in the changelog. So a rebuild ends with the score changes of the
last minutes, lest the emptied view misses one that was shown already; and a
verification looks again before it calls what is on its way a difference.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import NamedTuple

from pydantic import ValidationError

from schemas.view_rows import Row
from schemas.views import CustomerHealth
from streams.clock import Clock
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import TopicReader, open_topic
from streams.settings import Settings
from streams.views.base import View
from streams.views.difference import difference
from streams.views.plain_scores import PlainScores

__all__ = ["Rebuilt", "Verified", "rebuild", "verify"]

BATCH_ROWS = 500
#: Longer than any checkpoint may take before its worker gives up.
IN_FLIGHT_MS_MAX = 10 * 60_000
#: Longer than a checkpoint and the view's feed take when all is well.
SETTLE_S = 2.0
LOOKS_AGAIN_MAX = 3


class Rebuilt(NamedTuple):
    """``customers`` have a score in the rows; ``recent`` score changes came on top."""

    customers: int
    recent: int


class Verified(NamedTuple):
    """How many customers were compared, and what differs, in words."""

    customers: int
    differences: list[str]


async def rebuild(settings: Settings, view: View, clock: Clock, on_read: OnRead) -> Rebuilt:
    """Empty the view and write it from the rows; earlier scores in its histories are gone.

    Raises:
        NamedExit: see :class:`CustomerRows`. Of a damaged changelog the view holds
            the partitions before the damaged one.
        ViewUnavailable: the view's store does not answer.
    """
    topics = settings.topics
    async with (
        open_topic(settings, topics.name("customers")) as changelog,
        open_topic(settings, topics.name("scores")) as scores,
    ):
        since_ms = clock.now_ms() - IN_FLIGHT_MS_MAX
        await view.clear()
        rows = CustomerRows(changelog)
        count = Count(on_read)
        spans = await rows.spans()
        count.total = sum(span.end - span.first for span in spans.values())
        customers = 0
        for partition, span in spans.items():
            await rows.read(partition, span, count.add)
            health = list(rows.health(partition).values())
            for begin in range(0, len(health), BATCH_ROWS):
                await view.apply(health[begin:][:BATCH_ROWS])
            customers += len(health)
            rows.forget(partition)
        recent = await _apply_recent(settings, scores, view, since_ms)
        while await view.refresh(clock.now_ms(), BATCH_ROWS) == BATCH_ROWS:
            pass
    return Rebuilt(customers, recent)


async def _apply_recent(settings: Settings, scores: TopicReader, view: View, since_ms: int) -> int:
    """Apply the score changes that may not be in any row yet; the view drops those it has."""
    spans = await scores.spans()
    start = {partition: span.first for partition, span in spans.items()}
    if not settings.broker_embedded:  # its records have no times
        since = await scores.since(since_ms)
        start = {partition: since.get(partition, span.end) for partition, span in spans.items()}
    applied = 0
    plain = PlainScores()
    until = {partition: span.end for partition, span in spans.items()}
    async with aclosing(scores.read(start, until)) as chunks:
        async for records in chunks:
            found = (_changed(plain, record.value) for record in records)
            batch = [row for row in found if row is not None]
            await view.apply(batch)
            applied += len(batch)
    return applied


def _changed(scores: PlainScores, value: bytes | None) -> Row | None:
    try:
        return scores.row(value)
    except ValidationError:
        return None  # not ours; the view's feed reports it


async def verify(settings: Settings, view: View, on_read: OnRead) -> Verified:
    """Hold the view against the rows. Needs memory for all customers, twice.

    Who differs is looked at again after a moment, up to three times: only what
    lasts is a difference.

    Raises:
        NamedExit: see :class:`CustomerRows`.
        ViewUnavailable: the view's store does not answer.
    """
    async with open_topic(settings, settings.topics.name("customers")) as changelog:
        rows = CustomerRows(changelog)
        count = Count(on_read)
        expected = await _expected(rows, count, None)
        found: Mapping[str, CustomerHealth] = await view.dump()
        inner = set(await view.problems())
        compared = expected.keys() | found.keys()
        differing = _differing(expected, found)
        for _ in range(LOOKS_AGAIN_MAX):
            if not differing and not inner:
                break
            await asyncio.sleep(SETTLE_S)
            expected = await _expected(rows, count, differing)
            found = {i: row for i in differing if (row := await view.customer(i)) is not None}
            differing = _differing(expected, found)
            inner &= set(await view.problems())
    return Verified(len(compared), difference(expected, found) + sorted(inner))


async def _expected(
    rows: CustomerRows, count: Count, only: list[str] | None
) -> dict[str, CustomerHealth]:
    """Read on to the present end; what the view must hold of these customers by now."""
    spans = await rows.spans()
    count.total = sum(span.end - span.first for span in spans.values())
    expected: dict[str, CustomerHealth] = {}
    for partition, span in spans.items():
        await rows.read(partition, span, count.add)
        expected |= rows.health(partition, only)
    return expected


def _differing(
    expected: Mapping[str, CustomerHealth], found: Mapping[str, CustomerHealth]
) -> list[str]:
    ids = sorted(expected.keys() | found.keys())
    return [i for i in ids if difference(_only(expected, i), _only(found, i))]


def _only(rows: Mapping[str, CustomerHealth], customer_id: str) -> dict[str, CustomerHealth]:
    return {customer_id: rows[customer_id]} if customer_id in rows else {}
