"""How a partition's fold behaves, and what it counts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from scoring.card import Card

__all__ = ["Counts", "FoldPolicy", "Gap", "TickMode"]


class TickMode(StrEnum):
    """What moves time: the wall clock, or the events."""

    WALL = "wall"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class FoldPolicy:
    """How the fold behaves. ``load_card`` compiles a scorecard's text."""

    load_card: Callable[[str], Card]
    mode: TickMode = TickMode.WALL
    #: In event mode customers are evaluated at multiples of this, Unix milliseconds.
    step_ms: int = 86_400_000
    #: In event mode the last tick is made here, once all sources have been read so far.
    as_of_ms: int | None = None
    source: str = "/vitals/health.scores.v1"
    cache_customers: int = 100_000
    #: Go on where records were deleted before they were read, and count them.
    accept_gap: bool = False


@dataclass(slots=True)
class Counts:
    """What happened since the process started; for metrics, never for decisions."""

    signals: int = 0
    duplicates: int = 0
    unchecked: int = 0
    replayed: int = 0
    evaluations: int = 0
    score_changes: int = 0
    transitions: int = 0
    held: int = 0
    gap_records: int = 0
    #: Blocks that were routed for another number of partitions.
    misrouted: int = 0


class Gap(Exception):
    """Records are missing from the log between the header's position and the first one read."""
