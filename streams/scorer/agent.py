"""The score app: folds the signals log, writes ticks, checkpoints.

The order of a checkpoint is the promise: outputs durable, then changed rows,
then the header, then the chunks are acknowledged. A crash anywhere in between
repeats outputs with the same id and body, and loses nothing.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from faust.types import TP

from schemas.signals import LogRecord, Tick
from scoring.outputs import Output
from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import newer
from scoring.seal import Unsealed
from scoring.versions import NewerState, RowError
from streams.clock import Clock
from streams.collecting import give_back
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.engine.batches import BatchWriter
from streams.engine.broker_clock import BrokerClock
from streams.engine.fatal import end_process, guarded
from streams.engine.snapshots import Changelog, Snapshots
from streams.engine.table import ChunkTable
from streams.engine.topics import tombstones_ms, topic_ids
from streams.exits import Exit, NamedExit
from streams.intake.routing import CustomerRouter
from streams.metrics import Metrics
from streams.scorer.applying import apply, decoded
from streams.scorer.control import ControlCopier
from streams.scorer.output_writer import OutputWriter
from streams.scorer.pace import SLICE_EVALUATIONS, checkpoint_is_due
from streams.scorer.stall_watch import StallWatch
from streams.scorer.ticker import Ticker
from streams.scorer.told import MetricsTold
from streams.settings import Settings

__all__ = ["Scorer"]

log = logging.getLogger(__name__)


class Scorer:
    """Owns the customers of the signals partitions that this process holds."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        broker_clock: BrokerClock,
        metrics: Metrics,
        *,
        policy: FoldPolicy,
        partitions: int,
        first_card: str,
    ) -> None:
        self.app: VitalsApp = build_app(settings, clock, group=settings.topics.group_score)
        self.folds: dict[int, PartitionFold] = {}
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._policy = policy
        self._partitions = partitions
        self._log_topic = settings.topics.name("signals")
        self._outputs = OutputWriter(
            settings, CustomerRouter(partitions), partitions, self._partitions_of, metrics
        )
        #: Held while the folds change, or are packed.
        self._lock = asyncio.Lock()
        #: Held over a whole checkpoint: one at a time.
        self._checkpointing = asyncio.Lock()
        #: Held while a chunk is applied, over all its slices.
        self._in_hand = asyncio.Lock()
        self._unacknowledged: list[Any] = []
        self._checkpoints_skipped = 0
        self._writer_made: BatchWriter | None = None
        self._told = MetricsTold()
        #: Whether partitions were assigned and restored since the start (it may be none).
        self.assigned = False
        self.table = ChunkTable(
            self.app,
            name="customers",
            changelog=settings.topics.name("customers"),
            partitions=partitions,
            newer=newer,
            snapshots=_snapshots(settings, clock),
        )
        self.table.on_recover(self._restored)
        self.control = ControlCopier(settings, self.app, self.folds, clock, metrics, first_card)
        self.ticker = Ticker(settings, self.app, self.folds, clock, broker_clock, self._tell_ages)
        self.stalls = StallWatch(settings, self.app, self.folds, clock)
        topic = chunked_topic(self.app, self._log_topic, partitions)

        async def score(stream: Any) -> None:
            async for event in self.app.deliveries(stream):
                await guarded(self._chunk(event))

        self.app.agent(topic, name="score", concurrency=1)(score)
        self.app.timer(settings.checkpoint_ms / 1000, name="checkpoint")(self._timed_checkpoint)
        self.app.task(self.ticker.run)
        self.app.task(self.control.run)
        self.app.task(self.stalls.run)
        self.app.before_handover(self._hand_over)
        self.app.state_says(self._position)
        self.app.when_lost(lambda topic, records: metrics.gap_records.labels(topic).inc(records))

    # -- ownership -----------------------------------------------------------------------------

    async def _restored(self) -> None:
        """Partitions were assigned and their rows are here: build the folds that are not."""
        try:
            self._rebuild()
        except Exception as error:  # Faust would lose it
            end_process(error)

    def _rebuild(self) -> None:
        self.app.lease.begin()
        held = self.app.assigned(self._log_topic) & self.table.active
        for partition in [p for p in self.folds if p not in held or p in self.table.restored]:
            del self.folds[partition]
        self.table.restored.clear()
        new = sorted(held - set(self.folds))
        doubtful = [p for p in new if not self._take_over(p)]
        if doubtful:
            self.table.restore_whole(doubtful, "with the rest of the changelog it is not whole")
            return
        if new:
            give_back()
        took_s = self._clock.elapsed_s() - self.table.restore_began_s
        for partition in new:
            self._metrics.restore_s.labels(str(partition)).set(took_s)
        self._told.tell_restored(self._metrics, self.table)
        self.ticker.begin()
        self.assigned = True
        self._metrics.partitions.set(len(self.folds))
        log.info("own signals partitions %s: %d rows", sorted(held), self._row_count())

    def _take_over(self, partition: int) -> bool:
        """Build a partition's fold; False if its rows began with a snapshot and are not whole."""
        try:
            fold = self._fold_of(partition)
        except NamedExit as error:
            if partition in self.table.loaded and error.code is Exit.CHANGELOG_DAMAGED:
                return False
            raise
        self.table.loaded.discard(partition)
        known = fold.header.partitions
        if known not in (0, self._partitions):
            raise NamedExit(
                Exit.TOPIC_MISMATCH,
                f"{self._log_topic} has {self._partitions} partitions,"
                f" its state was made with {known}."
                f" `vitals repartition --to {self._partitions}` moves the state; stop all"
                " workers first",
            )
        fold.header.partitions = self._partitions
        self.folds[partition] = fold
        return True

    def _fold_of(self, partition: int) -> PartitionFold:
        """The fold that goes on with the restored rows of a partition."""
        where = f"{self.table.changelog} partition {partition}"
        try:
            fold = PartitionFold(partition, self.table.partition(partition), self._policy)
            fold.check_seal()
        except NewerState as error:
            raise NamedExit(Exit.STATE_VERSION, f"{where}: {error}") from None
        except (RowError, Unsealed) as error:
            raise NamedExit(
                Exit.CHANGELOG_DAMAGED,
                f"{where}: {error}. Rows were lost, or are not of this state. Restore the topic"
                " (`vitals state import` has a copy of its rows, if one was exported)",
            ) from None
        return fold

    def _position(self, tp: TP) -> int | None:
        """Where the log goes on for the state of a partition, None if there is no state.

        Raises:
            KeyError: when the partition is not restored: it came in another rebalance.
        """
        return self.folds[tp.partition].header.position or None

    def _row_count(self) -> int:
        return sum(len(fold.rows) for fold in self.folds.values())

    def why_not_ready(self) -> str | None:
        """Why no score can be expected yet; None when it can."""
        if not self.assigned:
            return "score: partitions are being restored"
        if any(fold.card is None for fold in self.folds.values()):
            return "score: no scorecard is active yet"
        return None

    def _tell_ages(self, now_ms: int) -> None:
        self._told.tell_ages(self._metrics, self.folds, now_ms)

    # -- the log -------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Finish the chunk in hand and make it durable: Faust waits until it is acknowledged."""
        async with self._in_hand:
            await self.checkpoint()

    async def _chunk(self, event: Any) -> None:
        async with self._in_hand:
            await self._in_slices(event)

    async def _in_slices(self, event: Any) -> None:
        """Apply a chunk in slices, between which others get their turn."""
        message = event.message
        fold = self.folds.get(message.partition)
        if fold is None:
            return  # handed over meanwhile; whoever owns it reads it again
        records = iter(message.value)
        while True:
            async with self._lock:
                if self._is_over(fold, message):
                    self.app.abandon(event)  # the state says where reading goes on
                    return
                is_whole = await self._slice(fold, records)
                if is_whole:
                    self._unacknowledged.append(event)
                # On their way now, awaited in the checkpoint.
                self.app.lease.check()
                await self._writer().send()
            if is_whole:
                return
            await asyncio.sleep(0)

    def _is_over(self, fold: PartitionFold, message: Any) -> bool:
        """Whether what is left of a chunk is not ours any more, or comes again."""
        return self.folds.get(fold.partition) is not fold or not self.app.chunks.is_current(message)

    async def _slice(self, fold: PartitionFold, records: Iterator[Any]) -> bool:
        """Apply the next records, and add what they cause; whether these were the last."""
        writer, rollups = self._writer(), self._outputs.rollups(fold.partition)
        enough = fold.counts.evaluations + SLICE_EVALUATIONS
        is_whole = True
        for record in records:
            said = decoded(self._settings, fold.partition, record)
            for output in self._apply(fold, record, said):
                await self._outputs.add(writer, rollups, fold.partition, output)
            looked_ahead = type(said) is Tick and said.looks_ahead
            if looked_ahead or fold.counts.evaluations >= enough:
                is_whole = False
                break
        await self._outputs.add_rollups(writer, rollups)
        self.ticker.applied()
        return is_whole

    def _apply(self, fold: PartitionFold, record: Any, said: LogRecord) -> list[Output]:
        if type(said) is Tick:
            self._metrics.ticks.inc()
            self.ticker.read(fold.partition)
        return apply(self._settings, fold, record, said)

    async def _partitions_of(self, topic: str) -> int:
        return len(await self.app.batches.client.partitions_for(topic))

    def _writer(self) -> BatchWriter:
        if self._writer_made is None:
            self._writer_made = BatchWriter(self.app.batches)
        return self._writer_made

    # -- checkpoints ---------------------------------------------------------------------------

    async def _timed_checkpoint(self) -> None:
        if self.app.rebalancing:
            return
        rows = sum(fold.changed_count() for fold in self.folds.values())
        if checkpoint_is_due(self._checkpoints_skipped, rows, behind=self.ticker.is_behind()):
            self._checkpoints_skipped = 0
            await guarded(self.checkpoint())
        else:
            self._checkpoints_skipped += 1

    async def checkpoint(self) -> None:
        """Outputs, rows with their header, acknowledgement: each durable before the next.

        Nobody waits for the broker but who asked: the log is applied on as soon as the rows are
        packed.
        """
        async with self._checkpointing:
            started_s = self._clock.elapsed_s()
            async with self._lock:
                events, self._unacknowledged = self._unacknowledged, []
                if not events:
                    return
                self.app.lease.check()
                outputs, self._writer_made = self._writer(), None
                await outputs.send()
                changed = await self._packed()
            await outputs.flush()
            self.app.lease.check()
            await self.table.write(changed)
            for event in events:
                event.ack()
        self._metrics.checkpoint_rows.inc(sum(map(len, changed.values())))
        self._metrics.checkpoints.inc()
        self._metrics.checkpoint_s.observe(self._clock.elapsed_s() - started_s)
        self._told.tell(self._metrics, self.folds)

    async def _packed(self) -> dict[int, list[tuple[bytes, bytes | None]]]:
        """The rows that changed, by partition; between two of them others get their turn."""
        changed = {}
        for partition, fold in list(self.folds.items()):
            if self.folds.get(partition) is fold and (rows := fold.checkpoint()):
                changed[partition] = rows
                await asyncio.sleep(0)
        return changed


def _snapshots(settings: Settings, clock: Clock) -> Snapshots | None:
    """Where this worker keeps its rows for the next start."""
    if not settings.snapshot_s or settings.broker_embedded:
        return None
    changelog = settings.topics.name("customers")

    def ask() -> Changelog:
        ids = topic_ids(settings, [changelog])
        return Changelog(ids.get(changelog, ""), tombstones_ms(settings, changelog))

    folder = settings.data_dir / settings.topics.group_score / "snapshots"
    return Snapshots(folder, changelog, ask, clock, settings.snapshot_s)
