"""What the engine's unit tests put in the place of a broker.

The producer's client makes real batches and records what is handed over; an
answer comes when the test says so. The rest of the engine is the real one.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

BATCH_BYTES = 64 * 1024


@dataclass
class Sent:
    """One batch on its way: where to, and its records as (key, value)."""

    topic: str
    partition: int
    records: list[tuple[bytes | None, bytes | None]]
    answer: asyncio.Future[Any]


@dataclass
class RecordingClient:
    """The Kafka client's producer: keeps what it is given, in order, in ``told``.

    ``hold`` keeps the answers back until :meth:`answer`; ``refuse`` fails them.
    """

    told: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    hold: bool = False
    refuse: Exception | None = None
    batch_bytes: int = BATCH_BYTES
    next_offset: dict[tuple[str, int], int] = field(default_factory=dict)
    #: The broker's time, in its answers.
    stamp_ms: int = 1_000

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self.batch_bytes, 0, is_transactional=False)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[Any]:
        batch.close()
        records = list(_records(bytes(batch._build())))
        self.told.append(f"send {topic}/{partition} {len(records)}")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(topic, partition, records, answer))
        if not self.hold:
            self.answer(self.sent[-1])
        return answer

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        *,
        partition: int,
        key: bytes | None = None,
    ) -> asyncio.Future[Any]:
        batch = self.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=[])
        return await self.send_batch(batch, topic, partition=partition)

    async def send_and_wait(self, topic: str, value: bytes, *, partition: int) -> Any:
        return await (await self.send(topic, value, partition=partition))

    async def begin_transaction(self) -> None:
        self.told.append("begin")

    async def commit_transaction(self) -> None:
        self.told.append("commit")

    async def stop(self) -> None:
        self.told.append("stop")

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1}

    def answer(self, sent: Sent) -> None:
        """The broker has it (or refuses it)."""
        if self.refuse is not None:
            sent.answer.set_exception(self.refuse)
            return
        tp = (sent.topic, sent.partition)
        offset = self.next_offset.get(tp, 0)
        self.next_offset[tp] = offset + len(sent.records)
        self.told.append(f"durable {sent.topic}/{sent.partition}")
        sent.answer.set_result(
            SimpleNamespace(offset=offset, timestamp=self.stamp_ms, timestamp_type=1)
        )

    def forget(self) -> None:
        """As if nothing had been sent yet."""
        self.told.clear()
        self.sent.clear()
        self.next_offset.clear()

    def values(self, topic: str) -> list[bytes | None]:
        """All values sent to a topic, in order."""
        return [value for sent in self.sent if sent.topic == topic for _, value in sent.records]


def _records(data: bytes) -> Iterable[tuple[bytes | None, bytes | None]]:
    batches = MemoryRecords(data)
    while batches.has_next():
        batch = batches.next_batch()
        assert isinstance(batch, DefaultRecordBatch) or batch is not None
        for record in batch:
            yield record.key, record.value


def record(
    offset: int, value: bytes | None, *, key: bytes | None = None, timestamp: int = 0
) -> Any:
    """A raw record as the driver hands it over."""
    return SimpleNamespace(offset=offset, key=key, value=value, timestamp=timestamp)
