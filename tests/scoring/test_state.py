"""What is remembered, how much of it, and for how long."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    card_of,
    event,
    folded,
    plan_of,
    reading_of,
    signals_of,
)
from properties import examples
from schemas.inbound import InboundEvent
from schemas.signals import Kind
from scoring.duplicates import WINDOW_MS, WINDOW_USAGE_MS, Duplicates, Seen, fingerprint
from scoring.evaluate import evaluate
from scoring.moment import Moment
from scoring.past import Past
from scoring.plan import Plan
from scoring.room import AT_MOST
from scoring.signals import at_ms, signal_of
from scoring.state import CustomerState, forget
from streams.scorecards import shipped_card

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def state_of(*events: InboundEvent, now_ms: int = START_MS) -> CustomerState:
    log = Log()
    log.read(now_ms, *events)
    return log.customer().state


def value(state: CustomerState, metric: str, now_ms: int = START_MS) -> Any:
    """A metric's value in its unit; one of the shipped card's, or of what is always kept."""
    found = reading_of(state, metric, now_ms).value
    return found / 1_000_000 if type(found) is int else found


# -- caps ----------------------------------------------------------------------------------------


def kept_after_a_tick(now_ms: int, *events: InboundEvent) -> CustomerState:
    log = Log()
    log.read(now_ms, *events)
    log.tick(now_ms)
    return log.customer().state


def test_tickets_beyond_the_cap_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shut ones go first, then those untouched the longest."""
    monkeypatch.setitem(AT_MOST, "tickets", 8)
    changes = [("t0", "opened"), ("t1", "opened"), ("t1", "closed")]
    events = [
        event("ticket.changed", START_MS - 20 + n, ticket_id=ticket, change=change)
        for n, (ticket, change) in enumerate(
            [*changes, *((f"t{n}", "opened") for n in range(2, 10))]
        )
    ]
    assert set(kept_after_a_tick(START_MS, *events[:-1]).tickets) == {f"t{n}" for n in range(9)} - {
        "t1"
    }
    state = kept_after_a_tick(START_MS, *events)
    assert set(state.tickets) == {f"t{n}" for n in range(2, 10)}
    assert state.overflow == {"tickets": 2}
    assert value(state, "open_tickets") == 8


def test_invoices_beyond_the_cap_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are owed stay; a quarter more have room until the tick."""
    monkeypatch.setitem(AT_MOST, "invoices", 4)
    changes = ["invoice_due", "invoice_paid", "invoice_due", "invoice_due", "invoice_due"]
    events = [
        event("billing.changed", START_MS - 9 + n, invoice_id=f"i{n}", change=change)
        for n, change in enumerate(changes)
    ]
    assert len(state_of(*events).invoices) == 5
    state = kept_after_a_tick(START_MS, *events)
    assert set(state.invoices) == {"i0", "i2", "i3", "i4"}
    assert state.overflow == {"invoices": 1}
    assert value(state, "open_invoices") == 4


def test_goals_beyond_the_cap_are_counted() -> None:
    """A goal that was dropped goes first; one that nothing touched the longest after it."""
    goals = [
        event("engagement.goal", START_MS - n, goal_id=f"g{n}", change="set") for n in range(202)
    ]
    again = event("engagement.goal", START_MS, event_id="x", goal_id="g201", change="reached")
    dropped = event("engagement.goal", START_MS, event_id="y", goal_id="g1", change="dropped")
    state = kept_after_a_tick(START_MS, *goals, again, dropped)
    assert state.overflow == {"goals": 2}
    assert set(state.goals) == {f"g{n}" for n in range(202)} - {"g1", "g200"}
    assert value(state, "goals_reached") == 1


def test_between_two_ticks_there_is_room_for_a_quarter_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the greatest ids stay: an id does not change with what comes later."""
    monkeypatch.setitem(AT_MOST, "goals", 4)
    goals = [
        event("engagement.goal", START_MS - at, goal_id=f"g{at}", change="set")
        for at in (1, 0, 5, 3, 2, 4)
    ]
    again = event("engagement.goal", START_MS, event_id="x", goal_id="g0", change="reached")
    state = state_of(*goals, again)
    assert set(state.goals) == {"g1", "g2", "g3", "g4", "g5"}
    assert state.overflow == {"goals_at_once": 1}


