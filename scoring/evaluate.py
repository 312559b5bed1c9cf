"""A customer's state and the time, into a score that explains itself.

``evaluate(state, past, card, moment)`` is pure: same arguments, same result, to
the hundredth. All arithmetic is exact, in integers.

The order: the segment and the lifecycle stage choose the weights, and the variant of the
card by which the customer is judged; *measures* give
0-100 points each, weighted by their share of the card; overrides cap the score;
the band follows with its levels and holds; then indicators, the archetype and the
outlook, which may look at what was found before them.

A measure without data has no points, and its weight is spread over its siblings
with data, by their weights; a group without any data gives its weight to its
siblings in the same way. The score is the weighted mean, a half rounded up.

*Lines* explain it: each measure with data at its nominal weight (fractions of a
hundredth go to the largest remainders, ties to the earlier line), one
``respread`` line for what spreading the missing weight did, one line for each
override that took points. The lines add up to the score exactly. Where the card has
a hierarchy, an account with children has a ``children`` line besides, and its own
measures weigh what is left to them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.scores import Band
from scoring.bands import Standing, letter_of, settle
from scoring.card import Card, MeasureSpec
from scoring.classes import Place, classify
from scoring.hierarchy import CHILDREN, Children, children_of, mean_of
from scoring.indicators import indicate
from scoring.kin import Sums
from scoring.metrics import ask
from scoring.moment import NO_DATA, Moment, Reading, Value, earliest, next_of, reading_of, tuple_of
from scoring.past import Past
from scoring.state import CustomerState
from scoring.variants import OverrideSpec, Variant
from scoring.weighting import Weighting, wholes_of

__all__ = [
    "Assessment",
    "Evaluation",
    "Line",
    "OtherScore",
    "assess",
    "evaluate",
    "explain",
    "is_scored",
]

PPM = 1_000_000


class Line(NamedTuple):
    """One line of a score; ``points`` are signed hundredths."""

    name: str
    kind: str
    points: int
    curve_points: int | None = None
    value: Value = None
    weight_ppm: int = 0


class OtherScore(NamedTuple):
    """A further named score; None: too little is known."""

    name: str
    score: int | None
    letter: str | None
    coverage_ppm: int


class Assessment(NamedTuple):
    """A score without its explanation: what most evaluations need, since most change nothing.

    ``score`` None: too little is known, or the account is not scored. ``values``
    and ``points`` stand in the card's order of measures; points None: no data.
    """

    score: int | None
    past: Past
    letter: str | None
    coverage_ppm: int
    weighting: Weighting
    values: list[Value]
    points: list[int | None]
    #: The weighted mean before overrides; None where no measure has data.
    mean: int | None
    overrides: tuple[OverrideSpec, ...]
    others: tuple[OtherScore, ...]
    next_ms: int | None
    #: How the customer's class is judged.
    variant: Variant
    #: What the children give; None where the card has no hierarchy, or no child a score.
    children: Children | None = None
    #: What the own measures weigh beside them, once a missing side is spread.
    own_ppm: int = PPM
    #: When the points of each measure change by themselves; None: never, or they weigh nothing.
    measures_ms: Sequence[int | None] = ()
    #: When something else may be another that no measure and no condition says: a hold ends.
    rest_ms: int | None = None

    @property
    def standing(self) -> Standing:
        """The band, and the one that is pending."""
        return self.past.standing

    @property
    def segment(self) -> str:
        """The customer's segment; empty where it is in none."""
        place = self.past.places.get("segment")
        return "" if place is None else place.name


class Evaluation(NamedTuple):
    """A score and all that belongs to it. ``score`` None: too little is known, or not scored."""

    score: int | None
    past: Past
    letter: str | None
    coverage_ppm: int
    lines: tuple[Line, ...]
    overrides: tuple[str, ...]
    others: tuple[tuple[OtherScore, tuple[Line, ...]], ...]
    next_ms: int | None
    variant: Variant

    @property
    def standing(self) -> Standing:
        """The band, and the one that is pending."""
        return self.past.standing


def is_scored(state: CustomerState, card: Card) -> bool:
    """Whether the card scores this account. An account whose status is not known is scored."""
    status = state.fact("status")
    if status is not None and status not in card.scored_statuses:
        return False
    return card.scores_internal or not state.fact("internal")


