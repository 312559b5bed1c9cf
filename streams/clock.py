"""The only reader of the wall clock."""

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock", "from_ms", "to_ms"]


class Clock(Protocol):
    """Tells the time: wall time for what people see, elapsed time for timeouts."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""

    def elapsed_s(self) -> float:
        """Seconds on a clock that never goes back and counts while the machine sleeps."""


class SystemClock:
    """The machine's clock, shifted by ``offset_ms`` (drills inject a wrong clock that way)."""

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms
        self._clock_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def elapsed_s(self) -> float:
        """Seconds since some fixed point, counted also while the process is frozen."""
        return time.clock_gettime(self._clock_id)


class ManualClock:
    """A clock that moves when told to."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """The time last set, in milliseconds."""
        return self._now_ms

    def elapsed_s(self) -> float:
        """The time last set, in seconds."""
        return self._now_ms / 1000

    def advance(self, ms: int) -> None:
        """Move forward by ``ms`` milliseconds."""
        self._now_ms += ms


def from_ms(ms: int) -> datetime:
    """An aware UTC time from Unix milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware time, rounded down."""
    return int(at.timestamp() * 1000)
