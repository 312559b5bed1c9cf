"""From points back to a value: as near as a curve comes."""

from hypothesis import given
from hypothesis import strategies as st

from scoring.curves import Curve
from streams.scorecard_pages.inverse import shown_span, told_values, value_at

CURVES = st.builds(
    lambda pairs, stepped: Curve(
        *(tuple(side) for side in zip(*sorted(pairs.items()), strict=True)), stepped
    ),
    st.dictionaries(st.integers(-(10**9), 10**9), st.integers(0, 10_000), min_size=2, max_size=40),
    st.booleans(),
)


@given(CURVES, st.integers(0, 10_000), st.lists(st.integers(-(10**9), 10**9), max_size=20))
def test_no_dot_comes_nearer(curve: Curve, wanted: int, others: list[int]) -> None:
    """Where lines join the dots, no value at all comes nearer than by the rounding."""
    found = value_at(curve, wanted)
    missed = abs(curve.points(found) - wanted)
    asked = [*curve.xs, *(others if not curve.stepped else ())]
    steepest = max(
        -(-abs(y1 - y0) // (x1 - x0))
        for x0, x1, y0, y1 in zip(curve.xs, curve.xs[1:], curve.ys, curve.ys[1:], strict=False)
    )
    slack = 0 if curve.stepped else steepest
    assert all(missed <= abs(curve.points(x) - wanted) + slack for x in asked)


def test_a_round_value_is_preferred() -> None:
    """5, not 4.999 that rounds to the same points."""
    curve = Curve((3_000_000, 10_000_000), (7_000, 0))
    assert value_at(curve, 5_000) == 5_000_000
    stepped = Curve((0, 1_000_000, 2_000_000), (10_000, 5_000, 2_000), stepped=True)
    assert value_at(stepped, 5_000) == 1_000_000


def test_a_curve_that_somebody_wrote_is_told_by_its_dots() -> None:
    written = Curve((0, 5, 9), (0, 9_000, 10_000))
    assert told_values(written) == written.xs
    assert shown_span(written) == (0, 9)
    steps = Curve(tuple(range(40)), tuple(range(40)), stepped=True)
    assert told_values(steps) == steps.xs


def test_a_curve_that_was_made_is_told_by_some_values() -> None:
    """All of it, from next to nothing to next to all, without its endless ends."""
    made = Curve(tuple(range(0, 101_000, 1_000)), tuple(range(0, 10_100, 100)))
    assert told_values(made) == (10_000, 50_000, 90_000)
    assert shown_span(made) == (2_000, 98_000)
    falling = Curve(made.xs, made.ys[::-1])
    assert shown_span(falling) == (2_000, 98_000)


def test_many_dots_that_go_to_and_fro_were_written() -> None:
    ups_and_downs = Curve(tuple(range(40)), (0, 10_000) * 20)
    level = Curve(tuple(range(40)), (5_000,) * 40)
    for curve in (ups_and_downs, level):
        assert told_values(curve) == curve.xs
        assert shown_span(curve) == (0, 39)
