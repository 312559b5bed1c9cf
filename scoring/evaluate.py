"""A customer's state and the time, into a score that explains itself.

``evaluate(state, standing, card, now_ms)`` is pure: same arguments, same
result, to the hundredth. All arithmetic is exact, in integers.

*Measures* give 0-100 points each, weighted by their share of the card. A
measure without data has no points, and its weight is spread over its siblings
with data, by their weights; a group without any data gives its weight to the
other groups in the same way. The score is the weighted mean, a half rounded up.

*Lines* explain it: each measure with data at its nominal weight (fractions of a
hundredth go to the largest remainders, ties to the earlier line), one
``respread`` line for what spreading the missing weight did, one line for each
override that took points. The lines add up to the score exactly.
"""

from typing import NamedTuple

from schemas.scores import Band
from scoring.bands import Standing, letter_of, settle
from scoring.card import Card, MeasureSpec, OverrideSpec
from scoring.metrics import Drift
from scoring.state import CustomerState

__all__ = ["Assessment", "Evaluation", "Line", "assess", "evaluate", "explain", "is_scored"]

PPM = 1_000_000


class Line(NamedTuple):
    """One line of a score; ``points`` are signed hundredths."""

    name: str
    kind: str
    points: int
    curve_points: int | None = None
    value: int | None = None
    weight_ppm: int = 0


class Assessment(NamedTuple):
    """A score without its explanation: what most evaluations need, since most change nothing.

    ``score`` None: too little is known, or the account is not scored. ``values``
    and ``points`` stand in the card's order of measures; points None: no data.
    """

    score: int | None
    standing: Standing
    letter: str | None
    coverage_ppm: int
    values: list[int | None]
    points: list[int | None]
    #: The weighted mean before overrides; None where no measure has data.
    mean: int | None
    overrides: tuple[OverrideSpec, ...]
    next_ms: int | None


class Evaluation(NamedTuple):
    """A score and all that belongs to it. ``score`` None: too little is known, or not scored."""

    score: int | None
    standing: Standing
    letter: str | None
    coverage_ppm: int
    lines: tuple[Line, ...]
    overrides: tuple[str, ...]
    next_ms: int | None


def is_scored(state: CustomerState, card: Card) -> bool:
    """Whether the card scores this account. An account whose status is not known is scored."""
    status = state.fact("status")
    if status is not None and status not in card.scored_statuses:
        return False
    return card.scores_internal or not state.fact("internal")


def evaluate(state: CustomerState, standing: Standing, card: Card, now_ms: int) -> Evaluation:
    """The customer's health at ``now_ms``, and the next instant at which it changes by itself."""
    return explain(assess(state, standing, card, now_ms), card)


def assess(state: CustomerState, standing: Standing, card: Card, now_ms: int) -> Assessment:
    """The customer's score and band at ``now_ms``, and when it can change next by itself."""
    if not is_scored(state, card):
        return Assessment(None, Standing(), None, 0, [], [], None, (), None)
    next_ms: int | None = None
    values: list[int | None] = []
    all_points: list[int | None] = []
    present = [0] * len(card.group_ppm)
    sums = [0] * len(card.group_ppm)
    for measure in card.measures:
        value, changes_ms, jump_ms = measure.metric.read(state, now_ms, measure.window_days)
        if jump_ms is not None and (next_ms is None or jump_ms < next_ms):
            next_ms = jump_ms
        points = measure.missing_points if value is None else measure.curve.points(value)
        values.append(value)
        all_points.append(points)
        if points is not None:
            present[measure.group_ix] += measure.weight_ppm
            sums[measure.group_ix] += measure.weight_ppm * points
        if (
            changes_ms is not None
            and (next_ms is None or changes_ms < next_ms)
            and not _level_ahead(measure, value)
        ):
            next_ms = changes_ms
    mean = _mean(card, present, sums)
    active, override_next = _overrides(state, card, now_ms)
    next_ms = _earlier(next_ms, override_next)
    coverage_ppm = sum(present)
    score = mean
    if mean is None or coverage_ppm < card.coverage_ppm_min:
        score = None
    else:
        for override in active:
            if override.cap is not None and override.cap < mean:
                score = min(override.cap, score if score is not None else mean)
    after, _ = settle(
        standing,
        score,
        forced=Band.RED if any(override.red for override in active) else None,
        at_once=bool(active),
        now_ms=now_ms,
        policy=card.bands,
    )
    if after.pending is not None:
        next_ms = _earlier(next_ms, after.since_ms + card.bands.hold_ms(after.pending))
    letter = None if score is None else letter_of(score, card.letters)
    return Assessment(score, after, letter, coverage_ppm, values, all_points, mean, active, next_ms)


