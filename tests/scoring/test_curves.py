"""Curves and steps at both sides of each of their bounds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.curves import Curve

ONE = 1_000_000
FALLING = Curve((0, 3 * ONE, 10 * ONE), (10_000, 7_000, 0))
STEPS = Curve((0, ONE, 2 * ONE, 3 * ONE), (10_000, 5_000, 2_000, 0), stepped=True)


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (-1, 10_000),  # level below the first dot
        (0, 10_000),
        (1, 10_000),  # a thousandth of a millionth of a point: rounded
        (3 * ONE - 1, 7_000),
        (3 * ONE, 7_000),  # exactly through the dot
        (3 * ONE + 1, 7_000),
        (6_500_000, 3_500),
        (10 * ONE - 1, 0),
        (10 * ONE, 0),
        (99 * ONE, 0),
    ],
)
def test_a_curve_joins_its_dots(value: int, points: int) -> None:
    assert FALLING.points(value) == points


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (-1, 10_000),
        (0, 10_000),
        (ONE - 1, 10_000),
        (ONE, 5_000),  # a step holds from its x on
        (2 * ONE - 1, 5_000),
        (2 * ONE, 2_000),
        (3 * ONE - 1, 2_000),
        (3 * ONE, 0),
        (9 * ONE, 0),
    ],
)
def test_a_step_holds_from_its_x_on(value: int, points: int) -> None:
    assert STEPS.points(value) == points


@pytest.mark.parametrize(("value", "points"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)])
def test_a_half_is_rounded_up(value: int, points: int) -> None:
    """Half a hundredth each: 0.5 becomes 1, 1.5 becomes 2, rising or falling."""
    assert Curve((0, 4), (0, 2)).points(value) == points
    assert Curve((0, 4), (2, 0)).points(4 - value) == points


@pytest.mark.parametrize(
    ("curve", "value", "above", "below"),
    [
        (FALLING, 0, False, True),
        (FALLING, 1, False, False),
        (FALLING, 10 * ONE - 1, False, False),
        (FALLING, 10 * ONE, True, False),
        (STEPS, ONE - 1, False, True),
        (STEPS, ONE, False, False),
        (STEPS, 3 * ONE, True, False),
        (Curve((5,), (0,), stepped=True), 9, True, True),
    ],
)
def test_level_means_that_drift_cannot_change_the_points(
    curve: Curve, value: int, above: bool, below: bool
) -> None:
    assert curve.level_above(value) is above
    assert curve.level_below(value) is below


dots = st.dictionaries(st.integers(-500, 500), st.integers(0, 10_000), min_size=2, max_size=6)


@given(dots, st.booleans(), st.integers(-600, 600))
def test_points_lie_between_the_neighbours(
    drawn: dict[int, int], stepped: bool, value: int
) -> None:
    """And what is called level is level."""
    xs = tuple(sorted(drawn))
    curve = Curve(xs, tuple(drawn[x] for x in xs), stepped)
    points = curve.points(value)
    left = max((x for x in xs if x <= value), default=xs[0])
    right = min((x for x in xs if x >= value), default=xs[-1])
    assert min(drawn[left], drawn[right]) <= points <= max(drawn[left], drawn[right])
    if not stepped and left < right:
        exact = drawn[left] + Fraction(drawn[right] - drawn[left]) * (value - left) / (right - left)
        assert abs(points - exact) <= Fraction(1, 2)
    if curve.level_above(value):
        assert {curve.points(x) for x in range(value, 601)} == {points}
    if curve.level_below(value):
        assert {curve.points(x) for x in range(-600, value + 1)} == {points}
