"""The pictures' numbers: bars that add up to a score, and a score over time. Pure.

Positions are percent of the picture's width, or units of its view box: pages
may set attributes of SVG shapes, never inline styles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.scales import Scale
from schemas.scores import Contribution, Health, Mover
from schemas.views import HistoryPoint
from streams.api.shown import label
from streams.clock import to_ms

__all__ = ["HEIGHT", "WIDTH", "Bar", "Curve", "Shift", "bars", "curve", "shifts"]

#: The view box of the curve.
WIDTH, HEIGHT = 600, 120
_HUNDREDTHS = 10_000


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a score, drawn from where the line before it ended."""

    name: str
    group: str
    kind: str
    says: str
    points: str  # as shown; the lines add up to the total as shown
    points_exact: str
    of: str  # the most this measure can give; empty where there is no such thing
    weight: str  # the same in percent of the card
    curve: str  # the measure's own score
    has_data: bool
    start: float
    width: float
    falls: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """What one line did to the last change, drawn to either side of a middle."""

    name: str
    delta: str
    delta_exact: str
    start: float
    width: float
    falls: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A score over time as an SVG path of steps: a score holds until it changes."""

    path: str
    area: str
    end_x: float
    end_y: float
    since: datetime
    lowest: str
    highest: str


def bars(health: Health, scale: Scale) -> list[Bar]:
    """The lines of a score, in the scorecard's order, each beginning where the last ended."""
    lines = health.contributions
    shown = scale.lines([line.points for line in lines])
    drawn: list[Bar] = []
    reached = 0
    for line, points in zip(lines, shown, strict=True):
        low, high = sorted((reached, reached + line.points))
        reached += line.points
        drawn.append(_bar(line, points, scale, _share(low), _share(high)))
    return drawn


def shifts(movers: Sequence[Mover], scale: Scale) -> list[Shift]:
    """What moved a score, largest first, as given; lengths relative to the largest."""
    shown = scale.lines([mover.delta for mover in movers])
    largest = max((abs(mover.delta) for mover in movers), default=0) or 1
    return [
        Shift(
            name=label(mover.name),
            delta=scale.line(points),
            delta_exact=scale.exact(mover.delta),
            start=round(50 - (50 * -mover.delta / largest if mover.delta < 0 else 0), 2),
            width=round(50 * abs(mover.delta) / largest, 2),
            falls=mover.delta < 0,
        )
        for mover, points in zip(movers, shown, strict=True)
    ]


def curve(history: Sequence[HistoryPoint], now_ms: int, scale: Scale) -> Curve | None:
    """The scores of a history (newest first) until now; None with fewer than two."""
    points = [(to_ms(point.at), point.score) for point in reversed(history)]
    scored = [(at, score) for at, score in points if score is not None]
    if len(scored) < 2:
        return None
    first, last = scored[0][0], max(now_ms, scored[-1][0])
    span = max(last - first, 1)

    def x(at: int) -> float:
        return round(WIDTH * (at - first) / span, 1)

    def y(score: int) -> float:
        return round(HEIGHT - HEIGHT * score / _HUNDREDTHS, 1)

    steps = [f"M{x(scored[0][0])},{y(scored[0][1])}"]
    steps += [f"H{x(at)}V{y(score)}" for at, score in scored[1:]]
    path = "".join(steps) + f"H{WIDTH}"
    return Curve(
        path=path,
        area=f"{path}V{HEIGHT}H0Z",
        end_x=WIDTH,
        end_y=y(scored[-1][1]),
        since=next(point.at for point in reversed(history) if point.score is not None),
        lowest=scale.score(min(score for _, score in scored)),
        highest=scale.score(max(score for _, score in scored)),
    )


def _bar(line: Contribution, points: int, scale: Scale, start: float, end: float) -> Bar:
    has_data = line.kind != "measure" or line.curve_points is not None
    return Bar(
        name=label(line.name),
        group=label(line.group or ""),
        kind=line.kind,
        says=line.says or ("" if has_data else "No data"),
        points=scale.line(points, plus=line.kind != "measure") if has_data else "–",
        points_exact=scale.exact(line.points),
        of=scale.most(line.weight_ppm) if line.kind == "measure" else "",
        weight=f"{line.weight_ppm // 1000 / 10:g} %",
        curve="" if line.curve_points is None else scale.score(line.curve_points),
        has_data=has_data,
        start=start,
        width=round(max(end - start, 0.0), 2),
        falls=line.points < 0,
    )


def _share(hundredths: int) -> float:
    return round(min(max(hundredths, 0), _HUNDREDTHS) / 100, 2)
