"""How much an installation needs: partitions, processes, memory, disk, bandwidth, restore time.

A formula, not a measurement: what one event, one evaluation, one row and one customer cost was
measured (:data:`COSTS`, each with the benchmark that says so), and the rest is arithmetic. It is
right within a factor of two on another machine; run ``make bench`` there for better.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from schemas.topics import TOPICS
from streams.settings import Settings
from streams.views.base import HISTORY_MAX

__all__ = ["COSTS", "Cost", "Load", "Need", "needs", "touched_per_s"]


class Cost(NamedTuple):
    """What one of something takes."""

    value: float
    unit: str
    #: What it is of, and the benchmark that measures it.
    says: str


#: What was measured. docs/capacity.md shows the same table; a test compares them.
COSTS = {
    "event_us": Cost(
        12, "µs of CPU", "An event read, checked, routed and folded, its share of rows and ticks in"
        " a backlog included (`narrow`).",
    ),
    "evaluation_us": Cost(
        380, "µs of CPU",
        "A known customer evaluated as events come, with its row, and told now and then (`sizes`).",
    ),
    "cpu_share": Cost(
        0.6, "of a core",
        "So much of a core is planned: the rest is for peaks and for catching up.",
    ),
    "signal_bytes": Cost(56, "bytes", "An event in the signals log (`sizes`)."),
    "change_bytes": Cost(5_850, "bytes", "A score change with its reasons (`sizes`)."),
    "transition_bytes": Cost(3_450, "bytes", "A crossed line with its reasons (`sizes`)."),
    "transition_share": Cost(
        0.2, "of the changes", "So many score changes cross a line: assumed, it is the card's."
    ),
    "row_bytes": Cost(
        2_300, "bytes", "A customer's row, of 60 active days (`memory`)."
    ),
    "row_share": Cost(
        0.4, "of the row",
        "What compression leaves of it in the changelog: less where many rows are written at once,"
        " up to 0.6 of one alone (`memory`, `sizes`).",
    ),
    "resident_bytes": Cost(2_570, "bytes", "A customer in a worker's memory (`memory`)."),
    "process_bytes": Cost(108e6, "bytes", "A worker without customers (`sizes`)."),
    "redis_bytes": Cost(10_200, "bytes", "A customer in Redis, its first score (`sizes`)."),
    "history_bytes": Cost(200, "bytes", "An earlier score of a customer in Redis (docs/view.md)."),
    "restore_rows_per_s": Cost(
        150_000, "rows/s", "A process reads the changelog back, empty disk (`restore`)."
    ),
    "partition_customers": Cost(
        25_000, "customers", "At most in a partition: what is handed over in one piece."
    ),
    "partitions_each": Cost(
        4, "partitions", "At least for each process, so that they share evenly."
    ),
}  # fmt: skip
_COST = {name: each.value for name, each in COSTS.items()}
DAY_S = 86_400
#: Partitions of the signals log, as `vitals topics` allows.
PARTITIONS_MIN, PARTITIONS_MAX = 8, 1024


@dataclass(frozen=True, slots=True)
class Load:
    """What comes, and how the installation is set up."""

    customers: int
    #: On the average of the busiest hour.
    events_per_s: float
    event_bytes: int = 250
    row_bytes: int = int(COSTS["row_bytes"].value)
    #: Score changes told of a customer in a day.
    changes_per_day: float = 0.2
    replication: int = 3
    tick_s: float = Settings.model_fields["tick_ms"].default / 1000
    checkpoint_s: float = Settings.model_fields["checkpoint_ms"].default / 1000
    #: How long source topics and the signals log are kept.
    retention_days: float = 30


class Need(NamedTuple):
    """One figure, and how it comes about."""

    value: float
    unit: str
    why: str


def touched_per_s(load: Load, every_s: float) -> float:
    """Customers a second that have had an event, each counted once in ``every_s``.

    Of customers that are alike: C x (1 - e^(-E t / C)) in a time t. Skewed ones are fewer.
    """
    if load.customers == 0:
        return 0.0
    hit = -math.expm1(-load.events_per_s * every_s / load.customers)
    return load.customers * hit / every_s


def needs(load: Load) -> dict[str, Need]:
    """All figures of an installation, in the order in which they are told."""
    work = _work(load)
    processes = int(work["processes"].value)
    return {**work, **_traffic(load), **_kept(load, processes)}


def _work(load: Load) -> dict[str, Need]:
    """Of the processor."""
    events, evaluations = load.events_per_s, touched_per_s(load, load.tick_s)
    cores = (events * _COST["event_us"] + evaluations * _COST["evaluation_us"]) / 1e6
    processes = max(1, math.ceil(cores / _COST["cpu_share"]))
    return {
        "evaluations_per_s": Need(
            evaluations, "/s", f"customers touched, each once in {load.tick_s:g} s"
        ),
        "cores": Need(
            cores, "cores", "events x event_us + evaluations x evaluation_us, on the average"
        ),
        "processes": Need(processes, "", f"cores / {_COST['cpu_share']:g}, at least one"),
        "signals_partitions": Need(
            _partitions(load.customers, processes), "",
            f"at most {_COST['partition_customers']:,.0f} customers in each, at least"
            f" {_COST['partitions_each']:.0f} for each process; a power of two",
        ),
        "catch_up_s": Need(
            3600 * events * _COST["event_us"] / 1e6 / processes, "s",
            "to read an hour's events in a backlog, where customers are evaluated seldom",
        ),
    }  # fmt: skip


def _traffic(load: Load) -> dict[str, Need]:
    """To and from the broker, before replication."""
    rows = touched_per_s(load, load.checkpoint_s)
    come, told = load.events_per_s * _event_bytes(load), _told_bytes_per_s(load)
    return {
        "rows_per_s": Need(
            rows, "/s", f"customers touched, each once in {load.checkpoint_s:g} s: to the changelog"
        ),
        "broker_in_mb_s": Need(
            (come + rows * _kept_bytes(load) + told) / 1e6, "MB/s",
            "events + signals + rows + score changes and crossed lines; between brokers once more"
            " for each further replica",
        ),
        "broker_out_mb_s": Need(
            (come + told) / 1e6, "MB/s",
            "events to intake, signals to score, the rest to the view and to outreach",
        ),
    }  # fmt: skip


def _kept(load: Load, processes: int) -> dict[str, Need]:
    """In memory and on disks, and back again."""
    customers, changelog = load.customers, load.customers * _kept_bytes(load)
    history = min(load.changes_per_day * 365, HISTORY_MAX)
    disk = (
        load.events_per_s * _event_bytes(load) * load.retention_days * DAY_S
        + _told_bytes_per_s(load) * _retention_s("scores")
        + changelog
        + touched_per_s(load, load.checkpoint_s) * _kept_bytes(load) * _uncompacted_s()
    )
    return {
        "memory_gb": Need(
            (customers * _COST["resident_bytes"] + processes * _COST["process_bytes"]) / 1e9, "GB",
            "customers x resident_bytes + processes x process_bytes, all workers together",
        ),
        "redis_gb": Need(
            customers * (_COST["redis_bytes"] + history * _COST["history_bytes"]) / 1e9, "GB",
            f"customers x (redis_bytes + history_bytes x {history:g} earlier scores of a year)",
        ),
        "changelog_gb": Need(
            changelog / 1e9, "GB",
            "customers x row_bytes x row_share, compacted, one replica; workers' snapshots take"
            " customers x row_bytes",
        ),
        "disk_gb": Need(
            disk * load.replication / 1e9, "GB",
            f"{load.retention_days:g} days of events and signals, 90 days of score changes, the"
            f" changelog and its rows not yet compacted; x {load.replication} replicas",
        ),
        "restore_s": Need(
            customers / _COST["restore_rows_per_s"] / processes, "s",
            "customers / restore_rows_per_s / processes: all start with an empty disk",
        ),
    }  # fmt: skip


def _event_bytes(load: Load) -> float:
    """As it came, and as a signal."""
    return load.event_bytes + _COST["signal_bytes"]


def _kept_bytes(load: Load) -> float:
    """A row as it lies in the changelog."""
    return load.row_bytes * _COST["row_share"]


def _told_bytes_per_s(load: Load) -> float:
    """Score changes and crossed lines."""
    each = _COST["change_bytes"] + _COST["transition_share"] * _COST["transition_bytes"]
    return load.customers * load.changes_per_day / DAY_S * each


def _partitions(customers: int, processes: int) -> int:
    wanted = max(
        customers / _COST["partition_customers"],
        processes * _COST["partitions_each"],
        PARTITIONS_MIN,
    )
    return int(min(2 ** math.ceil(math.log2(wanted)), PARTITIONS_MAX))


def _retention_s(key: str) -> float:
    return int(TOPICS[key].config["retention.ms"]) / 1000


def _uncompacted_s() -> float:
    """Rows so young are in the changelog beside those that replaced them: segment and lag."""
    config = TOPICS["customers"].config
    return (int(config["segment.ms"]) + int(config["min.compaction.lag.ms"])) / 1000
