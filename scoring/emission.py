"""From an evaluation to an emission: is it worth telling, why did it change, and in what words."""

from typing import Any

import msgspec

from schemas.scores import Band, Cause
from scoring.because import because
from scoring.card import Card
from scoring.emitted import Emitted
from scoring.evaluate import Assessment, Evaluation, assess, explain
from scoring.facts import attributes_of, facts_moved
from scoring.forecast import look_ahead
from scoring.frozen import same_card, same_percentiles
from scoring.marks import Marks, marks_of, words_of_marks
from scoring.moment import Moment, earliest
from scoring.movers import Change, Mover, changes_of, fed_by, movers_of
from scoring.outputs import Output, outputs_of
from scoring.recent import within
from scoring.rollups import QUIET, Message, tell
from scoring.row import Customer
from scoring.state import CustomerState
from scoring.unchanged import Looked
from scoring.way import Way, way_to_green

__all__ = ["cause_of", "evaluate_and_emit", "exact"]


def evaluate_and_emit(
    customer_id: str,
    customer: Customer,
    card: Card,
    mark: bytes,
    moment: Moment,
    *,
    source: str,
    looks_ahead: bool = False,
) -> tuple[list[Output], list[Message]]:
    """Evaluate a customer at a tick and update its row; the records to send, if any.

    Besides what other accounts are to hear: the parent. ``mark`` is left in the row: it says
    under which circumstances the customer was evaluated. ``looks_ahead``: what is told says
    what comes if nothing happens, which costs as much as some dozens of evaluations.
    """
    if _is_unchanged(customer, card, mark, moment):
        return [], []
    now_ms = moment.now_ms
    assessment = assess(customer.state, customer.past, card, moment, customer.sums)
    before = customer.emitted
    marks = marks_of(customer.state, before, assessment, now_ms)
    if marks.handling is not assessment.past.handling:
        past = msgspec.structs.replace(assessment.past, handling=marks.handling)
        assessment = assessment._replace(past=past)
    outputs: list[Output] = []
    is_told = (
        _worth_telling(before, assessment, card)
        or _noted(before, marks, customer.state)
        or (before is not None and before.frozen != _frozen(card, moment))
    )
    cause = Cause.TIME
    if is_told or card.hierarchy is not None:
        cause = cause_of(before, assessment, customer, mark)
    if is_told:
        customer.settle(card.feeding)
        evaluation = explain(assessment, card)
        customer.sequence += 1
        way = way_to_green(card, assessment)
        customer.emitted = _emitted(before, evaluation, customer, card, cause, moment, way, marks)
        if looks_ahead:
            customer.emitted = _ahead(customer.emitted, customer, assessment, card, moment)
        outputs = outputs_of(customer_id, customer, before, card, source=source)
        customer.recent = {}
        cause = Cause(customer.emitted.cause)
        if _begins_pending(customer, assessment):
            begun = msgspec.structs.replace(assessment.standing, cause=str(cause))
            past = msgspec.structs.replace(assessment.past, standing=begun)
            assessment = assessment._replace(past=past)
    if customer.recent and not same_card(customer.card, mark):
        customer.recent = within(customer.recent, card.feed_keys)
    customer.past = assessment.past
    _evaluated(customer, earliest(assessment.next_ms, marks.next_ms), now_ms)
    messages: list[Message] = []
    if card.hierarchy is not None:
        messages = tell(customer_id, customer, card.hierarchy, moment, cause)
    if customer.kin is not None:
        customer.kin.recarded = customer.kin.reranked = False
    customer.card = mark
    if card.hierarchy is None and assessment.points and not moment.is_any_frozen:
        rest_ms = earliest(assessment.rest_ms, marks.next_ms)
        customer.looked = Looked(card, assessment, moment, rest_ms)
    return outputs, messages


def _is_unchanged(customer: Customer, card: Card, mark: bytes, moment: Moment) -> bool:
    """Whether a customer has been evaluated by being as it was the last time."""
    looked, customer.looked = customer.looked, None
    if (
        looked is None
        or customer.card != mark
        or not looked.is_same(card, customer.state, customer.touched, moment)
    ):
        return False
    customer.looked = looked
    _evaluated(customer, looked.next_ms(), moment.now_ms)
    return True


def _evaluated(customer: Customer, next_ms: int | None, now_ms: int) -> None:
    """Nothing is to be looked at any more before ``next_ms``."""
    customer.late = False
    customer.touched = 0
    if next_ms is not None and next_ms <= now_ms:
        next_ms = now_ms + 1
    customer.due_ms = next_ms


def _begins_pending(customer: Customer, assessment: Assessment) -> bool:
    pending = assessment.standing.pending
    return pending is not None and pending is not customer.standing.pending


def _worth_telling(before: Emitted | None, evaluation: Assessment, card: Card) -> bool:
    """Whether an evaluation differs enough from the last one told."""
    if before is None:
        return bool(evaluation.points)
    if before.card != card.hash and before.score != evaluation.score:
        return True
    if (
        before.band != evaluation.standing.band
        or before.letter != evaluation.letter
        or _overrides_differ(before, evaluation)
        or _pending_band(before) != evaluation.standing.pending
        or _moved(before, evaluation)
        or _others_differ(before, evaluation, card)
    ):
        return True
    if before.score is None or evaluation.score is None:
        return before.score is not evaluation.score
    return abs(evaluation.score - before.score) >= card.emit_at_least


def _noted(before: Emitted | None, marks: Marks, state: CustomerState) -> bool:
    """Whether a person's mark or a fact that lists go by is another."""
    if before is None:
        return False
    if (before.not_pursued, before.handled) != (marks.not_pursued, marks.handled):
        return True
    return facts_moved(before, state)


