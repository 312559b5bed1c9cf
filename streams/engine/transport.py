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
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, cast

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, ConsumerMessage

from streams.engine.consumer_thread import ConsumerThread, Host
from streams.engine.fatal import guarded
from streams.engine.loops import new_event_loop
from streams.exits import Exit, NamedExit

__all__ = ["ChunkScheduler", "Consumer", "ConsumerThread", "Producer", "Records", "Transport"]

log = logging.getLogger(__name__)


#: A fetch waits no longer than this, so that a seek need not wait for it.
FETCH_S_MAX = 0.5


class ChunkScheduler(DefaultSchedulingStrategy):
    """Hands out records in chunks, the partitions in turn."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Pairs of partition and chunk; a poll returns few of each, so no partition starves."""
        for tp, found in records.items():
            if found:
                yield tp, found


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

    A seek and a fetch never overlap, what was fetched before a seek is not
    handled after it (:meth:`take`), and what was fetched after it is. In stock Faust
    a fetch under way when a restore ends may run ahead of the seek that follows, or
    be dropped behind it; what lies in between is then lost.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetching = asyncio.Lock()
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
        return await self.ends(*partitions)

    async def ends(self, *partitions: TP) -> Mapping[TP, int]:
        """One past the last offset of each partition, as it is now."""
        return await super().highwaters(*partitions)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Chunks as they come. Nothing that was fetched after a seek is dropped here.

        Faust's own looks at what is active before it waits for the fetch, and drops what
        it then finds not to be: a rebalance in between made it drop what the seek was for.
        """
        if not self.flow_active:
            await self.wait(cast("Any", self.can_resume_flow))
        found = await self._getmany(self._get_active_partitions(), timeout)
        for tp, records in self.scheduler.iterate(found):
            if self.should_stop or not self.flow_active:
                return  # a rebalance has begun: a seek follows
            yield tp, self._to_message(tp, records)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        async with self._fetching:
            # Faust changes the set in place while others hold the lock. It is copied, because to
            # the client an empty set means all partitions. Without flow a seek has been or is to
            # come, and nobody would take what is fetched.
            wanted = set(active_partitions or ()) - self._held
            if wanted and self.flow_active:
                found = await super()._getmany(wanted, min(timeout, FETCH_S_MAX))
                begins = {tp: self._next.get(tp) for tp in found}
                await guarded(self._look_for_gaps(found))
                at = {tp: self.standing(tp)[0] for tp in wanted}
                self._positions |= {tp: to for tp, to in at.items() if to is not None}
                return {
                    tp: Records(records, self._turn(tp), begins[tp])
                    for tp, records in found.items()
                }
        await self.sleep(FETCH_S_MAX)  # Faust would ask again at once
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

        A chunk that Faust has dropped on its way after all is fetched again, and nothing
        that comes after it is handled before: a later chunk that is acknowledged would
        acknowledge the missing one too.
        """
        tp, records = message.tp, message.value
        if not isinstance(records, Records):
            return True
        if not self.is_current(message) or records.begins is None:
            return False
        wanted = self._taken_to.get(tp)
        if wanted is not None and records.begins > wanted:
            log.warning("%s/%d: offset %d is fetched again", tp.topic, tp.partition, wanted)
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
        return ConsumerThread(
            self, loop=self.loop, thread_loop=new_event_loop(), beacon=self.beacon
        )

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        """One message for a list of raw records, with the offset and the time of the last."""
        last = record[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            [],
            None,
            cast("bytes", record),  # a list: ChunkSchema hands it through
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

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

    def untaken(self, tp: TP) -> int | None:
        """Records of a partition that no agent has taken yet; None while that is not known."""
        taken_to, (_, log_end, _) = self._taken_to.get(tp), self.standing(tp)
        return None if taken_to is None or log_end is None else max(log_end - taken_to, 0)

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
