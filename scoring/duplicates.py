"""Event ids already seen: a source that sends an event twice changes nothing.

Ids are kept as 64-bit fingerprints of (source, event id), by hour of event
time, for a stated window: :data:`WINDOW_MS`. An event older than the window
cannot be checked any more; it is applied, and counted. Two different ids share
a fingerprint with probability n/2^64 per event, n being the ids in the window.

Each checkpoint appends one *segment* of what is new (8 bytes per event), so its
cost does not grow with the window.
"""

from array import array
from enum import StrEnum

from xxhash import xxh3_64_intdigest

from schemas.signals import Kind
from scoring.segment import Segment

__all__ = ["WINDOW_MS", "WINDOW_USAGE_MS", "Duplicates", "Seen", "fingerprint"]

HOUR_MS = 3_600_000
#: Webhooks are delivered at least once, for days: tickets, billing and the rest.
WINDOW_MS = 72 * HOUR_MS
#: Usage and activity, where a repeat comes soon and there are many.
WINDOW_USAGE_MS = 6 * HOUR_MS
_USAGE = frozenset({int(Kind.FEATURE), int(Kind.ACTIVITY)})


class Seen(StrEnum):
    """What is known of an event id."""

    NEW = "new"
    DUPLICATE = "duplicate"
    UNCHECKED = "unchecked"


def fingerprint(source: str, event_id: str) -> int:
    """64 bits of (source, event id)."""
    return xxh3_64_intdigest(f"{source}\0{event_id}".encode("utf-8", "surrogatepass"))


class Duplicates:
    """The ids of one signals partition within the window."""

    def __init__(self) -> None:
        self._hours: dict[int, set[int]] = {}
        self._new: dict[int, array[int]] = {}
        self._now_ms = 0

    def __len__(self) -> int:
        return sum(len(seen) for seen in self._hours.values())

    def check(self, source: str, event_id: str, at_ms: int, kind: int) -> Seen:
        """Whether the event was seen before; notes it if it was not."""
        window_ms = WINDOW_USAGE_MS if kind in _USAGE else WINDOW_MS
        if at_ms < self._now_ms - window_ms:
            return Seen.UNCHECKED
        hour = at_ms // HOUR_MS
        mark = xxh3_64_intdigest(f"{source}\0{event_id}".encode("utf-8", "surrogatepass"))
        seen = self._hours.get(hour)
        if seen is None:
            seen = self._hours[hour] = set()
        elif mark in seen:
            return Seen.DUPLICATE
        seen.add(mark)
        new = self._new.get(hour)
        if new is None:
            new = self._new[hour] = array("Q")
        new.append(mark)
        return Seen.NEW

    def advance(self, now_ms: int) -> None:
        """Time has passed: forget what left the longest window."""
        # Whole hours: a worker that restarts in between must judge as one that did not.
        now_ms = now_ms // HOUR_MS * HOUR_MS
        if now_ms == self._now_ms:
            return
        self._now_ms = now_ms
        oldest = (now_ms - WINDOW_MS) // HOUR_MS
        for hour in [hour for hour in self._hours if hour < oldest]:
            del self._hours[hour]

    def take_segment(self, position: int) -> Segment | None:
        """What is new since the last call, as a segment; None if nothing is."""
        if not self._new:
            return None
        hours = {hour: marks.tobytes() for hour, marks in self._new.items()}
        self._new = {}
        return Segment(position, hours)

    def restore(self, segment: Segment) -> None:
        """Note what is in a segment and still in the window."""
        oldest = (self._now_ms - WINDOW_MS) // HOUR_MS
        for hour, packed in segment.hours.items():
            if hour < oldest:
                continue
            self._hours.setdefault(hour, set()).update(array("Q", packed))

    def expired(self, segment_last_hour: int) -> bool:
        """Whether a segment whose youngest hour this is has left the window."""
        return segment_last_hour < (self._now_ms - WINDOW_MS) // HOUR_MS
