"""What is remembered, how much of it, and for how long."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import DAY_MS, HOUR_MS, SHIPPED, START_MS, Log, card_of, event
from schemas.inbound import InboundEvent
from schemas.signals import Kind
from scoring import fold as fold_module
from scoring import state as state_module
from scoring.bands import Standing
from scoring.duplicates import WINDOW_MS, WINDOW_USAGE_MS, Duplicates, Seen, fingerprint
from scoring.evaluate import evaluate
from scoring.metrics import METRICS
from scoring.signals import at_ms, signal_of
from scoring.state import PRUNE_DAYS, CustomerState, LastSeen, prune

TODAY = START_MS // DAY_MS
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def state_of(*events: InboundEvent, now_ms: int = START_MS) -> CustomerState:
    log = Log()
    log.read(now_ms, *events)
    return log.customer().state


def value(state: CustomerState, name: str, now_ms: int = START_MS, days: int | None = None) -> Any:
    """A metric's value in its unit."""
    metric = METRICS[name]
    found = metric.read(state, now_ms, days or metric.window_days or 0).value
    return None if found is None else found / 1_000_000


# -- caps ----------------------------------------------------------------------------------------


def test_tickets_beyond_the_cap_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known ones still change; new ones are turned away, and nobody is told less than the cap."""
    monkeypatch.setattr(fold_module, "TICKETS_MAX", 3)
    events = [
        event("ticket.changed", START_MS - 9 + n, ticket_id=f"t{n}", change="opened")
        for n in range(5)
    ]
    closed = event("ticket.changed", START_MS, ticket_id="t0", change="closed")
    state = state_of(*events, closed)
    assert state.overflow == {"tickets": 2}
    assert value(state, "open_tickets") == 2


def test_invoices_beyond_the_cap_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_module, "INVOICES_MAX", 1)
    events = [
        event("billing.changed", START_MS - 9 + n, invoice_id=f"i{n}", change="invoice_due")
        for n in range(3)
    ]
    state = state_of(*events)
    assert state.overflow == {"invoices": 2}
    assert len(state.invoices) == 1


def test_users_and_features_beyond_the_cap_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "SEEN_MAX", 2)
    events = [
        event("usage.feature", START_MS - n, feature=f"f{n}", user=f"u{n}", quantity=1)
        for n in range(4)
    ]
    visits = [
        event("usage.activity", START_MS - n, event_id=f"v{n}", activity=kind, user=kind)
        for n, kind in enumerate(("visit", "order"))
    ]
    state = state_of(*events, *visits)
    assert state.overflow == {"features": 4, "users": 4}
    assert value(state, "distinct_features") == 2
    assert state.days[TODAY].uses + state.days[TODAY - 1].uses == 6


def test_goals_beyond_the_cap_are_counted() -> None:
    goals = [
        event("engagement.goal", START_MS - n, goal_id=f"g{n}", change="set") for n in range(202)
    ]
    again = event("engagement.goal", START_MS, event_id="x", goal_id="g0", change="reached")
    state = state_of(*goals, again)
    assert state.overflow == {"goals": 2}
    assert state.fact("goal.g0")[1] == "reached"


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
    assert value(state, "urgent_tickets") == 1
    assert value(state, "satisfaction_mean") == 0.25
    assert value(state, "first_response_median") == 2
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
    assert value(state, "distinct_features") == 2
    assert value(state, "uses_per_seat") == 2
    assert value(state, "active_users_per_seat") == 1
    assert value(state, "days_since_use") == 5


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
    assert value(state, "distinct_features", last) == 1
    assert value(state, "distinct_features", last + 1) == 0
    assert METRICS["distinct_features"].read(state, ms, 28).next_ms == last + 1


# -- forgetting ----------------------------------------------------------------------------------


@settings(max_examples=25, suppress_health_check=SLOW)
@given(histories.batches(max_size=20), st.integers(0, 900))
def test_forgetting_changes_no_score(events: list[InboundEvent], days: int) -> None:
    """What lies beyond the horizon did not count any more: pruned or not, the same lines."""
    now_ms = START_MS + days * DAY_MS
    kept, pruned = state_of(*events), state_of(*events)
    prune(pruned, now_ms)
    card = card_of(SHIPPED)
    assert evaluate(pruned, Standing(), card, now_ms) == evaluate(kept, Standing(), card, now_ms)


def test_what_is_forgotten() -> None:
    state = state_of(
        event("usage.feature", START_MS, feature="f", user="u"),
        event("ticket.changed", START_MS, ticket_id="t", change="opened"),
        event("billing.changed", START_MS, invoice_id="i", change="invoice_due"),
    )
    prune(state, START_MS + 400 * DAY_MS)
    assert (len(state.days), len(state.tickets), len(state.invoices)) == (1, 1, 1)
    prune(state, START_MS + (401 + PRUNE_DAYS) * DAY_MS)
    assert (state.days, state.tickets, state.invoices) == ({}, {}, {})
    assert (state.users, state.features) == (LastSeen(), LastSeen())
    # That there once was one is remembered: none is not "no data".
    assert value(state, "open_tickets", START_MS + 401 * DAY_MS) == 0
    assert value(state, "days_overdue", START_MS + 401 * DAY_MS) == 0
    assert value(state, "distinct_features", START_MS + 401 * DAY_MS) == 0


def test_forgetting_an_overdue_invoice_is_an_instant_of_change() -> None:
    """Its curve is level by then: only the jump makes it due."""
    state = state_of(event("billing.changed", START_MS, invoice_id="i", change="invoice_due"))
    reading = METRICS["days_overdue"].read(state, START_MS + 399 * DAY_MS, 0)
    assert reading.jump_ms == START_MS + 401 * DAY_MS
    found = evaluate(state, Standing(), card_of(SHIPPED), START_MS + 399 * DAY_MS)
    assert found.next_ms == START_MS + 401 * DAY_MS


def test_last_seen_counts_each_member_on_its_last_day() -> None:
    seen = LastSeen()
    for member, day in (("a", 5), ("a", 3), ("a", 7), ("b", 7), ("c", 1)):
        assert seen.add(member, day)
    assert (seen.days, seen.by_day) == ({"a": 7, "b": 7, "c": 1}, {7: 2, 1: 1})
    seen.add("b", 9)
    seen.forget_before(2)
    assert (seen.days, seen.by_day) == ({"a": 7, "b": 9}, {7: 1, 9: 1})


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
MORE = [
    ("campaign", {"campaign": "c", "reaction": "opened"}, [Kind.TOUCH, "campaign.opened", 0]),
    ("community", {"activity": "post"}, [Kind.TOUCH, "community.post", 0]),
    ("learning", {"kind": "tutorial", "item": "t"}, [Kind.TOUCH, "learning.tutorial", 0]),
    ("visit", {"page": "/"}, [Kind.TOUCH, "visit", 0]),
    ("lifecycle", {"stage": "s"}, [Kind.LIFECYCLE, "s"]),
    ("contact", {"kind": "call"}, [Kind.CONTACT, "call", "outbound"]),
    ("survey", {"survey": "csat", "score": 4}, [Kind.SURVEY, "csat", 750_000, 4000]),
    ("survey", {**NPS, "score": 99}, [Kind.SURVEY, "nps", 1_000_000, 99_000]),
    ("survey", {**NPS, "score": 5, "scale_max": 0}, [Kind.SURVEY, "nps", None, 5000]),
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


def test_times_are_rounded_down_to_a_millisecond() -> None:
    one = event("engagement.visit", 0, page="/")
    assert at_ms(one.occurred_at.replace(microsecond=999)) == 0
    assert at_ms(one.occurred_at.replace(year=1969, microsecond=1999)) % 1000 == 1
