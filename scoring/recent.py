"""The latest events of each kind since the last evaluation: they explain the next change."""

from schemas.signals import Signal

__all__ = ["RECENT_MAX", "note"]

RECENT_MAX = 3

#: Kind -> (event time, source, event id), oldest first.
Recent = dict[int, list[tuple[int, str, str]]]


def note(recent: Recent, signal: Signal) -> None:
    """Remember an event if it is one of the latest of its kind."""
    known = recent.get(signal[5])
    if known is None:
        recent[signal[5]] = [(signal[1], signal[3], signal[4])]
        return
    if len(known) == RECENT_MAX and signal[1] < known[0][0]:
        return  # sorted: most events cost one comparison
    known.append((signal[1], signal[3], signal[4]))
    known.sort()
    del known[:-RECENT_MAX]
