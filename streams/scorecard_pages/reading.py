"""What a card says, concept by concept: with ``sections`` all that looks into cards.

One function words one concept, and ``read_page`` puts them together. A field of
the file that none of them words is shown as it is written (``unworded``), so
that a page never leaves out a part of the card.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.scorecard import Measure, MeasureGroup, ScorecardFile
from schemas.scores import Band
from scoring.bands import BandPolicy
from scoring.card import Card, MeasureSpec
from scoring.curves import Curve
from scoring.moment import Value
from scoring.percentiles import CUSTOMERS_MIN, Ranked
from scoring.shapes import Words
from scoring.units import Unit
from streams.api.shown import label
from streams.scorecard_pages.drawing import Drawing, drawn
from streams.scorecard_pages.example import WEIGHTED_BY, worked_example
from streams.scorecard_pages.expressions import Expressions
from streams.scorecard_pages.page import BandShown, Fact, GroupShown, MeasureShown, Page, Zone
from streams.scorecard_pages.sections import sections_of, unworded
from streams.scorecard_pages.unknown import unknown_when
from streams.scorecard_pages.variants import hold_in_words
from streams.scorecard_pages.wording import (
    amount,
    curve_in_words,
    listed,
    percent,
    points,
    rank_in_words,
    sentence,
)
from streams.scorecards import load_card, load_file

__all__ = ["WORDED_OF_A_MEASURE", "read_page"]

#: The lines of a measure that have words here.
WORDED_OF_A_MEASURE = frozenset({
    "share", "metric", "curve", "steps", "logistic", "target", "percentile", "missing", "says",
    "movable",
})  # fmt: skip
#: What a rank gives, over the share of customers who do worse.
_BY_RANK = Curve((0, 1_000_000), (0, 10_000))
#: What to do where the card itself names no steps.
_TO_DO = {
    Band.RED: "Talk to the customer, today or tomorrow. Begin with the lines of its score that"
    " fell the most: they say what about. Agree on one next step, and who takes it.",
    Band.YELLOW: "Look at what moved the score, and ask the person who knows the customer best."
    " One falling measure that can be changed is worth a message or a call this week.",
    Band.GREEN: "Nothing has to be done. A good time to hear what works, and to ask for a"
    " reference or about growth.",
    Band.UNKNOWN: "Nobody knows how this customer does: that is the task. Connect the data that is"
    " missing, or ask the customer.",
}


def read_page(text: str, name: str = "scorecard") -> Page:
    """The page of a scorecard's text; ``name`` stands in the messages.

    Raises:
        NamedExit: exit code 2, with every problem: file, line, field, what was expected.
    """
    card, file = load_card(text, name), load_file(text, name)
    expressions = Expressions(card, file)
    return Page(
        name=card.name,
        version=card.version,
        hash=card.hash,
        objective=file.objective,
        about=_about(card, file),
        weighted_by=WEIGHTED_BY[card.weights_by],
        weightings=tuple(label(name) for name in card.weightings),
        groups=_groups(card, file, expressions),
        bands=_bands(card),
        zones=_zones(card.bands),
        sections=sections_of(card, file, expressions),
        example=worked_example(card),
    )


# -- the head ------------------------------------------------------------------------------------


def _about(card: Card, file: ScorecardFile) -> tuple[Fact, ...]:
    return (
        Fact("Objective", file.objective),
        Fact("Owner", f"{file.owner}, who decides about changes"),
        Fact("Scored", _accounts(card)),
    )


def _accounts(card: Card) -> str:
    """Which accounts get a score."""
    statuses = listed(sorted(card.scored_statuses), "or") if card.scored_statuses else "none"
    internal = "included" if card.scores_internal else "left out"
    return (
        f"accounts whose status is {statuses}, and those whose status nobody has told;"
        f" internal and test accounts are {internal}"
    )


# -- groups and measures -------------------------------------------------------------------------


def _groups(card: Card, file: ScorecardFile, expressions: Expressions) -> tuple[GroupShown, ...]:
    """All groups, a group within another after it."""
    measures = [
        _measure(measure, weights_ppm, file, expressions)
        for measure, *weights_ppm in zip(card.measures, *_by_weighting(card).measures, strict=True)
    ]
    return tuple(
        GroupShown(
            name,
            " › ".join(label(part) for part in name.split(".")),
            name.count("."),
            tuple(weights_ppm),
            tuple(measure for measure in measures if measure.group == name),
        )
        for name, *weights_ppm in zip(card.groups, *_by_weighting(card).groups, strict=True)
    )


class _Weights(NamedTuple):
    """Of each weighting the weights of all groups, and of all measures."""

    groups: list[tuple[int, ...]]
    measures: list[tuple[int, ...]]


def _by_weighting(card: Card) -> _Weights:
    found = card.weightings.values()
    return _Weights([each.groups for each in found], [each.measures for each in found])


def _measure(
    measure: MeasureSpec, weights_ppm: Sequence[int], file: ScorecardFile, expressions: Expressions
) -> MeasureShown:
    text, curve, unit = measure.metric.text, measure.curve, measure.shown
    looks_at = expressions.metric(text)
    words = _in_words(curve, unit)
    return MeasureShown(
        name=measure.name,
        label=label(measure.name),
        group=measure.group,
        weights_ppm=tuple(weights_ppm),
        looks_at=sentence(looks_at),
        metric=text,
        curve=words,
        drawing=_drawing(curve, unit),
        texts=_texts(curve) if isinstance(curve, Words) else (),
        without_data=_without_data(measure),
        notes=_notes(measure, _written(measure, file)),
    )


def _written(measure: MeasureSpec, file: ScorecardFile) -> Measure:
    """The measure as it stands in the file, within its groups."""
    top, *inner = measure.group.split(".")
    members = file.groups[top]
    for name in inner:
        group = members[name]
        assert isinstance(group, MeasureGroup)
        members = group.members
    found = members[measure.name]
    assert isinstance(found, Measure)
    return found


def _in_words(curve: Curve | Words | Ranked, unit: Unit) -> str:
    if isinstance(curve, Words):
        return _texts_in_words(curve)
    return rank_in_words(curve) if isinstance(curve, Ranked) else curve_in_words(curve, unit)


def _drawing(curve: Curve | Words | Ranked, unit: Unit) -> Drawing | None:
    """The picture of a curve; of a rank, that of points over the share of customers behind."""
    if isinstance(curve, Words):
        return None
    return drawn(_BY_RANK, Unit.RATIO) if isinstance(curve, Ranked) else drawn(curve, unit)


def _texts(words: Words) -> tuple[tuple[str, str], ...]:
    """Each text with its points, the most first; then what becomes of all others."""
    ranked = sorted(words.listed.items(), key=lambda item: -item[1])
    others = "no data" if words.otherwise is None else points(words.otherwise)
    return (*((text, points(of)) for text, of in ranked), ("anything else", others))


def _texts_in_words(words: Words) -> str:
    return listed(f"{of} for {text}" for text, of in _texts(words))


def _without_data(measure: MeasureSpec) -> str:
    """When nothing is known, and what becomes of the measure then."""
    when = unknown_when(measure.metric.text)
    if isinstance(measure.curve, Ranked):
        few = f"fewer than {CUSTOMERS_MIN} customers to compare with"
        when = ", or ".join(filter(None, (when, few)))
    if measure.missing_points is None:
        result = "left out, its weight goes to the rest of its group"
    else:
        result = f"counts as {points(measure.missing_points)} points"
    return sentence(f"{when}: {result}" if when else result)


def _notes(measure: MeasureSpec, written: Measure) -> tuple[Fact, ...]:
    """What else a measure says."""
    notes = [
        Fact(f"In words, for {_value(measure, value)}", says.replace("{value}", "…"))
        for value, says in measure.says_at.items()
    ]
    if measure.says is not None:
        notes.append(Fact("In words", measure.says.replace("{value}", "…")))
    if not measure.movable:
        notes.append(Fact("Movable", "no: nobody changes this by working on it"))
    return (*notes, *unworded(written, WORDED_OF_A_MEASURE))


def _value(measure: MeasureSpec, value: Value) -> str:
    return amount(measure.shown, value) if isinstance(value, int) else f"“{value}”"


# -- bands ---------------------------------------------------------------------------------------


def _bands(card: Card) -> tuple[BandShown, ...]:
    policy = card.bands
    red_enter, red_leave = points(policy.red_enter), points(policy.red_leave)
    green_enter, green_leave = points(policy.green_enter), points(policy.green_leave)
    coverage = percent(card.coverage_ppm_min)
    return (
        _band(
            Band.RED,
            Fact("Enter", f"below {red_enter} points{hold_in_words(policy, Band.RED)}"),
            Fact("Leave", f"at {red_leave} points or more"),
        ),
        _band(
            Band.YELLOW,
            Fact("Enter", f"whatever is neither red nor green{hold_in_words(policy, Band.YELLOW)}"),
        ),
        _band(
            Band.GREEN,
            Fact("Enter", f"at {green_enter} points or more{hold_in_words(policy, Band.GREEN)}"),
            Fact("Leave", f"below {green_leave} points"),
        ),
        _band(
            Band.UNKNOWN,
            Fact(
                "Enter",
                f"at once, when less than {coverage} of the card has data: there is no score",
            ),
        ),
    )


def _band(band: Band, *facts: Fact) -> BandShown:
    return BandShown(band.value, label(band.value), facts, _TO_DO[band])


def _zones(policy: BandPolicy) -> tuple[Zone, ...]:
    """The scale from 0 to 100: where a band is entered, and where it is only kept."""
    levels = (
        ("red", 0, policy.red_enter, False),
        ("red", policy.red_enter, policy.red_leave, True),
        ("yellow", policy.red_leave, policy.green_leave, False),
        ("green", policy.green_leave, policy.green_enter, True),
        ("green", policy.green_enter, 10_000, False),
    )
    return tuple(Zone(*level) for level in levels if level[1] < level[2])
