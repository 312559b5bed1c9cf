"""How many tickets, invoices and goals a customer keeps, and which of them go.

What is kept must not depend on the order in which events arrived. So two rules:

- At each evaluation, which is at a tick, :func:`make_room` keeps :data:`AT_MOST` of each:
  what is still open goes last, else what was touched last. By then all that was read
  since the tick before has been folded, in whatever order.
- Between two ticks :func:`admit` lets in a quarter more and keeps the greatest ids. An id does
  not change, so one that is among the greatest in the end was so all along, and no
  event of it was missed.

What went begins anew when it is touched again, as if it had been forgotten. How many went
is counted in ``overflow``; what did not come in between two ticks is only noted, since it
is not remembered which they were.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from scoring.state import CustomerState, Goal, Invoice, Ticket

__all__ = ["AT_MOST", "admit", "make_room"]

T = TypeVar("T", Ticket, Invoice, Goal)

#: By collection.
AT_MOST = {"tickets": 350, "invoices": 300, "goals": 200}
_STILL_OPEN: dict[str, Callable[[Any], bool]] = {
    "tickets": lambda ticket: ticket.open,
    "invoices": lambda invoice: invoice.owed,
    "goals": lambda goal: goal.said[0] != "dropped",
}


def admit(state: CustomerState, collection: str, things: dict[str, T], new: T, its_id: str) -> T:
    """Put a new thing into a collection; the one with the least id goes if it is too full."""
    things[its_id] = new
    at_most = AT_MOST[collection]
    if len(things) > at_most + at_most // 4:
        del things[min(things)]
        state.overflow[f"{collection}_at_once"] = 1
    return new


def make_room(state: CustomerState) -> None:
    """Let go of what is beyond :data:`AT_MOST`."""
    if (
        len(state.tickets) <= AT_MOST["tickets"]
        and len(state.invoices) <= AT_MOST["invoices"]
        and len(state.goals) <= AT_MOST["goals"]
    ):
        return  # nearly everybody, at each evaluation
    for collection, at_most in AT_MOST.items():
        things: dict[str, Any] = getattr(state, collection)
        if len(things) > at_most:
            still_open = _STILL_OPEN[collection]
            ranked = sorted(
                things, key=lambda one: (still_open(things[one]), things[one].touched_ms, one)
            )
            for its_id in ranked[: len(things) - at_most]:
                del things[its_id]
                state.turned_away(collection)
