"""What accounts tell each other: a child its parent what it contributes, and who may be a parent.

A child tells its parent at its evaluations, when what it contributes differs from what it
told last: the score that was told to the world, so that hundredths flood nobody. Before it
tells a new parent anything, a *probe* goes up from there. Where it meets an account twice,
the youngest edge of the cycle is refused; where there are too many levels, the new one.
An *answer* opens the edge, or refuses it. So what is told never runs in a circle.

A refused account is scored by its own measures and is not told again until an event says
anew who its parent is. Each function returns the messages to send, in order.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.inbound import Reason
from schemas.scores import Cause
from schemas.signals import Kind, Signal
from scoring.hierarchy import Hierarchy
from scoring.kin import LEVELS_MAX, Contribution, Edge, EdgeState, Kin, Sums
from scoring.moment import Moment, earliest
from scoring.row import Customer
from scoring.state import AT, PAYLOAD
from scoring.things import EVERYTHING

__all__ = ["QUIET", "Message", "Refusal", "answered", "probed", "rolled_up", "tell"]

#: Causes that message nobody individually.
QUIET = frozenset(
    {str(Cause.CORRECTION), str(Cause.FIRST), str(Cause.SCORECARD), str(Cause.PERCENTILES)}
)
#: What a row can hold of MRR, in millionths; more weighs as much.
_MRR_MAX = 2**62
#: An edge on a probe's path: the child, and what said who its parent is.
Step = tuple[str, int, str]


class Refusal(NamedTuple):
    """An account's parent is refused: a dead letter."""

    child: str
    edge: Edge
    reason: Reason
    detail: str


Message = Signal | Refusal


# -- at an evaluation ----------------------------------------------------------------------------


def tell(
    child: str, customer: Customer, hierarchy: Hierarchy, moment: Moment, cause: str
) -> list[Message]:
    """What an evaluated account tells its parent; ``cause`` is why it changed."""
    register = customer.state.facts.get("parent")
    parent = None if register is None else register[2]
    kin = customer.kin
    if parent is None and (kin is None or (kin.edge is None and kin.told is None)):
        return []
    if kin is None:
        kin = customer.kin = Kin()
    now = _contribution(customer, kin, hierarchy, moment)
    messages: list[Message] = []
    if register is None or parent is None:
        kin.edge = None
    elif _is_news(kin.edge, register):
        kin.edge = None
        if now is not None:
            quiet = cause if cause in QUIET else ""
            kin.edge = Edge(parent, register[0], register[1], cause=quiet)
            messages += _ask(child, kin.edge, kin.depth, moment.now_ms)
    if kin.edge is not None and kin.edge.state is EdgeState.OPEN and _too_deep(kin.depth):
        messages.append(_refuse(child, kin.edge, Reason.HIERARCHY_LEVELS, _LEVELS))
    return messages + _told(child, customer, kin, now, moment.now_ms, cause)


_LEVELS = f"more than {LEVELS_MAX} levels of accounts"


def _too_deep(depth: int) -> bool:
    """Whether an account with so many levels below it may have no parent any more."""
    return depth + 2 > LEVELS_MAX


def _is_news(edge: Edge | None, register: tuple[int, str, Any]) -> bool:
    """Whether the account's parent is another, or was said anew of one that was refused."""
    if edge is None or edge.parent != register[2]:
        return True
    return edge.state is EdgeState.REFUSED and edge.key != register[:2]


def _contribution(
    customer: Customer, kin: Kin, hierarchy: Hierarchy, moment: Moment
) -> Contribution | None:
    """What the account contributes; None without a score."""
    score = None if customer.emitted is None else customer.emitted.score
    if score is None:
        return None
    mrr = 0
    if hierarchy.mrr is not None:
        reading = hierarchy.mrr(customer.state, moment)
        customer.due_ms = earliest(customer.due_ms, reading.next_ms)
        mrr = min(max(reading.value if isinstance(reading.value, int) else 0, 0), _MRR_MAX)
    return score, mrr, kin.depth


def _ask(child: str, edge: Edge, depth: int, now_ms: int) -> list[Message]:
    if edge.parent == child:
        return [_refuse(child, edge, Reason.HIERARCHY_CYCLE, f"{child} is its own parent")]
    return [_signal(Kind.PROBE, edge.parent, now_ms, [[child, *edge.key]], depth, None)]


