"""Score changes into the view.

Its own consumer group: a dead Redis delays the view and nothing else. Writing
is idempotent by (epoch, sequence), so a chunk may come again. Every few seconds
customers whose renewal came a day closer are ranked anew, a bounded number of them;
each worker does so, and it does no harm to be done twice.
"""

import asyncio
import logging
from collections import Counter
from typing import Any

from faust.types import TP
from pydantic import ValidationError

from schemas.view_rows import Row
from streams.clock import Clock
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.engine.fatal import guarded
from streams.metrics import Metrics
from streams.settings import Settings
from streams.views.base import View, ViewUnavailable
from streams.views.plain_scores import PlainScores

__all__ = ["ViewFeed"]

log = logging.getLogger(__name__)

RETRY_S_MAX = 5.0
REFRESH_S = 5.0
#: Customers in one round trip, and round trips in one refresh.
REFRESH_ROWS, REFRESH_ROUNDS = 500, 10


class ViewFeed:
    """Reads the scores topic and writes the view."""

    def __init__(self, settings: Settings, clock: Clock, metrics: Metrics, view: View) -> None:
        self.app: VitalsApp = build_app(settings, clock, group=settings.topics.group_view)
        self._clock = clock
        self._metrics = metrics
        self._view = view
        self._scores = PlainScores()
        self._handing_over = asyncio.Event()
        self._busy = asyncio.Lock()
        self._topic = settings.topics.name("scores")
        topic = chunked_topic(self.app, self._topic)

        async def feed(stream: Any) -> None:
            async for event in self.app.deliveries(stream):
                await guarded(self._chunk(event))

        self.app.agent(topic, name="view", concurrency=1)(feed)
        self.app.timer(REFRESH_S, name="refresh")(self._timed_refresh)
        self.app.before_handover(self._hand_over)

    async def _hand_over(self) -> None:
        """End a retry that is waiting; the chunk is read again by whoever owns it next."""
        self._handing_over.set()
        async with self._busy:
            self._handing_over.clear()

    async def _timed_refresh(self) -> None:
        self.tell_lag()
        await guarded(self.refresh())

    def tell_lag(self) -> None:
        """How many score changes of the partitions held here the view does not have yet."""
        held = (TP(self._topic, partition) for partition in self.app.assigned(self._topic))
        self._metrics.view_lag_records.set(sum(self.app.chunks.untaken(tp) or 0 for tp in held))

    async def refresh(self) -> None:
        """Rank anew who is due; what is left over is next time's, and so is a dead Redis."""
        now_ms = self._clock.now_ms()
        try:
            for _ in range(REFRESH_ROUNDS):
                reranked = await self._view.refresh(now_ms, REFRESH_ROWS)
                self._metrics.view_reranked.inc(reranked)
                if reranked < REFRESH_ROWS:
                    return
        except ViewUnavailable as unavailable:
            log.warning("%s; trying again in %.1f s", unavailable, REFRESH_S)

    async def _chunk(self, event: Any) -> None:
        partition = event.message.partition
        found = [self._row(partition, record) for record in event.message.value]
        rows = [row for row in found if row is not None]
        async with self._busy:
            delay_s = 0.2
            while True:
                try:
                    started_s = self._clock.elapsed_s()
                    for outcome, n in Counter(await self._view.apply(rows)).items():
                        self._metrics.view_rows.labels(str(outcome)).inc(n)
                    self._metrics.view_apply_s.observe(self._clock.elapsed_s() - started_s)
                    event.ack()
                    return
                except ViewUnavailable as unavailable:
                    log.warning("%s; trying again in %.1f s", unavailable, delay_s)
                if await self._told_to_hand_over(delay_s):
                    self.app.abandon(event)
                    return
                delay_s = min(delay_s * 2, RETRY_S_MAX)

    async def _told_to_hand_over(self, within_s: float) -> bool:
        try:
            await asyncio.wait_for(self._handing_over.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def _row(self, partition: int, record: Any) -> Row | None:
        """The view's row in a record of the scores topic; a foreign record is skipped."""
        try:
            return self._scores.row(record.value)
        except ValidationError as error:
            where = (partition, record.offset)
            log.warning(
                "skipped a record that is no score change, partition %d, offset %d: %s",
                *where,
                error,
            )
            return None
