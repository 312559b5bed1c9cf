"""A block of signals into the customers that they are about.

:func:`apply_signals` is done for every event, so it has a compiled form besides, in
``fold_c``, which is taken where the distribution was built with a C compiler. The tests run
over both and hold them equal; what is written here is what both do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from schemas.signals import Block, Signal
from scoring.book import Book
from scoring.compiled import fold_c
from scoring.duplicates import Seen
from scoring.fold import fold
from scoring.plan import Plan
from scoring.recent import Feeding
from scoring.row import Customer

__all__ = ["Applied", "Into", "apply_in_python", "apply_signals"]


@dataclass(frozen=True, slots=True)
class Into:
    """What a block is applied to, and what holds there at its record of the log."""

    book: Book
    #: Customers who are to be evaluated at the next tick.
    ready: set[str]
    plan: Plan
    feeds: Feeding
    #: Before there is a card nobody knows what to keep of an event: it is held.
    has_card: bool
    #: Keeps a signal whose time has not come; False: there is no room for it.
    holds: Callable[[str, Customer, Signal], bool]
    #: The record's offset and append time.
    offset: int
    append_ms: int
    #: Signals at or before this offset of their source were applied already.
    applied_to: int
    #: What happened after this lies ahead; what happened before ``late_ms`` is history.
    frontier_ms: int
    late_ms: int


class Applied(NamedTuple):
    """How many signals were applied (of them ``unchecked`` and ``held``), and were repeats."""

    signals: int
    repeats: int
    unchecked: int
    held: int


def apply_signals(block: Block, into: Into) -> Applied:
    """Apply a block; each customer in it gets the record's position."""
    touched: dict[str, Customer] = {}
    applied = Applied(*_apply(block, into, touched))
    # Only now: the block's own signals must not hide each other.
    for customer in touched.values():
        customer.position = into.offset
    into.book.changed.update(touched)
    return applied


def apply_in_python(block: Block, into: Into, touched: dict[str, Customer]) -> Applied:
    """The signals of a block into their customers, who are then in ``touched``."""
    live, ready = into.book.live, into.ready
    sources, check = block.sources, into.book.duplicates.check
    applied = repeats = unchecked = held = 0
    for signal in block.signals:
        if signal[0] <= into.applied_to:
            repeats += 1
            continue
        customer_id, at_ms = signal[2], signal[1]
        seen = check(sources[signal[3]], signal[4], at_ms, signal[5])
        if seen is Seen.DUPLICATE:
            repeats += 1
            continue
        customer = live.get(customer_id) or into.book.open(customer_id, into.append_ms)
        if customer.position >= into.offset:
            continue  # the row is ahead of the header: already applied before a crash
        if seen is Seen.UNCHECKED:
            unchecked += 1
        applied += 1
        signal[3] = sources[signal[3]]
        ahead = at_ms > into.frontier_ms or not into.has_card
        if ahead and into.holds(customer_id, customer, signal):
            held += 1
        else:
            if fold(customer.state, signal, into.plan):
                customer.note(signal, into.feeds)
            if at_ms < into.late_ms:
                customer.late = True
            customer.touch(signal)
            ready.add(customer_id)
        touched[customer_id] = customer
    return Applied(applied, repeats, unchecked, held)


_apply = apply_in_python if fold_c is None else fold_c.apply_signals
