"""Who may append to a partition of a changelog: its last owner, and nobody before it.

A process that was frozen does not know that others took over, and what lies in
its producer leaves when it wakes. So rows are written by a *transactional
producer for each partition*. Taking a partition over registers its transactional
id anew: from then on the broker refuses whatever the owner before still sends,
and aborts what it had begun. Rows of one checkpoint are one transaction: all of
them, or none.

Registering comes before the end of the changelog is asked for, so that nothing
is appended behind a restore. A transaction's marker takes an offset that no
record has, and Faust's recovery counts records. Therefore who takes over appends
a *claim*, a plain record: the restore ends with it. It is the deletion of a key
that no row has, so that it says nothing to whoever reads the topic.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
)

from streams.engine.batches import BatchWriter, OwnClient
from streams.exits import Exit, NamedExit

__all__ = ["COMPRESSION", "OWNER_KEY", "Connect", "Fence", "Written", "connector"]

#: Rows of a batch are much alike. Of what the client offers: lz4 (its level 9) takes three times
#: as long and leaves more, snappy half as long and leaves half as much again.
COMPRESSION = "zstd"

#: The key of claims.
OWNER_KEY = b"\x00owner"
#: What an owner that died had begun is aborted by the next one; by the broker after so long.
TRANSACTION_MS_MAX = 30_000
#: A producer whose broker is gone is not waited for any longer.
STOP_S_MAX = 5.0
#: Registering ends within this, or the process does: shorter than Faust waits for a restore.
TAKE_S_MAX = 25.0
#: The broker knows a newer owner.
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState)

#: Keys with values, in order; None deletes a row.
Written = Sequence[tuple[bytes, bytes | None]] | Sequence[tuple[bytes, bytes]]
#: Opens a transactional producer, registered under this id.
Connect = Callable[[str], Awaitable[Any]]


class Fence:
    """The transactional producers of the partitions of one changelog that this process holds."""

    def __init__(self, changelog: str, connect: Connect) -> None:
        self.changelog = changelog
        self._connect = connect
        self._owned: dict[int, OwnClient] = {}
        self._taking = asyncio.Lock()

    @property
    def partitions(self) -> Collection[int]:
        """The partitions that are taken."""
        return self._owned.keys()

    async def take(self, partitions: Collection[int], lost: Collection[int], claims: Any) -> None:
        """Be the owner of these partitions alone; those ``lost`` meanwhile are taken anew.

        ``claims`` is the plain producer through which the claims go.

        Raises:
            NamedExit: OWNERSHIP_LOST, when the broker does not let us in time.
        """
        async with self._taking:
            await self._release([p for p in self._owned if p not in partitions or p in lost])
            new = [p for p in partitions if p not in self._owned]
            try:
                async with asyncio.timeout(TAKE_S_MAX):
                    await asyncio.gather(*map(self._register, new))
                    await self._claim(new, claims)
            except (KafkaError, TimeoutError) as error:
                await self._release(new)
                raise NamedExit(
                    Exit.OWNERSHIP_LOST,
                    f"{self.changelog}: partitions {sorted(new)} cannot be taken over:"
                    f" {error or 'the broker did not answer in time'}."
                    " Nothing was written; start again",
                ) from None

    async def _register(self, partition: int) -> None:
        self._owned[partition] = OwnClient(await self._connect(f"{self.changelog}-{partition}"))

    async def _claim(self, partitions: Collection[int], claims: Any) -> None:
        answers = [
            await claims.send(self.changelog, key=OWNER_KEY, partition=partition)
            for partition in partitions
        ]
        await asyncio.gather(*answers)

    async def write(self, rows: Mapping[int, Written]) -> dict[int, int]:
        """Append rows, in order: those of a partition whole or not at all, partitions side by side.

        Durable when this returns the offset of each transaction's end.

        Raises:
            NamedExit: OWNERSHIP_LOST, when a partition has another owner.
            KafkaError: when the broker does not take them.
        """
        ends = await asyncio.gather(*(self._commit(p, each) for p, each in rows.items()))
        return dict(zip(rows, ends, strict=True))

    async def _commit(self, partition: int, rows: Written) -> int:
        owned = self._owned.get(partition)
        if owned is None:
            raise self._fenced(partition, "it was not taken")
        try:
            await owned.client.begin_transaction()
            writer = BatchWriter(owned)
            for key, value in rows:
                await writer.add(self.changelog, partition, key, value)
            await writer.flush()
            await owned.client.commit_transaction()
        except _FENCED as error:
            raise self._fenced(partition, type(error).__name__) from None
        # Behind the last row lies the transaction's marker.
        return writer.last_offsets[self.changelog, partition] + 1

    def _fenced(self, partition: int, why: str) -> NamedExit:
        return NamedExit(
            Exit.OWNERSHIP_LOST,
            f"{self.changelog} partition {partition} has another owner ({why})."
            " Nothing was written; start again",
        )

    async def close(self) -> None:
        """Let go of all partitions."""
        async with self._taking:
            await self._release(list(self._owned))

    async def _release(self, partitions: Collection[int]) -> None:
        owned = [self._owned.pop(p) for p in partitions if p in self._owned]
        stops = (asyncio.wait_for(each.client.stop(), STOP_S_MAX) for each in owned)
        await asyncio.gather(*stops, return_exceptions=True)


def connector(
    options: Mapping[str, Any],
    batch_bytes: int,
    request_bytes: int,
    transaction_ms: int = TRANSACTION_MS_MAX,
) -> Connect:
    """Opens real producers; ``options`` are those of any client of this broker."""

    async def connect(transactional_id: str) -> aiokafka.AIOKafkaProducer:
        producer = aiokafka.AIOKafkaProducer(
            transactional_id=transactional_id,
            transaction_timeout_ms=transaction_ms,
            max_batch_size=batch_bytes,
            max_request_size=request_bytes,
            compression_type=COMPRESSION,
            **options,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    return connect