def explain(assessment: Assessment, card: Card) -> Evaluation:
    """The evaluation of an assessment: with the lines that add up to its score."""
    lines = _lines(assessment, card)
    return Evaluation(
        assessment.score,
        assessment.standing,
        assessment.letter,
        assessment.coverage_ppm,
        tuple(lines),
        tuple(override.name for override in assessment.overrides),
        assessment.next_ms,
    )


def _lines(assessment: Assessment, card: Card) -> list[Line]:
    """The measures at their nominal weight, the re-spread, the overrides."""
    mean = assessment.mean
    if not assessment.points:
        return []
    measured, missing = [], []
    for measure, value, points in zip(
        card.measures, assessment.values, assessment.points, strict=True
    ):
        if points is None:
            missing.append(Line(measure.name, "measure", 0, None, None, measure.weight_ppm))
        else:
            measured.append((measure, value, points))
    wholes = _wholes([measure.weight_ppm * points for measure, _, points in measured])
    lines = [
        Line(measure.name, "measure", whole, points, value, measure.weight_ppm)
        for (measure, value, points), whole in zip(measured, wholes, strict=True)
    ]
    lines += missing
    if mean is None:  # what has data weighs nothing
        return lines
    if missing:
        lines.append(Line("respread", "respread", mean - sum(wholes)))
    if assessment.score is not None:
        left = mean
        for override in assessment.overrides:
            if override.cap is not None and override.cap < left:
                lines.append(Line(override.name, "override", override.cap - left))
                left = override.cap
    return lines


def _wholes(products: list[int]) -> list[int]:
    """Products in hundredths times millionths as whole hundredths that add up to the sum."""
    total = sum(products)
    nominal = (2 * total + PPM) // (2 * PPM)
    wholes = [product // PPM for product in products]
    left = nominal - sum(wholes)
    if left:
        by_fraction = sorted(range(len(products)), key=lambda index: -(products[index] % PPM))
        for index in by_fraction[:left]:
            wholes[index] += 1
    return wholes


def _mean(card: Card, present: list[int], sums: list[int]) -> int | None:
    """The weighted mean: missing weight goes to its group, an empty group's to the others."""
    numerator, denominator, weight = 0, 1, 0
    for has, total, group_ppm in zip(present, sums, card.group_ppm, strict=True):
        if not has:
            continue
        weight += group_ppm
        if has == group_ppm:
            numerator += total * denominator
        else:
            numerator = numerator * has + group_ppm * total * denominator
            denominator *= has
    if not weight:
        return None
    bottom = denominator * weight
    return (2 * numerator + bottom) // (2 * bottom)


def _overrides(
    state: CustomerState, card: Card, now_ms: int
) -> tuple[tuple[OverrideSpec, ...], int | None]:
    """The overrides that act now, and when one of their metrics changes by itself."""
    active: list[OverrideSpec] = []
    next_ms: int | None = None
    for override in card.overrides:
        if override.metric is None:
            if state.fact("cancel_scheduled"):
                active.append(override)
            continue
        reading = override.metric.read(state, now_ms, override.window_days)
        holds = override.holds(reading.value)
        if holds:
            active.append(override)
        only_rises = override.metric.drift is Drift.RISES and override.operator[0] == ">"
        if not (holds and only_rises):
            next_ms = _earlier(next_ms, reading.next_ms)
        next_ms = _earlier(next_ms, reading.jump_ms)
    return tuple(active), next_ms


def _level_ahead(measure: MeasureSpec, value: int | None) -> bool:
    """Whether the curve is level wherever the value can drift to by itself."""
    drift = measure.metric.drift
    if value is None or drift is Drift.WINDOW:
        return False
    if drift is Drift.RISES:
        return measure.curve.level_above(value)
    return measure.curve.level_below(value)


def _earlier(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return a if a < b else b
