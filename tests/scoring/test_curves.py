"""Every shape at both sides of each of its bounds, and the way back from points to values."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties import examples
from scoring.curves import Curve, logistic, target

ONE = 1_000_000
FULL = 10_000
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


LEVEL = Curve((0, 10, 20, 30), (100, 50, 50, 51))


@pytest.mark.parametrize(
    ("curve", "value", "above", "below"),
    [
        (STEPS, ONE - 1, ONE, None),
        (STEPS, ONE, 2 * ONE, ONE - 1),
        (STEPS, 3 * ONE, None, 3 * ONE - 1),
        (Curve((5,), (0,), stepped=True), 9, None, None),
        (Curve((0, 5, 9), (0, 0, 7), stepped=True), -1, 9, None),
        (Curve((0, 5, 9), (0, 0, 7), stepped=True), 9, None, 8),
        (Curve((0, 5, 9), (0, 7, 7), stepped=True), 10, None, 4),
        (LEVEL, -5, 1, None),
        (LEVEL, 9, 10, 8),
        (LEVEL, 10, 25, 9),  # level in the middle; half a point is rounded up
        (LEVEL, 24, 25, 9),
        (LEVEL, 25, None, 24),
        (LEVEL, 99, None, 24),
    ],
)
def test_where_the_points_are_left(
    curve: Curve, value: int, above: int | None, below: int | None
) -> None:
    assert curve.leaves_above(value) == above
    assert curve.leaves_below(value) == below


dots = st.dictionaries(st.integers(-500, 500), st.integers(0, 10_000), min_size=2, max_size=6)


@given(dots, st.booleans(), st.integers(-600, 600))
def test_points_lie_between_the_neighbours(
    drawn: dict[int, int], stepped: bool, value: int
) -> None:
    """And they are left where they first differ."""
    xs = tuple(sorted(drawn))
    curve = Curve(xs, tuple(drawn[x] for x in xs), stepped)
    points = curve.points(value)
    left = max((x for x in xs if x <= value), default=xs[0])
    right = min((x for x in xs if x >= value), default=xs[-1])
    assert min(drawn[left], drawn[right]) <= points <= max(drawn[left], drawn[right])
    if not stepped and left < right:
        exact = drawn[left] + Fraction(drawn[right] - drawn[left]) * (value - left) / (right - left)
        assert abs(points - exact) <= Fraction(1, 2)
    others = [x for x in range(-600, 601) if curve.points(x) != points]
    assert curve.leaves_above(value) == min((x for x in others if x > value), default=None)
    assert curve.leaves_below(value) == max((x for x in others if x < value), default=None)


def true_logistic(low: int, high: int, value: int) -> float:
    """In points, with 10 at ``low`` and 90 at ``high``."""
    exponent = 1 - 2 * (value - low) / (high - low)
    return 100 / (1 + 9**exponent) if exponent < 100 else 0.0


@pytest.mark.parametrize(("low", "high"), [(20_000_000, 60_000_000), (60_000_000, 20_000_000)])
def test_a_logistic_goes_through_its_three_points(low: int, high: int) -> None:
    """And is level at 0 and 100 from 1.8 spans beyond them."""
    curve, span = logistic(low, high), high - low
    points = [curve.points(x) for x in (low, (low + high) // 2, high)]
    assert points == [1_000, 5_000, 9_000]
    assert (curve.points(low - 18 * span // 10), curve.points(high + 18 * span // 10)) == (0, FULL)
    assert (curve.points(low - 17 * span // 10), curve.points(high + 17 * span // 10)) == (1, 9_999)
    assert curve.leaves_below(min(curve.xs)) is None
    assert curve.leaves_above(max(curve.xs)) is None


def test_a_logistic_is_the_same_everywhere() -> None:
    """Its dots are part of what a scorecard's hash stands for."""
    curve = logistic(0, 32 * ONE)
    assert len(curve.xs) == 147
    assert curve.xs[:3] == (-57 * ONE, -56 * ONE, -55 * ONE)
    assert curve.ys[:6] == (0, 1, 1, 1, 1, 1)
    assert curve.ys[73:78] == (5_000, 5_343, 5_682, 6_016, 6_340)


def test_a_logistic_needs_two_values() -> None:
    with pytest.raises(ValueError, match="two different values"):
        logistic(5, 5)


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), st.data())
def test_a_logistic_is_near_the_true_one(low: int, high: int, data: st.DataObject) -> None:
    """Within 0.05 points, beyond its ends as well; also where few whole numbers lie between."""
    if data.draw(st.booleans()):
        high = low + data.draw(st.integers(-40, 40))
    if low == high:
        return
    curve, span = logistic(low, high), abs(high - low)
    value = data.draw(st.integers(min(low, high) - 3 * span - 2, max(low, high) + 3 * span + 2))
    assert abs(curve.points(value) / 100 - true_logistic(low, high, value)) < 0.05
    assert curve.ys == tuple(sorted(curve.ys, reverse=high < low))
    assert {curve.ys[0], curve.ys[-1]} == {0, FULL}
    assert list(curve.xs) == sorted(set(curve.xs))


def test_a_logistic_is_near_the_true_one_at_every_place() -> None:
    """Not only where chance looks: a thousand places, dots and middles between them."""
    low, high = 0, 160_000
    curve = logistic(low, high)
    worst = max(
        abs(curve.points(x) / 100 - true_logistic(low, high, x))
        for x in range(-300_000, 460_000, 625)
    )
    assert 0.02 < worst < 0.035


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (-1, 0),
        (0, 0),  # 0 at zero_below exactly, and not above it
        (50, 5_000),
        (99, 9_900),
        (100, FULL),  # 100 at both ends of the best values
        (150, FULL),
        (200, FULL),
        (201, 9_800),
        (250, 0),
        (251, 0),
    ],
)
def test_a_target_falls_off_at_both_sides(value: int, points: int) -> None:
    assert target(100, 200, 0, 250).points(value) == points


