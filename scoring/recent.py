"""The latest events that fed each metric since the last score told: they explain the next one.

Noting an event costs one append. Sorting out what it fed waits until a score is told,
a row is written, or :data:`FRESH_MAX` wait. Of each feed the :data:`RECENT_MAX` latest events are
kept, so that neither the order in which events came nor the time of sorting changes
anything.
"""

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter

from schemas.signals import Signal
from scoring.compiled import fold_c
from scoring.feeds import Feed
from scoring.series import Test

__all__ = [
    "FRESH_MAX", "RECENT_MAX", "Event", "Feeding", "Recent", "feeding", "latest", "settle",
    "thinned", "within",
]  # fmt: skip

#: Events kept of each feed.
RECENT_MAX = 3
#: Events that may wait to be sorted out.
FRESH_MAX = 32
#: Sets of feeds that are told apart; beyond it, what is not among the latest of any is forgotten.
GROUPS_MAX = 64

#: (event time, source, event id).
Event = tuple[int, str, str]
#: The feeds that an event fed -> the latest such events, oldest first.
Recent = dict[tuple[int, ...], list[Event]]
#: A kind of signal -> the feeds that may take it: (key, test), by key.
Feeding = Mapping[int, tuple[tuple[int, Test | None], ...]]

_event_of = itemgetter(1, 3, 4)


def feeding(feeds: Iterable[Feed]) -> Feeding:
    """Feeds by the kinds of signals that they take, each once."""
    by_kind: dict[int, dict[int, Test | None]] = {}
    for feed in feeds:
        for kind, test in feed.tests.items():
            by_kind.setdefault(int(kind), {})[feed.key] = test
    return {
        kind: tuple(sorted(by_key.items(), key=itemgetter(0))) for kind, by_key in by_kind.items()
    }


def newest_first(signals: list[Signal]) -> None:
    """Sort signals in place, the newest first."""
    signals.sort(key=_event_of, reverse=True)


_newest_first = newest_first if fold_c is None else fold_c.newest_first


def settle(recent: Recent, fresh: list[Signal], feeds: Feeding) -> None:
    """Sort events into what is recent, by the feeds that they belong to."""
    if len(fresh) > 1:
        _newest_first(fresh)
    #: Newest first: once there are enough that fed all that the kind can feed, the rest are older.
    full: set[int] = set()
    counts: dict[tuple[int, ...], int] = {}
    for signal in fresh:
        kind = signal[5]
        if kind in full:
            continue
        feeds_of_kind = feeds.get(kind, ())
        keys = tuple([key for key, test in feeds_of_kind if test is None or test(signal)])
        if not keys:
            continue
        if _insert(recent, keys, _event_of(signal)) and len(keys) == len(feeds_of_kind):
            counts[keys] = count = counts.get(keys, 0) + 1
            if count == RECENT_MAX:
                full.add(kind)
    if len(recent) > GROUPS_MAX:
        kept = thinned(recent)
        recent.clear()
        recent.update(kept)


def _insert(recent: Recent, keys: tuple[int, ...], event: Event) -> bool:
    """Keep an event if it is one of the latest; whether it is."""
    known = recent.get(keys)
    if known is None:
        recent[keys] = [event]
        return True
    if event in known or (len(known) == RECENT_MAX and event < known[0]):
        return False
    known.append(event)
    if len(known) > 1 and event < known[-2]:
        known.sort()
    if len(known) > RECENT_MAX:
        del known[0]
    return True


def thinned(recent: Recent) -> Recent:
    """The events that are among the latest of some feed, in one order: what a row keeps.

    However the events came and whenever they were sorted, it is the same.
    """
    if len(recent) < 2:
        return recent
    if len(set().union(*recent)) == sum(map(len, recent)):
        return {keys: recent[keys] for keys in sorted(recent)}  # no two have a feed in common
    entries = sorted(
        ((event, keys) for keys, events in recent.items() for event in events), reverse=True
    )
    counts: dict[int, int] = {}
    counted: set[int] = set()
    last: Event | None = None
    kept: Recent = {}
    for event, keys in entries:
        if event != last:
            last, counted = event, set()
        if all(counts.get(key, 0) >= RECENT_MAX and key not in counted for key in keys):
            continue
        kept.setdefault(keys, []).append(event)
        for key in keys:
            if key not in counted:
                counted.add(key)
                counts[key] = counts.get(key, 0) + 1
    return {keys: kept[keys][::-1] for keys in sorted(kept)}


def within(recent: Recent, keys: Collection[int]) -> Recent:
    """What is recent of these feeds alone."""
    found: Recent = {}
    for group, events in recent.items():
        left = tuple(key for key in group if key in keys)
        for event in events if left else ():
            _insert(found, left, event)
    return found


def latest(recent: Recent, keys: Collection[int], most: int = RECENT_MAX) -> list[Event]:
    """The latest events of these feeds, newest first."""
    found = {
        event for group, events in recent.items() if any(k in keys for k in group)
        for event in events
    }  # fmt: skip
    return sorted(found, reverse=True)[:most]
