"""From an evaluation to an emission: is it worth telling, why did it change, and in what words."""

import msgspec

from schemas.scores import Band, Cause
from scoring.card import Card
from scoring.evaluate import Assessment, Evaluation, assess, explain, is_scored
from scoring.outputs import Output, attributes_of, because, movers_of, outputs_of
from scoring.row import Customer, Emitted
from scoring.state import prune

__all__ = ["cause_of", "evaluate_and_emit"]

#: Causes that message nobody individually.
_QUIET = frozenset({str(Cause.CORRECTION), str(Cause.FIRST), str(Cause.SCORECARD)})


def evaluate_and_emit(
    customer_id: str, customer: Customer, card: Card, mark: bytes, now_ms: int, *, source: str
) -> list[Output]:
    """Evaluate a customer at a tick and update its row; the records to send, if any."""
    prune(customer.state, now_ms)
    assessment = assess(customer.state, customer.standing, card, now_ms)
    before = customer.emitted
    outputs: list[Output] = []
    if _worth_telling(before, assessment, card):
        evaluation = explain(assessment, card)
        cause = cause_of(before, evaluation, customer, mark)
        customer.sequence += 1
        customer.emitted = _emitted(before, evaluation, customer, card, cause, now_ms)
        outputs = outputs_of(customer_id, customer, before, card, source=source)
        customer.recent = {}
        if _begins_pending(customer, assessment):
            begun = msgspec.structs.replace(assessment.standing, cause=str(cause))
            assessment = assessment._replace(standing=begun)
    customer.late = False
    customer.standing = assessment.standing
    customer.due_ms = assessment.next_ms
    if customer.due_ms is not None and customer.due_ms <= now_ms:
        customer.due_ms = now_ms + 1
    customer.dirty = False
    customer.card = mark
    return outputs


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
        or before.overrides != [override.name for override in evaluation.overrides]
        or _pending_band(before) != evaluation.standing.pending
    ):
        return True
    if before.score is None or evaluation.score is None:
        return before.score is not evaluation.score
    return abs(evaluation.score - before.score) >= card.emit_at_least


def _pending_band(before: Emitted) -> str | None:
    return None if before.pending is None else before.pending[0]


def cause_of(
    before: Emitted | None, evaluation: Evaluation, customer: Customer, mark: bytes
) -> Cause:
    """Why the score changed; the causes that message nobody win."""
    if before is None or (
        before.band == Band.UNKNOWN and evaluation.standing.band is not Band.UNKNOWN
    ):
        return Cause.FIRST
    if customer.card != mark:
        return Cause.SCORECARD
    if customer.late:
        return Cause.CORRECTION
    if customer.standing.pending is evaluation.standing.band and customer.standing.cause in _QUIET:
        # The hold that ends here began with history, or with a new card.
        return Cause(customer.standing.cause)
    return Cause.EVENT if customer.dirty else Cause.TIME


def _emitted(
    before: Emitted | None,
    evaluation: Evaluation,
    customer: Customer,
    card: Card,
    cause: Cause,
    now_ms: int,
) -> Emitted:
    delta, movers = movers_of(before, evaluation)
    standing = evaluation.standing
    pending = None
    if standing.pending is not None:
        at_ms = standing.since_ms + card.bands.hold_ms(standing.pending)
        pending = (str(standing.pending), standing.since_ms, at_ms)
    return Emitted(
        at_ms=now_ms,
        card=card.hash,
        score=evaluation.score,
        band=str(standing.band),
        letter=evaluation.letter,
        coverage_ppm=evaluation.coverage_ppm,
        lines=list(evaluation.lines),
        overrides=list(evaluation.overrides),
        pending=pending,
        cause=str(cause),
        because=because(cause, evaluation, movers, card, scored=is_scored(customer.state, card)),
        delta=delta,
        movers=movers,
        events=_events(customer, movers, card) if cause in (Cause.EVENT, Cause.CORRECTION) else [],
        next_ms=evaluation.next_ms,
        attributes=attributes_of(customer),
    )


def _events(
    customer: Customer, movers: list[tuple[str, str, int]], card: Card
) -> list[tuple[str, str]]:
    """The latest events of the kinds that feed the largest movers, newest first."""
    kinds: list[int] = []
    for name, kind, _ in movers[:3]:
        metric = card.by_name[name].metric if kind == "measure" and name in card.by_name else None
        if kind == "override":
            metric = next((o.metric for o in card.overrides if o.name == name), None)
        kinds += [int(k) for k in metric.kinds if int(k) not in kinds] if metric else []
    chosen = [entry for kind in kinds for entry in customer.recent.get(kind, [])]
    if not chosen:
        chosen = [entry for entries in customer.recent.values() for entry in entries]
    return [(source, event_id) for _, source, event_id in sorted(chosen, reverse=True)[:5]]
