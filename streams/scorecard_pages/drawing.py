"""A curve as a picture: the geometry of an SVG, or a line of block characters. Pure.

A curve is drawn from what it answers (``points``), not from how it is made: any
shape draws, and so does any that is added later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.curves import Curve
from scoring.units import Unit
from streams.scorecard_pages.inverse import shown_span, told_values
from streams.scorecard_pages.wording import tick_label

__all__ = ["HEIGHT", "WIDTH", "Drawing", "Tick", "drawn", "sparkline"]

#: The view box, and the plot's edges in it.
WIDTH, HEIGHT = 260, 104
LEFT, RIGHT, TOP, BOTTOM = 26, 250, 8, 82
_SAMPLES = 64
#: Of the plot's width: how far the level parts before the first and after the last dot are drawn.
_MARGIN = 12
_CHARACTER = 5.4
_BLOCKS = "▁▂▃▄▅▆▇█"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the axis, centred at ``x``."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The curve's path, its dots, the labels that fit; and the same in block characters."""

    path: str
    dots: tuple[Point, ...]
    ticks: tuple[Tick, ...]
    first: str
    last: str
    blocks: str


def drawn(curve: Curve, unit: Unit) -> Drawing:
    """The picture of a curve whose values are in ``unit``."""
    first, last = shown_span(curve)
    margin = (last - first) // _MARGIN or 1_000_000
    low, high = first - margin, last + margin

    def place(x: int) -> Point:
        across = LEFT + (RIGHT - LEFT) * (x - low) / (high - low)
        down = BOTTOM - (BOTTOM - TOP) * curve.points(x) / 10_000
        return round(across, 2), round(down, 2)

    line = _without_collinear([place(x) for x in _samples(curve, low, high)])
    told = told_values(curve)
    dots = [place(x) for x in told]
    ticks = [Tick(dot[0], tick_label(unit, x)) for dot, x in zip(dots, told, strict=True)]
    return Drawing(
        path="M" + "L".join(f"{x:g},{y:g}" for x, y in line),
        dots=tuple(dots),
        ticks=_that_fit(ticks),
        first=tick_label(unit, first),
        last=tick_label(unit, last),
        blocks=sparkline(curve),
    )


def sparkline(curve: Curve, characters: int = 12) -> str:
    """The curve in block characters, between the ends that ``drawn`` names."""
    first, last = shown_span(curve)
    steps = max(characters - 1, 1)
    found = [curve.points(first + (last - first) * n // steps) for n in range(characters)]
    return "".join(_BLOCKS[min(each * len(_BLOCKS) // 10_000, len(_BLOCKS) - 1)] for each in found)


def _samples(curve: Curve, low: int, high: int) -> list[int]:
    """Where the curve is asked: at its dots, just before them, and evenly in between."""
    even = (low + (high - low) * n // _SAMPLES for n in range(_SAMPLES + 1))
    near = (x for dot in curve.xs for x in (dot - 1, dot) if low < x < high)
    return sorted({*even, *near})


def _without_collinear(line: Sequence[Point], tolerance: float = 0.05) -> list[Point]:
    """The corners of a line: what is left out lies at most ``tolerance`` off (Douglas-Peucker)."""
    if len(line) < 3:
        return list(line)
    (x0, y0), (x1, y1) = line[0], line[-1]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 or 1.0
    off = [abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length for x, y in line[1:-1]]
    furthest = max(range(len(off)), key=off.__getitem__)
    if off[furthest] <= tolerance:
        return [line[0], line[-1]]
    corner = furthest + 1
    head = _without_collinear(line[: corner + 1], tolerance)
    return head[:-1] + _without_collinear(line[corner:], tolerance)


def _that_fit(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """The labels that do not touch each other: the ends first, then the others in order."""
    kept: list[Tick] = []
    for tick in [ticks[0], ticks[-1], *ticks[1:-1]]:
        room = _CHARACTER * len(tick.text) / 2 + 4
        if all(abs(tick.x - other.x) > room + _CHARACTER * len(other.text) / 2 for other in kept):
            kept.append(tick)
    return tuple(sorted(kept, key=lambda tick: tick.x))
