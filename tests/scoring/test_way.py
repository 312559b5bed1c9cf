"""The way to green moves a measure no further than it takes."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from scoring.way import _least
from scoring.weighting import rounded


@given(
    low=st.integers(0, 9_999),
    span=st.integers(1, 10_000),
    weight=st.integers(1, 10**6),
    others=st.integers(0, 10**10),
    bottom=st.sampled_from([10**6, 7, 333_333]),
    share=st.integers(1, 1000),
)
def test_the_fewest_points_that_reach_the_target(
    low: int, span: int, weight: int, others: int, bottom: int, share: int
) -> None:
    def exact(points: int) -> tuple[int, int]:
        return others + weight * points, bottom

    high = low + span
    too_few, enough = rounded(exact(low)), rounded(exact(high))
    assume(too_few < enough)
    target = too_few + max(1, (enough - too_few) * share // 1000)
    found = _least(low, exact(low), high, exact(high), target)
    assert low < found <= high
    assert rounded(exact(found)) >= target
    assert rounded(exact(found - 1)) < target


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_a_half_is_rounded_up(top: int, bottom: int) -> None:
    assert rounded((top, bottom)) == (Fraction(top, bottom) + Fraction(1, 2)) // 1