# -- the last value is the one with the greatest time, then id ------------------------------------


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_sources_one_id_one_instant(order: tuple[int, int]) -> None:
    """Nothing says which is right: the choice must not depend on which came first."""
    ticket = {"event_id": "t", "ticket_id": "t"}
    invoice = {"event_id": "i", "invoice_id": "i"}
    pairs = []
    for n, source in ((1, "app"), (2, "crm")):
        change = {"change": ("solved", "opened")[n % 2], "priority": ("urgent", "low")[n % 2]}
        rated = {"satisfaction": n, "first_response_s": n}
        owed = {"change": ("invoice_paid", "invoice_due")[n % 2]}
        due = {"due_at": f"2026-01-0{n}T00:00:00Z"}
        pairs.append(
            [
                event("account.changed", START_MS, event_id="e", source=source, seats=n),
                event("ticket.changed", START_MS, source=source, **ticket, **change, **rated),
                event("billing.changed", START_MS, source=source, **invoice, **owed, **due),
            ]
        )
    state = state_of(*(one for n in order for one in pairs[n]))
    assert value(state, "open_tickets") == 1
    assert value(state, "open_tickets(priority: urgent)") == 1
    assert value(state, "mean(satisfaction, 180d)") == 0.25
    assert value(state, "median(first_response, 90d)") == 2
    assert value(state, "days_overdue") == 59
    assert state.fact("seats") == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_at_one_instant_the_greater_id_is_later(order: tuple[int, int]) -> None:
    changes = [
        event("ticket.changed", START_MS, event_id=i, ticket_id="t", change=change)
        for i, change in (("a", "opened"), ("b", "closed"))
    ]
    assert value(state_of(*(changes[n] for n in order)), "open_tickets") == 0


def test_a_field_that_is_null_is_cleared_and_one_that_is_absent_is_kept() -> None:
    state = state_of(
        event("account.created", START_MS - 2, seats=5, owner="dana"),
        event("account.changed", START_MS - 1, seats=None),
    )
    assert (state.fact("seats"), state.fact("owner"), state.fact("zone")) == (None, "dana", None)


def test_use_by_staff_and_by_machines() -> None:
    """Staff never count; machines count as use and features, not as people, and end no silence."""
    state = state_of(
        event("account.created", START_MS - 10 * DAY_MS, seats=1),
        event("usage.feature", START_MS - 5 * DAY_MS, feature="a", user="ann"),
        event("usage.feature", START_MS, feature="b", user="bot", user_kind="automated"),
        event("usage.feature", START_MS, event_id="x", feature="c", user="us", user_kind="staff"),
    )
    assert value(state, "distinct(feature, 28d)") == 2
    assert value(state, "count(use, 28d) / account.seats") == 2
    assert value(state, "distinct(user, 28d) / account.seats") == 1
    assert value(state, "days_since(human_use)") == 5


def test_use_by_staff_leaves_no_trace() -> None:
    """Not even that there was any use: none would be zero, where nothing is known."""
    plan = Plan(card_of(SAAS).series)
    ours = event("usage.feature", START_MS, feature="c", user="us", user_kind="staff")
    assert folded(plan, signals_of([ours])) == CustomerState()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("engagement.visit", {"page": "/pricing", "user": "visitor"}),
        ("engagement.campaign", {"campaign": "c", "reaction": "opened", "contact": "reader"}),
        ("engagement.feedback", {"sentiment": "negative", "feature": "export"}),
    ],
)
def test_what_is_no_use_makes_no_use_of_it(kind: str, fields: dict[str, Any]) -> None:
    """Who reads our mails or looks at the site works on no seat; what is complained of is not used.

    On the shipped card: "of the paid seats worked with it", "features used".
    """
    log = Log(text := shipped_card().read_text())
    log.read(START_MS, event("account.created", START_MS, seats=1), event(kind, START_MS, **fields))
    state, measures = log.customer().state, card_of(text).by_name
    moment = Moment(START_MS)
    assert measures["active_seats"].metric.read(state, moment).value is None
    assert measures["breadth"].metric.read(state, moment).value is None


