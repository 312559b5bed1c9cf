"""A Faust table whose changelog travels in chunks.

Stock ``table[key] = value`` costs 100 to 300 microseconds and restores 4,000
records a second. Here rows are kept per partition, a checkpoint appends the
changed ones in one transaction for each partition (:meth:`ChunkTable.write`), and
recovery unrolls whole chunks. A checkpoint advances Faust's recovered offset, so
that a rebalance restores nothing for partitions that stay. Before a restore reads
anything its partitions are fenced (:mod:`streams.engine.fencing`). It begins with the snapshot
on this machine's disk, if there is one (:mod:`streams.engine.snapshots`).

An error in recovery, which Faust would swallow, ends the process.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import faust
from faust.tables.manager import TableManager
from faust.types import TP

from scoring.versions import NewerState
from streams.engine.app import VitalsApp
from streams.engine.fatal import end_process, guarded
from streams.engine.fencing import Fence, Written
from streams.engine.snapshots import Snapshots
from streams.exits import Exit, NamedExit

__all__ = ["ChunkTable", "Rows"]

Rows = dict[bytes, bytes]
#: Whether a row from the changelog replaces the one that is known (None: there is none).
Newer = Callable[[bytes, bytes, bytes | None], bool]


def _last_wins(key: bytes, candidate: bytes, known: bytes | None) -> bool:
    return True


def _incomplete(reached: int | None, wanted: int | None) -> str | None:
    """What is wrong with a restore up to ``reached``; the topic's last offset is ``wanted``."""
    if wanted is None:
        return "the broker did not say where it ends"
    if wanted >= 0 and (reached is None or reached < wanted):
        return f"restored to offset {reached}, it ends at {wanted}"
    # One more is the marker of our last transaction; the embedded broker writes none.
    if reached is not None and reached > wanted + 1:
        return (
            f"rows were written here up to offset {reached}, now it ends at {wanted}:"
            " it was emptied or created anew. Restore the topic, or rebuild the state"
            " from the signals log"
        )
    return None


