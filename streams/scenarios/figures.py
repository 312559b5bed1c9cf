"""Numbers as people write what they expect: one figure, a range, a bound.

``85..95`` includes both ends, ``"> 25"`` and its like compare exactly. A single
figure stands for all that people see as it: what is rounded down (points, spans
of time) must round down to it, anything else to the nearest, to as many places
as are written. So 72 points are 72.00 to 72.99, and 72.50 are just that.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from schemas.scorecard_values import parse_duration_s

__all__ = ["Figure", "Range", "number", "percent", "read_range", "span_of"]

MICRO = 1_000_000
_DECIMAL = re.compile(r"([-+]?\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)
_BOUND = re.compile(r"(>=|<=|>|<)\s*(.+)")
_SPAN = re.compile(r"(\d+(?:\.(\d+))?)\s*(?:([smhdw])|(second|minute|hour|day|week)s?)", re.ASCII)


class Figure(NamedTuple):
    """A number in millionths, and the size of its last place."""

    value: int
    step: int


Reader = Callable[[str], Figure]


class Range(NamedTuple):
    """Where a value must lie, in millionths; ``None`` is no bound."""

    low: int | None = None
    high: int | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: int) -> bool:
        """Whether the value lies in it."""
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return self.high is None or value < self.high or (value == self.high and not self.high_open)


def number(text: str) -> Figure:
    """A decimal number.

    Raises:
        ValueError: with what was expected.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a number, got {text!r}")
    return Figure(int(Decimal(text) * MICRO), MICRO // 10 ** len(found[2] or ""))


def percent(text: str) -> Figure:
    """A percentage such as 60%, in millionths of the whole.

    Raises:
        ValueError: with what was expected.
    """
    if not text.endswith("%"):
        raise ValueError(f"expected a percentage such as 60%, got {text!r}")
    value, step = number(text[:-1].strip())
    return Figure(value // 100, max(step // 100, 1))


def span_of(unit_s: int) -> Reader:
    """A reader of spans such as 20d or 3h, in millionths of the unit; a number counts units."""

    def read(text: str) -> Figure:
        found = _SPAN.fullmatch(text)
        if found is None:
            try:
                return number(text)
            except ValueError:
                raise ValueError(
                    f"expected a span of time such as 20d or 3h, got {text!r}"
                ) from None
        one = parse_duration_s(f"1{found[3] or found[4][0]}") * MICRO
        places = 10 ** len(found[2] or "")
        return Figure(int(Decimal(found[1]) * one) // unit_s, one // places // unit_s)

    return read


def read_range(text: str, read: Reader, *, down: bool) -> Range:
    """The range that a text stands for; ``down``: a figure is what is rounded down to it.

    Raises:
        ValueError: with what was expected.
    """
    if bound := _BOUND.fullmatch(text):
        value = read(bound[2].strip()).value
        is_open = len(bound[1]) == 1
        if bound[1][0] == ">":
            return Range(low=value, low_open=is_open)
        return Range(high=value, high_open=is_open)
    if ".." in text:
        low_text, _, high_text = text.partition("..")
        low, high = read(low_text.strip()).value, read(high_text.strip()).value
        if high < low:
            raise ValueError(f"{high_text.strip()} lies below {low_text.strip()}")
        return Range(low, high)
    value, step = read(text)
    if down:
        return Range(value, value + step, high_open=True)
    return Range(value - step // 2, value + (step + 1) // 2, high_open=True)