def test_money_without_a_currency_keeps_the_one_known() -> None:
    state = state_of(
        event("billing.changed", START_MS - 2, change="refund", mrr_minor=5, currency="EUR"),
        event("billing.changed", START_MS - 1, change="refund", currency="USD"),
        event("billing.changed", START_MS, change="refund", mrr_minor=7),
    )
    assert (state.fact("mrr_minor"), state.fact("currency")) == (7, "EUR")


def test_one_subscription_of_several_does_not_end_the_account() -> None:
    one = event("billing.changed", START_MS - 1, change="cancelled", subscription_id="s")
    assert state_of(one).fact("status") is None
    whole = event("billing.changed", START_MS, change="cancelled")
    assert state_of(one, whole).fact("status") == "churned"


def test_windows_at_midnight() -> None:
    """A day leaves at midnight: 28 days are today and 27 before."""
    ms = START_MS + 23 * HOUR_MS
    state = state_of(event("usage.feature", ms, feature="f", user="u"), now_ms=ms)
    last = START_MS + 28 * DAY_MS - 1
    assert value(state, "distinct(feature, 28d)", last) == 1
    assert value(state, "distinct(feature, 28d)", last + 1) == 0
    assert reading_of(state, "distinct(feature, 28d)", ms).next_ms == last + 1


def test_windows_at_the_full_hour() -> None:
    """An hour leaves when the next begins: 6 hours are this one and 5 before."""
    metric = "count(use, 6h)"
    used = event("usage.feature", START_MS + HOUR_MS - 1, feature="f", quantity=3)
    state = folded(plan_of(metric), signals_of([used]))
    last = START_MS + 6 * HOUR_MS - 1
    assert value(state, metric, last) == 3
    assert value(state, metric, last + 1) == 0
    assert reading_of(state, metric, START_MS + HOUR_MS).next_ms == last + 1


# -- forgetting ----------------------------------------------------------------------------------


@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(histories.batches(max_size=20), st.integers(0, 900), histories.cards())
def test_forgetting_changes_no_score(events: list[InboundEvent], days: int, card_text: str) -> None:
    """What lies beyond the horizon did not count any more: pruned or not, the same lines."""
    now_ms = START_MS + days * DAY_MS
    for card in (card_of(SAAS), card_of(card_text)):
        plan = Plan(card.series)
        kept, pruned = (folded(plan, signals_of(events)) for _ in range(2))
        plan.prune(pruned, now_ms)
        forget(pruned, now_ms)
        moment = Moment(now_ms)
        expected = evaluate(kept, Past(), card, moment)
        assert evaluate(pruned, Past(), card, moment) == expected


def test_what_is_forgotten() -> None:
    events = [
        event("usage.feature", START_MS, feature="f", user="u"),
        event("ticket.changed", START_MS, ticket_id="t", change="opened"),
        event("billing.changed", START_MS, invoice_id="i", change="invoice_due"),
        event("engagement.goal", START_MS, goal_id="g", change="reached"),
        event("account.changed", START_MS - DAY_MS, seats=1),
        event("account.changed", START_MS, seats=2),
    ]
    metrics = ("distinct(feature, 28d)", "count(use, 28d)", "count(use, 6h)", "max(quantity, 28d)")
    plan = plan_of(*metrics)
    state = folded(plan, signals_of(events))

    def left(now_ms: int) -> tuple[int, int, int, int, list[bool]]:
        plan.prune(state, now_ms)
        forget(state, now_ms)
        kept = [any(one) if type(one) is list else bool(one) for one in state.series.values()]
        sizes = (len(state.tickets), len(state.invoices), len(state.goals))
        return (*sizes, len(state.levels["seats"].days), kept)

    assert left(START_MS + 72 * HOUR_MS) == (1, 1, 1, 2, [True, True, True, True])
    assert left(START_MS + 73 * HOUR_MS) == (1, 1, 1, 2, [True, True, False, True])
    assert left(START_MS + 400 * DAY_MS) == (1, 1, 1, 2, [True, True, False, True])
    assert left(START_MS + 401 * DAY_MS) == (0, 0, 0, 1, [False, False, False, False])
    # That there once was one is remembered: none is not "no data".
    gone_ms = START_MS + 401 * DAY_MS
    assert value(state, "open_tickets", gone_ms) == 0
    assert value(state, "days_overdue", gone_ms) == 0
    assert value(state, "distinct(feature, 28d)", gone_ms) == 0
    # And what holds until it is changed still holds.
    assert value(state, "account.seats", gone_ms) == 2
    assert value(state, "change(account.seats, 400d)", gone_ms) == 0