def _overrides_differ(before: Emitted, evaluation: Assessment) -> bool:
    if not before.overrides and not evaluation.overrides:
        return False
    return before.overrides != [override.name for override in evaluation.overrides]


def _moved(before: Emitted, evaluation: Assessment) -> bool:
    """Whether the segment, the stage, the archetype or the outlook is another, or an indicator."""
    indicators, places = evaluation.past.indicators, evaluation.past.places
    if (before.indicators or indicators) and before.indicators.keys() != indicators.keys():
        return True
    if not before.places and not places:
        return False
    return before.places.keys() != places.keys() or any(
        place[0] != places[kind].name for kind, place in before.places.items()
    )


def _others_differ(before: Emitted, evaluation: Assessment, card: Card) -> bool:
    """Whether one of the further scores differs enough, or has another letter."""
    if len(before.others) != len(evaluation.others):
        return True
    if not before.others:
        return False
    for told, other in zip(before.others, evaluation.others, strict=True):
        # Without a score there is no letter.
        if told[0] != other.name or told[2] != other.letter:
            return True
        if (
            told[1] is not None
            and other.score is not None
            and abs(told[1] - other.score) >= card.emit_at_least
        ):
            return True
    return False


def _pending_band(before: Emitted) -> str | None:
    return None if before.pending is None else before.pending[0]


def cause_of(
    before: Emitted | None, found: Evaluation | Assessment, customer: Customer, mark: bytes
) -> Cause:
    """Why the score changed; the causes that message nobody win."""
    band = found.standing.band
    if before is None or (before.band == Band.UNKNOWN and band is not Band.UNKNOWN):
        return Cause.FIRST
    if not same_card(customer.card, mark):
        return Cause.SCORECARD
    if customer.kin is not None and customer.kin.recarded:
        return Cause.SCORECARD
    if not same_percentiles(customer.card, mark):
        return Cause.PERCENTILES
    if customer.kin is not None and customer.kin.reranked:
        return Cause.PERCENTILES
    if customer.late:
        return Cause.CORRECTION
    if customer.standing.pending is band and customer.standing.cause in QUIET:
        # The hold that ends here began with history, a new card, or new percentiles.
        return Cause(customer.standing.cause)
    return Cause.EVENT if customer.dirty else Cause.TIME


def _emitted(
    before: Emitted | None,
    evaluation: Evaluation,
    customer: Customer,
    card: Card,
    cause: Cause,
    moment: Moment,
    way: Way | None,
    marks: Marks,
) -> Emitted:
    delta, movers = movers_of(before, evaluation)
    changes = changes_of(before, evaluation)
    fed = (
        [] if before is None else fed_by(movers, changes, before, evaluation, card, customer.recent)
    )
    marked = words_of_marks(before, marks)
    if cause is Cause.EVENT and not fed and not marked and _is_by_time(movers, changes):
        cause = Cause.TIME
    said = because(cause, before, evaluation, movers, changes, card)
    return Emitted(
        **_figures(evaluation, way),
        at_ms=moment.now_ms,
        card=card.hash,
        cause=str(cause),
        because=f"{marked}; {said}" if marked and movers else marked or said,
        delta=delta,
        movers=movers,
        events=[],
        next_ms=earliest(evaluation.next_ms, marks.next_ms),
        attributes=attributes_of(customer.state, card, moment),
        not_pursued=marks.not_pursued,
        handled=marks.handled,
        fed=fed,
        frozen=_frozen(card, moment),
    )


def _frozen(card: Card, moment: Moment) -> dict[str, int]:
    """The measures whose source is stalled, and since when."""
    if not moment.is_any_frozen:
        return {}
    found = {one.name: moment.frozen_since(one.metric.kinds) for one in card.measures}
    return {name: since_ms for name, since_ms in found.items() if since_ms is not None}


def _ahead(
    told: Emitted, customer: Customer, now: Assessment, card: Card, moment: Moment
) -> Emitted:
    """What is told, with what comes if nothing happens."""
    ahead = look_ahead(
        customer.state,
        now,
        card,
        moment,
        customer.sums,
        lambda found: _worth_telling(told, found, card),
    )
    return msgspec.structs.replace(told, crossing=ahead.crossing, next_told=ahead.told)


def _is_by_time(movers: list[Mover], changes: list[Change]) -> bool:
    """Whether all that moved would name its events, had there been any."""
    known = ("measure", "respread", "override")
    return bool(movers or changes) and all(kind in known for _, kind, _ in movers)


def exact(emitted: Emitted, assessment: Assessment, card: Card) -> Emitted:
    """What was told last, with the figures of an evaluation, be they worth telling or not."""
    way = way_to_green(card, assessment)
    return msgspec.structs.replace(emitted, **_figures(explain(assessment, card), way))


def _figures(evaluation: Evaluation, way: Way | None) -> dict[str, Any]:
    """The fields of an :class:`Emitted` that an evaluation says."""
    standing = evaluation.standing
    pending = None
    if standing.pending is not None:
        at_ms = standing.since_ms + evaluation.variant.bands.hold_ms(standing.pending)
        pending = (str(standing.pending), standing.since_ms, at_ms)
    past = evaluation.past
    return {
        "score": evaluation.score,
        "band": str(standing.band),
        "letter": evaluation.letter,
        "coverage_ppm": evaluation.coverage_ppm,
        "lines": [tuple(line) for line in evaluation.lines],
        "overrides": list(evaluation.overrides),
        "pending": pending,
        "places": {kind: tuple(place) for kind, place in past.places.items()},
        "indicators": {name: tuple(on) for name, on in past.indicators.items()},
        "others": [(*other, [tuple(line) for line in lines]) for other, lines in evaluation.others],
        "way": None
        if way is None
        else (way.reachable, way.score, [tuple(step) for step in way.steps]),
    }
