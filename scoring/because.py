"""Why a score changed, as one sentence that a person can send on."""

from typing import NamedTuple

from schemas.scores import Band, Cause
from scoring.card import Card
from scoring.emitted import Emitted
from scoring.evaluate import Evaluation, Line
from scoring.hierarchy import CHILDREN, words_of_children
from scoring.movers import Change, Mover
from scoring.units import MICRO
from scoring.variants import OverrideSpec
from scoring.words import joined, span, spoken, words_of

__all__ = ["because"]

#: So many lines are named.
NAMED_MAX = 2
#: What did less than a fifth of what the first of them did is not named.
SMALL = 5
#: A measure with at least so many of its points weighs on nothing.
WELL = 9_000


class _Clause(NamedTuple):
    """A part of the sentence; ``delta`` in hundredths, 0 where it is not said."""

    text: str
    delta: int = 0
    #: It says the value of a line; what is longer is set apart.
    is_line: bool = False


def because(
    cause: Cause,
    before: Emitted | None,
    evaluation: Evaluation,
    movers: list[Mover],
    changes: list[Change],
    card: Card,
) -> str:
    """One sentence for people. ``movers`` largest first, ``changes`` what else is different."""
    if not evaluation.lines and evaluation.score is None and not evaluation.overrides:
        text = "not scored: the account's status, or that it is internal, takes it off the"
        return _sentence(f"{text} scorecard")
    by_override = [_by_override(c, movers, evaluation, card) for c in changes if _overrides(c)]
    if evaluation.score is None:
        return _sentence("; ".join([*(c.text for c in by_override), _too_little(evaluation)]))
    clauses = by_override + _held(before, evaluation, changes)
    if cause is not Cause.FIRST:
        clauses += _by_lines(before, movers, NAMED_MAX - len(clauses), evaluation, card)
    if not any(clause.delta for clause in clauses):
        clauses += [_by_class(c, card) for c in changes if not _overrides(c)]
    if clauses and cause is not Cause.FIRST:
        text = _joined(clauses, card)
    else:
        text = "; ".join([*(clause.text for clause in clauses), _weakest(evaluation, card)])
    leads = {
        Cause.SCORECARD: f"new scorecard {card.name} {card.version}; ",
        Cause.PERCENTILES: "compared with the other customers anew: ",
        Cause.CORRECTION: "corrected by late events: ",
        Cause.FIRST: "first score; ",
    }
    return _sentence(leads.get(cause, "") + text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _overrides(change: Change) -> bool:
    return change.kind == "override"


def _too_little(evaluation: Evaluation) -> str:
    missing = [spoken(line.name) for line in evaluation.lines if line.curve_points is None]
    more = [f"{len(missing) - 3} more"] if len(missing) > 4 else []
    named = missing[:3] + more if more else missing
    return f"too little is known: no data for {joined(named)}" if named else "too little is known"


def _override(name: str, evaluation: Evaluation, card: Card) -> OverrideSpec | None:
    return evaluation.variant.override(name) or card.override_named(name)


def _by_override(
    change: Change, movers: list[Mover], evaluation: Evaluation, card: Card
) -> _Clause:
    delta = next((d for name, kind, d in movers if (name, kind) == (change.name, "override")), 0)
    found = _override(change.name, evaluation, card)
    says = spoken(change.name) if found is None else found.says
    if not change.begins:
        return _Clause(f"it no longer holds that {says}", delta)
    if found is not None and found.red and found.cap is None:
        return _Clause(f"{says}, so the colour is red", delta)
    if found is not None and found.cap is not None and delta:
        return _Clause(f"{says}, so the score is at most {card.shown_as.score(found.cap)}", delta)
    return _Clause(says, delta)


def _held(before: Emitted | None, evaluation: Evaluation, changes: list[Change]) -> list[_Clause]:
    """What the end of a hold did."""
    band = evaluation.standing.band
    if before is None or before.band == str(band) or before.pending is None:
        return []
    if before.pending[0] != str(band) or any(map(_overrides, changes)):
        return []
    held = span(evaluation.variant.bands.hold_ms(band) // 1000)
    says = {Band.GREEN: "stayed high enough for green", Band.RED: "stayed low enough for red"}
    return [_Clause(f"the score {says.get(band, 'stayed where it is yellow')} for {held}")]


def _by_lines(
    before: Emitted | None, movers: list[Mover], most: int, evaluation: Evaluation, card: Card
) -> list[_Clause]:
    """The lines that moved it most; without the re-spread, unless it did most of it."""
    lines = {(line.name, line.kind): line for line in evaluation.lines}
    told = [m for m in movers if m[1] != "override" and _is_shown(m[2], card)]
    others = [mover for mover in told if mover[1] != "respread"]
    if told and told[0][1] != "respread":
        told = others
    elif others and not _gained_or_lost(before, evaluation):
        # It only makes the others weigh more: they are named first.
        told = [others[0], told[0]]
    told = _joined_with_respread(told, before, evaluation)
    told = [mover for mover in told if SMALL * abs(mover[2]) >= abs(told[0][2])]
    return [
        _Clause(
            _respread(before, evaluation, card)
            if kind == "respread"
            else _line(name, kind, lines.get((name, kind)), card),
            delta,
            is_line=True,
        )
        for name, kind, delta in told[: max(most, 1)]
    ]


def _joined_with_respread(
    told: list[Mover], before: Emitted | None, evaluation: Evaluation
) -> list[Mover]:
    """Where the re-spread names a measure, what that measure did belongs to it."""
    if not any(kind == "respread" for _, kind, _ in told):
        return told
    names = [line.name for line in _gained_or_lost(before, evaluation)][:1]
    own = sum(delta for name, kind, delta in told if kind == "measure" and name in names)
    return [
        (name, kind, delta + own if kind == "respread" else delta)
        for name, kind, delta in told
        if kind != "measure" or name not in names
    ]


def _gained_or_lost(before: Emitted | None, evaluation: Evaluation) -> list[Line]:
    """The measures that have data and had none, or the other way round."""
    had = {} if before is None else {name: points for name, _, _, points, *_ in before.lines}
    return [
        line
        for line in evaluation.lines
        if line.kind == "measure"
        and (line.curve_points is None) is not (had.get(line.name) is None)
    ]


def _respread(before: Emitted | None, evaluation: Evaluation, card: Card) -> str:
    """What the re-spread did, by the measures that have data now, or have none any more."""
    parts = [
        f"no data for {spoken(line.name)} any more"
        if line.curve_points is None
        else f"{_line(line.name, line.kind, line, card)}, which had no data"
        for line in _gained_or_lost(before, evaluation)
    ]
    return parts[0] if parts else "more weight while other measures have no data"


def _is_shown(delta: int, card: Card) -> bool:
    return card.shown_as.moved(delta)[0] in "+-"


def _line(name: str, kind: str, line: Line | None, card: Card) -> str:
    if kind == CHILDREN:
        if line is None:
            return "no account below it has a score any more"
        count = line.value // MICRO if isinstance(line.value, int) else 0
        return words_of_children(card.hierarchy, line.curve_points or 0, count)
    spec = card.by_name.get(name)
    if spec is None:
        return f"{spoken(name)} is no longer looked at"
    if line is None:  # it weighs nothing any more
        return f"{spoken(name)} weighs nothing any more"
    if line.value is None:
        return f"no data for {spoken(name)}"
    return words_of(spec, line.value)


_CLASS_SAYS = {
    "segment": "it is now in the segment {label}",
    "stage": "it is now in the stage {label}",
    "archetype": "it is now {label}",
    "outlook": "the outlook is now {label}",
}


def _by_class(change: Change, card: Card) -> _Clause:
    if change.kind == "indicator":
        says = next((i.says for i in card.indicators if i.name == change.name), None)
        text = says or spoken(change.name)
        return _Clause(text if change.begins else f"it no longer holds that {text}")
    found = None
    for classes in card.classifications():
        if classes.kind == change.kind:
            found = classes.named(change.name)
    label = spoken(change.name or "unclassified") if found is None else found.label
    return _Clause(_CLASS_SAYS[change.kind].format(label=label))


def _weakest(evaluation: Evaluation, card: Card) -> str:
    """What weighs on a score, where nothing moved it."""
    worst = sorted(
        (
            line
            for line in evaluation.lines
            if line.curve_points is not None and line.curve_points < WELL and line.weight_ppm
        ),
        key=lambda line: (line.curve_points or 0) * line.weight_ppm - 10_000 * line.weight_ppm,
    )
    if not worst:
        return "all measures are well"
    return f"what weighs on it: {joined([_line(w.name, w.kind, w, card) for w in worst[:2]])}"


def _joined(clauses: list[_Clause], card: Card) -> str:
    """Clauses with what each did; one that pulls the other way follows a "but"."""
    parts = []
    for clause in clauses:
        shown = clause.delta and _is_shown(clause.delta, card)
        parts.append(
            f"{clause.text} ({card.shown_as.moved(clause.delta)})" if shown else clause.text
        )
    if len(clauses) == 2 and clauses[0].delta * clauses[1].delta < 0:
        return f"{parts[0]}, but {parts[1]}"
    if any(not clause.is_line for clause in clauses):
        return "; ".join(parts)
    return joined(parts)