@pytest.mark.parametrize(
    ("metric", "kind", "fields"),
    [
        ("days_overdue", "billing.changed", {"invoice_id": "i", "change": "invoice_due"}),
        ("oldest_open_ticket", "ticket.changed", {"ticket_id": "t", "change": "opened"}),
    ],
)
def test_forgetting_what_drifts_is_an_instant_of_change(
    metric: str, kind: str, fields: dict[str, str]
) -> None:
    """Its curve is level by then: only the jump makes it due."""
    state = state_of(event(kind, START_MS, **fields))
    reading = reading_of(state, metric, START_MS + 399 * DAY_MS)
    assert reading.jump_ms == START_MS + 401 * DAY_MS
    if metric == "days_overdue":
        moment = Moment(START_MS + 399 * DAY_MS)
        found = evaluate(state, Past(), card_of(SAAS), moment)
        assert found.next_ms == START_MS + 401 * DAY_MS


# -- the duplicate window ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "window_ms"), [(Kind.TICKET, WINDOW_MS), (Kind.FEATURE, WINDOW_USAGE_MS)]
)
def test_s13_the_edge_of_the_window(kind: Kind, window_ms: int) -> None:
    """S13: three days for tickets, billing and the rest, six hours for use; from the hour on."""
    edge_ms = START_MS - window_ms
    for ms, seen in ((edge_ms, Seen.DUPLICATE), (edge_ms - 1, Seen.UNCHECKED)):
        window = Duplicates()
        assert window.check("app", "e", ms, kind) is Seen.NEW
        window.advance(START_MS + 59 * 60_000)
        assert window.check("app", "e", ms, kind) is seen


def test_ids_of_other_sources_and_hours_are_new() -> None:
    window = Duplicates()
    assert window.check("app", "e", START_MS, Kind.TICKET) is Seen.NEW
    assert window.check("crm", "e", START_MS, Kind.TICKET) is Seen.NEW
    assert window.check("app", "e", START_MS, Kind.TICKET) is Seen.DUPLICATE
    assert len(window) == 2
    assert fingerprint("app", "e") != fingerprint("crm", "e")
    assert fingerprint("a", "pp") != fingerprint("ap", "p")


def test_segments_carry_what_is_new() -> None:
    window = Duplicates()
    assert window.take_segment(1) is None
    window.check("app", "e", START_MS, Kind.TICKET)
    segment = window.take_segment(2)
    assert segment is not None
    assert window.take_segment(3) is None
    assert segment.last_hour == START_MS // HOUR_MS
    again = Duplicates()
    again.restore(segment)
    assert again.check("app", "e", START_MS, Kind.TICKET) is Seen.DUPLICATE
    late = Duplicates()
    late.advance(START_MS + 4 * DAY_MS)
    late.restore(segment)
    assert len(late) == 0
    assert late.expired(segment.last_hour)
    assert not again.expired(segment.last_hour)


# -- signals -------------------------------------------------------------------------------------

