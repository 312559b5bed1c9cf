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

from scoring.levels import Level, prune_together

__all__ = [
    "AT",
    "DAY_MS",
    "EVENT_ID",
    "HORIZON_DAYS",
    "HOUR_MS",
    "KIND",
    "PAUSED",
    "PAYLOAD",
    "CustomerState",
    "Goal",
    "Invoice",
    "Ticket",
    "forget",
]

# Positions in a signal; see schemas.signals.
AT, EVENT_ID, KIND, PAYLOAD = 1, 4, 5, 6

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
#: Nothing older than this counts; a ticket or invoice untouched for as long is forgotten.
HORIZON_DAYS = 400
#: How a level is named that says whether a subscription is paused; its id follows.
PAUSED = "paused:"
HELD_MAX = 10_000
#: What the signals of one customer that are held may take together.
HELD_BYTES_MAX = 64 * 1024

#: The [event time, event id] that set a value.
Key = tuple[int, str]
NEVER: Key = (-1, "")


class Ticket(msgspec.Struct, array_like=True):
    """One support ticket. Each ``*_key`` is what set the value."""

    touched_ms: int
    opened_ms: int | None = None
    open: bool = False
    open_key: Key = NEVER
    priority: str | None = None
    priority_key: Key = NEVER
    first_response_ms: int | None = None
    first_response_key: Key = NEVER
    satisfaction_ppm: int | None = None
    satisfaction_key: Key = NEVER
    resolution_ms: int | None = None
    resolution_key: Key = NEVER
    category: str | None = None
    category_key: Key = NEVER


class Invoice(msgspec.Struct, array_like=True):
    """One invoice: whether it is owed, and since when."""

    touched_ms: int
    owed: bool = True
    owed_key: Key = NEVER
    due_ms: int | None = None
    due_key: Key = NEVER


class Goal(msgspec.Struct, array_like=True):
    """One goal or milestone of the success plan."""

    touched_ms: int
    #: What happened to it last, and whether it is a goal or a milestone.
    said: tuple[str, str] = ("set", "goal")
    said_key: Key = NEVER
    due_ms: int | None = None
    due_key: Key = NEVER


class CustomerState(msgspec.Struct, array_like=True):
    """Everything remembered of one customer."""

    #: Registers: name -> (event time, event id, value); the greatest (time, id) wins.
    facts: dict[str, tuple[int, str, Any]] = {}
    #: What the scorecards ask for: a series' key -> what it keeps, see scoring.series.
    series: dict[int, Any] = {}
    #: Quantities that hold until they change, with their history.
    levels: dict[str, Level] = {}
    tickets: dict[str, Ticket] = {}
    invoices: dict[str, Invoice] = {}
    goals: dict[str, Goal] = {}
    #: Signals whose event time still lies ahead of the customer's time.
    held: list[list[Any]] = []
    #: What a cap turned away, by collection.
    overflow: dict[str, int] = {}
    pruned_day: int = 0
    #: The greatest event time; it may lie ahead of a tick that waits for a slow source.
    last_ms: int = -1
    #: Bits of the families heard of, see scoring.things. Forgetting must not turn "none" into
    #: "no data".
    heard: int = 0

    def fact(self, name: str) -> Any:
        """A register's value, None if it was never set (or was cleared)."""
        register = self.facts.get(name)
        return None if register is None else register[2]

    def turned_away(self, collection: str) -> None:
        """Count one that a cap turned away."""
        self.overflow[collection] = self.overflow.get(collection, 0) + 1


def forget(state: CustomerState, now_ms: int) -> None:
    """Drop tickets, invoices and goals beyond the horizon. Changes no score: none counted."""
    oldest = now_ms // DAY_MS - HORIZON_DAYS
    oldest_ms = oldest * DAY_MS
    if any(ticket.touched_ms < oldest_ms for ticket in state.tickets.values()):
        state.tickets = {k: t for k, t in state.tickets.items() if t.touched_ms >= oldest_ms}
    if any(invoice.touched_ms < oldest_ms for invoice in state.invoices.values()):
        state.invoices = {k: i for k, i in state.invoices.items() if i.touched_ms >= oldest_ms}
    if any(goal.touched_ms < oldest_ms for goal in state.goals.values()):
        state.goals = {k: g for k, g in state.goals.items() if g.touched_ms >= oldest_ms}
    mrr = {name: level for name, level in state.levels.items() if name.startswith("mrr:")}
    prune_together(mrr, oldest)
    for name, level in state.levels.items():
        if name not in mrr:
            level.prune(oldest)
