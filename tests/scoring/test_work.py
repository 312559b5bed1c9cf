"""How the work grows with the window: buckets that are touched are counted, not seconds."""

from collections.abc import Iterator
from typing import Any

import pytest

from partitionlog import DAY_MS, START_MS, event, folded, metric_of, plan_of, signals_of
from schemas.signals import Signal
from scoring import plan as plans
from scoring.fold import fold
from scoring.moment import Moment
from scoring.plan import Plan
from scoring.state import CustomerState


class Counted(dict):
    """A dictionary that counts how many of its entries were touched."""

    touched = 0

    def _one(self) -> None:
        Counted.touched += 1

    def __getitem__(self, key: Any) -> Any:
        self._one()
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._one()
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._one()
        super().__delitem__(key)

    def __iter__(self) -> Iterator[Any]:
        for key in super().__iter__():
            self._one()
            yield key

    def get(self, key: Any, default: Any = None) -> Any:
        self._one()
        return super().get(key, default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._one()
        return super().setdefault(key, default)

    def keys(self) -> Any:
        return iter(self)

    def values(self) -> Any:
        return (self[key] for key in super().__iter__())

    def items(self) -> Any:
        return ((key, self[key]) for key in super().__iter__())


def counted(kept: Any) -> Any:
    """What a series keeps, with all dictionaries in it counted."""
    if isinstance(kept, dict):
        return Counted({key: counted(value) for key, value in kept.items()})
    return [counted(one) for one in kept] if isinstance(kept, list) else kept


#: With a window of %d days; a metric for each shape of series that has buckets.
METRICS = (
    "count(use, %dd)",
    "active_days(use, %dd)",
    "sum(quantity, %dd)",
    "max(quantity, %dd)",
    "distinct(user, %dd)",
)


@pytest.fixture(autouse=True)
def _readable_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled form of an update, which is tested equal, does not ask the dictionary."""
    monkeypatch.setattr(plans, "_count", plans._counting)


def use(day: int, ms: int = 0) -> Signal:
    made = event("usage.feature", START_MS + day * DAY_MS + ms, feature="f", user=f"u{day % 9}")
    return signals_of([made])[0]


def of_days(days: int, plan: Plan) -> CustomerState:
    """A customer that was active on so many days, the last of them today."""
    state = folded(plan, (use(-day) for day in range(days)))
    state.series = {key: counted(kept) for key, kept in state.series.items()}
    Counted.touched = 0
    return state


def work_of_an_event(metric: str, days: int) -> int:
    plan = plan_of(metric % days)
    state = of_days(days, plan)
    fold(state, use(0, ms=1), plan)
    return Counted.touched


def work_of_a_reading(metric: str, days: int) -> int:
    state = of_days(days, plan_of(metric % days))
    metric_of(metric % days).read(state, Moment(START_MS))
    return Counted.touched


@pytest.mark.parametrize("metric", METRICS)
def test_an_event_touches_as_much_whatever_the_window(metric: str) -> None:
    work = work_of_an_event(metric, 365)
    assert 0 < work <= 8
    assert work == work_of_an_event(metric, 30)


@pytest.mark.parametrize("metric", METRICS)
def test_a_reading_touches_each_day_once_for_each_time_it_is_looked_at(metric: str) -> None:
    """It grows with the days that a customer was active on, and with nothing else."""
    month, year = (work_of_a_reading(metric, days) for days in (30, 365))
    looks = -(-month // 30)
    assert month <= year <= looks * 365


def test_control_an_update_that_looks_at_all_days_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update = plans._counting

    def looking(key: int, *rest: Any, **more: Any) -> plans.Update:
        inner = update(key, *rest, **more)

        def look(state: CustomerState, signal: Signal) -> None:
            inner(state, signal)
            sum(state.series[key].values())

        return look

    monkeypatch.setattr(plans, "_count", looking)
    month, year = (work_of_an_event(METRICS[0], days) for days in (30, 365))
    assert year - month == 365 - 30
