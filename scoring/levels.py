"""Quantities that hold until they are changed, such as seats and MRR, and how they moved.

A :class:`Level` remembers the value at the end of each UTC day on which it was
told. As everywhere in a customer's state the greatest (event time, event id) wins,
so that the order in which events arrive changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

__all__ = ["DAYS_MAX", "Level", "Movement", "movement", "prune_together"]

_DAY_MS = 86_400_000
#: Days remembered of one quantity; the youngest stay. More than the horizon of 400 days and the
#: day before it, so that no window is ever cut.
DAYS_MAX = 512


class Level(msgspec.Struct, array_like=True):
    """The history of one quantity: at most :data:`DAYS_MAX` days, the youngest.

    Day numbers are UTC days since 1970-01-01. A value of None says that the quantity
    was taken back: nothing is known from then on.
    """

    #: Day number -> (event time in milliseconds, event id, value), the day's last.
    days: dict[int, tuple[int, str, int | None]] = {}
    #: The first day on which more than 0 was told, also once it is forgotten: a customer who
    #: comes back is not a new one.
    first_day: int | None = None

    def set(self, at_ms: int, event_id: str, value: int | None) -> None:
        """Note that the quantity became ``value`` at ``at_ms``. Any order gives the same."""
        day_no = at_ms // _DAY_MS
        if value is not None and value > 0 and (self.first_day is None or day_no < self.first_day):
            self.first_day = day_no
        known = self.days.get(day_no)
        told = (at_ms, event_id, value)
        # Two sources, one id, one instant: which came first must not matter.
        if known is None or (told[:2], repr(value)) > (known[:2], repr(known[2])):
            self.days[day_no] = told
            if len(self.days) > DAYS_MAX:
                del self.days[min(self.days)]

    def at(self, day_no: int) -> int | None:
        """The value at the end of the day; None before the first, or if it was taken back."""
        entry = self.days.get(day_no)
        if entry is None:
            day_no = max((day for day in self.days if day < day_no), default=day_no)
            entry = self.days.get(day_no)
        return None if entry is None else entry[2]

    def change(self, oldest: int, youngest: int) -> int | None:
        """What the days in (oldest, youngest] did to it; None if either end has no value."""
        before, after = self.at(oldest), self.at(youngest)
        return None if before is None or after is None else after - before

    def prune(self, before_day: int) -> None:
        """Forget what lies before the day, but for the last entry: it holds on that day.

        Changes nothing that :meth:`at` says of the day before the bound and later.
        """
        base = max((day for day in self.days if day < before_day), default=before_day)
        if any(day < base for day in self.days):
            self.days = {day: entry for day, entry in self.days.items() if day >= base}


def prune_together(levels: Mapping[str, Level], before_day: int) -> None:
    """Forget what several levels that are read as one quantity said before the day.

    Such are the histories of MRR, one for each currency: of a day counts what was said last.
    Kept are the last day, and of each level the last day on which it had the last word and
    said an amount: that there ever was one must not be forgotten.
    """
    last: dict[int, tuple[tuple[int, str], str, int | None]] = {}
    for name, level in levels.items():
        for day, (at_ms, event_id, value) in level.days.items():
            told = ((at_ms, event_id), name, value)
            if day < before_day and (day not in last or told[:2] > last[day][:2]):
                last[day] = told
    kept = {max(last)} if last else set()
    for own in levels:
        said = [day for day, (_, name, value) in last.items() if name == own and value is not None]
        kept.update(said and [max(said)])
    for level in levels.values():
        if any(day < before_day and day not in kept for day in level.days):
            level.days = {
                day: entry for day, entry in level.days.items() if day >= before_day or day in kept
            }


class Movement(NamedTuple):
    """What moved a customer's recurring revenue, as signed amounts that add up to the change.

    Each is a sum of single steps. A step is the difference between the ends of two days;
    what went back and forth within a day is none.

    - ``new``: from nothing (0, or nothing known) to more, for the first time;
    - ``reactivation``: from nothing to more, when there had been more than 0 before;
    - ``expansion``: from more than 0 to more, ``contraction`` to less but not to nothing;
    - ``churn``: from more than 0 to nothing.

    A balance below 0 (a credit) counts as nothing. What changes while there is nothing, such
    as a credit granted or used up, is contraction or expansion.
    """

    new: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    reactivation: int = 0

    @property
    def total(self) -> int:
        """The value at the window's end less that at its start."""
        return sum(self)


def movement(
    values: Iterable[tuple[int, int | None]],
    oldest: int,
    youngest: int,
    first_day: int | None = None,
) -> Movement:
    """How a quantity moved in the days of (oldest, youngest].

    ``values`` are (day number, value at the end of the day), one a day at most, in any
    order. Those up to ``oldest`` say where it began, and whether it was ever above 0;
    ``first_day`` (see :attr:`Level.first_day`) says so where that is forgotten. None counts
    as 0. Amounts in several currencies are converted before: a change of the rate is then a
    step only where the amount was told anew.
    """
    before, had = 0, False
    sums = dict.fromkeys(Movement._fields, 0)
    for day_no, told in sorted(values, key=lambda entry: entry[0]):
        if day_no > youngest:
            break
        after = told or 0
        if day_no > oldest:
            earlier = had or (first_day is not None and first_day < day_no)
            sums[_kind(before, after, had=earlier)] += after - before
        had = had or after > 0
        before = after
    return Movement(**sums)


def _kind(before: int, after: int, *, had: bool) -> str:
    """The name of the step; ``had``: there was more than 0 on an earlier day."""
    if before <= 0 < after:
        return "reactivation" if had else "new"
    if after <= 0 < before:
        return "churn"
    return "expansion" if after > before else "contraction"
