"""Working days: which days count, where a day begins, and when one falls due.

Days have numbers, counted from 1970-01-01. Usage is kept by UTC day, and a UTC day's
number is that of the date it has; deadlines follow the zone's dates. An instant is in
Unix milliseconds.

Public holidays are those of a whole country: what holds in some of its states only is a
working day, and so is a weekend day that a country makes up for a bridge day. They are
known from 1970 (of some countries from later on) to 2100; those that follow the moon are
estimates some years ahead, and a newer release of the ``holidays`` package may know better.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["WAIT_DAYS_MAX", "Calendar", "parse_working_days", "parse_zone"]

#: The most working days that :meth:`Calendar.after` counts ahead.
WAIT_DAYS_MAX = 400
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COUNTRY = re.compile(r"[A-Z]{2}")
_YEARS = range(1970, 2101)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MS = timedelta(milliseconds=1)
#: 1970-01-01 was a Thursday.
_EPOCH_WEEKDAY = 3


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work.

    ``working_days`` are weekdays, Monday being 0. With ``country_holidays`` the public
    holidays of a customer's country (ISO 3166, two letters) are no working days; a country
    that is None, or that nobody knows, has none.

    Limits: days and instants of the years 2 to 9900.
    """

    zone: ZoneInfo
    working_days: frozenset[int] = frozenset(range(5))
    country_holidays: bool = False

    def __post_init__(self) -> None:
        if not self.working_days or not self.working_days <= frozenset(range(7)):
            raise ValueError("expected at least one working day, of weekdays 0 (Monday) to 6")

    def is_working_day(self, day_no: int, country: str | None) -> bool:
        """Whether people of the country work on the day."""
        if (day_no + _EPOCH_WEEKDAY) % 7 not in self.working_days:
            return False
        return day_no not in self._holidays(country, _year(day_no))

    def working_days_in(self, oldest: int, youngest: int, country: str | None) -> int:
        """How many working days there are in (oldest, youngest]."""
        if youngest <= oldest:
            return 0
        weeks, rest = divmod(youngest - oldest, 7)
        count = weeks * len(self.working_days)
        for day_no in range(youngest - rest + 1, youngest + 1):
            count += (day_no + _EPOCH_WEEKDAY) % 7 in self.working_days
        first, last = max(_year(oldest), _YEARS[0]), min(_year(youngest), _YEARS[-1])
        for year in range(first, last + 1):
            for day_no in self._holidays(country, year):
                if oldest < day_no <= youngest:
                    count -= (day_no + _EPOCH_WEEKDAY) % 7 in self.working_days
        return count

    def between(self, start_ms: int, end_ms: int, country: str | None) -> int:
        """How many working days began after the day of ``start_ms`` and before ``end_ms``.

        So the day of the start never counts, and that of the end does unless it begins at
        that very instant: ``between(at, after(at, n))`` is ``n``.
        """
        return self.working_days_in(self.day_of(start_ms), self.day_of(end_ms - 1), country)

    def after(self, at_ms: int, days: int, country: str | None) -> int:
        """The instant at which the ``days``-th working day after that of ``at_ms`` ends.

        It is the first instant of the day that follows: what is due within so many working
        days is late from it on.

        Raises:
            ValueError: if ``days`` is not 1 to :data:`WAIT_DAYS_MAX`.
        """
        if not 1 <= days <= WAIT_DAYS_MAX:
            raise ValueError(f"expected 1 to {WAIT_DAYS_MAX} working days, got {days}")
        day_no = self.day_of(at_ms)
        while days:
            day_no += 1
            days -= self.is_working_day(day_no, country)
        return self.start_of(day_no + 1)

    def day_of(self, at_ms: int) -> int:
        """The number of the zone's day at an instant."""
        local = (_EPOCH + at_ms * _MS).astimezone(self.zone)
        day_no = local.toordinal() - _EPOCH_ORDINAL
        # Where clocks go back over midnight a day has begun, and stays.
        return day_no + 1 if self.start_of(day_no + 1) <= at_ms else day_no

    def start_of(self, day_no: int) -> int:
        """The instant at which a day of the zone begins.

        The first midnight where clocks go back over it and there are two; where they skip
        it, the instant at which they do.
        """
        midnight = datetime.combine(date.fromordinal(day_no + _EPOCH_ORDINAL), time(), self.zone)
        return (midnight - _EPOCH) // _MS

    def next_boundary(self, at_ms: int) -> int:
        """The first instant after ``at_ms`` at which a day of the zone begins."""
        return self.start_of(self.day_of(at_ms) + 1)

    def _holidays(self, country: str | None, year: int) -> frozenset[int]:
        if not self.country_holidays or country is None or year not in _YEARS:
            return frozenset()
        return _public_holidays(country, year)


def parse_working_days(text: str) -> frozenset[int]:
    """Weekdays (Monday is 0) in ``mon-fri``, ``sun-thu``, ``mon,tue,thu`` or ``mon-wed,fri``.

    Raises:
        ValueError: with what was expected.
    """
    found: list[int] = []
    for part in text.lower().split(","):
        names = [name.strip() for name in part.split("-")]
        wrong = [name for name in names if name not in _NAMES]
        if wrong or len(names) > 2:
            what = (
                f"no weekday {wrong[0]!r}" if wrong else f"more than two days in {part.strip()!r}"
            )
            raise ValueError(f"{what}: expected days such as mon-fri or mon,tue,thu")
        first, last = _NAMES.index(names[0]), _NAMES.index(names[-1])
        found += [(first + i) % 7 for i in range((last - first) % 7 + 1)]
    twice = sorted({day for day in found if found.count(day) > 1})
    if twice:
        raise ValueError(f"stands twice: {', '.join(_NAMES[day] for day in twice)}")
    return frozenset(found)


def parse_zone(text: str) -> ZoneInfo:
    """The time zone of a name such as ``Europe/Berlin``.

    Raises:
        ValueError: if there is none of that name.
    """
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        raise ValueError(
            f"no IANA time zone {text!r}; expected one such as Europe/Berlin"
        ) from None


def _year(day_no: int) -> int:
    return date.fromordinal(day_no + _EPOCH_ORDINAL).year


@lru_cache(maxsize=2048)
def _public_holidays(country: str, year: int) -> frozenset[int]:
    """The country's public holidays in the year; none if the country is unknown."""
    if _COUNTRY.fullmatch(country) is None:
        return frozenset()
    from holidays import country_holidays  # noqa: PLC0415 - 60 ms, for cards with holidays only

    try:
        # The language, which changes only names, would else be the environment's.
        found = country_holidays(country, years=year, expand=False, language="en_US")
    except NotImplementedError:
        return frozenset()
    return frozenset(day.toordinal() - _EPOCH_ORDINAL for day in found if day.year == year)
