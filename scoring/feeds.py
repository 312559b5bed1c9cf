"""Which events feed a metric: so that each change can name the events that brought it.

A :class:`Feed` is a filter of signals, by kind. A series feeds on the events that it
counts; what is read of tickets, invoices, the account and the success plan feeds on
the events that say something of it. A filter sees one event at a time: of
``open_tickets(priority: urgent)`` those without a priority count too, since they may
be about an urgent ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

from schemas.signals import Kind, Signal
from scoring.fields import raw_of
from scoring.series import Series, Test

__all__ = ["FEEDS", "MRR", "Feed", "account_feed", "feed_of", "ticket_feed"]


@dataclass(frozen=True, slots=True)
class Feed:
    """A filter of events; two with the same text are the same. A test of None takes all."""

    text: str
    tests: Mapping[Kind, Test | None] = field(compare=False)
    #: How rows name it.
    key: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the key."""
        object.__setattr__(self, "key", crc32(self.text.encode()))


def feed_of(one: Series) -> Feed:
    """The events that a series keeps something of."""
    return Feed(one.text, {kind: _kept(one, kind) for kind in one.kinds})


def _kept(one: Series, kind: Kind) -> Test | None:
    test, value = one.tests.get(kind), one.values.get(kind)
    if value is None:
        return test
    taken = value
    if test is None:
        return lambda signal: taken(signal) is not None
    first = test
    return lambda signal: first(signal) and taken(signal) is not None


def _has(at: int) -> Test:
    return lambda signal: raw_of(signal, at) is not None


def _is(at: int, *values: str) -> Test:
    return lambda signal: signal[at] in values


def _says(name: str) -> Test:
    """Whether an account's event says something of a fact."""
    return lambda signal: name in signal[6]


#: Where a billing event says something of the account's facts.
_BILLING_AT = {"currency": 10, "mrr_minor": 11, "seats": 12, "plan": 13, "renewal_at": 14}
_SUBSCRIPTION_CHANGES = (
    "subscription_started", "subscription_changed", "subscription_paused",
    "subscription_renewed", "cancelled",
)  # fmt: skip
_STATUS_CHANGES = ("subscription_started", "subscription_renewed", "trial_started", "cancelled")


def account_feed(*facts: str) -> Feed:
    """The events that say something of one of these facts of the account."""
    tests: dict[Kind, Test | None] = {Kind.ACCOUNT: _any([_says(fact) for fact in facts])}
    billing = [_has(_BILLING_AT[fact]) for fact in facts if fact in _BILLING_AT]
    if "status" in facts:
        billing.append(_is(6, *_STATUS_CHANGES))
    if billing:
        tests[Kind.BILLING] = _any(billing)
    return Feed(f"account {' '.join(facts)}", tests)


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda signal: any(test(signal) for test in tests)


def ticket_feed(priority: str | None = None, category: str | None = None) -> Feed:
    """The events of tickets that may be of this priority and category."""
    if priority is None and category is None:
        return FEEDS["tickets"]

    def may_be(signal: Signal) -> bool:
        said = signal[8] or ("urgent" if signal[7] == "escalated" else None)
        return (priority is None or said in (None, priority)) and (
            category is None or signal[9] in (None, category)
        )

    return Feed(f"tickets {priority} {category}", {Kind.TICKET: may_be})


def _goal(kind: str | None) -> Feed:
    test = None if kind is None else _is(7, kind)
    return Feed(f"goals {kind or ''}".strip(), {Kind.GOAL: test})


#: What is kept of everybody, by name.
FEEDS: dict[str, Feed] = {
    feed.text: feed
    for feed in (
        Feed("invoices", {Kind.BILLING: _has(7)}),
        Feed("pauses", {Kind.BILLING: _is(6, *_SUBSCRIPTION_CHANGES)}),
        Feed("cancellation", {Kind.BILLING: _is(6, "cancel_scheduled", "subscription_renewed")}),
        Feed("tickets", {Kind.TICKET: None}),
        _goal(None),
        _goal("goal"),
        _goal("milestone"),
        Feed("pulse", {Kind.PULSE: None}),
        Feed("pursuit", {Kind.STATE: None}),
        Feed("stage", {Kind.LIFECYCLE: None}),
    )
}
#: What changes the monthly recurring revenue.
MRR = account_feed("mrr_minor", "currency")
