"""Amounts and curves in words: exact, and as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.curves import Curve
from scoring.units import Unit
from streams.scorecard_pages.wording import (
    amount,
    curve_in_words,
    listed,
    percent,
    points,
    span,
    tick_label,
)

M = 1_000_000


@pytest.mark.parametrize(
    ("unit", "value", "words", "label"),
    [
        (Unit.RATIO, 200_000, "20 %", "20 %"),
        (Unit.RATIO, -255_000, "−25.5 %", "−25.5 %"),
        (Unit.RATIO, 1_234_567, "123.4567 %", "123.5 %"),
        (Unit.COUNT, 5 * M, "5", "5"),
        (Unit.COUNT, 1_200 * M, "1200", "1200"),
        (Unit.COUNT, M // 2, "0.5", "0.5"),
        (Unit.MONEY, 800 * M, "800", "800"),
        (Unit.DAYS, 0, "0 days", "0 d"),
        (Unit.DAYS, M, "1 day", "1 d"),
        (Unit.DAYS, 30 * M, "30 days", "30 d"),
        (Unit.DAYS, 3 * M // 2, "36 hours", "36 h"),
        (Unit.DAYS, 41_666, "1 hour", "1 h"),  # an hour is no whole millionths of a day
        (Unit.DAYS, 37 * M // 2, "18.5 days", "18.5 d"),
        (Unit.SECONDS, 3_600 * M, "1 hour", "1 h"),
        (Unit.SECONDS, 86_400 * M, "24 hours", "24 h"),
        (Unit.SECONDS, 172_800 * M, "2 days", "2 d"),
        (Unit.SECONDS, 5_400 * M, "90 minutes", "90 min"),
        (Unit.SECONDS, 61 * M, "61 seconds", "61 s"),
        (Unit.SECONDS, 0, "0 seconds", "0 s"),
    ],
)
def test_amounts(unit: Unit, value: int, words: str, label: str) -> None:
    assert (amount(unit, value), tick_label(unit, value)) == (words, label)


def test_points_weights_and_spans() -> None:
    assert [points(each) for each in (0, 7_500, 7_550, 7_542)] == ["0", "75", "75.5", "75.42"]
    assert [percent(each) for each in (0, 135_000, 1_000_000, 1)] == [
        "0 %", "13.5 %", "100 %", "0.0001 %",
    ]  # fmt: skip
    assert span(86_400) == "24 hours"
    assert [listed(words) for words in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def dots(*pairs: tuple[float, float], stepped: bool = False) -> Curve:
    """A curve through these (x, points)."""
    xs, ys = zip(*pairs, strict=True)
    return Curve(tuple(int(x * M) for x in xs), tuple(int(y * 100) for y in ys), stepped)


@pytest.mark.parametrize(
    ("curve", "unit", "words"),
    [
        (dots((1, 100), (30, 0)), Unit.DAYS, "100 up to 1 day, falling to 0 at 30 days"),
        (dots((0, 0), (10, 100)), Unit.DAYS, "0 at 0 days, rising to 100 at 10 days"),
        (
            dots((1, 100), (7, 70), (14, 35), (30, 0)),
            Unit.DAYS,
            "100 up to 1 day, falling to 70 at 7 days, 35 at 14 days and 0 at 30 days",
        ),
        (
            dots((0, 0), (3, 100), (5, 100), (9, 20)),
            Unit.COUNT,
            "0 at 0, rising to 100 at 3, then staying at 100 until 5, then falling to 20 at 9",
        ),
        (
            dots((0, 100), (1, 50), (3, 0), stepped=True),
            Unit.COUNT,
            "100 below 1, 50 from 1 on and 0 from 3 on",
        ),
        (dots((4, 50), stepped=True), Unit.COUNT, "always 50"),
    ],
)
def test_curves(curve: Curve, unit: Unit, words: str) -> None:
    assert curve_in_words(curve, unit) == words


def test_a_curve_of_very_many_dots_is_told_by_some_values() -> None:
    """Nobody wrote these dots, and nobody would read them."""
    many = dots(*((n, n * n / 100) for n in range(101)))
    words = curve_in_words(many, Unit.COUNT)
    assert words.startswith("rising smoothly from 0 to 100: 10 at 31.61, ")
    assert words.endswith("50 at 70.71 and 90 at 94.87")
    backwards = Curve(many.xs, many.ys[::-1])
    assert curve_in_words(backwards, Unit.COUNT).startswith("falling smoothly")


@given(
    st.dictionaries(
        st.integers(-(10**12), 10**12), st.integers(0, 10_000), min_size=1, max_size=24
    ),
    st.booleans(),
    st.sampled_from(Unit),
)
def test_every_dot_is_told(pairs: dict[int, int], stepped: bool, unit: Unit) -> None:
    """In order, each with its points and its value; a step's first holds below the second."""
    ordered = sorted(pairs.items())
    curve = Curve(*(tuple(side) for side in zip(*ordered, strict=True)), stepped)
    words = curve_in_words(curve, unit)
    place = 0
    for number, (x, y) in enumerate(ordered):
        for part in (points(y), amount(unit, x)):
            if stepped and number == 0 and part is not points(y):
                continue
            place = words.find(part, place)
            assert place >= 0, (part, words)
