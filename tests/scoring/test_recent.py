"""The latest events by what they fed: the same however they came and whenever they were sorted."""

import random

from hypothesis import given
from hypothesis import strategies as st

import histories
from partitionlog import SAAS, card_of
from schemas.signals import Kind, Signal
from scoring.feeds import FEEDS, Feed, account_feed, feed_of, ticket_feed
from scoring.recent import (
    GROUPS_MAX,
    RECENT_MAX,
    Event,
    Recent,
    feeding,
    latest,
    settle,
    thinned,
    within,
)
from scoring.row import Customer
from scoring.series import Series, Shape

CARD = card_of(SAAS)


def naive(found: list[Signal]) -> dict[int, list[Event]]:
    """Of each feed the latest events, newest first, reckoned from all of them."""
    by_key: dict[int, set[Event]] = {}
    for signal in found:
        for key, test in CARD.feeding.get(signal[5], ()):
            if test is None or test(signal):
                by_key.setdefault(key, set()).add((signal[1], signal[3], signal[4]))
    return {key: sorted(events, reverse=True)[:RECENT_MAX] for key, events in by_key.items()}


@given(histories.signals(max_size=40), st.randoms(use_true_random=True), st.data())
def test_any_order_and_any_time_of_sorting_keeps_the_latest_of_each_feed(
    found: list[Signal], shuffle: random.Random, data: st.DataObject
) -> None:
    """Against a naive oracle; and a row keeps the same bytes, and no more than is needed."""
    one, other = Customer(0), Customer(0)
    for signal in found:
        one.note(signal, CARD.feeding)
    one.settle(CARD.feeding)
    mixed = list(found)
    shuffle.shuffle(mixed)
    for signal in mixed:
        other.note(signal, CARD.feeding)
        if data.draw(st.booleans()):
            other.settle(CARD.feeding)
            other.recent = thinned(other.recent)  # as a row would have it, that is read again
    other.settle(CARD.feeding)
    expected = naive(found)
    for customer in (one, other):
        for key in CARD.feed_keys:
            assert latest(customer.recent, {key}) == expected.get(key, [])
            assert latest(thinned(customer.recent), {key}) == expected.get(key, [])
    assert thinned(one.recent) == thinned(other.recent)
    assert list(thinned(one.recent)) == list(thinned(other.recent))
    kept = {event for events in thinned(one.recent).values() for event in events}
    assert kept == {event for events in expected.values() for event in events}


def test_much_use_hides_no_answer() -> None:
    """Many uses at once, of which most cost nothing, and an older answer among them."""
    uses: list[Signal] = [
        [0, 1000 + n, "acme", "app", f"u{n}", 2, "board", "ann", 0, 1, 0, 0] for n in range(14)
    ]
    answer: Signal = [0, 5, "acme", "app", "nps", 6, "nps", 900_000, 9000]
    customer = Customer(0)
    for signal in [answer, *uses]:
        customer.note(signal, CARD.feeding)
    assert customer.recent == {}
    customer.settle(CARD.feeding)
    for key, events in naive([answer, *uses]).items():
        assert latest(customer.recent, {key}) == events
    assert sum(map(len, customer.recent.values())) == 4


def test_what_is_kept_is_bounded_whatever_the_conditions() -> None:
    """Eight conditions tell events apart in 256 ways; no more are kept than their feeds need."""
    feeds = feeding(
        Feed(f"bit {n}", {Kind.FEATURE: lambda signal, n=n: bool(signal[9] >> n & 1)})  # type: ignore[misc]
        for n in range(8)
    )
    recent: Recent = {}
    for n in range(10_000):
        settle(recent, [[0, n, "acme", "app", f"e{n}", 2, "f", "u", 0, n % 256, 0, 0]], feeds)
        assert len(recent) <= GROUPS_MAX
    assert sum(map(len, thinned(recent).values())) <= 8 * RECENT_MAX
    for key, test in feeds[2]:
        assert test is not None
        told = [n for n in range(9_999, 9_000, -1) if test([0] * 9 + [n % 256])][:RECENT_MAX]
        assert [event[0] for event in latest(recent, {key})] == told


def test_within_keeps_what_a_new_card_still_looks_at() -> None:
    one, two = (5, "app", "a"), (6, "app", "b")
    assert within({(1, 2): [one], (2,): [two], (3,): [one]}, {1, 3}) == {(1,): [one], (3,): [one]}


def test_a_feed_is_named_by_its_text() -> None:
    assert account_feed("seats") == account_feed("seats")
    assert account_feed("seats").key != account_feed("plan").key
    series = Series("count use", Shape.COUNT, (Kind.FEATURE,))
    assert feed_of(series) == Feed("count use", {})


def test_an_event_says_something_of_the_account_or_not() -> None:
    billing = [0, 1, "acme", "app", "e", 5, "refund", None, None, 5, "EUR", None, 7, *[None] * 4]
    account = [0, 1, "acme", "app", "e", 1, {"status": "trial"}]
    for feed, says_billing, says_account in (
        (account_feed("seats"), True, False),
        (account_feed("plan"), False, False),
        (account_feed("status"), False, True),
        (account_feed("mrr_minor", "status"), False, True),
    ):
        of_billing, of_account = feed.tests[Kind.BILLING], feed.tests[Kind.ACCOUNT]
        assert of_billing is not None
        assert of_account is not None
        assert of_billing(billing) is says_billing
        assert of_account(account) is says_account
    assert Kind.BILLING not in account_feed("country").tests


def test_a_ticket_without_a_priority_may_be_about_any() -> None:
    def told(change: str, priority: str | None, category: str | None = None) -> Signal:
        return [0, 1, "acme", "app", "e", 4, "t", change, priority, category, None, None, None]

    assert ticket_feed() is FEEDS["tickets"]
    test = ticket_feed("urgent").tests[Kind.TICKET]
    assert test is not None
    assert test(told("solved", None))
    assert test(told("opened", "urgent"))
    assert test(told("escalated", None))
    assert not test(told("opened", "low"))
    test = ticket_feed(category="bug").tests[Kind.TICKET]
    assert test is not None
    assert test(told("opened", "low", "bug"))
    assert not test(told("opened", "low", "idea"))
    assert not (ticket_feed("low").tests[Kind.TICKET] or bool)(told("escalated", None))


def test_an_event_of_two_feeds_at_once_counts_once_in_each() -> None:
    """It stands under each set of feeds that it was told of; a feed that both have, has it once."""
    event: Event = (5, "app", "e")
    recent: Recent = {(1, 2): [event], (2, 3): [event]}
    assert thinned(recent) == recent
