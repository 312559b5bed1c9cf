"""Working days, holidays and day boundaries, also where clocks change at midnight."""

import functools
import itertools
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.calendar import WAIT_DAYS_MAX, Calendar, parse_working_days, parse_zone

HOUR_MS = 3_600_000
BERLIN = Calendar(ZoneInfo("Europe/Berlin"), country_holidays=True)
SUNDAY_FIRST = Calendar(ZoneInfo("Asia/Riyadh"), parse_working_days("sun-thu"), True)
#: Midnight is skipped (Santiago, Cairo), there twice (Havana, St. John's), or a day is left out.
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Africa/Cairo"),
    *("America/Havana", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Chatham"),
)
COUNTRIES = (None, "DE", "US", "SA", "XX")


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def ms(text: str, zone: str = "Europe/Berlin") -> int:
    """The instant of a local time; of one that is there twice the first."""
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sun-thu", {6, 0, 1, 2, 3}),
        ("mon,tue,thu", {0, 1, 3}),
        ("mon-wed, fri", {0, 1, 2, 4}),
        (" Sat ", {5}),
        ("mon-sun", set(range(7))),
        ("wed-tue", set(range(7))),
        ("wed-wed", {2}),
    ],
)
def test_working_days_are_read(text: str, days: set[int]) -> None:
    assert parse_working_days(text) == days


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no weekday '': expected days such as mon-fri or mon,tue,thu"),
        ("mon,,tue", "no weekday ''"),
        ("monday-fri", "no weekday 'monday'"),
        ("mon-", "no weekday ''"),
        ("mon-tue-wed", "more than two days in 'mon-tue-wed'"),
        ("mon-fri,tue,fri", "stands twice: tue, fri"),
    ],
)
def test_other_words_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_working_days(text)


def test_a_zone_is_read() -> None:
    assert parse_zone("Europe/Berlin").key == "Europe/Berlin"


@pytest.mark.parametrize("text", ["", "Europe", "Europe/Berlinn", "../etc/passwd", "/etc/passwd"])
def test_no_such_zone(text: str) -> None:
    """A folder of the zone database and a path out of it are no zones either."""
    with pytest.raises(ValueError, match="no IANA time zone"):
        parse_zone(text)


@pytest.mark.parametrize("days", [frozenset(), frozenset({0, 7}), frozenset({-1})])
def test_a_calendar_needs_working_days(days: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="at least one working day"):
        Calendar(ZoneInfo("UTC"), days)


@pytest.mark.parametrize(
    ("text", "country", "works"),
    [
        ("2026-04-02", "DE", True),
        ("2026-04-03", "DE", False),  # Good Friday
        ("2026-04-03", "US", True),
        ("2026-04-03", None, True),
        ("2026-04-03", "XX", True),  # nobody knows the country
        ("2026-04-03", "de", True),  # not a country's code
        ("2026-04-03", "registry", True),  # nor is a name of the library's own
        ("2026-04-04", None, False),  # Saturday
        ("2026-04-06", "DE", False),  # Easter Monday
        ("2021-12-31", "US", False),  # New Year's Day 2022 is a Saturday, observed on Friday
        ("2026-01-06", "DE", True),  # a holiday in three of the states
        ("1969-12-25", "US", True),  # holidays are known from 1970
        ("1970-12-25", "US", False),
        ("2100-10-04", "US", True),
        ("2100-11-25", "US", False),  # Thanksgiving
        ("2101-11-24", "US", True),  # and to 2100
    ],
)
def test_holidays_of_the_customers_country(text: str, country: str | None, works: bool) -> None:
    assert BERLIN.is_working_day(day(text), country) is works


def test_holidays_count_only_if_the_calendar_says_so() -> None:
    plain = Calendar(ZoneInfo("Europe/Berlin"))
    assert plain.is_working_day(day("2026-04-03"), "DE")
    assert plain.working_days_in(day("2026-03-29"), day("2026-04-05"), "DE") == 5
    assert BERLIN.working_days_in(day("2026-03-29"), day("2026-04-05"), "DE") == 4


