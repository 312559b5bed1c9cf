"""A compiled scorecard: everything that evaluation needs, in integers, immutable.

``compile_card`` turns the validated file into a :class:`Card`; what only the
core can know (which metrics exist, what their windows and units are) is checked
here, and all that is wrong is reported at once.
"""

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property

from schemas.scorecard import CurvePoints, ScorecardFile, parse_duration_s
from scoring.bands import BandPolicy
from scoring.curves import Curve
from scoring.metrics import METRICS, Metric, Unit

__all__ = ["Card", "CardError", "MeasureSpec", "OverrideSpec", "compile_card", "hash_of"]

_METRIC = re.compile(r"([a-z][a-z0-9_]*)\s*(?:\(\s*([^()]*?)\s*\))?")
_CONDITION = re.compile(r"(.+?)\s*(>=|<=|>|<)\s*([-+]?\d+(?:\.\d+)?)(%|[smhdw])?")
_CANCEL = "cancel_scheduled"


class CardError(ValueError):
    """What is wrong with a card: (where, message) pairs; *where* is a path of keys."""

    def __init__(self, problems: list[tuple[tuple[str, ...], str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(where)}: {what}" for where, what in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """One scored component, compiled."""

    name: str
    group: str
    group_ix: int
    weight_ppm: int
    metric: Metric
    window_days: int
    curve: Curve
    missing_points: int | None
    says: str | None


@dataclass(frozen=True, slots=True)
class OverrideSpec:
    """One deciding fact, compiled: a metric against a level (millionths), or a cancellation."""

    name: str
    metric: Metric | None
    window_days: int
    operator: str
    level: int
    cap: int | None
    red: bool
    says: str

    def holds(self, value: int | None) -> bool:
        """Whether the metric's value (None: no data) meets the condition."""
        if value is None:
            return False
        match self.operator:
            case ">=":
                return value >= self.level
            case ">":
                return value > self.level
            case "<=":
                return value <= self.level
            case _:
                return value < self.level


@dataclass(frozen=True)
class Card:
    """A scorecard as evaluation reads it."""

    name: str
    version: str
    hash: str
    measures: tuple[MeasureSpec, ...]
    group_names: tuple[str, ...]
    group_ppm: tuple[int, ...]
    coverage_ppm_min: int
    bands: BandPolicy
    letters: tuple[tuple[int, str], ...]
    overrides: tuple[OverrideSpec, ...]
    scored_statuses: frozenset[str]
    scores_internal: bool
    emit_at_least: int

    @cached_property
    def short_hash(self) -> str:
        """The part of the hash that rows carry."""
        return self.hash[:16]

    @cached_property
    def mark(self) -> bytes:
        """:attr:`short_hash` as rows hold it."""
        return bytes.fromhex(self.short_hash)

    @cached_property
    def by_name(self) -> dict[str, MeasureSpec]:
        """Measures by name."""
        return {measure.name: measure for measure in self.measures}


def hash_of(text: str) -> str:
    """The content hash of a scorecard's text: sha256, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def compile_card(file: ScorecardFile, text: str) -> Card:
    """The card of a validated file; ``text`` is what its hash is of.

    Raises:
        CardError: with every problem found.
    """
    problems: list[tuple[tuple[str, ...], str]] = []
    measures = []
    for group_ix, (group, members) in enumerate(file.groups.items()):
        for name, measure in members.items():
            where = ("groups", group, name)
            read = _metric(measure.metric, (*where, "metric"), problems)
            shape = "curve" if measure.curve is not None else "steps"
            points = measure.curve if measure.curve is not None else measure.steps
            weight = file.weights[group] * measure.share * 100
            if weight != int(weight):
                problems.append(((*where, "share"), "weight times share is finer than a millionth"))
            if read is None:
                continue
            metric, window_days = read
            curve = _curve(points or {}, metric.unit, shape, (*where, shape), problems)
            missing = file.defaults.missing if measure.missing is None else measure.missing
            measures.append(
                MeasureSpec(
                    name=name,
                    group=group,
                    group_ix=group_ix,
                    weight_ppm=int(weight),
                    metric=metric,
                    window_days=window_days,
                    curve=curve,
                    missing_points=None if missing == "leave_out" else int(missing * 100),
                    says=measure.says,
                )
            )
    overrides = _overrides(file, problems)
    if problems:
        raise CardError(problems)
    return Card(
        name=file.scorecard,
        version=file.version,
        hash=hash_of(text),
        measures=tuple(measures),
        group_names=tuple(file.groups),
        group_ppm=tuple(int(file.weights[group] * 10_000) for group in file.groups),
        coverage_ppm_min=int(file.defaults.minimum_coverage * 10_000),
        bands=_bands(file),
        letters=tuple(
            sorted(
                ((int(level * 100), letter) for letter, level in file.letters.items()), reverse=True
            )
        ),
        overrides=overrides,
        scored_statuses=frozenset(str(status) for status in file.scored.status),
        scores_internal=file.scored.internal,
        emit_at_least=int(file.emit.at_least * 100),
    )


def _bands(file: ScorecardFile) -> BandPolicy:
    green, red = file.bands.green, file.bands.red
    return BandPolicy(
        green_enter=int(green.level("enter", ">=") * 100),
        green_leave=int(green.level("leave", "<") * 100),
        red_enter=int(red.level("enter", "<") * 100),
        red_leave=int(red.level("leave", ">=") * 100),
        green_hold_ms=green.hold * 1000,
        red_hold_ms=red.hold * 1000,
    )


def _metric(
    text: str, where: tuple[str, ...], problems: list[tuple[tuple[str, ...], str]]
) -> tuple[Metric, int] | None:
    """The metric and its window in days; problems are added to ``problems``."""
    match = _METRIC.fullmatch(text.strip())
    metric = METRICS.get(match[1]) if match else None
    if match is None or metric is None:
        near = get_close_matches(match[1] if match else text, METRICS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(METRICS)}"
        problems.append((where, f"no metric named {match[1] if match else text!r}{hint}"))
        return None
    window_days = metric.window_days or 0
    if match[2] is not None:
        if metric.window_days is None:
            problems.append((where, f"{metric.name} has no window: write it without ({match[2]})"))
            return None
        try:
            window_s = parse_duration_s(match[2])
        except ValueError as error:
            problems.append((where, f"window {match[2]!r}: {error}"))
            return None
        window_days, rest = divmod(window_s, 86_400)
        most = metric.window_days_max
        if rest or not 1 <= window_days <= most:
            problems.append((where, f"window {match[2]}: expected 1 to {most} whole days"))
            return None
    return metric, window_days


def _x(text: str | float, unit: Unit) -> int:
    """A curve's x in millionths of the metric's unit."""
    value = str(text).strip()
    if value.endswith("%"):
        if unit is not Unit.RATIO:
            raise ValueError("a percentage fits metrics that are ratios only")
        return _millionths(value[:-1], 100)
    if unit in (Unit.SECONDS, Unit.DAYS) and value[-1:] in "smhdw":
        seconds = parse_duration_s(value)
        return seconds * 1_000_000 if unit is Unit.SECONDS else seconds * 1_000_000 // 86_400
    return _millionths(value, 1)


def _millionths(text: str, divisor: int) -> int:
    try:
        return int(Decimal(text) * 1_000_000 / divisor)
    except (ArithmeticError, ValueError):
        raise ValueError("expected a number") from None


def _curve(
    points: CurvePoints,
    unit: Unit,
    shape: str,
    where: tuple[str, ...],
    problems: list[tuple[tuple[str, ...], str]],
) -> Curve:
    pairs: dict[int, int] = {}
    for x, y in points.items():
        try:
            at = _x(x, unit)
        except ValueError as error:
            problems.append((where, f"{x!r}: {error}"))
            continue
        if at in pairs:
            problems.append((where, f"{x!r}: two points at the same x"))
        pairs[at] = int(y * 100)
    if shape == "curve" and len(points) < 2:
        problems.append((where, "a curve needs at least two points"))
    ordered = sorted(pairs.items()) or [(0, 0)]
    return Curve(
        tuple(x for x, _ in ordered), tuple(y for _, y in ordered), stepped=shape == "steps"
    )


def _overrides(
    file: ScorecardFile, problems: list[tuple[tuple[str, ...], str]]
) -> tuple[OverrideSpec, ...]:
    compiled = []
    for name, override in file.overrides.items():
        where = ("overrides", name, "when")
        cap = None if override.cap is None else int(override.cap * 100)
        says = override.says or name.replace("_", " ")
        red = override.band == "red"
        if override.when.strip() == _CANCEL:
            compiled.append(OverrideSpec(name, None, 0, "", 0, cap, red, says))
            continue
        match = _CONDITION.fullmatch(override.when.strip())
        if match is None:
            problems.append((where, f'expected "METRIC >= NUMBER" or "{_CANCEL}"'))
            continue
        read = _metric(match[1], where, problems)
        if read is None:
            continue
        try:
            level = _x(match[3] + (match[4] or ""), read[0].unit)
        except ValueError as error:
            problems.append((where, str(error)))
            continue
        compiled.append(OverrideSpec(name, read[0], read[1], match[2], level, cap, red, says))
    return tuple(compiled)
