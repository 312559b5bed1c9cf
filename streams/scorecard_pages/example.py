"""A made-up customer whose every measure stands at its middle: how lines add up to a score.

The card itself is evaluated, with metrics that read a given value instead of a
customer's state; so the example shows the very arithmetic that scores.
"""

from collections.abc import Mapping
from dataclasses import replace

from scoring.card import Card, MeasureSpec
from scoring.curves import Curve
from scoring.evaluate import Evaluation, Line, evaluate
from scoring.moment import Moment, Reading, Value
from scoring.past import Past
from scoring.percentiles import Ranked
from scoring.shapes import Words
from scoring.state import CustomerState
from scoring.words import words_of
from streams.api.shown import label
from streams.scorecard_pages.inverse import value_at
from streams.scorecard_pages.page import Example, ExampleLine

__all__ = ["WEIGHTED_BY", "worked_example"]

#: What chooses the weights, by what the card calls it.
WEIGHTED_BY = {"": "", "stage": "lifecycle stage", "segment": "segment"}
#: Half of the points that a measure can give, in hundredths.
MIDDLE = 5_000


def worked_example(card: Card) -> Example:
    """The score of a customer whose every measure has the value that gives 50 points."""
    card = replace(card, measures=tuple(_without_ranks(each) for each in card.measures))
    values = {measure.name: _middle(measure.curve) for measure in card.measures}
    made_up = evaluate(CustomerState(), Past(), _reading(card, values), Moment(0))
    return Example(
        tuple(_line(line, card.by_name.get(line.name)) for line in made_up.lines),
        made_up.score,
        made_up.standing.band.value,
        made_up.letter,
        _where(card, made_up),
    )


def _without_ranks(measure: MeasureSpec) -> MeasureSpec:
    """A rank is said as one: there are no others to compare a made-up customer with."""
    curve = measure.curve
    if not isinstance(curve, Ranked):
        return measure
    among = "its segment" if curve.within_segment else "all customers"
    return replace(measure, curve=Words({f"in the middle of {among}": MIDDLE}), says=None)


def _middle(shape: Curve | Words | Ranked) -> Value:
    """The value whose points are nearest to the middle."""
    if isinstance(shape, Curve):
        return value_at(shape, MIDDLE)
    assert isinstance(shape, Words)
    points = dict(shape.listed)
    if shape.otherwise is not None:
        points["anything else"] = shape.otherwise
    return min(points, key=lambda text: abs(points[text] - MIDDLE))


def _where(card: Card, made_up: Evaluation) -> str:
    """What chose the weights and levels: the stage and segment of whom nothing is known."""
    kinds = dict.fromkeys((card.weights_by, card.variants_by))
    places = [(kind, made_up.past.places.get(kind)) for kind in kinds]
    told = (f"{WEIGHTED_BY[kind]} {label(place.name)}" for kind, place in places if place)
    return ", ".join(told)


def _reading(card: Card, values: Mapping[str, Value]) -> Card:
    """The card with measures that read these values, whatever the customer's state."""
    return replace(
        card, measures=tuple(_constant(each, values[each.name]) for each in card.measures)
    )


def _constant(measure: MeasureSpec, value: Value) -> MeasureSpec:
    return replace(measure, metric=replace(measure.metric, read=lambda *_: Reading(value)))


def _line(line: Line, measure: MeasureSpec | None) -> ExampleLine:
    value = "" if measure is None else words_of(measure, line.value)
    return ExampleLine(label(line.name), value, line.curve_points, line.weight_ppm, line.points)
