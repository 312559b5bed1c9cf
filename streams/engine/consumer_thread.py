"""The thread in which a consumer talks to the broker, and what it needs of its app.

Confirmed heartbeats renew the lease, commits carry the ids of their topics, and the
client reads committed records only.
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Mapping,
)
from typing import Any, Protocol, cast

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.clock import Clock
from streams.engine.fetch_wait import FetchWait, let_fetches_wait
from streams.engine.ownership import Lease
from streams.engine.raw_records import hand_out_raw_records
from streams.engine.starting import Standing, Start

__all__ = ["ConsumerThread", "Host"]


class Host(Protocol):
    """What the transport needs of the app that it works for."""

    fetch_max_wait_ms: int
    lease: Lease
    clock: Clock
    should_stop: bool
    flow_control: Any
    settle: Callable[[], Awaitable[None]]
    own: Callable[[Collection[TP]], Awaitable[None]]
    start_of: Callable[[TP, Standing], Start | None]
    passed: Callable[[TP, int, int], None]
    topic_ids: Mapping[str, str]
    learn_topic_ids: Callable[[], Awaitable[None]]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has it only together with transactions of its own.
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Connect, then have confirmed heartbeats renew the lease."""
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        host = cast("Host", self.app)
        beat, lease, clock = coordinator._do_heartbeat, host.lease, host.clock

        async def confirmed() -> bool:
            sent_s = clock.elapsed_s()
            ok: bool = await beat()
            if ok:
                lease.renew(sent_s)
            return ok

        coordinator._do_heartbeat = confirmed
        consumer = self._ensure_consumer()
        hand_out_raw_records(consumer)
        let_fetches_wait(consumer, FetchWait(host.fetch_max_wait_ms))
        commit = consumer.commit

        async def with_topic_ids(offsets: Mapping[Any, Any]) -> None:
            await commit(
                {tp: (one.offset, host.topic_ids.get(tp.topic, "")) for tp, one in offsets.items()}
            )

        consumer.commit = with_topic_ids

    async def standings(self) -> dict[TP, Standing]:
        """What the broker knows of each source partition that is held."""
        return cast("dict[TP, Standing]", await self.call_thread(self._standings))

    async def _standings(self) -> dict[TP, Standing]:
        consumer = self._ensure_consumer()
        changelogs = self.app.tables.changelog_topics
        sources = [tp for tp in consumer.assignment() if tp.topic not in changelogs]
        if not sources:
            return {}
        begins, ends = await asyncio.gather(
            consumer.beginning_offsets(sources), consumer.end_offsets(sources)
        )
        committed = await consumer._coordinator.fetch_committed_offsets(sources)
        ids = cast("Host", self.app).topic_ids
        standings = {}
        for tp in sources:
            offset, topic_id = committed.get(tp, (-1, ""))
            known = (offset, topic_id) if offset >= 0 else (None, "")
            standings[TP(*tp)] = Standing(
                begins[tp], ends[tp], known[0], ids.get(tp.topic, ""), known[1]
            )
        return standings

    async def seek_all(self, offsets: Mapping[TP, int]) -> None:
        """Go on at these offsets; a partition that was given away meanwhile is left alone."""
        await self.call_thread(self._seek_all, offsets)

    async def _seek_all(self, offsets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        held = consumer.assignment()
        for tp, offset in offsets.items():
            wanted = aiokafka.TopicPartition(tp.topic, tp.partition)
            if wanted in held:
                consumer.seek(wanted, offset)

    def standing(self, tp: TP) -> tuple[int | None, int | None, int | None]:
        """What the last fetch said of a partition: next offset, log end, when (Unix ms)."""
        consumer = self._ensure_consumer()
        assignment = consumer._subscription.subscription.assignment
        state = assignment.state_value(aiokafka.TopicPartition(tp.topic, tp.partition))
        if state is None or not state.has_valid_position:
            return None, None, None
        return state.position, state.highwater, state.timestamp
