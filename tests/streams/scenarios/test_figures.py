"""What a figure, a range and a bound stand for."""

import re

import pytest

from streams.scenarios.figures import MICRO, Range, number, percent, read_range, span_of

DAYS = span_of(86_400)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("72", (72, 72.99), (71.99, 73)),
        ("72.5", (72.5, 72.59), (72.49, 72.6)),
        ("72.50", (72.5,), (72.49, 72.51)),
        ("0", (0, 0.99), (1,)),
        ("85..95", (85, 90, 95), (84.99, 95.01)),
        ("> 25", (25.01, 100), (25, 0)),
        (">= 25", (25, 100), (24.99,)),
        ("< 25", (24.99, 0), (25,)),
        ("<=25", (25, 0), (25.01,)),
        ("-3..-1", (-3, -1), (-3.01, -0.99)),
    ],
)
def test_points_are_seen_rounded_down(
    text: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    wanted = read_range(text, number, down=True)
    assert all(wanted.holds(round(value * MICRO)) for value in inside)
    assert not any(wanted.holds(round(value * MICRO)) for value in outside)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("80%", 795_000, 805_000),
        ("87.5%", 874_500, 875_500),
        ("-20%", -205_000, -195_000),
        ("0 %", -5_000, 5_000),
    ],
)
def test_ratios_are_seen_rounded_to_the_nearest(text: str, low: int, high: int) -> None:
    assert read_range(text, percent, down=False) == Range(low, high, high_open=True)


@pytest.mark.parametrize(
    ("text", "hours_in", "hours_out"),
    [
        ("20d", (480, 503), (479, 504)),
        ("36h", (36,), (35, 37)),
        ("20", (480, 503), (479, 504)),
        ("1.5", (36,), (35, 39)),
        ("20 days", (480, 503), (479, 504)),
        ("1d..36h", (24, 36), (23, 37)),
        ("< 1w", (0, 167), (168,)),
    ],
)
def test_spans_are_seen_rounded_down(
    text: str, hours_in: tuple[int, ...], hours_out: tuple[int, ...]
) -> None:
    """In days, as a metric in days has them: whole hours, a millionth rounded down."""
    wanted = read_range(text, DAYS, down=True)
    assert all(wanted.holds(hours * MICRO // 24) for hours in hours_in)
    assert not any(wanted.holds(hours * MICRO // 24) for hours in hours_out)


@pytest.mark.parametrize(
    ("text", "read", "told"),
    [
        ("many", number, "expected a number, got 'many'"),
        ("1e3", number, "expected a number, got '1e3'"),
        ("", number, "expected a number, got ''"),
        ("> ", number, "expected a number"),
        ("9..8", number, "8 lies below 9"),
        ("9..", number, "expected a number, got ''"),
        ("60", percent, "expected a percentage such as 60%, got '60'"),
        ("x%", percent, "expected a number, got 'x'"),
        ("20 dogs", DAYS, "expected a span of time such as 20d or 3h, got '20 dogs'"),
        ("soon", DAYS, "expected a span of time such as 20d or 3h, got 'soon'"),
    ],
)
def test_what_is_said_of_a_mistake(text: str, read: object, told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        read_range(text, read, down=True)
