"""The cheapest way back to green: which measures to move, and how far.

Cheapest means fewest measures, those first that can give most; the last of them
only as far as it takes. Only measures that the card calls movable and that have
data count. Where green is out of reach that way, the best score that is not.
"""

from typing import NamedTuple

from schemas.scores import Band
from scoring.card import Card
from scoring.curves import Curve
from scoring.evaluate import Assessment
from scoring.hierarchy import joined
from scoring.moment import Value
from scoring.shapes import Words
from scoring.weighting import rounded

__all__ = ["Step", "Way", "way_to_green"]


class Step(NamedTuple):
    """One measure to move: to these points, which this value gives."""

    name: str
    points: int
    value: Value


class Way(NamedTuple):
    """What it would take; ``score`` is what it gives, in hundredths."""

    reachable: bool
    score: int
    steps: tuple[Step, ...]


def way_to_green(card: Card, found: Assessment) -> Way | None:
    """The way to green; None where there is none to go: it is green, or there is no score."""
    if found.score is None or found.mean is None or found.standing.band is Band.GREEN:
        return None
    target = found.variant.bands.green_enter
    if found.mean >= target and not found.overrides:
        return None  # green is pending
    if not found.own_ppm:
        return None  # what to do is up to its children
    effective = found.weighting.effective_ppm(card.tree, found.points)
    segment = found.segment
    points = list(found.points)
    gains = []
    for index, (measure, own) in enumerate(zip(card.measures, points, strict=True)):
        best = _best(measure.curve_in(segment))
        if measure.movable and own is not None and effective[index] and best > own:
            gains.append((-effective[index] * (best - own), index, best))
    steps: dict[int, int] = {}
    score, exact = found.mean, _exact(card, found, points)
    for _, index, best in sorted(gains):
        if score >= target:
            break
        own, before = points[index] or 0, exact
        points[index] = steps[index] = best
        exact = _exact(card, found, points)
        score = rounded(exact)
        if score >= target:
            steps[index] = points[index] = _least(own, before, best, exact, target)
            score = rounded(_exact(card, found, points))
    cap = min((o.cap for o in found.overrides if o.cap is not None), default=None)
    blocked = (cap is not None and cap < target) or any(o.red for o in found.overrides)
    return Way(
        score >= target and not blocked,
        score if cap is None else min(score, cap),
        tuple(
            Step(
                card.measures[index].name,
                to,
                _value(card.measures[index].curve_in(segment), found.values[index], to),
            )
            for index, to in steps.items()
        ),
    )


def _exact(card: Card, found: Assessment, points: list[int | None]) -> tuple[int, int]:
    """What the score would be with these points, before overrides: a fraction."""
    own = found.weighting.exact_mean(card.tree, points) or (0, 1)
    return own if found.children is None else joined(found.own_ppm, own, found.children)


def _best(curve: Curve | Words | None) -> int:
    """The most points that a measure can have; 0 where no value has any."""
    if curve is None:
        return 0
    if isinstance(curve, Words):
        return max(curve.listed.values(), default=curve.otherwise or 0)
    return max(curve.ys)


def _least(
    low: int, at_low: tuple[int, int], high: int, at_high: tuple[int, int], target: int
) -> int:
    """The fewest points of one measure with which the score reaches the target.

    Between ``low`` points, which are too few, and ``high``, which are enough, the exact
    score grows in proportion; both fractions have one denominator. It is rounded, so half a
    hundredth less than the target is enough.
    """
    lacks = (2 * target - 1) * at_low[1] - 2 * at_low[0]
    return low - (-lacks * (high - low) // (2 * (at_high[0] - at_low[0])))


def _value(curve: Curve | Words | None, value: Value, points: int) -> Value:
    """The nearest value that gives the points; None where nothing is measured now."""
    if isinstance(curve, Words):
        enough = [(of, text) for text, of in curve.listed.items() if of >= points]
        return min(enough)[1] if enough else None
    if curve is None or not isinstance(value, int):
        return None
    return curve.nearest(value, points)