def _told(
    child: str, customer: Customer, kin: Kin, now: Contribution | None, at_ms: int, cause: str
) -> list[Message]:
    """The difference from what was told last: taken from the old parent, given to the new one."""
    edge = kin.edge
    wanted = None
    if edge is not None and edge.state is EdgeState.OPEN and now is not None:
        wanted = (edge.parent, now)
    before, kin.told = kin.told, wanted
    if before == wanted:
        return []
    event_id = f"{child}/{customer.epoch}-{customer.sequence}"
    messages: list[Message] = []
    old = None
    if before is not None and wanted is not None and before[0] == wanted[0]:
        old = before[1]
    elif before is not None:
        messages.append(
            _signal(Kind.ROLLUP, before[0], at_ms, child, before[1], None, cause, event_id=event_id)
        )
    if edge is not None and wanted is not None:
        why = (edge.cause or cause) if old is None else cause
        edge.cause = ""
        messages.append(
            _signal(Kind.ROLLUP, wanted[0], at_ms, child, old, now, why, event_id=event_id)
        )
    return messages


def _refuse(child: str, edge: Edge, reason: Reason, detail: str) -> Refusal:
    edge.state = EdgeState.REFUSED
    return Refusal(child, edge, reason, detail)


def _signal(kind: Kind, to: str, at_ms: int, *payload: Any, event_id: str = "") -> Signal:
    """A signal to an account; its place among those of the partition comes later."""
    return [0, at_ms, to, 0, event_id, int(kind), *payload]


# -- when it is heard ----------------------------------------------------------------------------


def rolled_up(customer: Customer, signal: Signal) -> None:
    """A child contributes something else than before."""
    _, before, now, cause = signal[PAYLOAD : PAYLOAD + 4]
    kin = customer.kin = customer.kin or Kin()
    sums = kin.sums = kin.sums or Sums()
    if before is not None:
        sums.take_away(tuple(before))
    if now is not None:
        sums.add(tuple(now))
    customer.touched = EVERYTHING
    if cause == Cause.SCORECARD:
        kin.recarded = True
    elif cause == Cause.PERCENTILES:
        kin.reranked = True
    elif cause in QUIET:
        customer.late = True


def probed(me: str, edge: Edge | None, signal: Signal) -> list[Message]:
    """A probe reached an account whose edge is this: it goes on, or its sender is answered.

    A probe that found a cycle comes to the holder of its youngest edge, with the cycle.
    """
    at_ms, (wire, depth, cycle) = signal[AT], signal[PAYLOAD : PAYLOAD + 3]
    path: list[Step] = [(child, said_ms, event_id) for child, said_ms, event_id in wire]
    if edge is not None and edge.state is EdgeState.REFUSED:
        edge = None
    if cycle is not None:
        held = _place(me, path)
        if edge is not None and edge.key == path[held][1:]:
            refused = _refuse(me, edge, Reason.HIERARCHY_CYCLE, f"a cycle: {cycle}")
            return [refused, *([_answer(path[0], at_ms, None)] if held else [])]
        path = path[:held]  # its parent is another by now: the probe goes on from here
        if not path:
            return []
    around = _place(me, path)
    if around < len(path):
        names = [child for child, _, _ in path[around:]]
        youngest = max(path[around:], key=lambda step: (step[1], step[2], step[0]))
        told = " \u2192 ".join([*names, me])
        return [_signal(Kind.PROBE, youngest[0], at_ms, path, depth, told)]
    if edge is None or len(path) >= LEVELS_MAX:
        fits = len(path) + depth < LEVELS_MAX
        return [_answer(path[0], at_ms, None if fits else Reason.HIERARCHY_LEVELS)]
    return [_signal(Kind.PROBE, edge.parent, at_ms, [*path, (me, *edge.key)], depth, None)]


def _place(me: str, path: Sequence[Step]) -> int:
    """Where on the path an account stands; behind its end if it does not."""
    return next((n for n, step in enumerate(path) if step[0] == me), len(path))


def _answer(first: Step, at_ms: int, problem: Reason | None) -> Message:
    child, said_ms, event_id = first
    return _signal(Kind.ANSWER, child, at_ms, said_ms, event_id, problem)


def answered(me: str, edge: Edge | None, signal: Signal) -> list[Message]:
    """What the way up said of an account's new parent; nothing if it has another by now."""
    said_ms, event_id, problem = signal[PAYLOAD : PAYLOAD + 3]
    if edge is None or edge.state is not EdgeState.ASKED or edge.key != (said_ms, event_id):
        return []
    if problem is not None:
        return [_refuse(me, edge, Reason(problem), _LEVELS)]
    edge.state = EdgeState.OPEN
    return []