def evaluate(
    state: CustomerState, past: Past, card: Card, moment: Moment, sums: Sums | None = None
) -> Evaluation:
    """The customer's health at a moment, and the next instant at which it changes by itself."""
    return explain(assess(state, past, card, moment, sums), card)


def assess(
    state: CustomerState, past: Past, card: Card, moment: Moment, sums: Sums | None = None
) -> Assessment:
    """The customer's score and band at a moment, and when it can change next by itself.

    ``sums`` are those of its children.
    """
    if not is_scored(state, card):
        nothing = Past(handling=past.handling)
        return Assessment(
            None, nothing, None, 0, card.first_weighting, [], [], None, (), (), None, card.own
        )
    places: dict[str, Place] = {}
    moment.known, moment.asked = {}, []
    rest_ms = _chosen(state, past, card, moment, places)
    variant, weighting = card.variant(moment.known), card.weighting(moment.known)
    values, points, measures_ms = _measured(state, card, weighting, moment)
    mean, coverage_ppm, own_ppm, children = mean_of(
        weighting.exact_mean(card.tree, points), weighting.coverage_ppm(points),
        variant.coverage_ppm_min, children_of(card.hierarchy, sums),
    )  # fmt: skip
    active = _overrides(state, variant, moment)
    score = mean
    if mean is None or (children is None and coverage_ppm < variant.coverage_ppm_min):
        score = None
    else:
        for override in active:
            if override.cap is not None and override.cap < mean:
                score = min(override.cap, score if score is not None else mean)
    standing, _ = settle(
        past.standing,
        score,
        forced=Band.RED if any(override.red for override in active) else None,
        at_once=bool(active),
        now_ms=moment.now_ms,
        policy=variant.bands,
    )
    if standing.pending is not None:
        rest_ms = earliest(rest_ms, standing.since_ms + variant.bands.hold_ms(standing.pending))
    letter = None if score is None else letter_of(score, variant.letters)
    indicators, indicators_ms = indicate(card.indicators, state, moment, past.indicators)
    rest_ms = earliest(rest_ms, indicators_ms)
    moment.known["band"] = str(standing.band)
    if letter is not None:
        moment.known["letter"] = letter
    rest_ms = earliest(rest_ms, _judged(state, past, card, moment, places))
    others = tuple(_other(spec.name, spec.weighting, card, variant, points) for spec in card.others)
    found: Assessment = tuple_of(Assessment, (
        score, Past(standing, places, indicators, past.handling), letter, coverage_ppm, weighting,
        values, points, mean, active, others, next_of(measures_ms, moment.asked, rest_ms),
        variant, children, own_ppm, measures_ms, rest_ms,
    ))  # fmt: skip
    return found


def _chosen(
    state: CustomerState, past: Past, card: Card, moment: Moment, places: dict[str, Place]
) -> int | None:
    """The segment and the stage, which choose the weights; when one may be left."""
    free_ms = None
    for classes in (card.segments, card.stages):
        if classes is not None:
            place, stays_ms = classify(classes, state, moment, past.places.get(classes.kind))
            places[classes.kind] = place
            moment.known[classes.kind] = place.name
            free_ms = earliest(free_ms, stays_ms)
    return free_ms


def _judged(
    state: CustomerState, past: Past, card: Card, moment: Moment, places: dict[str, Place]
) -> int | None:
    """The archetype, then the outlook, which may look at it; when one may be left."""
    free_ms = None
    for classes in (card.archetypes, card.outlook):
        if classes is not None:
            place, stays_ms = classify(classes, state, moment, past.places.get(classes.kind))
            places[classes.kind] = place
            if place.name:
                moment.known[classes.kind] = place.name
            free_ms = earliest(free_ms, stays_ms)
    return free_ms