NPS = {"survey": "nps"}
OWN = {"properties": {"a": 1}}
POST = {"activity": "post"}
GUIDE = {"kind": "tutorial", "item": "t"}
MORE = [
    ("campaign", {"campaign": "c", "reaction": "opened"}, [Kind.TOUCH, "campaign.opened", 0, "c"]),
    ("community", POST, [Kind.TOUCH, "community.post", 0]),
    (
        "community",
        {**POST, "channel": "f", "user": "u", "sentiment": "negative"},
        [Kind.TOUCH, "community.post", 0, "f", "u", "negative"],
    ),
    ("learning", GUIDE, [Kind.TOUCH, "learning.tutorial", 0, "t"]),
    (
        "learning",
        {**GUIDE, "completed": True, "user": "u"},
        [Kind.TOUCH, "learning.tutorial", 1, "t", "u"],
    ),
    ("learning", {**GUIDE, **OWN}, [Kind.TOUCH, "learning.tutorial", 0, "t", None, None, {"a": 1}]),
    ("visit", {"page": "/"}, [Kind.TOUCH, "visit", 0, "/"]),
    ("lifecycle", {"stage": "s"}, [Kind.LIFECYCLE, "s"]),
    ("contact", {"kind": "call"}, [Kind.CONTACT, "call", "outbound"]),
    ("contact", {"kind": "call", "by": "d"}, [Kind.CONTACT, "call", "outbound", "d"]),
    ("contact", {"kind": "call", **OWN}, [Kind.CONTACT, "call", "outbound", None, {"a": 1}]),
    ("survey", {"survey": "csat", "score": 4}, [Kind.SURVEY, "csat", 750_000, 4000]),
    ("survey", {**NPS, "score": 99}, [Kind.SURVEY, "nps", 1_000_000, 99_000]),
    ("survey", {**NPS, "score": 5, "scale_max": 0}, [Kind.SURVEY, "nps", None, 5000]),
    ("survey", {**NPS, "score": 5, "respondent": "r"}, [Kind.SURVEY, "nps", 500_000, 5000, "r"]),
]


@pytest.mark.parametrize(("kind", "fields", "payload"), MORE, ids=lambda case: str(case)[:40])
def test_events_as_signals(kind: str, fields: dict[str, Any], payload: list[Any]) -> None:
    signal = signal_of(event(f"engagement.{kind}", START_MS + 7, event_id="e", **fields), 5, 2)
    assert signal == [5, START_MS + 7, "acme", 2, "e", *payload]


def test_other_families_as_signals() -> None:
    closed = signal_of(event("account.closed", START_MS), 0, 0)
    assert closed[5:] == [Kind.ACCOUNT, {"status": "churned"}]
    order = signal_of(event("usage.activity", START_MS, activity="order", rating=4), 0, 0)
    assert order[5:] == [Kind.ACTIVITY, "order", None, None, None, 800_000]
    item = signal_of(event("usage.activity", START_MS, activity="order", item="i", **OWN), 0, 0)
    assert item[5:] == [Kind.ACTIVITY, "order", None, None, None, None, "i", {"a": 1}]


@pytest.mark.parametrize(
    ("kind", "fields", "metric"),
    [
        ("usage.feature", {"feature": "f"}, "last(property.a, 28d, of: use)"),
        ("usage.activity", {"activity": "order"}, "last(property.a, of: order)"),
        ("ticket.changed", {"ticket_id": "t", "change": "opened"}, "last(property.a, of: ticket)"),
        ("billing.changed", {"change": "refund"}, "last(property.a, of: refund)"),
        ("engagement.survey", {**NPS, "score": 1}, "last(property.a, of: nps)"),
        ("engagement.feedback", {"sentiment": "positive"}, "last(property.a, of: feedback)"),
        ("engagement.contact", {"kind": "mail"}, "last(property.a, of: mail)"),
        ("engagement.goal", {"goal_id": "g", "change": "set"}, "last(property.a, of: goal_set)"),
        ("engagement.visit", {"page": "/"}, "last(property.a, of: site_visit)"),
        ("engagement.learning", GUIDE, "last(property.a, of: tutorial)"),
        ("engagement.community", POST, "last(property.a, of: community_post)"),
    ],
)
def test_own_properties_are_read_of_every_kind(
    kind: str, fields: dict[str, Any], metric: str
) -> None:
    """Whatever else the event says or leaves out, they stand where they are looked for."""
    plan = plan_of(metric, "distinct(property.b, 28d)")
    (signal,) = signals_of([event(kind, START_MS, **fields, properties={"a": 7, "b": "x"})])
    state = folded(plan, [signal])
    assert value(state, metric) == 7
    assert value(state, "distinct(property.b, 28d)") == 1


def test_times_are_rounded_down_to_a_millisecond() -> None:
    one = event("engagement.visit", 0, page="/")
    assert at_ms(one.occurred_at.replace(microsecond=999)) == 0
    assert at_ms(one.occurred_at.replace(year=1969, microsecond=1999)) % 1000 == 1
