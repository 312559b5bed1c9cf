"""The plan: all series of the active cards, by the kind of signal that feeds them."""

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any

from schemas.signals import Kind, Signal
from scoring import distinct
from scoring.compiled import fold_c
from scoring.series import Series, Shape, Test, Value
from scoring.state import AT, EVENT_ID, HORIZON_DAYS, CustomerState

__all__ = ["CURRENCIES_MAX", "FIRST_DAYS", "HOURS_KEPT", "SAMPLES_MAX", "Plan"]

SAMPLES_MAX = 500
CURRENCIES_MAX = 8
TOTAL_MAX = 2**62
HOURS_KEPT = 72
#: The first days of a series that holds the customer's anchor.
FIRST_DAYS = 120
_FEATURE = int(Kind.FEATURE)
_CURRENCY_AT = {Kind.ACTIVITY: 9, Kind.BILLING: 10}
_QUANTITY = 9

#: Adds a signal of the right kind.
Update = Callable[[CustomerState, Signal], None]


class Plan:
    """What the fold keeps of each signal, beside tickets, invoices and facts."""

    def __init__(self, series: Iterable[Series]) -> None:
        self.series = {one.key: one for one in series}
        self.by_kind: dict[int, tuple[Update, ...]] = {
            int(kind): tuple(
                _update(one, kind) for one in self.series.values() if kind in one.kinds
            )
            for kind in Kind
        }

    def prune(self, state: CustomerState, now_ms: int) -> None:
        """Forget what no window reaches any more, and series that no card asks for."""
        for key in [key for key in state.series if key not in self.series]:
            del state.series[key]
        for key, kept in state.series.items():
            one = self.series[key]
            oldest = now_ms // one.size_ms - (HOURS_KEPT if one.hourly else HORIZON_DAYS)
            if one.shape is Shape.DISTINCT:
                distinct.forget_before(kept, oldest)
            elif one.shape is Shape.SAMPLES:
                kept[:] = [entry for entry in kept if entry[0] >= oldest * one.size_ms]
            elif one.shape is not Shape.LATEST and kept:
                first = min(kept)
                from_bucket = first + FIRST_DAYS if one.keeps_first else first
                for bucket in [b for b in kept if from_bucket <= b < oldest]:
                    del kept[bucket]


def _update(one: Series, kind: Kind) -> Update:
    """The update of one series for signals of one kind."""
    shape, test, value = one.shape, one.tests.get(kind), one.values.get(kind)
    if shape is Shape.COUNT:
        times = one.times and kind == _FEATURE
        return _count(one.key, one.size_ms, test, times=times)
    if shape is Shape.MONEY:
        assert value is not None
        update = _summing_money(one.key, one.size_ms, value, _CURRENCY_AT[kind])
    elif shape is Shape.LATEST:
        update = _keeping_latest(one.key, value)
    else:
        assert value is not None
        update = _SHAPES[shape](one.key, one.size_ms, value)
    return update if test is None else _tested(test, update)


def _tested(test: Test, update: Update) -> Update:
    def tested(state: CustomerState, signal: Signal) -> None:
        if test(signal):
            update(state, signal)

    return tested


def _counting(key: int, size_ms: int, test: Test | None, *, times: bool) -> Update:
    def count(state: CustomerState, signal: Signal) -> None:
        if test is not None and not test(signal):
            return
        kept = state.series.get(key)
        if kept is None:
            kept = state.series[key] = {}
        bucket = signal[AT] // size_ms
        kept[bucket] = kept.get(bucket, 0) + (signal[_QUANTITY] if times else 1)

    return count


_count: Callable[..., Update] = _counting if fold_c is None else fold_c.Count


def _totalling(key: int, size_ms: int, value: Value) -> Update:
    def total(state: CustomerState, signal: Signal) -> None:
        found = value(signal)
        if found is None or type(found) is str:
            return
        entry = state.series.setdefault(key, {}).setdefault(signal[AT] // size_ms, [0, 0])
        entry[0] += 1
        entry[1] = _held_in_a_row(entry[1] + found)

    return total


def _held_in_a_row(total: int) -> int:
    """A sum as far as 64 bits reach: what a row can hold."""
    return min(max(total, -TOTAL_MAX), TOTAL_MAX)


def _bounding(key: int, size_ms: int, value: Value) -> Update:
    def bound(state: CustomerState, signal: Signal) -> None:
        found = value(signal)
        if found is None or type(found) is str:
            return
        entry = state.series.setdefault(key, {}).setdefault(signal[AT] // size_ms, [found, found])
        if found < entry[0]:
            entry[0] = found
        if found > entry[1]:
            entry[1] = found

    return bound


def _summing_money(key: int, size_ms: int, value: Value, currency_at: int) -> Update:
    def total(state: CustomerState, signal: Signal) -> None:
        amount = signal[currency_at - 1]
        if amount is None:
            return
        entry = state.series.setdefault(key, {}).setdefault(signal[AT] // size_ms, {})
        currency = signal[currency_at] or ""
        known = entry.get(currency)
        if known is None:
            known = entry[currency] = [0, 0]
            if len(entry) > CURRENCIES_MAX:
                # The last by name goes: which came first must not matter.
                state.overflow["currencies"] = 1
                del entry[max(entry)]
        known[0] += 1
        known[1] = _held_in_a_row(known[1] + amount)

    return total


def _telling_apart(key: int, size_ms: int, value: Value) -> Update:
    def seen(state: CustomerState, signal: Signal) -> None:
        member = value(signal)
        if member is None:
            return
        kept = state.series.get(key)
        if kept is None:
            kept = state.series[key] = distinct.empty()
        distinct.add(kept, member if type(member) is str else str(member), signal[AT] // size_ms)

    return seen


def _keeping_latest(key: int, value: Value | None) -> Update:
    def latest(state: CustomerState, signal: Signal) -> None:
        found = None
        if value is not None:
            found = value(signal)
            if found is None:
                return
        at_ms, known = signal[AT], state.series.get(key)
        if known is None or at_ms > known[0]:
            state.series[key] = [at_ms, signal[EVENT_ID], found]
        elif at_ms == known[0]:
            # Two at one instant: which came first must not matter.
            candidate = [at_ms, signal[EVENT_ID], found]
            if (signal[EVENT_ID], repr(found)) > (known[1], repr(known[2])):
                state.series[key] = candidate

    return latest


def _sampling(key: int, size_ms: int, value: Value) -> Update:
    def sample(state: CustomerState, signal: Signal) -> None:
        found = value(signal)
        if found is None or type(found) is str:
            return
        kept: list[Any] = state.series.setdefault(key, [])
        insort(kept, [signal[AT], signal[EVENT_ID], found])
        if len(kept) > SAMPLES_MAX:
            del kept[0]

    return sample


_SHAPES: dict[Shape, Callable[[int, int, Value], Update]] = {
    Shape.TOTAL: _totalling,
    Shape.EXTREMES: _bounding,
    Shape.DISTINCT: _telling_apart,
    Shape.SAMPLES: _sampling,
}
