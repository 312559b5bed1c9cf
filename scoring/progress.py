"""How far the sources have been read: time in a partition never runs ahead of its input."""

from collections.abc import Collection

from schemas.signals import Progress
from scoring.header import Header

__all__ = ["FOR_EVER", "note_progress", "present_ms", "read_to_ms"]

#: All that is waited for has been read: only the clock holds time back.
FOR_EVER = 2**62


def note_progress(header: Header, record: Progress) -> None:
    """Take over what intake reports; it never goes back."""
    known = header.progress_ms
    for source_tp, reached_ms in record.read_to_ms.items():
        if reached_ms > known.get(source_tp, -1):
            known[source_tp] = reached_ms


def read_to_ms(header: Header, sources: Collection[str]) -> int | None:
    """How far all sources that are not stalled have been read; None if one is not known.

    ``sources`` are those that must be known, as ``topic/partition``. Where all are
    stalled nothing holds time back.
    """
    known = header.progress_ms
    wanted = [tp for tp in {*sources, *known} if tp.rpartition("/")[0] not in header.stalled]
    if not all(tp in known for tp in wanted):
        return None
    if not wanted and known:
        return FOR_EVER
    return min((known[tp] for tp in wanted), default=None)


def present_ms(header: Header, clock_ms: int | None) -> int:
    """The partition's present: its last tick, or how far its sources have been read since.

    Without anybody touched or due there are no ticks, though time passes. It never lies ahead
    of ``clock_ms``, None where the events' own time counts: there a tick alone moves it.
    """
    if clock_ms is None:
        return header.tick_ms
    return max(header.tick_ms, min(read_to_ms(header, ()) or 0, clock_ms))
