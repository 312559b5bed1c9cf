"""Readings that count working days: time since in working days, and how much there is of each.

Which days are working days says the card's calendar; holidays are those of the customer's
country, as it is known now. What happened is kept by UTC day, and a UTC day is a working day
if the date that it has is one. What is counted from one event on follows the zone's dates.
"""

from scoring.calendar import Calendar
from scoring.moment import NO_DATA, Moment, Reading, earliest, reading_of
from scoring.series import Series
from scoring.state import DAY_MS, CustomerState
from scoring.units import MICRO
from scoring.windows import Read, Window, latest_in

__all__ = ["days_in", "next_other_ms", "per_working_day", "working_days_since"]

#: The next change is looked for up to the next multiple of so many days since 1970; without one it
#: is looked for again then. Not so many days from today: what a reading says of the time until it
#: changes must not depend on when in this time it was read.
LOOK_AHEAD_DAYS = 70


def _looked_for_to(day: int) -> int:
    """The day up to which the next change after a day is looked for."""
    return (day // LOOK_AHEAD_DAYS + 1) * LOOK_AHEAD_DAYS


def working_days_since(one: Series, calendar: Calendar) -> Read:
    """How many working days have begun since the day of the last one, in the calendar's zone."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        kept = latest_in(state, one, moment)
        if kept is None:
            return NO_DATA
        country, today = state.fact("country"), calendar.day_of(moment.now_ms)
        # What lies ahead of a tick counts with today; nobody's history goes back before 1970.
        day = calendar.day_of(min(max(kept[0], 0), moment.now_ms))
        days = calendar.working_days_in(day, today, country)
        ahead, last = today + 1, _looked_for_to(today)
        while ahead < last and not calendar.is_working_day(ahead, country):
            ahead += 1
        return reading_of(days * MICRO, calendar.start_of(ahead))

    return read


def per_working_day(of: Read, window: Window, calendar: Calendar) -> Read:
    """What a window has for each of its working days; no data where it has none of them."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        value, next_ms, _, _ = of(state, moment)
        if not isinstance(value, int):
            return reading_of(None, next_ms)
        country = state.fact("country")
        days = days_in(calendar, window, moment, country)
        other_ms = next_other_ms(calendar, window, moment, country)
        return reading_of(value // days if days else None, earliest(next_ms, other_ms))

    return read


def days_in(
    calendar: Calendar, window: Window, moment: Moment, country: str | None, before: int = 0
) -> int:
    """The working days of a window, or of the window so many windows before it."""
    youngest = moment.day - before * window.buckets
    return calendar.working_days_in(youngest - window.buckets, youngest, country)


def next_other_ms(
    calendar: Calendar, window: Window, moment: Moment, country: str | None, windows: int = 1
) -> int:
    """When the window, or one of those before it, can next have another number of working days."""
    lags = [n * window.buckets for n in range(windows + 1)]
    day, last = moment.day + 1, _looked_for_to(moment.day)
    while day < last and len({calendar.is_working_day(day - lag, country) for lag in lags}) == 1:
        day += 1
    return day * DAY_MS
