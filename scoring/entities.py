"""Readings of tickets, invoices and goals: things with a life of their own.

A ticket, invoice or goal that nothing touched for 400 days is forgotten; that
there once was one is remembered.
"""

from collections.abc import Callable, Iterator

from schemas.signals import Kind
from scoring.levels import Level
from scoring.moment import NO_DATA, Moment, Reading, earliest, reading_of
from scoring.state import DAY_MS, HORIZON_DAYS, PAUSED, CustomerState, Goal, Ticket
from scoring.things import FAMILY_OF
from scoring.units import MICRO
from scoring.windows import Read, Window, quantile_of, since

__all__ = [
    "PAUSED_DAYS_MAX",
    "TICKET_FIELDS",
    "days_overdue",
    "days_paused",
    "goals_due",
    "goals_planned",
    "goals_reached",
    "oldest_open_ticket",
    "open_invoices",
    "open_tickets",
    "ticket_mean",
    "ticket_quantile",
    "ticket_sum",
]

_TICKETS, _BILLING, _GOALS = (FAMILY_OF[k] for k in (Kind.TICKET, Kind.BILLING, Kind.GOAL))
#: Millionths of the field's unit, and when they were said.
Sample = tuple[int, int]


def _oldest_ms(moment: Moment) -> int:
    """What was not touched since is forgotten."""
    return (moment.day - HORIZON_DAYS) * DAY_MS


