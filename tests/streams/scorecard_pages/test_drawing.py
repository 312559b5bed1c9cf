"""Curves as pictures: within their box, through their dots, labels that can be read."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scoring.curves import Curve
from scoring.units import Unit
from streams.scorecard_pages.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    drawn,
    sparkline,
)

CURVES = st.builds(
    lambda pairs, stepped: Curve(
        *(tuple(side) for side in zip(*sorted(pairs.items()), strict=True)), stepped
    ),
    st.dictionaries(
        st.integers(-(10**10), 10**10), st.integers(0, 10_000), min_size=1, max_size=30
    ),
    st.booleans(),
)


def path_of(text: str) -> list[tuple[float, float]]:
    """The points of a path of straight lines."""
    assert re.fullmatch(r"M[-\d.e]+,[-\d.e]+(L[-\d.e]+,[-\d.e]+)*", text), text
    return [tuple(map(float, pair.split(","))) for pair in re.split("[ML]", text)[1:]]  # type: ignore[misc]


def passes(line: list[tuple[float, float]], x: float, y: float) -> bool:
    """Whether a line goes through a point, but for the rounding."""
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 - 0.02 <= x <= x1 + 0.02:
            low, high = (y0, y1) if x1 - x0 < 0.05 else (y0 + (y1 - y0) * (x - x0) / (x1 - x0),) * 2
            if min(low, high) - 0.2 <= y <= max(low, high) + 0.2:
                return True
    return False


@given(CURVES, st.sampled_from(Unit))
def test_a_drawing_stays_in_its_box(curve: Curve, unit: Unit) -> None:
    drawing = drawn(curve, unit)
    line = path_of(drawing.path)
    assert line[0][0] == LEFT
    assert line[-1][0] == RIGHT
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert all(TOP <= y <= BOTTOM for _, y in [*line, *drawing.dots])
    assert all(0 < tick.x < WIDTH for tick in drawing.ticks)
    assert BOTTOM < HEIGHT


@given(CURVES, st.sampled_from(Unit))
def test_labels_do_not_touch(curve: Curve, unit: Unit) -> None:
    """As wide as digits of this size are; the first value is always told."""
    ticks = drawn(curve, unit).ticks
    assert ticks
    for left, right in pairwise(ticks):
        assert right.x - left.x > 5.4 * (len(left.text) + len(right.text)) / 2


@given(
    st.dictionaries(st.integers(0, 100), st.integers(0, 100), min_size=2, max_size=8),
    st.booleans(),
)
def test_the_line_passes_through_the_dots(pairs: dict[int, int], stepped: bool) -> None:
    ordered = sorted((x * 1_000_000, y * 100) for x, y in pairs.items())
    curve = Curve(*(tuple(side) for side in zip(*ordered, strict=True)), stepped)
    drawing = drawn(curve, Unit.COUNT)
    line = path_of(drawing.path)
    assert len(drawing.dots) == len(ordered)
    for (x, y), (_, points) in zip(drawing.dots, ordered, strict=True):
        assert y == round(BOTTOM - (BOTTOM - TOP) * points / 10_000, 2)
        assert passes(line, x, y), (x, y, line)


def test_a_line_needs_no_more_points_than_it_has_corners() -> None:
    straight = drawn(Curve((0, 1_000_000), (0, 10_000)), Unit.COUNT)
    assert len(path_of(straight.path)) == 4
    many = Curve(tuple(range(0, 101_000, 1_000)), tuple(range(0, 10_100, 100)))
    assert len(path_of(drawn(many, Unit.COUNT).path)) <= 4
    steps = drawn(Curve((0, 1_000_000, 2_000_000), (10_000, 5_000, 0), stepped=True), Unit.COUNT)
    corners = path_of(steps.path)
    assert len(corners) == 6
    assert corners[1][0] == corners[2][0], "a step falls straight down"


def test_blocks() -> None:
    rising = Curve((0, 1_000_000), (0, 10_000))
    assert sparkline(rising) == "▁▁▂▃▃▄▅▆▆▇██"
    assert sparkline(Curve((0, 1_000_000), (10_000, 0)), 3) == "█▅▁"
    assert sparkline(Curve((7,), (5_000,), stepped=True), 4) == "▅▅▅▅"
    drawing = drawn(rising, Unit.RATIO)
    assert (drawing.first, drawing.last) == ("0 %", "100 %")