def test_a_target_may_be_one_value() -> None:
    assert target(10, 10, 0, 20) == Curve((0, 10, 20), (0, FULL, 0))


def test_an_open_side_is_level() -> None:
    """100 points however far, beyond the other end of the best values too."""
    above, below = target(100, 200, zero_below=0), target(100, 200, zero_above=250)
    assert [above.points(x) for x in (0, 50, 100, 200, 10**9)] == [0, 5_000, FULL, FULL, FULL]
    assert [below.points(x) for x in (-(10**9), 0, 200, 225, 250)] == [FULL, FULL, FULL, 5_000, 0]
    assert above.leaves_above(100) is None
    assert below.leaves_below(200) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 4, 0, 9), "end before they begin"),
        ((5, 6), "on one side at least"),
        ((5, 6, 5, None), "below the best values"),
        ((5, 6, None, 6), "above the best values"),
    ],
)
def test_a_target_in_disorder_is_refused(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        target(*arguments)


small = st.integers(-30, 30)
any_dots = st.dictionaries(small, st.integers(0, 12), min_size=1, max_size=6)
shapes = st.one_of(
    st.builds(
        lambda drawn, stepped: Curve(
            tuple(sorted(drawn)), tuple(drawn[x] for x in sorted(drawn)), stepped
        ),
        any_dots,
        st.booleans(),
    ),
    st.tuples(small, small).filter(lambda two: two[0] != two[1]).map(lambda two: logistic(*two)),
    st.lists(small, min_size=4, max_size=4, unique=True)
    .map(sorted)
    .map(lambda four: target(four[1], four[2], four[0], four[3])),
)


@given(shapes)
def test_the_bounds_rule_on_both_sides_of_every_dot(curve: Curve) -> None:
    """Through the dot; level before the first and beyond the last; steps from the dot on."""
    far = 10**9
    assert curve.points(curve.xs[0] - 1) == curve.points(-far) == curve.ys[0]
    assert curve.points(curve.xs[-1] + 1) == curve.points(far) == curve.ys[-1]
    for i, (x, y) in enumerate(zip(curve.xs, curve.ys, strict=True)):
        assert curve.points(x) == y
        if i and curve.stepped:
            assert curve.points(x - 1) == curve.ys[i - 1]
        elif i:
            left, run = curve.ys[i - 1], x - curve.xs[i - 1]
            assert curve.points(x - 1) == floor(y + Fraction(left - y, run) + Fraction(1, 2))


@settings(max_examples=examples(400))
@given(shapes, st.integers(-40, 40), st.integers(0, 101), st.sampled_from([1, 2, 7]))
def test_the_nearest_value_is_that_of_a_search(
    curve: Curve, value: int, percent: int, grid: int
) -> None:
    """It gives the points, and none of the allowed values that is nearer does."""
    points = max(curve.ys) * percent // 100 + (percent > 100)
    # As far as the curve changes, and a step of the grid further.
    places = range(min(*curve.xs, value) - 8, max(*curve.xs, value) + 9)
    reach = [x for x in places if (x % grid == 0 or x == value) and curve.points(x) >= points]
    assert curve.nearest(value, points, grid) == min(
        reach, key=lambda x: (abs(x - value), x), default=None
    )
    assert curve.nearest_above(value, points, grid) == min(
        (x for x in reach if x >= value), default=None
    )
    assert curve.nearest_below(value, points, grid) == max(
        (x for x in reach if x <= value), default=None
    )


@pytest.mark.parametrize(
    ("curve", "value", "points", "grid", "nearest"),
    [
        (FALLING, ONE, 9_000, 1, ONE),  # it does already
        (FALLING, 5 * ONE, 7_000, 1, 3_000_500),  # 69.995 is rounded up
        (FALLING, 5 * ONE, 7_000, ONE, 3 * ONE),  # whole ones only
        (FALLING, 5 * ONE, 7_001, ONE, 2 * ONE),
        (FALLING, 5 * ONE, 10_001, 1, None),
        (STEPS, 5 * ONE, 2_000, 1, 3 * ONE - 1),  # the last millionth of the step
        (STEPS, 5 * ONE, 2_000, ONE, 2 * ONE),
        (Curve((0, 10), (0, 5)), 0, 3, 1, 5),  # 2.5 is rounded up, rising as well
        (target(10, 20, 0, 30), -5, 10_000, 1, 10),
        (target(10, 20, 0, 30), 35, 5_000, 1, 25),
        (target(3, 3, 0, 6), 0, 5_000, 5, None),  # no multiple of 5 gives half
        (Curve((0, 10, 20), (100, 0, 100)), 10, 50, 1, 5),  # equally near: the smaller
    ],
)
def test_what_it_would_take(
    curve: Curve, value: int, points: int, grid: int, nearest: int | None
) -> None:
    assert curve.nearest(value, points, grid) == nearest


def test_a_narrow_logistic_is_near_the_true_one_at_every_whole_number() -> None:
    for span in range(1, 300):
        for low, high in ((0, span), (7, 7 - span)):
            curve = logistic(low, high)
            for value in range(min(low, high) - 2 * span - 2, max(low, high) + 2 * span + 3):
                assert abs(curve.points(value) / 100 - true_logistic(low, high, value)) < 0.05
