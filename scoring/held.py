"""Signals whose time had not come, into the customer that held them.

In a replay that is nearly every event, until its midnight; so :func:`release` has a compiled
form besides, in ``fold_c``. What is written here is what both do.
"""

from scoring.compiled import fold_c
from scoring.fold import fold
from scoring.plan import Plan
from scoring.recent import Feeding
from scoring.row import Customer

__all__ = ["release", "release_in_python"]


def release_in_python(customer: Customer, now_ms: int, plan: Plan, feeds: Feeding) -> None:
    """Apply the held signals whose time has come, in the order in which they came."""
    rest = []
    for signal in customer.state.held:
        if signal[1] <= now_ms:
            if fold(customer.state, signal, plan):
                customer.note(signal, feeds)
            customer.touch(signal)
        else:
            rest.append(signal)
    customer.state.held = rest
    customer.held_bytes = None


_release = release_in_python if fold_c is None else fold_c.release


def release(customer: Customer, now_ms: int, plan: Plan, feeds: Feeding) -> None:
    """As :func:`release_in_python` does it."""
    if customer.state.held:
        _release(customer, now_ms, plan, feeds)
