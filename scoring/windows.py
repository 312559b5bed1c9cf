"""Reading series over windows: what ``count``, ``sum``, ``distinct`` and the others see.

Each function here takes a series (and a window) and gives a ``read(state,
moment)``. A window of n buckets is the running one and the n - 1 before it; what
lies after now counts with it, since a tick waits for the slowest source and may
lag behind what was read of the others. A series that was not kept from the
customer's beginning has no data until its window has been seen whole.
"""

from collections.abc import Callable
from typing import Any

from scoring import distinct
from scoring.moment import NO_DATA, Moment, Reading, reading_of
from scoring.money import Rates
from scoring.series import Series
from scoring.state import DAY_MS, HOUR_MS, CustomerState
from scoring.units import MICRO

__all__ = [
    "Read",
    "Window",
    "active_buckets",
    "count",
    "count_in",
    "days_since",
    "distinct_values",
    "extreme",
    "found",
    "kept_in",
    "last",
    "looked_at",
    "mean",
    "mean_money",
    "quantile",
    "quantile_of",
    "sampled",
    "share",
    "since",
    "total",
    "total_in",
    "total_money",
]

#: Reads a value off a customer at a moment.
Read = Callable[[CustomerState, Moment], Reading]


class Window:
    """A number of buckets of one length, ending with the running one."""

    __slots__ = ("buckets", "size_ms")

    def __init__(self, buckets: int, size_ms: int) -> None:
        self.buckets = buckets
        self.size_ms = size_ms

    def before_first(self, moment: Moment) -> int:
        """The bucket before the window's first."""
        return moment.now_ms // self.size_ms - self.buckets

    def leaves_ms(self, bucket: int | None) -> int | None:
        """When a bucket leaves the window."""
        return None if bucket is None else (bucket + self.buckets) * self.size_ms

    def whole_ms(self, one: Series, moment: Moment, windows: int = 1) -> int | None:
        """When the series has seen so many windows whole; None: it has already."""
        began_ms = moment.complete_from(one.key)
        if began_ms is None:
            return None
        # The bucket in which it began is not whole.
        whole = (began_ms // self.size_ms + 1 + windows * self.buckets - 1) * self.size_ms
        return whole if moment.now_ms < whole else None


def kept_in(state: CustomerState, one: Series, moment: Moment, window: Window) -> Any:
    """What the series keeps; a :class:`Reading` if there is no data to read."""
    if not state.heard & one.families:
        return NO_DATA
    whole_ms = window.whole_ms(one, moment)
    if whole_ms is not None:
        return reading_of(None, whole_ms)
    return state.series.get(one.key) or {}


#: Behind all buckets.
_NO_END = 2**62


def count_in(kept: dict[int, int], oldest: int, youngest: int | None) -> tuple[int, int | None]:
    """How many in (oldest, youngest], and the first bucket with any; youngest None: no end."""
    # Compiled, all of these are whole numbers of 64 bits: see windows.pxd.
    end = _NO_END if youngest is None else youngest
    found, first = 0, _NO_END
    for bucket, n in kept.items():
        if oldest < bucket <= end and n:
            found += n
            if bucket < first:
                first = bucket
    return found, None if first == _NO_END else first


def active_in(kept: dict[int, int], oldest: int) -> tuple[int, int | None]:
    """How many buckets after ``oldest`` have any, and the first of them."""
    found, first = 0, _NO_END
    for bucket, n in kept.items():
        if bucket > oldest and n:
            found += 1
            if bucket < first:
                first = bucket
    return found, None if first == _NO_END else first


def total_in(
    kept: dict[int, list[int]], oldest: int, youngest: int | None
) -> tuple[int, int, int | None]:
    """How many and how much in (oldest, youngest], and the first bucket with any."""
    found, amount, first = 0, 0, None
    for bucket, (n, part) in kept.items():
        if bucket > oldest and (youngest is None or bucket <= youngest):
            found += n
            amount += part
            if first is None or bucket < first:
                first = bucket
    return found, amount, first


#: Reads what a series keeps; the moment says where its window lies.
Look = Callable[[Any, Moment], Reading]


def looked_at(one: Series, window: Window, look: Look) -> Read:
    """A look at what a series keeps, where there is data to look at."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        kept = kept_in(state, one, moment, window)
        return kept if type(kept) is Reading else look(kept, moment)

    return read


def count(one: Series, window: Window) -> Read:
    """How many there were."""

    def look(kept: Any, moment: Moment) -> Reading:
        found, first = count_in(kept, window.before_first(moment), None)
        return reading_of(found * MICRO, window.leaves_ms(first))

    return looked_at(one, window, look)


def active_buckets(one: Series, window: Window) -> Read:
    """In how many buckets there was at least one."""

    def look(kept: Any, moment: Moment) -> Reading:
        oldest = window.before_first(moment)
        found, first = active_in(kept, oldest)
        return reading_of(found * MICRO, window.leaves_ms(first))

    return looked_at(one, window, look)


def total(one: Series, window: Window) -> Read:
    """The sum; 0 where nothing is in the window."""

    def look(kept: Any, moment: Moment) -> Reading:
        _, amount, first = total_in(kept, window.before_first(moment), None)
        return reading_of(amount, window.leaves_ms(first))

    return looked_at(one, window, look)


def mean(one: Series, window: Window) -> Read:
    """The mean; no data where the window has none."""

    def look(kept: Any, moment: Moment) -> Reading:
        found, amount, first = total_in(kept, window.before_first(moment), None)
        return reading_of(amount // found if found else None, window.leaves_ms(first))

    return looked_at(one, window, look)


def found(one: Series, window: Window) -> Read:
    """How many events a total or mean was made from."""

    def look(kept: Any, moment: Moment) -> Reading:
        count_found, _, first = total_in(kept, window.before_first(moment), None)
        return reading_of(count_found * MICRO, window.leaves_ms(first))

    return looked_at(one, window, look)


def sampled(one: Series, window: Window) -> Read:
    """How many samples a quantile was made from."""

    def look(kept: Any, moment: Moment) -> Reading:
        inside = [bucket for bucket, _ in _samples_in(kept, window, moment)]
        return reading_of(len(inside) * MICRO, window.leaves_ms(min(inside, default=None)))

    return looked_at(one, window, look)


def _samples_in(kept: Any, window: Window, moment: Moment) -> list[tuple[int, int]]:
    """The samples in the window as (bucket, value)."""
    oldest = window.before_first(moment)
    pairs = ((at_ms // window.size_ms, value) for at_ms, _, value in kept)
    return [(bucket, value) for bucket, value in pairs if bucket > oldest]


def share(part: Series, whole: Series, window: Window) -> Read:
    """Of all such things in the window, those that a condition fits."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        all_kept, kept = (kept_in(state, one, moment, window) for one in (whole, part))
        if type(all_kept) is Reading:
            return all_kept
        if type(kept) is Reading:
            return kept
        oldest = window.before_first(moment)
        count_all, first = count_in(all_kept, oldest, None)
        count_part, _ = count_in(kept, oldest, None)
        value = count_part * MICRO // count_all if count_all else None
        return reading_of(value, window.leaves_ms(first))

    return read


def extreme(one: Series, window: Window, *, greatest: bool) -> Read:
    """The least or the greatest; no data where the window has none."""
    pick, place = (max, 1) if greatest else (min, 0)

    def look(kept: Any, moment: Moment) -> Reading:
        oldest = window.before_first(moment)
        inside = [bucket for bucket in kept if bucket > oldest]
        if not inside:
            return NO_DATA
        value = pick(kept[bucket][place] for bucket in inside)
        return reading_of(value, window.leaves_ms(min(inside)))

    return looked_at(one, window, look)


def quantile(one: Series, window: Window, share_ppm: int) -> Read:
    """The smallest value that at least a share of them does not exceed."""

    def look(kept: Any, moment: Moment) -> Reading:
        return quantile_of(_samples_in(kept, window, moment), window, share_ppm)

    return looked_at(one, window, look)


def quantile_of(inside: list[tuple[int, int]], window: Window, share_ppm: int) -> Reading:
    """A quantile of (bucket, value) pairs that lie in the window."""
    if not inside:
        return NO_DATA
    values = sorted(value for _, value in inside)
    rank = max(-(-share_ppm * len(values) // MICRO), 1)
    return reading_of(values[rank - 1], window.leaves_ms(min(bucket for bucket, _ in inside)))


def distinct_values(one: Series, window: Window) -> Read:
    """How many different ones; no data before the first: perhaps nobody tells who it was."""

    def look(kept: Any, moment: Moment) -> Reading:
        if not kept:
            return NO_DATA
        found, first = distinct.seen(kept, window.before_first(moment))
        return reading_of(found * MICRO, window.leaves_ms(first))

    return looked_at(one, window, look)


def latest_in(state: CustomerState, one: Series, moment: Moment) -> Any:
    """The youngest event that a series knows; None if it may have missed a younger one."""
    kept, began_ms = state.series.get(one.key), moment.complete_from(one.key)
    if kept is None or (began_ms is not None and kept[0] < began_ms):
        return None
    return kept


def last(one: Series, window: Window | None) -> Read:
    """The value of the youngest event that has it, until it is a window old."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        kept = latest_in(state, one, moment)
        if kept is None:
            return NO_DATA
        if window is None:
            return reading_of(kept[2])
        expires_ms = (kept[0] // window.size_ms + window.buckets) * window.size_ms
        return reading_of(kept[2], expires_ms) if moment.now_ms < expires_ms else NO_DATA

    return read


def days_since(one: Series) -> Read:
    """Days since the last one, in steps of an hour."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        kept = latest_in(state, one, moment)
        return NO_DATA if kept is None else since(kept[0], moment.now_ms)

    return read


def since(at_ms: int, now_ms: int) -> Reading:
    """How long ago an instant is, in days, by whole hours."""
    hours = max(now_ms - at_ms, 0) // HOUR_MS
    return reading_of(hours * MICRO // 24, at_ms + (hours + 1) * HOUR_MS, origin_ms=at_ms)


def total_money(one: Series, window: Window, rates: Rates) -> Read:
    """The sum of amounts in the reporting currency, each at the rate of its day."""
    return _money(one, window, rates, averaged=False)


def mean_money(one: Series, window: Window, rates: Rates) -> Read:
    """The mean amount in the reporting currency."""
    return _money(one, window, rates, averaged=True)


def _money(one: Series, window: Window, rates: Rates, *, averaged: bool) -> Read:
    per_day = DAY_MS // one.size_ms

    def look(kept: Any, moment: Moment) -> Reading:
        oldest = window.before_first(moment)
        found, amount, first = 0, 0, None
        for bucket, by_currency in kept.items():
            if bucket <= oldest:
                continue
            for currency, (n, part_minor) in by_currency.items():
                part = rates.convert(part_minor, currency, bucket // per_day)
                if part is not None:
                    found += n
                    amount += part
            if first is None or bucket < first:
                first = bucket
        if averaged:
            return reading_of(amount // found if found else None, window.leaves_ms(first))
        return reading_of(amount, window.leaves_ms(first))

    return looked_at(one, window, look)
