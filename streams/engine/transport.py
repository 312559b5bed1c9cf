"""Faust's Kafka transport, with what stock Faust lacks.

- *Chunks*: one Faust event carries a list of raw records of one partition
  (stock delivery costs four asyncio tasks a record). The message has the
  chunk's last offset; acknowledging it acknowledges the chunk.
- *Commits that keep up*: chunks of a partition are acknowledged in order (every
  agent here has concurrency 1), so the offset to commit is one past the last
  acknowledged. Faust's gap tracking, which expects every offset, is not used.
- *Start*: each partition begins where nothing unread is passed over, or the process ends.
- *Hold*: one partition is not fetched while the others go on, and the client goes on polling.
- *Revoke*: work in hand is made durable and committed before Faust forgets it.
- *Lease*: confirmed heartbeats renew it.
- *Read committed*: what a transaction wrote that was aborted is never seen.
- *Restore*: before the ends of changelogs are asked for, their partitions are fenced.
- An idempotent producer, acks from all replicas.
"""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, Protocol, cast

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, ConsumerMessage

from streams.clock import Clock
from streams.engine.fatal import guarded
from streams.engine.ownership import Lease
from streams.engine.starting import Standing, Start
from streams.exits import Exit, NamedExit

__all__ = ["ChunkScheduler", "Consumer", "ConsumerThread", "Producer", "Records", "Transport"]

log = logging.getLogger(__name__)


#: A fetch waits no longer than this, so that a seek need not wait for it.
FETCH_S_MAX = 0.25


class ChunkScheduler(DefaultSchedulingStrategy):
    """Hands out records in chunks, the partitions in turn."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Pairs of partition and chunk; a poll returns few of each, so no partition starves."""
        for tp, found in records.items():
            if found:
                yield tp, found


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
        # Faust has no setting for it; its 1500 ms are latency where no fetch is woken.
        consumer._fetch_max_wait_ms = cast("Host", self.app).fetch_max_wait_ms
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


class _NoReadOffsets(dict[Any, Any]):
    """In place of Faust's read offsets: nothing is dropped by them.

    Faust drops a message whose offset lies below the last one delivered. A chunk
    carries its last offset, and the borders of chunks differ when they are read
    again: whole chunks would be lost. What is delivered twice the agents know.
    """

    def __getitem__(self, key: Any) -> None:
        return None


class Records(list[Any]):
    """A chunk's records, where the fetch that brought them began, and in which turn it did.

    A turn begins whenever a partition is sent to an offset. ``begins`` lies before the
    first record where offsets have none; it is None for what nobody asked for.
    """

    def __init__(self, records: Iterable[Any], turn: int, begins: int | None) -> None:
        super().__init__(records)
        self.turn = turn
        self.begins = begins


