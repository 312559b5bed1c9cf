"""What the demonstration has seen so far: what the board shows and the report holds."""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.scores import Band, TransitionData

__all__ = ["CROSSINGS_SHOWN", "Phase", "Tally", "percentile"]

#: The latest crossings kept for the board.
CROSSINGS_SHOWN = 12
#: Of the latencies at most so many of the newest count.
_SAMPLES_MAX = 5000


class Phase(StrEnum):
    """What the demonstration is doing, in words for people."""

    STARTING = "starting"
    HISTORY = "scoring the past"
    LIVE = "live"
    STOPPING = "stopping"


@dataclass(slots=True)
class Tally:
    """Counts of one demonstration. Only ever written by its own process."""

    broker: str = ""
    redis: str = ""
    address: str = ""
    phase: Phase = Phase.STARTING
    elapsed_s: float = 0.0
    history_days: int = 0
    events_in: int = 0
    events_per_s: float = 0.0
    signals: int = 0
    dead_letters: int = 0
    score_changes: int = 0
    transitions: int = 0
    lag_records: dict[str, int] = field(default_factory=dict)
    customers: dict[Band, int] = field(default_factory=dict)
    crossings: deque[TransitionData] = field(default_factory=lambda: deque(maxlen=CROSSINGS_SHOWN))
    deliveries: Counter[str] = field(default_factory=Counter)
    probes_unanswered: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES_MAX))


def percentile(samples: "deque[float] | list[float]", share: float) -> float | None:
    """The smallest sample that at least ``share`` of all do not exceed; None without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    rank = -(-share * len(ordered) // 1)  # ceiling
    return ordered[min(len(ordered), max(1, int(rank))) - 1]