def test_a_week_that_begins_on_sunday() -> None:
    week = [SUNDAY_FIRST.is_working_day(day("2026-03-01") + i, None) for i in range(7)]
    assert week == [True, True, True, True, True, False, False]  # 1 March 2026 is a Sunday


weekdays = st.frozensets(st.integers(0, 6), min_size=1)
day_numbers = st.integers(day("1968-01-01"), day("2103-12-31"))


@given(weekdays, st.sampled_from(COUNTRIES), day_numbers, st.integers(-10, 900), st.booleans())
def test_working_days_are_counted_as_one_by_one(
    days: frozenset[int], country: str | None, oldest: int, length: int, holidays: bool
) -> None:
    """The count by weeks and holidays is the count day by day; an empty window has none."""
    calendar = Calendar(ZoneInfo("UTC"), days, holidays)
    expected = sum(
        calendar.is_working_day(number, country)
        for number in range(oldest + 1, oldest + length + 1)
    )
    assert calendar.working_days_in(oldest, oldest + length, country) == expected


def test_what_lies_far_ahead_is_counted_too() -> None:
    """A renewal in the year 9998 must not cost a table of holidays for each year."""
    days = BERLIN.working_days_in(day("2026-01-01"), day("9998-12-31"), "DE")
    assert days == pytest.approx((9998 - 2026) * 261, rel=0.01)


@pytest.mark.parametrize(
    ("at", "days", "country", "due"),
    [
        ("2026-06-10T09:00", 1, "DE", "2026-06-12T00:00"),  # Wednesday to Thursday's end
        ("2026-06-12T09:00", 1, "DE", "2026-06-16T00:00"),  # Friday to Monday's end
        ("2026-06-13T09:00", 1, "DE", "2026-06-16T00:00"),  # Saturday as well
        ("2026-04-02T15:00", 2, "DE", "2026-04-09T00:00"),  # over Easter
        ("2026-04-02T15:00", 2, "US", "2026-04-07T00:00"),
        ("2026-03-27T12:00", 1, "DE", "2026-03-31T00:00"),  # over the night of 23 hours
        ("2026-06-11T00:00", 1, "DE", "2026-06-13T00:00"),  # the first instant of a day is its own
        ("2026-06-10T23:59:59.999", 1, "DE", "2026-06-12T00:00"),
    ],
)
def test_a_deadline_in_working_days(at: str, days: int, country: str, due: str) -> None:
    assert BERLIN.after(ms(at), days, country) == ms(due)


@pytest.mark.parametrize("days", [-1, 0, WAIT_DAYS_MAX + 1])
def test_a_deadline_has_bounds(days: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 to 400 working days, got {days}"):
        BERLIN.after(0, days, None)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-06-10T09:00", "2026-06-10T18:00", 0),
        ("2026-06-10T09:00", "2026-06-11T00:00", 0),  # Thursday only begins
        ("2026-06-10T09:00", "2026-06-11T00:00:00.001", 1),
        ("2026-06-12T09:00", "2026-06-15T00:00", 0),  # a weekend
        ("2026-06-12T09:00", "2026-06-16T12:00", 2),
        ("2026-06-16T12:00", "2026-06-12T09:00", 0),  # the wrong way round
    ],
)
def test_working_days_between_instants(start: str, end: str, days: int) -> None:
    assert BERLIN.between(ms(start), ms(end), "DE") == days


instants = st.integers(ms("1971-01-01"), ms("2037-12-31"))
zones = st.sampled_from(ZONES)


@given(zones, weekdays, st.sampled_from(COUNTRIES), instants, st.integers(1, 30))
def test_a_deadline_is_so_many_working_days_away(
    zone: str, days: frozenset[int], country: str | None, at: int, wait: int
) -> None:
    """At its very instant, and not a millisecond before the last of these days began."""
    calendar = Calendar(ZoneInfo(zone), days, country_holidays=True)
    due = calendar.after(at, wait, country)
    assert calendar.between(at, due, country) == wait
    last = calendar.day_of(due - 1)
    assert calendar.is_working_day(last, country)
    assert calendar.between(at, calendar.start_of(last), country) == wait - 1