class Consumer(driver.Consumer):
    """A consumer of chunks.

    A seek and a fetch never overlap, and what was fetched before a seek is not
    delivered after it. In stock Faust a fetch under way when a restore ends may
    run ahead of the seek that follows; what lies in between is then lost.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetching = asyncio.Lock()
        self._seeks = 0
        self._held: set[TP] = set()
        self._turns: dict[TP, int] = {}
        self._read_offset = _NoReadOffsets()
        #: Of source partitions: the offset to be fetched next, and to be taken next by an agent.
        self._next: dict[TP, int] = {}
        self._taken_to: dict[TP, int] = {}
        #: Where the client stood after the last fetch: also behind what no record has.
        self._positions: dict[TP, int] = {}

    async def perform_seek(self) -> None:
        """Seek to where reading goes on, while nothing is being fetched.

        The client leaves a partition without a committed offset (or with 0)
        where it is: what was fetched ahead of a restore, and dropped, would be lost.
        """
        async with self._fetching:
            self._seeks += 1
            await guarded(self._seek_to_start())

    async def _seek_to_start(self) -> None:
        host, thread = cast("Host", self.app), cast("ConsumerThread", self._thread)
        await host.learn_topic_ids()
        standings = await thread.standings()
        starts = {tp: host.start_of(tp, standing) for tp, standing in standings.items()}
        offsets = {tp: start.offset for tp, start in starts.items() if start is not None}
        await self._send_to(offsets)
        self._committed_offset.update({tp: offset or None for tp, offset in offsets.items()})

    async def _send_to(self, offsets: Mapping[TP, int]) -> None:
        """A new turn: what was fetched before is not current any more."""
        for tp, offset in offsets.items():
            self._turns[tp] = self._turn(tp) + 1
            self._next[tp] = self._taken_to[tp] = offset
            self._positions.pop(tp, None)
        await cast("ConsumerThread", self._thread).seek_all(offsets)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """The ends of changelogs, to which nobody else appends any more."""
        await cast("Host", self.app).own(partitions)
        return await super().highwaters(*partitions)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        async with self._fetching:
            # A copy: to the client an empty set means all partitions, and this one is emptied
            # while the fetch waits.
            wanted = set(active_partitions or ()) - self._held
            if wanted:
                found = await super()._getmany(wanted, min(timeout, FETCH_S_MAX))
                begins = {tp: self._next.get(tp) for tp in found}
                await guarded(self._look_for_gaps(found))
                at = {tp: self.standing(tp)[0] for tp in wanted}
                self._positions |= {tp: to for tp, to in at.items() if to is not None}
                return {
                    tp: Records(records, self._turn(tp), begins[tp])
                    for tp, records in found.items()
                }
        if active_partitions:
            await asyncio.sleep(FETCH_S_MAX)  # all are held: Faust would ask again at once
        return {}

    async def _look_for_gaps(self, found: Mapping[TP, list[Any]]) -> None:
        """Retention may overtake a reader; the client goes on at the beginning without a word.

        Offsets that nothing has (markers, what was aborted) are passed over.
        """
        for tp, records in found.items():
            expected = self._next.get(tp)
            if expected is None:
                continue
            self._next[tp] = records[-1].offset + 1
            if records[0].offset < expected:
                raise NamedExit(
                    Exit.INTERNAL,
                    f"{tp.topic} partition {tp.partition} goes on at offset {records[0].offset},"
                    f" next was {expected}: it was cut or created anew. Start again: then it is"
                    " known which",
                )
            if records[0].offset > expected:
                begin = (await self.earliest_offsets(tp))[tp]
                cast("Host", self.app).passed(tp, expected, min(begin, records[0].offset))

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Chunks as they come, up to the next seek."""
        seeks = self._seeks
        async for tp, message in super().getmany(timeout):
            if seeks != self._seeks:
                return
            yield tp, message

    def hold(self, tp: TP) -> None:
        """Fetch nothing more of a partition, until :meth:`go_on` or until it is assigned anew.

        Faust's own pausing is lifted by its buffers and its restores. What was fetched already
        still reaches the agent.
        """
        self._held.add(tp)

    def holds(self, tp: TP) -> bool:
        """Whether a partition is held."""
        return tp in self._held

    async def go_on(self, tp: TP, offset: int) -> None:
        """Fetch a held partition again, from ``offset``; what came of it before is not current."""
        async with self._fetching:
            await self._send_to({tp: offset})
            self._held.discard(tp)

    async def take(self, message: Any) -> bool:
        """Whether an agent may handle a chunk now: it is current, and none before it is missing.

        Faust drops chunks on their way when a rebalance comes at the wrong moment, also
        some that were fetched after the seek that follows it. Then the partition is sent
        back to where the missing one began, and nothing that comes after it is handled: a
        later chunk that is acknowledged would acknowledge the missing one too.
        """
        tp, records = message.tp, message.value
        if not isinstance(records, Records):
            return True
        if not self.is_current(message) or records.begins is None:
            return False
        wanted = self._taken_to.get(tp)
        if wanted is not None and records.begins > wanted:
            log.info("%s/%d: offset %d is fetched again", tp.topic, tp.partition, wanted)
            async with self._fetching:
                if self.is_current(message):
                    await self._send_to({tp: wanted})
            return False
        self._taken_to[tp] = records[-1].offset + 1
        return True

    def is_current(self, message: Any) -> bool:
        """Whether a chunk was fetched after its partition was sent to an offset last."""
        turn: int = getattr(message.value, "turn", 0)
        return turn == self._turn(message.tp)

    def _turn(self, tp: TP) -> int:
        return self._turns.get(tp, 0)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, list):
            return super()._to_message(tp, record)
        message = super()._to_message(tp, record[-1])
        message.key = None
        message.value = cast("bytes", record)  # a list: ChunkSchema hands it through
        return message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets between two chunks are no gap."""

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        last = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return self.read_to(tp, int(last) + 1)

    def read_to(self, tp: TP, handled_to: int) -> int:
        """Where reading goes on, all below ``handled_to`` handled: behind markers, not before."""
        fetched_to = self._next.get(tp)
        if fetched_to is None or handled_to < fetched_to:
            return handled_to
        return max(handled_to, self._positions.get(tp, handled_to))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what is in hand, make it durable, commit; then let Faust forget."""
        host = cast("Host", self.app)
        self._positions.clear()
        self._next.clear()  # until the seek the client may fetch from wherever it likes
        if revoked and not host.should_stop:
            self.stop_flow()
            host.flow_control.suspend()
            host.flow_control.clear()
            await host.settle()
            await self.wait_empty()
        self._held -= revoked
        await super().on_partitions_revoked(revoked)

    def standing(self, tp: TP) -> tuple[int | None, int | None, int | None]:
        """See :meth:`ConsumerThread.standing`."""
        return cast("ConsumerThread", self._thread).standing(tp)


class Producer(driver.Producer):
    """An idempotent producer: what it retries is written once, in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    @property
    def client(self) -> aiokafka.AIOKafkaProducer:
        """The Kafka client's own producer, for batches."""
        return self._ensure_producer()


class Transport(driver.Transport):
    """The transport of all Vitals apps."""

    Consumer = Consumer
    Producer = Producer
