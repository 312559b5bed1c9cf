"""How far the sources have been read: time in a partition never runs ahead of its input."""

from collections.abc import Collection

from schemas.signals import Progress
from scoring.row import Header

__all__ = ["FOR_EVER", "note_progress", "read_to_ms"]

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
