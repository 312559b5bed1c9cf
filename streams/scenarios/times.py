"""Times as people write them in a scenario, and as instants.

A date alone is noon. A time of day that a zone's clocks leave out in spring is
refused; of one that they show twice in autumn, the first is meant.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from schemas.scenario import LocalTime, parse_local
from streams.clock import from_ms, to_ms

__all__ = ["DAYS_MAX", "NOON", "ZoneTimes", "days_between", "zone_of"]

NOON = time(12)
#: A span from one date to another is no longer.
DAYS_MAX = 4000
_ONE_DAY = timedelta(days=1)


def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone of this name.

    Raises:
        ValueError: if there is none, with the nearest.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ", such as Europe/Berlin"
        raise ValueError(f"no IANA time zone named {name!r}{hint}") from None


def days_between(text: str) -> tuple[date, date]:
    """The first and the last day in ``2026-03-02..2026-05-29``.

    Raises:
        ValueError: with what was expected.
    """
    first_text, dots, last_text = text.partition("..")
    if not dots:
        raise ValueError(f"expected two dates such as 2026-03-02..2026-05-29, got {text!r}")
    first, last = parse_local(first_text), parse_local(last_text)
    if first.clock is not None or last.clock is not None:
        raise ValueError(f"expected whole days, such as 2026-03-02..2026-05-29, got {text!r}")
    if last.day < first.day:
        raise ValueError(f"{last.day} lies before {first.day}")
    if (last.day - first.day).days >= DAYS_MAX:
        raise ValueError(f"{text} is longer than {DAYS_MAX} days")
    return first.day, last.day


class ZoneTimes:
    """Times in one zone: to Unix milliseconds, and back to words."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def ms(self, at: LocalTime) -> int:
        """The instant.

        Raises:
            ValueError: if the zone's clocks never show it.
        """
        there = datetime.combine(at.day, at.clock or NOON, self.zone)
        if there.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != there.replace(
            tzinfo=None
        ):
            raise ValueError(
                f"{there:%Y-%m-%d %H:%M} does not exist in {self.zone.key}:"
                " the clocks go forward there"
            )
        return to_ms(there)

    def read_ms(self, text: str) -> int:
        """The instant of a time as written.

        Raises:
            ValueError: with what was expected.
        """
        return self.ms(parse_local(text))

    def bounds_ms(self, first: date, last: date) -> tuple[int, int]:
        """The instants at which the first day begins and the last one ends."""
        # A midnight that the clocks leave out is where they go on: the day begins there.
        begins = datetime.combine(first, time(), self.zone)
        ends = datetime.combine(last + _ONE_DAY, time(), self.zone)
        return to_ms(begins), to_ms(ends)

    def days(self, first: date, last: date, weekdays: frozenset[int]) -> Iterator[date]:
        """The days from the first to the last that fall on one of the weekdays (Monday is 0)."""
        day = first
        while day <= last:
            if day.weekday() in weekdays:
                yield day
            day += _ONE_DAY

    def words(self, ms: int) -> str:
        """An instant in the zone's time, to the second only where it has some."""
        at = from_ms(ms).astimezone(self.zone)
        if at.microsecond:
            return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
        return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"
