"""The notification log on Kafka: a Faust table whose changelog is ``health.deliveries.v1``."""

import asyncio
from collections.abc import Iterator, Sequence

from schemas.actions import Delivery
from streams.engine.app import VitalsApp
from streams.engine.table import ChunkTable

__all__ = ["TableLog", "newer"]


def newer(_key: bytes, candidate: bytes, known: bytes | None) -> bool:
    """Whether a line replaces the known one when the table is restored.

    A final line stays: an intent behind it in the topic was written by a process that
    had lost the partition without knowing it.
    """
    if known is None:
        return True
    final = Delivery.model_validate_json(known).outcome.final
    return not final or Delivery.model_validate_json(candidate).outcome.final


class TableLog:
    """Lines by partition. What is appended while a write is under way goes with the next one."""

    def __init__(self, app: VitalsApp, changelog: str, partitions: int) -> None:
        self.table = ChunkTable(
            app, name="deliveries", changelog=changelog, partitions=partitions, newer=newer
        )
        self._app = app
        self._pending: list[tuple[int, Sequence[Delivery], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def get(self, partition: int, action_id: str) -> Delivery | None:
        """The action's newest line, None when it has none."""
        row = self.table.partition(partition).get(action_id.encode())
        return None if row is None else Delivery.model_validate_json(row)

    def lines(self, partition: int) -> Iterator[Delivery]:
        """All lines of a partition."""
        return map(Delivery.model_validate_json, self.table.partition(partition).values())

    def check(self) -> None:
        """Pass while this process may act for its partitions.

        Raises:
            NamedExit: another process may own them by now.
        """
        self._app.lease.check()

    async def append(self, partition: int, lines: Sequence[Delivery]) -> None:
        """Write lines; they are durable when this returns.

        Raises:
            aiokafka.errors.KafkaError: the broker did not take them.
        """
        done = asyncio.get_running_loop().create_future()
        self._pending.append((partition, lines, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        # Shielded: who stops waiting must not take the others' lines with him.
        await asyncio.shield(done)

    async def written(self) -> None:
        """Wait until nothing is being written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            try:
                await self._flush([(partition, lines) for partition, lines, _ in batch])
            except Exception as error:  # noqa: BLE001 - each waiter raises it, and the process ends
                for _, _, done in batch:
                    done.set_exception(error)
                continue
            for _, _, done in batch:
                done.set_result(None)

    async def _flush(self, batch: Sequence[tuple[int, Sequence[Delivery]]]) -> None:
        rows: dict[int, list[tuple[bytes, bytes]]] = {}
        for partition, lines in batch:
            rows.setdefault(partition, []).extend(
                (line.action_id.encode(), line.model_dump_json().encode()) for line in lines
            )
        self.check()
        await self.table.write(rows)
        for partition, written in rows.items():
            self.table.partition(partition).update(written)
