"""What is unread in the signals log, applied as a worker would at its start: then all is in rows.

A worker that stops leaves something behind the last checkpoint: intake's progress, a tick, what
accounts told each other. The position in a row means something for its own partition's log
only, so nothing may be left there when rows move.

No tick is added and no decision copied: what is due, and who was touched, waits for the
workers. A block that was routed for other partitions already is left for them as well.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from schemas.signals import Block
from scoring.header import Header
from scoring.partition import PartitionFold
from streams.engine.batches import BatchWriter, HasClient
from streams.engine.fencing import Fence
from streams.exits import Exit, NamedExit
from streams.intake.routing import CustomerRouter
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count
from streams.reading.topic import Span, TopicReader
from streams.repartition.looking import Look, fold_at
from streams.scorer.applying import apply, decoded
from streams.scorer.output_writer import OutputWriter
from streams.settings import Settings

__all__ = ["Drain", "Drained"]


class Drained:
    """Where the old partitions stand when nothing is left for them."""

    def __init__(self, look: Look) -> None:
        self.headers: list[Header] = look.headers
        #: The offset of each log at which the new partition goes on.
        self.positions = [each.header.position for each in look.partitions]
        #: The partitions of which something is left for the workers.
        self.left_at: dict[int, int] = {}


class Drain:
    """Applies what is unread of the old partitions.

    Args:
        settings: as of the workers.
        changelog: of the customers, of which the fence holds the partitions.
        log: the signals log.
        fence: through which rows are written.
        producer: through which outputs are written.
        partitions: how many old ones there are.
    """

    def __init__(
        self,
        settings: Settings,
        changelog: TopicReader,
        log: TopicReader,
        fence: Fence,
        producer: HasClient,
        partitions: int,
    ) -> None:
        self._settings = settings
        self._changelog = changelog
        self._log = log
        self._fence = fence
        self._producer = producer
        self._partitions = partitions
        self._outputs = OutputWriter(
            settings, CustomerRouter(partitions), partitions, self._partitions_of
        )
        self._left_at: dict[int, int] = {}

    async def run(self, look: Look, count: Count) -> Drained:
        """Until nothing is unread: what accounts tell each other makes records of its own."""
        found = Drained(look)
        read_to = dict(enumerate(found.positions))
        while True:
            ends = {p: span.end for p, span in (await self._log.spans(read_to)).items()}
            left = [p for p in read_to if p not in self._left_at and read_to[p] < ends[p]]
            if not left:
                found.left_at = self._left_at
                found.positions = [self._left_at.get(p, read_to[p]) for p in sorted(read_to)]
                return found
            spans = await self._changelog.spans(left)
            for partition in left:
                fold = await self._apply(partition, spans[partition], ends[partition], count)
                found.headers[partition] = fold.header
                read_to[partition] = ends[partition]

    async def _apply(self, partition: int, span: Span, end: int, count: Count) -> PartitionFold:
        """Outputs, then rows with their header, as in a checkpoint."""
        rows = CustomerRows(self._changelog)
        count.total += span.end - span.first
        fold = await fold_at(self._settings, rows, partition, span, count)
        start: Mapping[int, int] = {partition: fold.header.position}
        writer = BatchWriter(self._producer)
        async with aclosing(self._log.read(start, {partition: end})) as chunks:
            async for records in chunks:
                await self._chunk(fold, records, writer)
                if partition in self._left_at:
                    break
        await writer.flush()
        changed = fold.checkpoint()
        if changed:
            await self._fence.write({partition: changed})
        return fold

    async def _chunk(
        self, fold: PartitionFold, records: Sequence[Any], writer: BatchWriter
    ) -> None:
        rollups = self._outputs.rollups(fold.partition)
        told = False
        for record in records:
            said = decoded(self._settings, fold.partition, record)
            if type(said) is Block and said.is_for_others(self._partitions):
                self._left_at[fold.partition] = record.offset
                break
            for output in apply(self._settings, fold, record, said):
                told = told or output.topic == "signals"
                await self._outputs.add(writer, rollups, fold.partition, output)
        if told and self._left_at:
            raise NamedExit(
                Exit.FAILED,
                f"{self._log.topic} holds blocks for other partitions already, and accounts still"
                " have something to tell each other before them. Nothing was moved. Start a worker"
                f" of {self._partitions} partitions under another --prefix, with a copy of the"
                " sources",
            )
        await self._outputs.add_rollups(writer, rollups)

    async def _partitions_of(self, topic: str) -> int:
        return len(await self._producer.client.partitions_for(topic))
