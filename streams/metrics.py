"""Every metric, once: its name, type, labels and help. Used by all processes.

Names are ``health_<noun>_<unit>``; a counter ends in ``_total``, a time is in
seconds. Labels are few and bounded: never a customer id. Nothing is registered
on import: each process builds one :class:`Metrics` and serves its registry.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["CONTENT_TYPE", "Described", "Metrics"]

#: What a scraper is told about the text of :meth:`Metrics.text`.
CONTENT_TYPE = CONTENT_TYPE_LATEST

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_BYTES = tuple(float(4**power) for power in range(4, 11))


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as the documentation lists it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


class Metrics:
    """All metrics on one registry. A process uses those that concern it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.described: list[Described] = []
        ProcessCollector(registry=self.registry)
        self._intake()
        self._scoring()
        self._outputs()
        self._serving()

    def text(self) -> bytes:
        """The state of all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _intake(self) -> None:
        self.intake_records = self._counter(
            "health_intake_records_total", "Source records read, good and bad.", "topic"
        )
        self.dead_letters = self._counter(
            "health_dead_letters_total",
            "Records that could not become a signal.",
            "topic",
            "reason",
        )
        self.intake_lag_records = self._gauge(
            "health_intake_lag_records", "Source records not yet read.", "topic"
        )
        self.intake_paused = self._gauge(
            "health_intake_partitions_paused", "Source partitions held here, not read.", "topic"
        )
        self.signal_blocks = self._counter(
            "health_signal_blocks_total", "Blocks written to the signals log."
        )
        self.signal_block_bytes = self._histogram(
            "health_signal_block_bytes", "Size of a block of signals.", _BYTES
        )

    def _scoring(self) -> None:
        self.signals = self._counter("health_signals_total", "Signals folded into states.")
        self.duplicates = self._counter(
            "health_duplicates_total", "Signals dropped as already seen.", "kind"
        )
        self.misrouted = self._counter(
            "health_misrouted_blocks_total",
            "Blocks passed over: a process frozen during a repartition wrote them.",
        )
        self.ticks = self._counter("health_ticks_total", "Ticks folded.")
        self.tick_age_s = self._gauge(
            "health_tick_age_seconds",
            "How far the last tick's time lies behind the clock.",
            "partition",
        )
        self.evaluations = self._counter(
            "health_evaluations_total", "Customers evaluated at ticks."
        )
        self.score_changes = self._counter("health_score_changes_total", "Score changes emitted.")
        self.transitions = self._counter("health_transitions_total", "Lines crossed.")
        self.customers = self._gauge(
            "health_customers", "Customers held by this process, by band.", "band"
        )
        self.customers_due = self._gauge(
            "health_customers_due", "Customers that wait for time to pass."
        )
        self.sources_stalled = self._gauge(
            "health_sources_stalled",
            "Whether a source topic is declared stalled (1) or not (0).",
            "topic",
        )
        self.checkpoints = self._counter("health_checkpoints_total", "Checkpoints completed.")
        self.checkpoint_s = self._histogram(
            "health_checkpoint_seconds",
            "From a checkpoint's start to its acknowledgement.",
            _SLOW_S,
        )
        self.checkpoint_rows = self._counter(
            "health_checkpoint_rows_total", "Customer rows written to the changelog."
        )
        self.restore_s = self._gauge(
            "health_restore_seconds", "How long the last restore of a partition took.", "partition"
        )
        self.restored_records = self._counter(
            "health_restored_records_total", "Changelog records read to restore partitions."
        )
        self.snapshot_rows = self._counter(
            "health_snapshot_rows_total", "Rows taken from snapshots on disk, not the changelog."
        )
        self.partitions = self._gauge("health_partitions_owned", "Signals partitions owned here.")
        self.decisions_refused = self._counter(
            "health_decisions_refused_total",
            "Records of the control topic that this worker cannot follow: a scorecard that does"
            " not compile here, an unknown or unreadable decision.",
            "kind",
        )
        self.gap_records = self._counter(
            "health_gap_records_total", "Records skipped by an accepted gap.", "topic"
        )

    def _outputs(self) -> None:
        self.view_rows = self._counter(
            "health_view_rows_total", "Rows given to the view, by what became of them.", "outcome"
        )
        self.view_reranked = self._counter(
            "health_view_reranked_total",
            "Customers whose place in the attention order moved because days passed.",
        )
        self.view_apply_s = self._histogram(
            "health_view_apply_seconds", "Time to write one batch to the view.", _FAST_S
        )
        self.view_lag_records = self._gauge(
            "health_view_lag_records", "Score changes not yet written to the view."
        )
        self.actions = self._counter(
            "health_actions_total", "Messages that outreach decided to send.", "sink"
        )
        self.actions_withheld = self._counter(
            "health_actions_withheld_total",
            "Transitions that message nobody, by the reason.",
            "reason",
        )
        self.reports_missing = self._gauge(
            "health_activation_reports_missing",
            "Partitions that have not ended the latest activation of a scorecard.",
        )
        self.deliveries = self._counter(
            "health_deliveries_total", "Deliveries that ended.", "sink", "outcome"
        )
        self.delivery_attempts = self._counter(
            "health_delivery_attempts_total", "Attempts to deliver, repeats included.", "sink"
        )
        self.delivery_s = self._histogram(
            "health_delivery_seconds", "Time of one attempt to deliver.", _SLOW_S, "sink"
        )

    def _serving(self) -> None:
        self.api_requests = self._counter(
            "health_api_requests_total", "Requests answered.", "route", "status"
        )
        self.api_request_s = self._histogram(
            "health_api_request_seconds",
            "Time to answer a request, streams excepted.",
            _FAST_S,
            "route",
        )
        self.api_streams = self._gauge("health_api_streams", "Open streams of server-sent events.")
        self.build = self._gauge(
            "health_build", "Always 1; the label names the release.", "version"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self._describe(name, "counter", labels, text)
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        self._describe(name, "gauge", labels, text)
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        self._describe(name, "histogram", labels, text)
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def _describe(self, name: str, kind: str, labels: tuple[str, ...], text: str) -> None:
        self.described.append(Described(name, kind, labels, text))
