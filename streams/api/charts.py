"""The pictures' numbers: bars that add up to a score, and a score over time. Pure.

Positions are percent of the picture's width, or units of its view box: pages
may set attributes of SVG shapes, never inline styles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.scales import Scale
from schemas.scores import Contribution, EventRef, Health, Mover
from schemas.views import HistoryPoint
from streams.api.shown import label
from streams.clock import to_ms

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Bar",
    "Curve",
    "GroupRow",
    "Shift",
    "bars",
    "curve",
    "grouped",
    "shifts",
]

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
    path: str = ""  # of its group, with dots
    units: int = 0  # the points as shown, in units of their last decimal
    own: float = 0.0  # the measure's own score in percent of the most
    spark: str = ""  # what it contributed over time, as an SVG path; empty if it never moved


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group above its measures: what they contribute, as shown, of the most they can."""

    name: str
    depth: int
    points: str
    of: str


@dataclass(frozen=True, slots=True)
class Shift:
    """What one line did to the last change, drawn to either side of a middle."""

    name: str
    delta: str
    delta_exact: str
    start: float
    width: float
    falls: bool
    events: tuple[EventRef, ...] = ()


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


def bars(
    health: Health, scale: Scale, history: Sequence[HistoryPoint] = (), since_ms: int = 0
) -> list[Bar]:
    """The lines of a score, group by group, each beginning where the last ended.

    With a history each has what it contributed since ``since_ms``.
    """
    lines = _by_group(health.contributions)
    shown = scale.lines([line.points for line in lines])
    drawn: list[Bar] = []
    reached = 0
    for line, points in zip(lines, shown, strict=True):
        low, high = sorted((reached, reached + line.points))
        reached += line.points
        bar = _bar(line, points, scale, _share(low), _share(high))
        drawn.append(replace(bar, spark=_spark(line, history, since_ms)))
    return drawn


def _by_group(lines: Sequence[Contribution]) -> list[Contribution]:
    """Each group's measures together, those without data last in it; then what is of no group."""
    first: dict[str, int] = {}
    for line in lines:
        parts = (line.group or "").split(".") if line.group else []
        for depth in range(1, len(parts) + 1):
            first.setdefault(".".join(parts[:depth]), len(first))

    def place(line: Contribution) -> tuple[bool, list[int]]:
        parts = (line.group or "").split(".") if line.group else []
        paths = [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return (line.group is None, [first[path] for path in paths])

    return sorted(lines, key=place)


def grouped(bars: Sequence[Bar], health: Health, scale: Scale) -> list[GroupRow | Bar]:
    """The lines with a row above each group; what is shown of a group is the sum of its lines."""
    most = {group.name: group.weight_ppm for group in health.groups}
    rows: list[GroupRow | Bar] = []
    before = ""
    for bar in bars:
        parts = bar.path.split(".") if bar.path else []
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            if not f"{before}.".startswith(f"{path}."):
                units = sum(b.units for b in bars if f"{b.path}.".startswith(f"{path}."))
                of = scale.most(most[path]) if path in most else ""
                rows.append(
                    GroupRow(label(parts[depth - 1]), depth - 1, scale.line(units, plus=False), of)
                )
        before = bar.path
        rows.append(bar)
    return rows


#: The view box of a measure's own history.
SPARK_WIDTH, SPARK_HEIGHT = 72, 16


def _spark(line: Contribution, history: Sequence[HistoryPoint], since_ms: int) -> str:
    """What a measure contributed over time, from its present points back; "" if it stayed."""
    most = line.weight_ppm / 100
    if line.kind != "measure" or not most or not history:
        return ""
    now_ms = max(to_ms(history[0].at), since_ms + 1)
    points, steps = line.points, [f"M{SPARK_WIDTH},{_spark_y(line.points, most)}"]
    for point in history:
        at_ms = to_ms(point.at)
        if at_ms < since_ms or not point.movers:
            break
        delta = point.movers.get(line.name, 0)
        if delta:
            x = round(SPARK_WIDTH * (at_ms - since_ms) / (now_ms - since_ms), 1)
            points -= delta
            steps.append(f"H{x}V{_spark_y(points, most)}")
    return "" if len(steps) == 1 else "".join(steps) + "H0"


def _spark_y(points: int, most: float) -> float:
    return round((SPARK_HEIGHT - 2) * (1 - min(max(points / most, 0.0), 1.0)) + 1, 1)


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
            events=mover.events,
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
        group=" › ".join(label(part) for part in (line.group or "").split(".")),
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
        path=line.group or "",
        units=points,
        own=_share(line.curve_points or 0),
    )


def _share(hundredths: int) -> float:
    return round(min(max(hundredths, 0), _HUNDREDTHS) / 100, 2)
