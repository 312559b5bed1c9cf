"""A customer's state: what is remembered of all their events.

The fold over events is commutative: counts, sums, sets, and registers in which
the value with the greatest (event time, event id) wins. Events may therefore
arrive late and in any order; the state is the same. Nothing here reads a clock:
``now_ms`` is an argument wherever time matters.

All of it is bounded. What is older than :data:`HORIZON_DAYS` is forgotten, and
each collection has a cap; what a cap turned away is counted in ``overflow``.
"""

from typing import Any

import msgspec

__all__ = [
    "DAY_MS",
    "HORIZON_DAYS",
    "CustomerState",
    "Day",
    "Invoice",
    "LastSeen",
    "Ticket",
    "prune",
]

DAY_MS = 86_400_000
#: Nothing older than this counts; a ticket or invoice untouched for as long is forgotten.
HORIZON_DAYS = 400
#: Forgetting is for memory's sake, so it need not be done each day.
PRUNE_DAYS = 7
TICKETS_MAX = 1_000
INVOICES_MAX = 500
SEEN_MAX = 2_000
HELD_MAX = 10_000


class Day(msgspec.Struct, array_like=True, gc=False):
    """What happened on one UTC day."""

    uses: int = 0
    duration_ms: int = 0
    failed: int = 0
    payments_failed: int = 0
    contacts: int = 0
    touches: int = 0


class LastSeen(msgspec.Struct, array_like=True):
    """Who (or what) was seen, and on which day last: distinct counts for any window.

    ``by_day`` counts members by their last day, so that a distinct count costs
    one look-up per day of its window, however many members there are.
    """

    days: dict[str, int] = {}
    by_day: dict[int, int] = {}

    def add(self, member: str, day: int) -> bool:
        """Note that ``member`` was seen on ``day``; False if the cap turned it away."""
        known = self.days.get(member)
        if known is None:
            if len(self.days) >= SEEN_MAX:
                return False
        elif known >= day:
            return True
        else:
            self._leave(known)
        self.days[member] = day
        self.by_day[day] = self.by_day.get(day, 0) + 1
        return True

    def forget_before(self, day: int) -> None:
        """Drop the members last seen before ``day``."""
        if any(known < day for known in self.by_day):
            self.by_day = {known: n for known, n in self.by_day.items() if known >= day}
            self.days = {member: last for member, last in self.days.items() if last >= day}

    def _leave(self, day: int) -> None:
        left = self.by_day[day] - 1
        if left:
            self.by_day[day] = left
        else:
            del self.by_day[day]


class Ticket(msgspec.Struct, array_like=True):
    """One support ticket. Each ``*_key`` is the [event time, event id] that set the value."""

    touched_ms: int
    opened_ms: int | None = None
    open: bool = False
    open_key: tuple[int, str] = (-1, "")
    priority: str | None = None
    priority_key: tuple[int, str] = (-1, "")
    first_response_ms: int | None = None
    first_response_key: tuple[int, str] = (-1, "")
    satisfaction_ppm: int | None = None
    satisfaction_key: tuple[int, str] = (-1, "")


class Invoice(msgspec.Struct, array_like=True):
    """One invoice: whether it is owed, and since when."""

    touched_ms: int
    owed: bool = True
    owed_key: tuple[int, str] = (-1, "")
    due_ms: int | None = None
    due_key: tuple[int, str] = (-1, "")


class CustomerState(msgspec.Struct, array_like=True):
    """Everything remembered of one customer."""

    #: Registers: name -> (event time, event id, value); the greatest (time, id) wins.
    facts: dict[str, tuple[int, str, Any]] = {}
    days: dict[int, Day] = {}
    users: LastSeen = msgspec.field(default_factory=LastSeen)
    features: LastSeen = msgspec.field(default_factory=LastSeen)
    tickets: dict[str, Ticket] = {}
    invoices: dict[str, Invoice] = {}
    last_use_ms: int = -1
    last_contact_ms: int = -1
    #: Signals whose event time still lies ahead of the customer's time.
    held: list[list[Any]] = []
    #: What a cap turned away, by collection.
    overflow: dict[str, int] = {}
    pruned_day: int = 0
    #: The youngest day in ``days``; it may lie ahead of a tick that waits for a slow source.
    last_day: int = -1
    #: Whether there ever was one. Forgetting the last one must not turn "none" into "no data".
    ever_feature: bool = False
    ever_user: bool = False
    ever_ticket: bool = False
    ever_invoice: bool = False

    def fact(self, name: str) -> Any:
        """A register's value, None if it was never set (or was cleared)."""
        register = self.facts.get(name)
        return None if register is None else register[2]

    def turned_away(self, collection: str) -> None:
        """Count one that a cap turned away."""
        self.overflow[collection] = self.overflow.get(collection, 0) + 1


def prune(state: CustomerState, now_ms: int) -> None:
    """Forget what lies beyond the horizon. Changes no score: it no longer counted."""
    today = now_ms // DAY_MS
    if today < state.pruned_day + PRUNE_DAYS:
        return
    state.pruned_day = today
    oldest = today - HORIZON_DAYS
    if any(day < oldest for day in state.days):
        state.days = {day: counts for day, counts in state.days.items() if day >= oldest}
    state.users.forget_before(oldest)
    state.features.forget_before(oldest)
    oldest_ms = oldest * DAY_MS
    if any(ticket.touched_ms < oldest_ms for ticket in state.tickets.values()):
        state.tickets = {k: t for k, t in state.tickets.items() if t.touched_ms >= oldest_ms}
    if any(invoice.touched_ms < oldest_ms for invoice in state.invoices.values()):
        state.invoices = {k: i for k, i in state.invoices.items() if i.touched_ms >= oldest_ms}