def _forgotten_ms(touched_ms: int) -> int:
    return (touched_ms // DAY_MS + HORIZON_DAYS + 1) * DAY_MS


def _open(
    state: CustomerState, moment: Moment, priority: str | None, category: str | None
) -> Iterator[Ticket]:
    oldest_ms = _oldest_ms(moment)
    for ticket in state.tickets.values():
        if (
            ticket.open
            and ticket.touched_ms >= oldest_ms
            and (priority is None or ticket.priority == priority)
            and (category is None or ticket.category == category)
        ):
            yield ticket


def open_tickets(priority: str | None = None, category: str | None = None) -> Read:
    """How many are open now."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        if not state.heard & _TICKETS:
            return NO_DATA
        count, next_ms = 0, None
        for ticket in _open(state, moment, priority, category):
            count += 1
            next_ms = earliest(next_ms, _forgotten_ms(ticket.touched_ms))
        return reading_of(count * MICRO, next_ms)

    return read


def oldest_open_ticket(priority: str | None = None, category: str | None = None) -> Read:
    """The age of the oldest open one in days; 0 if none is open."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        if not state.heard & _TICKETS:
            return NO_DATA
        oldest: int | None = None
        jump_ms = None
        for ticket in _open(state, moment, priority, category):
            opened_ms = ticket.open_key[0] if ticket.opened_ms is None else ticket.opened_ms
            oldest = earliest(oldest, opened_ms)
            jump_ms = earliest(jump_ms, _forgotten_ms(ticket.touched_ms))
        if oldest is None:
            return reading_of(0)
        return since(oldest, moment.now_ms)._replace(jump_ms=jump_ms)

    return read


def _first_response(ticket: Ticket) -> Sample | None:
    if ticket.first_response_ms is None:
        return None
    return ticket.first_response_key[0], ticket.first_response_ms * 1000


def _resolution(ticket: Ticket) -> Sample | None:
    if ticket.resolution_ms is None:
        return None
    return ticket.resolution_key[0], ticket.resolution_ms * 1000


def _satisfaction(ticket: Ticket) -> Sample | None:
    if ticket.satisfaction_ppm is None:
        return None
    return ticket.satisfaction_key[0], ticket.satisfaction_ppm


#: Fields that a ticket has once, with what was last said of it.
TICKET_FIELDS: dict[str, Callable[[Ticket], Sample | None]] = {
    "first_response": _first_response,
    "resolution": _resolution,
    "satisfaction": _satisfaction,
}


def _inside(
    state: CustomerState, moment: Moment, window: Window, sample: Callable[[Ticket], Sample | None]
) -> list[tuple[int, int]]:
    oldest = window.before_first(moment)
    found = (sample(ticket) for ticket in state.tickets.values())
    return [
        (at_ms // window.size_ms, value)
        for at_ms, value in (each for each in found if each is not None)
        if at_ms // window.size_ms > oldest
    ]


def ticket_quantile(name: str, window: Window, share_ppm: int) -> Read:
    """A quantile of a ticket field over the window."""
    sample = TICKET_FIELDS[name]

    def read(state: CustomerState, moment: Moment) -> Reading:
        return quantile_of(_inside(state, moment, window, sample), window, share_ppm)

    return read


def ticket_mean(name: str, window: Window, pick: Callable[[list[int]], int]) -> Read:
    """The mean (or least, greatest) of a ticket field over the window."""
    sample = TICKET_FIELDS[name]

    def read(state: CustomerState, moment: Moment) -> Reading:
        inside = _inside(state, moment, window, sample)
        if not inside:
            return NO_DATA
        first = min(bucket for bucket, _ in inside)
        return reading_of(pick([value for _, value in inside]), window.leaves_ms(first))

    return read


def ticket_sum(name: str, window: Window) -> Read:
    """The sum of a ticket field over the window; 0 where nothing is in it."""
    inside = ticket_mean(name, window, sum)

    def read(state: CustomerState, moment: Moment) -> Reading:
        if not state.heard & _TICKETS:
            return NO_DATA
        reading = inside(state, moment)
        return reading_of(0) if reading[0] is None else reading

    return read


def billing_known(state: CustomerState) -> bool:
    """Whether anything of billing was ever heard, be it the account's MRR."""
    return bool(state.heard & _BILLING)


def days_overdue(state: CustomerState, moment: Moment) -> Reading:
    """Days that the longest overdue open invoice is past due; 0 if none is."""
    if not billing_known(state):
        return NO_DATA
    oldest_ms = _oldest_ms(moment)
    due = [
        (invoice.due_ms, invoice.touched_ms)
        for invoice in state.invoices.values()
        if invoice.owed and invoice.due_ms is not None and invoice.touched_ms >= oldest_ms
    ]
    if not due:
        return reading_of(0)
    due_ms, touched_ms = min(due)
    return since(due_ms, moment.now_ms)._replace(jump_ms=_forgotten_ms(touched_ms))


#: Longer than this is said to be this: what lies before it is forgotten.
PAUSED_DAYS_MAX = HORIZON_DAYS


def days_paused(state: CustomerState, moment: Moment) -> Reading:
    """Days that the longest paused subscription has been paused; 0 if none is."""
    if not billing_known(state):
        return NO_DATA
    begun = [
        began_ms
        for name, level in state.levels.items()
        if name.startswith(PAUSED) and (began_ms := _paused_since(level)) is not None
    ]
    if not begun:
        return reading_of(0)
    reading = since(min(begun), moment.now_ms)
    if reading[0] < PAUSED_DAYS_MAX * MICRO:  # type: ignore[operator]
        return reading
    return reading_of(PAUSED_DAYS_MAX * MICRO)


def _paused_since(level: Level) -> int | None:
    """Since when a subscription has been paused without a break; None: it is not."""
    began_ms = None
    for day in sorted(level.days, reverse=True):
        at_ms, _, paused = level.days[day]
        if not paused:
            break
        began_ms = at_ms
    return began_ms


def open_invoices(state: CustomerState, moment: Moment) -> Reading:
    """Issued and not paid or voided."""
    if not billing_known(state):
        return NO_DATA
    oldest_ms = _oldest_ms(moment)
    count, next_ms = 0, None
    for invoice in state.invoices.values():
        if invoice.owed and invoice.touched_ms >= oldest_ms:
            count += 1
            next_ms = earliest(next_ms, _forgotten_ms(invoice.touched_ms))
    return reading_of(count * MICRO, next_ms)


def _goals(kind: str | None, counts: Callable[[Goal, int], bool]) -> Read:
    """How many goals count at an instant; one that is open can only begin to when it falls due."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        oldest_ms = _oldest_ms(moment)
        known = [
            goal
            for goal in state.goals.values()
            if goal.touched_ms >= oldest_ms and (kind is None or goal.said[1] == kind)
        ]
        if not known:
            return NO_DATA
        count, next_ms = 0, None
        for goal in known:
            next_ms = earliest(next_ms, _forgotten_ms(goal.touched_ms))
            if counts(goal, moment.now_ms):
                count += 1
            elif (due_ms := goal.due_ms) and due_ms > moment.now_ms and counts(goal, due_ms):
                next_ms = earliest(next_ms, due_ms)
        return reading_of(count * MICRO, next_ms)

    return read


def goals_planned(kind: str | None = None) -> Read:
    """All goals (milestones) that were not dropped."""
    return _goals(kind, lambda goal, now_ms: goal.said[0] != "dropped")


def goals_reached(kind: str | None = None) -> Read:
    """Goals (milestones) that were reached."""
    return _goals(kind, lambda goal, now_ms: goal.said[0] == "reached")


def goals_due(kind: str | None = None) -> Read:
    """Those whose date has passed and that were not dropped, and those reached."""
    return _goals(kind, _is_due)


def _is_due(goal: Goal, now_ms: int) -> bool:
    if goal.said[0] in ("reached", "dropped"):
        return goal.said[0] == "reached"
    return goal.due_ms is not None and goal.due_ms <= now_ms
