"""From a measure's curve as it is written to one that gives points: shapes, units, texts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from schemas.scorecard import Measure
from schemas.scorecard_values import CurvePoints, X, parse_duration_s
from scoring.curves import Curve, logistic, target
from scoring.moment import Value
from scoring.percentiles import Ranked
from scoring.units import MICRO, Unit

__all__ = ["Problems", "Words", "compile_says", "compile_shape", "shown_unit"]

#: What is wrong with a card: (where, message); *where* is a path of keys.
Problems = list[tuple[tuple[str, ...], str]]
_DAY_S = 86_400
_OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Words:
    """Points for texts; a text that is not listed has ``otherwise``, None: no data."""

    listed: Mapping[str, int]
    otherwise: int | None = None

    def points(self, value: str) -> int | None:
        """The points of a text, 0 to 10000; None: no data."""
        return self.listed.get(value, self.otherwise)


def compile_shape(
    measure: Measure, unit: Unit, where: tuple[str, ...], problems: Problems
) -> Curve | Words | Ranked:
    """The measure's curve; what is wrong with it is added to ``problems``."""
    if measure.percentile is not None:
        if unit is Unit.TEXT:
            what = "texts have no ranks: write steps: {TEXT: POINTS, ...}"
            problems.append(((*where, "percentile"), what))
        ranked = measure.percentile
        return Ranked(ranked.within == "segment", ranked.best == "lowest", {})
    if unit is Unit.TEXT:
        if measure.steps is None:
            problems.append((where, "a text has no curve: write steps: {TEXT: POINTS, ...}"))
            return Words({})
        listed = {str(x): int(y * 100) for x, y in measure.steps.items()}
        return Words(listed, listed.pop(_OTHERWISE, None))
    if measure.logistic is not None:
        return _of_values(
            logistic,
            [measure.logistic.low, measure.logistic.high],
            unit,
            (*where, "logistic"),
            problems,
        )
    if measure.target is not None:
        values = [*measure.target.best, *measure.target.zero]
        return _of_values(target, values, unit, (*where, "target"), problems)
    shape = "curve" if measure.curve is not None else "steps"
    dots = measure.curve if measure.curve is not None else measure.steps
    return _dots(dots or {}, unit, shape, (*where, shape), problems)


def shown_unit(measure: Measure, unit: Unit) -> Unit:
    """The unit in which people see the value: a ratio is a percentage if the card writes one."""
    if unit is not Unit.RATIO:
        return unit
    xs: list[X | None] = [*(measure.curve or {}), *(measure.steps or {})]
    if measure.logistic is not None:
        xs += [measure.logistic.low, measure.logistic.high]
    if measure.target is not None:
        xs += [*measure.target.best, *measure.target.zero]
    return Unit.RATIO if any(str(x).strip().endswith("%") for x in xs) else Unit.COUNT


def compile_says(
    measure: Measure, unit: Unit, where: tuple[str, ...], problems: Problems
) -> tuple[str | None, dict[Value, str]]:
    """The measure's words: for all values, and for single ones."""
    if measure.says is None or isinstance(measure.says, str):
        return measure.says, {}
    at: dict[Value, str] = {}
    for x, text in measure.says.items():
        if x == _OTHERWISE:
            continue
        try:
            at[str(x) if unit is Unit.TEXT else value_in(x, unit)] = text
        except ValueError as error:
            problems.append((where, f"{x!r}: {error}"))
    return measure.says.get(_OTHERWISE), at


def value_in(text: X, unit: Unit) -> int:
    """A value as written, in millionths of the unit.

    Raises:
        ValueError: with what was expected.
    """
    value = str(text).strip()
    if value.endswith("%"):
        if unit is not Unit.RATIO:
            raise ValueError("a percentage fits metrics that are ratios only")
        return _millionths(value[:-1], 100)
    if unit in (Unit.SECONDS, Unit.DAYS) and value[-1:] in "smhdw" and value:
        seconds = parse_duration_s(value)
        return seconds * MICRO if unit is Unit.SECONDS else seconds * MICRO // _DAY_S
    return _millionths(value, 1)


def _millionths(text: str, divisor: int) -> int:
    try:
        return int(Decimal(text) * MICRO / divisor)
    except (ArithmeticError, ValueError):
        raise ValueError("expected a number") from None


def _of_values(
    make: Callable[..., Curve],
    values: list[X | None],
    unit: Unit,
    where: tuple[str, ...],
    problems: Problems,
) -> Curve:
    found: list[int | None] = []
    for value in values:
        try:
            found.append(None if value is None else value_in(value, unit))
        except ValueError as error:
            problems.append((where, f"{value!r}: {error}"))
    if len(found) == len(values):
        try:
            return make(*found)
        except ValueError as error:
            problems.append((where, str(error)))
    return Curve((0,), (0,))


def _dots(
    points: CurvePoints, unit: Unit, shape: str, where: tuple[str, ...], problems: Problems
) -> Curve:
    pairs: dict[int, int] = {}
    for x, y in points.items():
        try:
            at = value_in(x, unit)
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
