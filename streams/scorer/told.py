"""What the folds and the table counted, told as metrics: a scrape is not to walk them."""

from schemas.scores import Band
from scoring.partition import PartitionFold
from streams.engine.table import ChunkTable
from streams.metrics import Metrics

__all__ = ["MetricsTold"]


class MetricsTold:
    """Turns the folds' running counts into metric increments; not thread-safe."""

    def __init__(self) -> None:
        #: Partition -> its fold, and the counts told of it.
        self._told: dict[int, tuple[int, tuple[int, ...]]] = {}
        self._aged: set[int] = set()
        self._restored = (0, 0)

    def tell_restored(self, metrics: Metrics, table: ChunkTable) -> None:
        """What restores took from the changelog and from snapshots."""
        now = table.records_restored, table.rows_loaded
        metrics.restored_records.inc(now[0] - self._restored[0])
        metrics.snapshot_rows.inc(now[1] - self._restored[1])
        self._restored = now

    def tell_ages(self, metrics: Metrics, folds: dict[int, PartitionFold], now_ms: int) -> None:
        """How far time in each partition lies behind the clock; none before its first tick."""
        ticked = {p: fold.header.tick_ms for p, fold in folds.items() if fold.header.tick_ms}
        for partition in self._aged - ticked.keys():
            metrics.tick_age_s.remove(str(partition))
        for partition, tick_ms in ticked.items():
            metrics.tick_age_s.labels(str(partition)).set((now_ms - tick_ms) / 1000)
        self._aged = set(ticked)

    def tell(self, metrics: Metrics, folds: dict[int, PartitionFold]) -> None:
        """Add what happened since the last call."""
        bands: dict[str, int] = {}
        due = 0
        counted = (
            metrics.signals,
            metrics.duplicates.labels("event_id"),
            metrics.evaluations,
            metrics.score_changes,
            metrics.transitions,
            metrics.misrouted,
        )
        for partition, fold in folds.items():
            c = fold.counts
            changes = (c.score_changes, c.transitions)
            now = (c.signals, c.duplicates, c.evaluations, *changes, c.misrouted)
            known, before = self._told.get(partition, (0, now))
            if known != id(fold):
                before = (0,) * len(now)
            self._told[partition] = (id(fold), now)
            for metric, count, earlier in zip(counted, now, before, strict=True):
                metric.inc(count - earlier)
            due += fold.due_count()
            for band, count in fold.bands.items():
                bands[band] = bands.get(band, 0) + count
        for told in Band:
            metrics.customers.labels(str(told)).set(bands.get(str(told), 0))
        metrics.customers_due.set(due)
