"""The intake app: one agent for each source topic, and the progress reports.

For each chunk: blocks and dead letters are written and awaited, then the chunk
is acknowledged. A chunk that comes again after a crash makes blocks with the
same source offsets, which the score agent knows by them. A partition of which too much is
bad is paused: what was refused up to there is durable, and acknowledged no further.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from faust.types import TP

from schemas import signals
from schemas.topics import SOURCES
from streams.clock import Clock
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.engine.batches import BatchWriter
from streams.engine.broker_clock import BrokerClock
from streams.engine.fatal import guarded
from streams.intake.blocks import (
    AGE_MS_MAX,
    FUTURE_MS_MAX,
    Chunk,
    ChunkResult,
    TimeBounds,
    blocks_of,
)
from streams.intake.pausing import Pausing
from streams.intake.plain_events import PlainEvents
from streams.intake.progress import ProgressPolicy, Standing, progress_of
from streams.intake.routing import CustomerRouter
from streams.metrics import Metrics
from streams.settings import Settings

__all__ = ["Intake"]

log = logging.getLogger(__name__)

#: History that is replayed in event time may be older than what is heard live.
AGE_MS_MAX_EVENT_TIME = 4 * AGE_MS_MAX


class Intake:
    """Reads all source topics and writes the signals log."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        broker_clock: BrokerClock,
        metrics: Metrics,
        policy: ProgressPolicy,
    ) -> None:
        self.app: VitalsApp = build_app(settings, clock, group=settings.topics.group_intake)
        self._settings = settings
        self._topics = settings.topics
        self._clock = clock
        self._broker_clock = broker_clock
        self._metrics = metrics
        self._policy = policy
        self._router: CustomerRouter | None = None
        self._plain = PlainEvents()
        self._dead_partitions = 1
        self._standings: dict[TP, Standing] = {}
        self._generation: int | None = None
        self._in_hand: defaultdict[TP, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.pausing = Pausing(settings, self.app, clock, metrics, self._go_on)
        for family in SOURCES:
            self._attach(family)
        self.app.when_lost(lambda topic, records: metrics.gap_records.labels(topic).inc(records))
        self.app.task(self.pausing.run)
        self.app.timer(settings.progress_ms / 1000, name="progress")(self._report)

    def _attach(self, family: str) -> None:
        topic = chunked_topic(self.app, self._topics.source(family))

        async def intake(stream: Any) -> None:
            async for event in self.app.deliveries(stream):
                await guarded(self._chunk(event, family))

        self.app.agent(topic, name=f"intake-{family}", concurrency=1)(intake)

    async def _chunk(self, event: Any, family: str) -> None:
        message = event.message
        tp = TP(message.topic, message.partition)
        await self._connect()
        known = await self.pausing.known()
        async with self._in_hand[tp]:
            readable = known and not self.pausing.is_paused(tp)
            if not readable or not self.app.chunks.is_current(message):
                self.app.abandon(event)
                return
            await self._handle(event, tp, family)

    async def _handle(self, event: Any, tp: TP, family: str) -> None:
        assert self._router is not None
        now_ms = self._now_ms()
        records = event.message.value
        topic_id = self.app.topic_ids.get(tp.topic, "")
        chunk = Chunk(tp.topic, tp.partition, family, records, topic_id)
        result = blocks_of(chunk, self._router, self._bounds(now_ms), now_ms, self._plain)
        bad = {letter.offset for letter in result.dead_letters}
        limit = self.pausing.limit_in(tp, records, bad)
        if limit is not None:
            records = records[: limit.records]
            chunk = replace(chunk, records=records)
            result = blocks_of(chunk, self._router, self._bounds(now_ms), now_ms, self._plain)
        await self._write(tp, result)
        self._metrics.intake_records.labels(tp.topic).inc(len(records))
        self._note(tp, records, result.latest_ms)
        if limit is None:
            event.ack()
        else:
            # In this order: what is acknowledged must not be the end of it after a crash.
            await self.pausing.pause(tp, limit.reason)
            self.app.acknowledge_through(event, records[-1].offset)

    async def _write(self, tp: TP, result: ChunkResult) -> None:
        """Blocks and dead letters, durably."""
        assert self._router is not None
        writer = BatchWriter(self.app.batches)
        name = self._topics.name("signals")
        for partition, block in result.blocks:
            block.partitions = self._router.partitions
            value = signals.encode(block)
            self._metrics.signal_block_bytes.observe(len(value))
            await writer.add(name, partition, None, value)
        dead = self._topics.name("dead_letters")
        for letter in result.dead_letters:
            self._metrics.dead_letters.labels(tp.topic, letter.reason).inc()
            partition = letter.partition % self._dead_partitions
            await writer.add(
                dead, partition, letter.key.encode(), letter.model_dump_json().encode()
            )
        await writer.flush()
        self._metrics.signal_blocks.inc(len(result.blocks))

    async def _go_on(self, tp: TP) -> None:
        """Read a partition again that was paused, from the first record that was not handled."""
        async with self._in_hand[tp]:
            self._begin_again()
            standing = self._standings.get(tp)
            offset = None if standing is None else standing.next_offset
            if offset is None:
                offset = (await self._first_offsets([tp])).get(tp)
            # If it was handed over meanwhile: whoever has it reads it from its committed offset.
            await self.app.chunks.go_on(tp, offset or 0)

    def _now_ms(self) -> int:
        """The broker's time: by a clock that is slow, events of now would seem to lie ahead."""
        return self._clock.now_ms() + self._broker_clock.offset_ms

    def _bounds(self, now_ms: int) -> TimeBounds:
        age_ms = AGE_MS_MAX_EVENT_TIME if self._policy.event_time else AGE_MS_MAX
        return TimeBounds(now_ms - age_ms, now_ms + FUTURE_MS_MAX)

    async def _connect(self) -> None:
        """Learn the partition counts and the broker's time, once."""
        if self._router is None:
            client = self.app.batches.client
            signals_partitions = await client.partitions_for(self._topics.name("signals"))
            dead_partitions = await client.partitions_for(self._topics.name("dead_letters"))
            self._dead_partitions = len(dead_partitions)
            self._router = CustomerRouter(len(signals_partitions))
            # A record that says nothing: its answer has the broker's stamp.
            await self._append(signals.encode(signals.Progress({})))

    def _begin_again(self) -> None:
        """Forget what was known before a rebalance: others may have read on meanwhile."""
        if self._generation != self.app.consumer_generation_id:
            self._generation = self.app.consumer_generation_id
            self._standings = {}

    def _note(self, tp: TP, records: Sequence[Any], latest_ms: int) -> None:
        self._begin_again()
        standing = self._standings.setdefault(tp, Standing())
        standing.next_offset = records[-1].offset + 1
        standing.stamped_ms = records[-1].timestamp
        standing.latest_ms = max(standing.latest_ms, latest_ms)

    async def _report(self) -> None:
        await guarded(self._write_progress())

    async def _write_progress(self) -> None:
        """Tell every signals partition how far the sources held here have been read."""
        if self.app.rebalancing or self.app.should_stop:
            return
        await self._connect()
        assert self._router is not None
        assignment = [TP(*tp) for tp in self.app.consumer.assignment()]
        self._begin_again()
        await self._begin_with([tp for tp in assignment if tp not in self._standings])
        read_to_ms: dict[str, int] = {}
        lag: dict[str, int] = {}
        for tp in assignment:
            standing = self._standings.setdefault(tp, Standing())
            _, log_end, asked_ms = self.app.chunks.standing(tp)
            if asked_ms is not None:
                asked_ms += self._broker_clock.offset_ms
            if standing.next_offset is not None:
                standing.next_offset = self.app.chunks.read_to(tp, standing.next_offset)
            time_ms, _ = progress_of(standing, log_end, asked_ms, self._policy)
            read_to_ms[f"{tp.topic}/{tp.partition}"] = time_ms
            if log_end is not None and standing.next_offset is not None:
                lag[tp.topic] = lag.get(tp.topic, 0) + max(log_end - standing.next_offset, 0)
        for topic, records in lag.items():
            self._metrics.intake_lag_records.labels(topic).set(records)
        if read_to_ms and not self.app.rebalancing:
            await self._append(signals.encode(signals.Progress(read_to_ms)))

    async def _append(self, value: bytes) -> None:
        assert self._router is not None
        client, name = self.app.batches.client, self._topics.name("signals")
        sent_ms = self._clock.now_ms()
        futures = [
            await client.send(name, value, partition=partition)
            for partition in range(self._router.partitions)
        ]
        answers = await asyncio.gather(*futures)
        self._broker_clock.answered(sent_ms, answers, self._clock.now_ms())

    async def _begin_with(self, tps: Sequence[TP]) -> None:
        """Where reading begins in partitions of which nothing was forwarded yet.

        Asked for all of them at once, and remembered: an answer takes as long as the fetch that
        is under way.
        """
        for tp, offset in (await self._first_offsets(tps)).items():
            self._standings.setdefault(tp, Standing(next_offset=offset))

    async def _first_offsets(self, tps: Sequence[TP]) -> dict[TP, int]:
        """Of each partition the committed offset, else its beginning; none if nobody knows."""
        committed = self.app.chunks._committed_offset
        found = {tp: committed[tp] for tp in tps if committed.get(tp) is not None}
        unknown = [tp for tp in tps if tp not in found]
        if unknown:
            found |= await self.app.consumer.earliest_offsets(*unknown)
        return {tp: int(offset) for tp, offset in found.items() if offset is not None}