class ChunkTable(faust.Table[bytes, bytes]):
    """Rows by partition, bytes to bytes, with a compacted changelog."""

    def __init__(
        self,
        app: VitalsApp,
        *,
        name: str,
        changelog: str,
        partitions: int,
        newer: Newer = _last_wins,
        snapshots: Snapshots | None = None,
    ) -> None:
        topic = app.topic(
            changelog,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=partitions,
            compacting=True,
            acks=False,
            internal=True,
            allow_empty=True,
        )
        super().__init__(
            app,
            name=name,
            default=bytes,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            changelog_topic=topic,
            recovery_buffer_size=2,  # of chunks; 1 means something else to Faust
        )
        self.changelog = changelog
        self.rows: dict[int, Rows] = {}
        #: Partitions whose rows changed under us since they were last taken: rebuild from the rows.
        self.restored: set[int] = set()
        #: The partitions of the last restore that came to its end. The assignment may be ahead.
        self.active: set[int] = set()
        self.records_restored = 0
        #: Rows that came from snapshots, and the partitions that they are of.
        self.rows_loaded = 0
        self.loaded: set[int] = set()
        #: When the last restore began, on the clock that counts elapsed seconds.
        self.restore_began_s = 0.0
        self._newer = newer
        self._snapshots = snapshots
        #: Partition -> end of its last transaction, and the last row of it.
        self._committed: dict[int, tuple[int, tuple[bytes, bytes | None]]] = {}
        self._fence = Fence(changelog, app.connect_producer)
        #: Partitions that others may have held since they were taken.
        self._lost: set[int] = set()
        app.before_restore(self._own)
        app.after_handover(self._keep)
        app.tables.add(self)

    def partition(self, partition: int) -> Rows:
        """The rows of one partition."""
        return self.rows.setdefault(partition, {})

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Called by Faust's recovery with chunks of changelog records."""
        for event in batch:
            partition = event.message.partition
            try:
                self._restore(partition, event.message.value)
            except Exception as error:  # Faust would log it and go on with a wrong table
                newer = isinstance(error, NewerState)
                code = Exit.STATE_VERSION if newer else Exit.CHANGELOG_DAMAGED
                where = f"{self.changelog} partition {partition}"
                end_process(NamedExit(code, f"{where}: a row cannot be restored: {error}"))

    def _restore(self, partition: int, records: Sequence[Any]) -> None:
        rows, newer = self.partition(partition), self._newer
        self.restored.add(partition)
        self.records_restored += len(records)
        for record in records:
            key, value = record.key, record.value
            if value is None:
                rows.pop(key, None)
            elif newer(key, value, rows.get(key)):
                rows[key] = value

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Called by Faust when it thinks that all is restored: make sure, and purge what left."""
        recovery = cast("TableManager", self.app.tables).recovery
        if recovery.signal_recovery_start.is_set():
            return  # partitions came and went meanwhile: another restore follows
        for tp in active_tps:
            reached, wanted = recovery.active_offsets.get(tp), recovery.active_highwaters.get(tp)
            problem = _incomplete(reached, wanted)
            if problem is not None:
                where = f"{tp.topic} partition {tp.partition}: {problem}"
                end_process(NamedExit(Exit.CHANGELOG_DAMAGED, where))
        held = self.active = {tp.partition for tp in active_tps}
        for partition in [p for p in self.rows if p not in held]:
            del self.rows[partition]
            self.restored.discard(partition)
            self.loaded.discard(partition)
            self._committed.pop(partition, None)
        await super().on_recovery_completed(active_tps, standby_tps)

    async def write(self, rows: Mapping[int, Written]) -> None:
        """Append rows to the changelog, by partition and in order; durable when this returns.

        Those of one partition become valid together or not at all. What was written
        needs no restoring here.

        Raises:
            NamedExit: OWNERSHIP_LOST, when a partition has another owner by now.
            KafkaError: when the broker does not take them.
        """
        ends = await self._fence.write(rows)
        offsets = cast("TableManager", self.app.tables).recovery.active_offsets
        for partition, end in ends.items():
            offsets[TP(self.changelog, partition)] = end
            self._committed[partition] = end, rows[partition][-1]
            if self._snapshots is not None:
                table = self.partition(partition)
                self._snapshots.committed(partition, end, table, len(rows[partition]))

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Called by Faust when partitions come and go."""
        self._lost |= {tp.partition for tp in revoked if tp.topic == self.changelog}
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _own(self, tps: Collection[TP]) -> None:
        """Nobody else appends to these partitions from here on. Ends the process if it fails."""
        self.restore_began_s = cast("VitalsApp", self.app).clock.elapsed_s()
        # Not cut off by the next rebalance: a producer half registered would be nobody's.
        await asyncio.shield(asyncio.ensure_future(guarded(self._take(tps))))

    async def _take(self, tps: Collection[TP]) -> None:
        cast("TableManager", self.app.tables).recovery.active_highwaters.clear()
        lost, self._lost = self._lost, set()
        app = cast("VitalsApp", self.app)
        held = {tp.partition for tp in tps if tp.topic == self.changelog}
        await self._fence.take(held, lost, app.batches.client)
        if self._snapshots is not None:
            await self._load(self._snapshots, held)

    async def _load(self, snapshots: Snapshots, held: Collection[int]) -> None:
        """Begin with the snapshots of the partitions of which nothing is here."""
        recovery = cast("TableManager", self.app.tables).recovery
        consumer = cast("VitalsApp", self.app).chunks
        new = [tp for p in held if recovery.active_offsets.get(tp := TP(self.changelog, p)) is None]
        if not new:
            return
        begins, ends = await consumer.earliest_offsets(*new), await consumer.ends(*new)
        found = await snapshots.load(
            [tp.partition for tp in new],
            {tp.partition: offset for tp, offset in begins.items()},
            {tp.partition: offset for tp, offset in ends.items()},
        )
        for partition, snapshot in found.items():
            tp = TP(self.changelog, partition)
            # It may have been taken away meanwhile, and another restore of it may have begun.
            if tp in recovery.active_tps and recovery.active_offsets.get(tp) is None:
                self.rows[partition] = snapshot.rows
                self.restored.add(partition)
                self.loaded.add(partition)
                self.rows_loaded += len(snapshot.rows)
                recovery.active_offsets[tp] = snapshot.offset

    def restore_whole(self, partitions: Collection[int], why: str) -> None:
        """Restore partitions that began with a snapshot again, from the changelog alone.

        To be called when Faust thinks that all is restored: another restore follows.
        """
        recovery = cast("TableManager", self.app.tables).recovery
        for partition in partitions:
            if self._snapshots is not None:
                self._snapshots.distrust(partition, why)
            self.rows.pop(partition, None)
            self.restored.discard(partition)
            self.loaded.discard(partition)
            # To Faust None is nothing yet; a missing one is 0.
            recovery.active_offsets[TP(self.changelog, partition)] = cast("int", None)
        recovery.signal_recovery_start.set()

    async def on_stop(self) -> None:
        """Called by Faust at the end: let go of the partitions."""
        await super().on_stop()
        await self._fence.close()

    async def _keep(self) -> None:
        """Snapshots of what is newer than those on disk."""
        if self._snapshots is not None:
            await self._snapshots.close(self._rows_committed())

    def _rows_committed(self) -> dict[int, tuple[int, Rows]]:
        """The partitions whose rows are those of their last transaction, with its end."""
        return {
            partition: (end, rows)
            for partition, (end, (key, value)) in self._committed.items()
            if (rows := self.partition(partition)).get(key) is value
        }
