"""Points for actions: so many for each, fading with time."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

from scoring.moment import NO_DATA, Moment, Reading, reading_of
from scoring.series import Series
from scoring.state import DAY_MS, HORIZON_DAYS, CustomerState
from scoring.terms import Term
from scoring.units import MICRO, Unit
from scoring.windows import Window

__all__ = ["Action", "ActionTable", "points"]

_PRECISION = Context(prec=28)


@dataclass(frozen=True, slots=True)
class Action:
    """What one kind of action gives: points in millionths each, at most so many times a day."""

    series: Series
    points: int
    per_day: int | None = None


#: Actions by name.
ActionTable = Mapping[str, Action]


def _fading(half_life_days: int | None) -> tuple[int, ...]:
    """What is left of a point after 0, 1, 2 ... days, in millionths; exact everywhere."""
    if half_life_days is None:
        return (MICRO,) * HORIZON_DAYS
    left = []
    for age in range(HORIZON_DAYS):
        power = Decimal(-age) / Decimal(half_life_days)
        left.append(int(_PRECISION.power(Decimal(2), power) * MICRO))
        if not left[-1]:
            break
    return tuple(left)


def points(table: ActionTable, half_life: Window | None) -> Term:
    """The points of all days, each day's halved every ``half_life``."""
    actions = tuple(table.values())
    series = tuple(action.series for action in actions)
    families = 0
    for one in series:
        families |= one.families
    fading = _fading(None if half_life is None else half_life.buckets)
    window = Window(len(fading), DAY_MS)

    def read(state: CustomerState, moment: Moment) -> Reading:
        if not state.heard & families:
            return NO_DATA
        total, alive = 0, False
        for action in actions:
            if window.whole_ms(action.series, moment) is not None and half_life is None:
                return reading_of(None, window.whole_ms(action.series, moment))
            for day, n in (state.series.get(action.series.key) or {}).items():
                age = max(moment.day - day, 0)
                if age < len(fading):
                    times = n if action.per_day is None else min(n, action.per_day)
                    total += times * action.points * fading[age] // MICRO
                    alive = True
        return reading_of(total, (moment.day + 1) * DAY_MS if alive else None)

    kinds = frozenset(kind for one in series for kind in one.kinds)
    return Term(Unit.COUNT, read, series=series, kinds=kinds)
