"""One signal into a customer's state. O(1), commutative, no clock.

``fold(state, signal)`` is the only way in which an event changes a state; live
scoring, recovery and replay all go through it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from schemas.signals import Kind, Signal
from scoring.state import (
    DAY_MS,
    INVOICES_MAX,
    TICKETS_MAX,
    CustomerState,
    Day,
    Invoice,
    Ticket,
)

__all__ = ["fold"]

# Positions in a signal; see schemas.signals.
AT, EVENT_ID, KIND, PAYLOAD = 1, 4, 5, 6

Key = tuple[int, str]
V = TypeVar("V")

_TICKET_OPENS = frozenset({"opened", "reopened"})
_TICKET_SHUTS = frozenset({"solved", "closed", "merged", "deleted"})
_INVOICE_OWED = frozenset({"invoice_issued", "invoice_due", "invoice_overdue"})
_INVOICE_SETTLED = frozenset({"invoice_paid", "invoice_voided"})
_STATUS_OF_BILLING = {
    "subscription_started": "customer",
    "subscription_renewed": "customer",
    "trial_started": "trial",
    "cancelled": "churned",
}


def fold(state: CustomerState, signal: Signal) -> None:
    """Apply one signal whose event time has come."""
    handler = _HANDLERS.get(signal[KIND])
    # A kind that a newer release wrote changes nothing here; the signal stays in the log.
    if handler is not None:
        handler(state, signal)


def _feature(state: CustomerState, signal: Signal) -> None:
    at_ms = signal[AT]
    _, _, _, _, _, _, feature, user, user_kind, quantity, duration_ms, failed = signal[:12]
    if user_kind == 2:  # our own staff's use says nothing about the customer
        return
    day_no = at_ms // DAY_MS
    day = state.days.get(day_no)
    if day is None:
        day = _new_day(state, day_no)
    day.uses += quantity
    day.duration_ms += duration_ms
    if failed:
        day.failed += quantity
    state.ever_feature = True
    if not state.features.add(feature, day_no):
        state.turned_away("features")
    if user_kind == 0:
        if at_ms > state.last_use_ms:
            state.last_use_ms = at_ms
        if user is not None:
            _active(state, user, day_no)


def _active(state: CustomerState, user: str, day_no: int) -> None:
    state.ever_user = True
    if not state.users.add(user, day_no):
        state.turned_away("users")


def _activity(state: CustomerState, signal: Signal) -> None:
    at_ms = signal[AT]
    day_no = at_ms // DAY_MS
    _day(state, day_no).uses += 1
    state.last_use_ms = max(state.last_use_ms, at_ms)
    state.ever_feature = True
    if not state.features.add(signal[PAYLOAD], day_no):
        state.turned_away("features")
    user = signal[PAYLOAD + 1]
    if user is not None:
        _active(state, user, day_no)


def _account(state: CustomerState, signal: Signal) -> None:
    for name, value in signal[PAYLOAD].items():
        _set(state, name, signal, value)


def _ticket(state: CustomerState, signal: Signal) -> None:
    ticket_id, change, priority, _, first_response_ms, _, satisfaction_ppm = signal[
        PAYLOAD : PAYLOAD + 7
    ]
    at_ms = signal[AT]
    key = (at_ms, signal[EVENT_ID])
    state.ever_ticket = True
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        if len(state.tickets) >= TICKETS_MAX:
            state.turned_away("tickets")
            return
        ticket = state.tickets[ticket_id] = Ticket(touched_ms=at_ms)
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
    if first_response_ms is not None:
        ticket.first_response_ms, ticket.first_response_key = _later(
            first_response_ms, key, ticket.first_response_ms, ticket.first_response_key
        )
    if satisfaction_ppm is not None:
        ticket.satisfaction_ppm, ticket.satisfaction_key = _later(
            satisfaction_ppm, key, ticket.satisfaction_ppm, ticket.satisfaction_key
        )


def _billing(state: CustomerState, signal: Signal) -> None:
    change, invoice_id, due_ms, _, currency, mrr_minor, seats, plan, renewal_ms, reason = signal[
        PAYLOAD : PAYLOAD + 10
    ]
    at_ms = signal[AT]
    if invoice_id is not None:
        _invoice(state, signal, invoice_id, change, due_ms)
    if change == "payment_failed":
        _day(state, at_ms // DAY_MS).payments_failed += 1
    for name, value in (("mrr_minor", mrr_minor), ("seats", seats), ("plan", plan)):
        if value is not None:
            _set(state, name, signal, value)
    if mrr_minor is not None and currency is not None:
        _set(state, "currency", signal, currency)
    if renewal_ms is not None:
        _set(state, "renewal_at", signal, renewal_ms)
    if change == "cancel_scheduled":
        _set(state, "cancel_scheduled", signal, reason or "no reason given")
    elif change == "subscription_renewed":
        _set(state, "cancel_scheduled", signal, None)
    status = _STATUS_OF_BILLING.get(change)
    # One subscription of several may end; the account's own status is the account events' to say.
    if status is not None and signal[PAYLOAD + 10] is None:
        _set(state, "status", signal, status)


def _invoice(
    state: CustomerState, signal: Signal, invoice_id: str, change: str, due_ms: int | None
) -> None:
    at_ms = signal[AT]
    key = (at_ms, signal[EVENT_ID])
    state.ever_invoice = True
    invoice = state.invoices.get(invoice_id)
    if invoice is None:
        if len(state.invoices) >= INVOICES_MAX:
            state.turned_away("invoices")
            return
        invoice = state.invoices[invoice_id] = Invoice(touched_ms=at_ms)
    invoice.touched_ms = max(invoice.touched_ms, at_ms)
    if change in _INVOICE_OWED or change in _INVOICE_SETTLED:
        invoice.owed, invoice.owed_key = _later(
            change in _INVOICE_OWED, key, invoice.owed, invoice.owed_key
        )
    if due_ms is None and change in ("invoice_due", "invoice_overdue"):
        due_ms = at_ms
    if due_ms is not None:
        invoice.due_ms, invoice.due_key = _later(due_ms, key, invoice.due_ms, invoice.due_key)


def _survey(state: CustomerState, signal: Signal) -> None:
    survey, score_ppm, score_milli = signal[PAYLOAD : PAYLOAD + 3]
    _set(state, f"survey.{survey}", signal, [signal[AT], score_ppm, score_milli])


def _contact(state: CustomerState, signal: Signal) -> None:
    _day(state, signal[AT] // DAY_MS).contacts += 1
    state.last_contact_ms = max(state.last_contact_ms, signal[AT])


def _goal(state: CustomerState, signal: Signal) -> None:
    goal_id, kind, change, due_ms = signal[PAYLOAD : PAYLOAD + 4]
    name = f"goal.{goal_id}"
    if name not in state.facts and sum(1 for known in state.facts if known[:5] == "goal.") >= 200:
        state.turned_away("goals")
        return
    _set(state, name, signal, [kind, change, due_ms])


def _pulse(state: CustomerState, signal: Signal) -> None:
    _set(state, "pulse", signal, list(signal[PAYLOAD : PAYLOAD + 4]))


def _pursuit(state: CustomerState, signal: Signal) -> None:
    _set(state, "pursuit", signal, list(signal[PAYLOAD : PAYLOAD + 4]))


def _lifecycle(state: CustomerState, signal: Signal) -> None:
    _set(state, "stage", signal, signal[PAYLOAD])


def _touch(state: CustomerState, signal: Signal) -> None:
    _day(state, signal[AT] // DAY_MS).touches += 1


def _feedback(state: CustomerState, signal: Signal) -> None:
    _set(state, "feedback", signal, [signal[AT], *signal[PAYLOAD : PAYLOAD + 2]])
    _day(state, signal[AT] // DAY_MS).touches += 1


def _day(state: CustomerState, day_no: int) -> Day:
    day = state.days.get(day_no)
    return _new_day(state, day_no) if day is None else day


def _new_day(state: CustomerState, day_no: int) -> Day:
    day = state.days[day_no] = Day()
    if day_no > state.last_day:
        state.last_day = day_no
    return day


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
    int(Kind.FEATURE): _feature,
    int(Kind.ACTIVITY): _activity,
    int(Kind.TICKET): _ticket,
    int(Kind.BILLING): _billing,
    int(Kind.SURVEY): _survey,
    int(Kind.FEEDBACK): _feedback,
    int(Kind.CONTACT): _contact,
    int(Kind.GOAL): _goal,
    int(Kind.PULSE): _pulse,
    int(Kind.STATE): _pursuit,
    int(Kind.LIFECYCLE): _lifecycle,
    int(Kind.TOUCH): _touch,
}
