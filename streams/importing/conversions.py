"""From a cell's text to a value. Each function is pure, so that its results may be cached.

A text that does not say exactly what was asked for is refused, never guessed at.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from schemas.base import parse_time
from schemas.currencies import minor_digits
from streams.importing.rejects import CellError, RejectReason

__all__ = [
    "add_span",
    "boolean_reader",
    "integer",
    "minor_units",
    "number",
    "rfc3339",
    "scaled",
    "scaled_integer",
    "time_reader",
]

_INTEGER = re.compile(r"([+-]?\d{1,30})(?:\.0{1,30})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WORDS_TRUE = ("true", "yes", "y", "t", "1", "on")
_WORDS_FALSE = ("false", "no", "n", "f", "0", "off")
_DAY = "%Y-%m-%d"
_SECOND = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}:\d{2})?", re.ASCII)


def integer(text: str) -> int:
    """A whole number; ``14.0`` is one, ``14.5``, ``1e3`` and ``1,400`` are not."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        raise CellError(RejectReason.BAD_INTEGER, f"{text[:80]!r} is not a whole number")
    return int(found[1])


def number(text: str) -> int | float:
    """A finite decimal number with a point."""
    if _INTEGER.fullmatch(text) is not None and "." not in text:
        return int(text)
    if _NUMBER.fullmatch(text) is None or (value := float(text)) in (float("inf"), float("-inf")):
        raise CellError(RejectReason.BAD_NUMBER, f"{text[:80]!r} is not a number")
    return value


def scaled(value: float, scale: float) -> int | float:
    """``value`` times ``scale``, by decimal arithmetic: 1.1 times 100 is 110."""
    product = Decimal(str(value)) * Decimal(str(scale))
    return int(product) if product == product.to_integral_value() else float(product)


def scaled_integer(text: str, scale: float) -> int:
    """A number times ``scale``, which must come out whole."""
    value = scaled(number(text), scale)
    if isinstance(value, float):
        raise CellError(
            RejectReason.BAD_INTEGER, f"{text[:80]!r} times {scale} is not a whole number"
        )
    return value


def minor_units(text: str, currency: str) -> int:
    """An amount such as 19.99 in minor units of ``currency``: 1999 for EUR.

    An amount finer than the currency's minor unit is refused, not rounded.
    """
    exponent = minor_digits(currency)
    try:
        amount = Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        amount = None
    if amount is None or abs(amount.adjusted()) > 40:
        raise CellError(RejectReason.BAD_AMOUNT, f"{text[:80]!r} is not an amount")
    minor = amount.scaleb(exponent)
    if minor != minor.to_integral_value():
        raise CellError(
            RejectReason.BAD_AMOUNT,
            f"{text[:80]!r} has more decimals than {currency} has ({exponent})",
        )
    return int(minor)


def boolean_reader(
    words_true: tuple[str, ...] | None, words_false: tuple[str, ...] | None
) -> Callable[[str], bool]:
    """A reader of the words for true and false, whatever their case."""
    words = {word.casefold(): False for word in words_false or _WORDS_FALSE}
    words.update({word.casefold(): True for word in words_true or _WORDS_TRUE})

    def read(text: str) -> bool:
        value = words.get(text.casefold())
        if value is None:
            known = ", ".join(words)
            raise CellError(RejectReason.BAD_BOOLEAN, f"{text[:80]!r} is none of {known}")
        return value

    return read


def time_reader(format_: str | None, zone: str | None, at: str | None) -> Callable[[str], datetime]:
    """A reader of times; every time comes out aware, in UTC.

    A local time that the zone skips in spring is refused; one that it has twice
    in autumn is taken as the first. ``at`` is the time of day of a mere date.
    """
    if format_ in (None, "rfc3339"):
        return _guarded(parse_time, "an RFC 3339 time with an offset")
    if format_ in ("unix_s", "unix_ms"):
        per_second = 1 if format_ == "unix_s" else 1000
        return _guarded(
            lambda text: datetime.fromtimestamp(number(text) / per_second, UTC),
            f"a time in {format_}",
        )
    assert format_ is not None
    parse = _parser(format_)
    local = ZoneInfo(zone) if zone is not None else None
    time_of_day = time.fromisoformat(at) if at is not None else None

    def read(text: str) -> datetime:
        value = parse(text)
        if time_of_day is not None:
            value = datetime.combine(value.date(), time_of_day, value.tzinfo)
        if value.tzinfo is None and local is not None:
            value = value.replace(tzinfo=local)
            if value.astimezone(UTC).astimezone(local).replace(tzinfo=None) != value.replace(
                tzinfo=None
            ):
                raise ValueError(f"there is no such time in {zone}: the clocks go forward over it")
        return value

    return _guarded(read, f"a time like {format_}")


def _parser(format_: str) -> Callable[[str], datetime]:
    """``strptime``, and a parser ten times as fast for the formats that most files have."""
    if format_ != _DAY and format_ not in _SECOND:
        return lambda text: datetime.strptime(text, format_)  # noqa: DTZ007 - the zone follows
    length = len("2024-10-16" if format_ == _DAY else "2024-10-16 09:30:00")
    between = "" if format_ == _DAY else format_[8]

    def parse(text: str) -> datetime:
        fits = len(text) == length and (not between or text[10] == between)
        if not fits or _ISO.fullmatch(text) is None:
            raise ValueError("it has another form")
        return datetime.fromisoformat(text)

    return parse


def _guarded(read: Callable[[str], datetime], expected: str) -> Callable[[str], datetime]:
    def guarded(text: str) -> datetime:
        try:
            return read(text).astimezone(UTC)
        except CellError as error:
            why = error.detail
        except (ValueError, OverflowError, OSError) as error:
            why = str(error)
        raise CellError(RejectReason.BAD_TIME, f"{text[:80]!r} is not {expected}: {why}"[:400])

    return guarded


def rfc3339(at: datetime) -> str:
    """A UTC time as events carry it."""
    return at.replace(tzinfo=None).isoformat() + "Z"


def add_span(at: datetime, months: int, days: float, seconds: float) -> datetime:
    """``at`` moved on; a month later the 31st is the last day of a shorter month.

    Raises:
        CellError: where the result lies outside the years 1 to 9999.
    """
    try:
        if months:
            total = at.year * 12 + at.month - 1 + months
            year, month = divmod(total, 12)
            day = min(at.day, monthrange(year, month + 1)[1])
            at = at.replace(year=year, month=month + 1, day=day)
        return at + timedelta(days=days, seconds=seconds)
    except (ValueError, OverflowError) as error:
        raise CellError(RejectReason.BAD_TIME, f"{at} moved on leaves the calendar") from error
