"""One topic, read from given offsets to its present end or for ever, without a consumer group.

Nothing is committed and no group is joined, so looking never disturbs who
works. "The present end" is taken once, when asked for: a topic that grows
faster than it is read still ends.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import aiokafka
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.clock import SystemClock
from streams.engine.kafka import client_options
from streams.engine.topics import unreachable
from streams.exits import Exit, NamedExit
from streams.settings import Settings

__all__ = ["Span", "TopicReader", "open_topic"]

#: A broker that says nothing for so long is taken for dead.
SILENCE_S_MAX = 30.0
REQUEST_MS_MAX = 10_000
STOP_S_MAX = 5.0
_POLL_MS = 500

T = TypeVar("T")


class Span(NamedTuple):
    """What a partition holds: its first offset, and the one after its last."""

    first: int
    end: int


class TopicReader:
    """Reads one topic. Made by :func:`open_topic`."""

    def __init__(self, consumer: Any, topic: str, partitions: Sequence[int], where: str) -> None:
        self.topic = topic
        #: All partitions of the topic, in order.
        self.partitions = tuple(partitions)
        self._consumer = consumer
        self._where = where
        self._clock = SystemClock()

    async def spans(self, partitions: Iterable[int] | None = None) -> dict[int, Span]:
        """First offset and present end of each partition (default: all).

        Raises:
            NamedExit: exit code 2, when the broker stops answering or refuses.
        """
        tps = self._tps(self.partitions if partitions is None else partitions)
        first = await self._answer(self._consumer.beginning_offsets(tps))
        end = await self._answer(self._consumer.end_offsets(tps))
        return {tp.partition: Span(first[tp], end[tp]) for tp in tps}

    async def since(self, at_ms: int) -> dict[int, int]:
        """The first offset stamped at or after ``at_ms``, of each partition that has one."""
        found = await self._answer(
            self._consumer.offsets_for_times(dict.fromkeys(self._tps(self.partitions), at_ms))
        )
        return {tp.partition: at.offset for tp, at in found.items() if at is not None}

    async def read(
        self, start: Mapping[int, int], until: Mapping[int, int] | None = None
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Records in chunks of one partition, in order within each; without ``until`` for ever.

        ``start`` says which partitions, and from which offset; ``until`` is
        exclusive. Compacted gaps and transaction markers are passed over.

        Raises:
            NamedExit: exit code 2, when the broker stops answering or refuses.
        """
        left = {p for p in start if until is None or start[p] < until[p]}
        self._consumer.pause(*self._tps(self.partitions))
        for tp in self._tps(left):
            self._consumer.seek(tp, start[tp.partition])
            self._consumer.resume(tp)
        heard_s = self._clock.elapsed_s()
        while left:
            tps = self._tps(left)
            found = await self._answer(self._consumer.getmany(*tps, timeout_ms=_POLL_MS))
            if found or until is None:
                heard_s = self._clock.elapsed_s()
            elif self._clock.elapsed_s() - heard_s > SILENCE_S_MAX:
                raise self._silent()
            for tp, records in found.items():
                end = None if until is None else until[tp.partition]
                if end is not None and records[-1].offset >= end:
                    records = [record for record in records if record.offset < end]
                if records:
                    yield records
            if until is not None:
                for tp in tps:
                    at = await self._answer(self._consumer.position(tp))
                    if at >= until[tp.partition]:
                        left.discard(tp.partition)
                        self._consumer.pause(tp)

    async def _answer(self, asked: Awaitable[T]) -> T:
        """What the broker answers; its refusal or silence as a sentence."""
        try:
            # Not wait_for: that of Python 3.11 loses a Ctrl-C that comes together with the answer.
            async with asyncio.timeout(SILENCE_S_MAX):
                return await asked
        except TimeoutError:
            raise self._silent() from None
        except KafkaError as error:
            raise NamedExit(
                Exit.USAGE, f"Kafka at {self._where} refuses to hand out {self.topic}: {error}"
            ) from None

    def _silent(self) -> NamedExit:
        return NamedExit(
            Exit.USAGE,
            f"Kafka at {self._where} stopped answering while {self.topic} was read."
            " Start again when it is well: nothing was changed there",
        )

    def _tps(self, partitions: Iterable[int]) -> list[Any]:
        return [aiokafka.TopicPartition(self.topic, partition) for partition in sorted(partitions)]


@asynccontextmanager
async def open_topic(settings: Settings, topic: str) -> AsyncIterator[TopicReader]:
    """A reader of ``topic``, by its name on the broker.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if there is no such topic.
    """
    consumer = aiokafka.AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
        request_timeout_ms=REQUEST_MS_MAX,
        isolation_level="read_committed",
        **client_options(settings),
    )
    try:
        try:
            await consumer.start()
            # The client's public call answers names only; asking for one topic could create it.
            known = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        except KafkaConnectionError as error:
            raise unreachable(settings, error) from None
        except (KafkaError, TimeoutError) as error:
            raise NamedExit(
                Exit.USAGE, f"Kafka at {settings.bootstrap} does not let us in: {error}"
            ) from None
        partitions = known.partitions_for_topic(topic)
        if not partitions:
            raise NamedExit(
                Exit.TOPIC_MISMATCH,
                f"Kafka at {settings.bootstrap} has no topic {topic}."
                " Is --prefix right? `vitals topics --create` creates what is missing",
            )
        tps = [aiokafka.TopicPartition(topic, partition) for partition in sorted(partitions)]
        # Once for all: a client that is stopped soon after another assignment never ends.
        consumer.assign(tps)
        consumer.pause(*tps)
        yield TopicReader(consumer, topic, sorted(partitions), settings.bootstrap)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), STOP_S_MAX)