def _measured(
    state: CustomerState, card: Card, weighting: Weighting, moment: Moment
) -> tuple[list[Value], list[int | None], list[int | None]]:
    """Each measure's value, points, and when these change by themselves, if it weighs anything."""
    values: list[Value] = []
    all_points: list[int | None] = []
    times_ms: list[int | None] = []
    segment = moment.known.get("segment", "")
    is_any_frozen, all_weigh = moment.is_any_frozen, bool(card.others)
    weights = weighting.measures
    for index, measure in enumerate(card.measures):
        metric = measure.metric
        frozen_ms = moment.frozen_since(metric.kinds) if is_any_frozen else None
        if frozen_ms is None:
            reading = moment.read(metric, state)
        else:
            reading = _frozen(measure, state, moment, frozen_ms, card)
        value, points, next_ms = measure.worth(reading, segment)
        values.append(value)
        all_points.append(points)
        times_ms.append(next_ms if weights[index] or all_weigh else None)
    return values, all_points, times_ms


def _frozen(
    measure: MeasureSpec, state: CustomerState, moment: Moment, since_ms: int, card: Card
) -> Reading:
    """A measure whose source is stalled: its value of then, up to the card's limit."""
    ends_ms = since_ms + card.freeze_ms_max
    if moment.now_ms >= ends_ms:
        return NO_DATA
    then = measure.metric.read(state, moment.at(min(since_ms, moment.now_ms)))
    return reading_of(then.value, jump_ms=ends_ms)


def _other(
    name: str,
    weighting: Weighting,
    card: Card,
    variant: Variant,
    points: Sequence[int | None],
) -> OtherScore:
    coverage_ppm = weighting.coverage_ppm(points)
    mean = weighting.mean(card.tree, points)
    if mean is None or coverage_ppm < variant.coverage_ppm_min:
        return OtherScore(name, None, None, coverage_ppm)
    return OtherScore(name, mean, letter_of(mean, variant.letters), coverage_ppm)


def explain(assessment: Assessment, card: Card) -> Evaluation:
    """The evaluation of an assessment: with the lines that add up to its score."""
    a = assessment
    others = tuple(
        (
            other,
            tuple(_lines(card, spec.weighting, a, spec.weighting.mean(card.tree, a.points), None)),
        )
        for spec, other in zip(card.others, a.others, strict=False)
    )
    lines = _lines(card, a.weighting, a, a.mean, a.children)
    if a.score is not None:
        lines += _capped(a)
    return Evaluation(
        a.score,
        a.past,
        a.letter,
        a.coverage_ppm,
        tuple(lines),
        tuple(override.name for override in a.overrides),
        others,
        a.next_ms,
        a.variant,
    )


def _lines(
    card: Card,
    weighting: Weighting,
    found: Assessment,
    mean: int | None,
    children: Children | None,
) -> list[Line]:
    """The children and the measures at their nominal weight, and the re-spread."""
    if not found.points:
        return []
    share = PPM if children is None else children.own_ppm
    measured: list[tuple[str, str, int | None, Value, int]] = []
    products: list[int] = []
    missing: list[Line] = []
    for measure, weight, value, points in zip(
        card.measures, weighting.measures, found.values, found.points, strict=True
    ):
        if not weight or not share:
            continue
        shown_ppm = weight * share // PPM
        if points is None:
            missing.append(Line(measure.name, "measure", 0, None, value, shown_ppm))
        else:
            measured.append((measure.name, "measure", points, value, shown_ppm))
            products.append(weight * points * share)
    if children is not None:
        count, rest = children.accounts * PPM, PPM - share
        measured.insert(0, (CHILDREN, CHILDREN, children.points, count, rest))
        products.insert(0, children.points * rest * PPM)
    wholes = wholes_of(products)
    lines = [
        Line(name, kind, of, points, value, shown_ppm)
        for (name, kind, points, value, shown_ppm), of in zip(measured, wholes, strict=True)
    ]
    lines += missing
    own_lacks = children is not None and share and not found.own_ppm
    if mean is not None and (missing or own_lacks):
        lines.append(Line("respread", "respread", mean - sum(wholes)))
    return lines


def _capped(found: Assessment) -> list[Line]:
    """What each override took, one after the other."""
    lines = []
    left = found.mean or 0
    for override in found.overrides:
        if override.cap is not None and override.cap < left:
            lines.append(Line(override.name, "override", override.cap - left))
            left = override.cap
    return lines


def _overrides(state: CustomerState, variant: Variant, moment: Moment) -> tuple[OverrideSpec, ...]:
    """The overrides that act now."""
    return tuple([one for one in variant.overrides if ask(one.when, state, moment)[0] is True])
