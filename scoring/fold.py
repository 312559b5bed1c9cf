"""One signal into a customer's state. O(1), commutative, no clock.

``fold(state, signal, plan)`` is the only way in which an event changes a state;
live scoring, recovery and replay all go through it. The plan's series take what
the scorecards ask for; tickets, invoices, goals and facts are always kept.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from schemas.signals import Kind, Signal
from scoring.levels import Level
from scoring.plan import Plan
from scoring.room import admit
from scoring.state import (
    AT,
    EVENT_ID,
    KIND,
    PAUSED,
    PAYLOAD,
    CustomerState,
    Goal,
    Invoice,
    Key,
    Ticket,
)
from scoring.things import FAMILY_OF

__all__ = ["fold"]

V = TypeVar("V")

_FEATURE = int(Kind.FEATURE)
_STAFF = 2
_KNOWN = frozenset(int(kind) for kind in Kind)
#: MRR in so many currencies, pauses of so many subscriptions, the first by name; each has a
#: history.
MRR_CURRENCIES_MAX = 4
PAUSED_SUBSCRIPTIONS_MAX = 8
LEVELS_MAX = {"mrr": MRR_CURRENCIES_MAX, "paused": PAUSED_SUBSCRIPTIONS_MAX}
_USER_KIND = 8
_BITS: dict[int, int] = {int(kind): bit for kind, bit in FAMILY_OF.items()}

_TICKET_OPENS = frozenset({"opened", "reopened"})
_TICKET_SHUTS = frozenset({"solved", "closed", "merged", "deleted"})
_INVOICE_OWED = frozenset({"invoice_issued", "invoice_due", "invoice_overdue"})
_INVOICE_SETTLED = frozenset({"invoice_paid", "invoice_voided"})
#: The other states that a person sets are about whether the account is pursued.
_HANDLED = frozenset({"handled", "not_handled"})
#: What ends a pause. A changed plan does not.
_PAUSES = {
    "subscription_paused": 1,
    "subscription_resumed": 0,
    "subscription_started": 0,
    "subscription_renewed": 0,
    "cancelled": 0,
}
_STATUS_OF_BILLING = {
    "subscription_started": "customer",
    "subscription_renewed": "customer",
    "trial_started": "trial",
    "cancelled": "churned",
}


def fold(state: CustomerState, signal: Signal, plan: Plan) -> bool:
    """Apply one signal whose event time has come; False if it says nothing of the customer."""
    kind = signal[KIND]
    if kind == _FEATURE and signal[_USER_KIND] == _STAFF:
        return False  # our own staff's use says nothing about the customer
    if kind not in _KNOWN:
        return False  # a newer release wrote it; the signal stays in the log
    if signal[AT] > state.last_ms:
        state.last_ms = signal[AT]
    state.heard |= _BITS.get(kind, 0)
    for update in plan.by_kind.get(kind, ()):
        update(state, signal)
    handler = _HANDLERS.get(kind)
    if handler is not None:
        handler(state, signal)
    return True


def _account(state: CustomerState, signal: Signal) -> None:
    for name, value in signal[PAYLOAD].items():
        _set(state, name, signal, value)
        if name == "seats":
            _level(state, "seats", signal, value)
        elif name == "mrr_minor":
            state.heard |= _BITS[Kind.BILLING]  # what is paid is known, if not yet how
            _level(state, f"mrr:{signal[PAYLOAD].get('currency') or ''}", signal, value)


def _ticket(state: CustomerState, signal: Signal) -> None:
    said = signal[PAYLOAD : PAYLOAD + 7]
    ticket_id, change, priority, category, first_ms, resolution_ms, satisfaction = said
    at_ms = signal[AT]
    key = (at_ms, signal[EVENT_ID])
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        ticket = admit(state, "tickets", state.tickets, Ticket(touched_ms=at_ms), ticket_id)
    ticket.touched_ms = max(ticket.touched_ms, at_ms)
    if change == "opened" and (ticket.opened_ms is None or at_ms < ticket.opened_ms):
        ticket.opened_ms = at_ms
    if change in _TICKET_OPENS or change in _TICKET_SHUTS:
        ticket.open, ticket.open_key = _later(
            change in _TICKET_OPENS, key, ticket.open, ticket.open_key
        )
    if change == "escalated" and priority is None:
        priority = "urgent"
    if priority is not None:
        ticket.priority, ticket.priority_key = _later(
            priority, key, ticket.priority, ticket.priority_key
        )
    if category is not None:
        ticket.category, ticket.category_key = _later(
            category, key, ticket.category, ticket.category_key
        )
    if first_ms is not None:
        ticket.first_response_ms, ticket.first_response_key = _later(
            first_ms, key, ticket.first_response_ms, ticket.first_response_key
        )
    if resolution_ms is not None:
        ticket.resolution_ms, ticket.resolution_key = _later(
            resolution_ms, key, ticket.resolution_ms, ticket.resolution_key
        )
    if satisfaction is not None:
        ticket.satisfaction_ppm, ticket.satisfaction_key = _later(
            satisfaction, key, ticket.satisfaction_ppm, ticket.satisfaction_key
        )


def _billing(state: CustomerState, signal: Signal) -> None:
    said = signal[PAYLOAD : PAYLOAD + 10]
    change, invoice_id, due_ms, _, currency, mrr_minor, seats, plan, renewal_ms, reason = said
    if invoice_id is not None:
        _invoice(state, signal, invoice_id, change, due_ms)
    for name, value in (("mrr_minor", mrr_minor), ("seats", seats), ("plan", plan)):
        if value is not None:
            _set(state, name, signal, value)
    if seats is not None:
        _level(state, "seats", signal, seats)
    if mrr_minor is not None:
        _level(state, f"mrr:{currency or ''}", signal, mrr_minor)
        if currency is not None:
            _set(state, "currency", signal, currency)
    if renewal_ms is not None:
        _set(state, "renewal_at", signal, renewal_ms)
    if change == "cancel_scheduled":
        _set(state, "cancel_scheduled", signal, reason or "no reason given")
    elif change == "subscription_renewed":
        _set(state, "cancel_scheduled", signal, None)
    paused = _PAUSES.get(change)
    if paused is not None:
        _level(state, f"{PAUSED}{signal[PAYLOAD + 10] or ''}", signal, paused)
    status = _STATUS_OF_BILLING.get(change)
    # One subscription of several may end; the account's own status is the account events' to say.
    if status is not None and signal[PAYLOAD + 10] is None:
        _set(state, "status", signal, status)


def _invoice(
    state: CustomerState, signal: Signal, invoice_id: str, change: str, due_ms: int | None
) -> None:
    at_ms = signal[AT]
    key = (at_ms, signal[EVENT_ID])
    invoice = state.invoices.get(invoice_id)
    if invoice is None:
        invoice = admit(state, "invoices", state.invoices, Invoice(touched_ms=at_ms), invoice_id)
    invoice.touched_ms = max(invoice.touched_ms, at_ms)
    if change in _INVOICE_OWED or change in _INVOICE_SETTLED:
        invoice.owed, invoice.owed_key = _later(
            change in _INVOICE_OWED, key, invoice.owed, invoice.owed_key
        )
    if due_ms is None and change in ("invoice_due", "invoice_overdue"):
        due_ms = at_ms
    if due_ms is not None:
        invoice.due_ms, invoice.due_key = _later(due_ms, key, invoice.due_ms, invoice.due_key)


def _goal(state: CustomerState, signal: Signal) -> None:
    said = signal[PAYLOAD : PAYLOAD + 4]
    goal_id, kind, change, due_ms = said
    at_ms = signal[AT]
    key = (at_ms, signal[EVENT_ID])
    goal = state.goals.get(goal_id)
    if goal is None:
        goal = admit(state, "goals", state.goals, Goal(touched_ms=at_ms), goal_id)
    goal.touched_ms = max(goal.touched_ms, at_ms)
    if change != "due":
        goal.said, goal.said_key = _later((change, kind), key, goal.said, goal.said_key)
    if due_ms is None and change == "due":
        due_ms = at_ms
    if due_ms is not None:
        goal.due_ms, goal.due_key = _later(due_ms, key, goal.due_ms, goal.due_key)


def _pulse(state: CustomerState, signal: Signal) -> None:
    _set(state, "pulse", signal, list(signal[PAYLOAD : PAYLOAD + 4]))


def _said_state(state: CustomerState, signal: Signal) -> None:
    name = "handled" if signal[PAYLOAD] in _HANDLED else "pursuit"
    _set(state, name, signal, list(signal[PAYLOAD : PAYLOAD + 4]))


def _lifecycle(state: CustomerState, signal: Signal) -> None:
    _set(state, "stage", signal, signal[PAYLOAD])


def _level(state: CustomerState, name: str, signal: Signal, value: int | None) -> None:
    level = state.levels.get(name)
    if level is None:
        level = state.levels[name] = Level()
        kind = name.partition(":")[0]
        many = LEVELS_MAX.get(kind)
        told = [each for each in state.levels if each.startswith(f"{kind}:")]
        if many is not None and len(told) > many:
            # The last by name goes: which came first must not matter.
            state.overflow["currencies" if kind == "mrr" else "subscriptions"] = 1
            del state.levels[max(told)]
    level.set(signal[AT], signal[EVENT_ID], value)


def _later(value: V, key: Key, known: V, known_key: Key) -> tuple[V, Key]:
    """The one with the greater key; of equal keys (two sources, one id) the greater value."""
    if key > known_key or (key == known_key and repr(value) > repr(known)):
        return value, key
    return known, known_key


def _set(state: CustomerState, name: str, signal: Signal, value: Any) -> None:
    """Set a register, unless a later event already did."""
    known = state.facts.get(name)
    at_ms, event_id = signal[AT], signal[EVENT_ID]
    if known is None or (at_ms, event_id) > (known[0], known[1]):
        state.facts[name] = (at_ms, event_id, value)
    elif (at_ms, event_id) == (known[0], known[1]) and repr(value) > repr(known[2]):
        # Two sources, one id, one instant: which came first must not matter.
        state.facts[name] = (at_ms, event_id, value)


_HANDLERS: dict[int, Callable[[CustomerState, Signal], None]] = {
    int(Kind.ACCOUNT): _account,
    int(Kind.TICKET): _ticket,
    int(Kind.BILLING): _billing,
    int(Kind.GOAL): _goal,
    int(Kind.PULSE): _pulse,
    int(Kind.STATE): _said_state,
    int(Kind.LIFECYCLE): _lifecycle,
}