@pytest.mark.parametrize(
    ("zone", "at", "hours", "local"),
    [
        ("Europe/Berlin", "2026-06-10T00:00", 24, "2026-06-11T00:00"),
        ("Europe/Berlin", "2026-03-29T00:00", 23, "2026-03-30T00:00"),
        ("Europe/Berlin", "2026-10-25T00:00", 25, "2026-10-26T00:00"),
        ("Africa/Cairo", "2026-04-23T00:00", 24, "2026-04-24T01:00"),  # midnight is skipped
        ("Africa/Cairo", "2026-04-24T01:00", 23, "2026-04-25T00:00"),
        ("America/Havana", "2026-11-01T00:00", 25, "2026-11-02T00:00"),  # its midnight is twice
        ("Pacific/Apia", "2011-12-29T00:00", 24, "2011-12-31T00:00"),  # it has no 30 December
    ],
)
def test_the_next_day_begins(zone: str, at: str, hours: int, local: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    begins = calendar.next_boundary(ms(at, zone))
    assert begins == ms(at, zone) + hours * HOUR_MS
    assert begins == ms(local, zone)
    assert calendar.next_boundary(begins - 1) == begins
    assert calendar.day_of(begins) == day(local[:10])


def test_a_day_that_has_begun_stays() -> None:
    """In Newfoundland clocks went back at a minute past midnight, to the evening before."""
    zone = "America/St_Johns"
    calendar, begun = Calendar(ZoneInfo(zone)), ms("2010-11-07T00:00", zone)
    days = [calendar.day_of(begun + minute * 60_000) for minute in (-1, 0, 1, 30, 61, 1499, 1500)]
    sunday = day("2010-11-07")
    assert days == [sunday - 1, *[sunday] * 5, sunday + 1]


@functools.cache
def turns(zone: str) -> list[int]:
    """The midnights of nights in which a zone's clocks change, and those that follow."""
    calendar, days = Calendar(ZoneInfo(zone)), range(day("2007-01-01"), day("2027-01-01"))
    starts = [calendar.start_of(number) for number in days]
    pairs = itertools.pairwise(starts)
    return [at for pair in pairs if pair[1] - pair[0] != 24 * HOUR_MS for at in pair] or [0]


def near_turns(zone: str) -> st.SearchStrategy[tuple[str, int]]:
    """A zone with an instant, most of them within two hours of a turn."""
    off = st.integers(-2 * HOUR_MS, 2 * HOUR_MS)
    near = st.builds(int.__add__, st.sampled_from(turns(zone)), off)
    return st.tuples(st.just(zone), st.one_of(near, near, instants))


@given(zones.flatmap(near_turns))
def test_days_follow_each_other(drawn: tuple[str, int]) -> None:
    """Each instant lies in one day, which begins before it and ends where the next begins."""
    zone, at = drawn
    calendar = Calendar(ZoneInfo(zone))
    today, following = calendar.day_of(at), calendar.next_boundary(at)
    assert calendar.start_of(today) <= at < following <= at + 25 * HOUR_MS
    assert calendar.day_of(calendar.start_of(today)) == today
    assert calendar.day_of(following - 1) == today
    assert calendar.day_of(following) > today
    assert calendar.start_of(calendar.day_of(following)) == following


def test_holidays_are_loaded_when_they_are_asked_for() -> None:
    """A scorecard without holidays does not pay for the library that knows them."""
    code = (
        "import sys, scoring.calendar as c; from zoneinfo import ZoneInfo\n"
        "for holidays in (False, True):\n"
        "    c.Calendar(ZoneInfo('UTC'), country_holidays=holidays).is_working_day(0, 'DE')\n"
        "    print('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
