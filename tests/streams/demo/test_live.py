"""The simulated company's present: told in any pieces, valid, with the promised play."""

import json
from collections import Counter

import pytest

from schemas.inbound import AnyEvent
from streams.clock import from_ms
from streams.demo.company import history
from streams.demo.live import ACT_MS, Live
from streams.demo.roster import accounts

START_MS = 1_772_000_000_000


def told(seed, until_ms, **options):
    return Live(seed, 200, START_MS, **options).until(START_MS + until_ms)


def test_how_the_time_is_cut_changes_nothing(seed, rng):
    live, pieces, at_ms = Live(seed, 200, START_MS), [], START_MS
    while at_ms < START_MS + 60_000:
        at_ms = min(START_MS + 60_000, at_ms + rng.randrange(2000))
        pieces += live.until(at_ms)
    assert pieces == told(seed, 60_000)


def test_live_events_are_valid_sorted_unique_and_of_their_time(seed):
    events = told(seed, 2 * ACT_MS)
    for event in events:
        AnyEvent.validate_json(json.dumps(event))
    times = [event["occurred_at"] for event in events]
    assert times == sorted(times)
    assert from_ms(START_MS).strftime("%Y-%m-%dT%H:%M") <= times[0]
    past = history(seed, 200, 30, from_ms(START_MS))
    ids = Counter((event["source"], event["event_id"]) for event in [*past, *events])
    assert max(ids.values()) == 1


def test_the_rate_is_kept(seed):
    use = [e for e in told(seed, 60_000, rate=100) if e.get("outcome") == "ok"]
    assert 4500 < len(use) < 6500


def test_within_a_minute_an_incident_and_a_wave_of_failed_payments_happen(seed):
    events = told(seed, 45_000)
    urgent = {e["customer_id"] for e in events if e.get("priority") == "urgent"}
    failed = {e["customer_id"] for e in events if e.get("change") == "payment_failed"}
    overdue = {e["customer_id"] for e in events if e.get("change") == "invoice_overdue"}
    leaving = {e["customer_id"] for e in events if e.get("change") == "cancel_scheduled"}
    assert len(urgent) >= 5
    assert len(failed) >= 5
    assert overdue <= failed
    assert leaving


def test_the_incident_strikes_one_region(seed):
    region = {account.customer_id: account.region for account in accounts(seed, 200)}
    struck = {e["customer_id"] for e in told(seed, 45_000) if e.get("category") == "outage"}
    assert len({region[customer] for customer in struck}) == 1


def test_every_outage_is_solved_and_every_overdue_invoice_paid(seed):
    events = told(seed, ACT_MS + 60_000)
    changes = {"opened": set(), "solved": set(), "invoice_overdue": set(), "invoice_paid": set()}
    for event in events:
        change = event.get("change")
        key = str(event.get("ticket_id") or event.get("invoice_id"))
        if change in changes and key.startswith(("outage-0", "wave-0")):
            changes[change].add(key)
    assert changes["opened"]
    assert changes["opened"] == changes["solved"]
    assert changes["invoice_overdue"]
    assert changes["invoice_overdue"] == changes["invoice_paid"]


def test_customers_that_were_silent_stay_silent(seed):
    silent = {a.customer_id for a in accounts(seed, 200) if a.silent_days is not None}
    working = {e["customer_id"] for e in told(seed, 20_000) if e.get("outcome") == "ok"}
    assert not silent & working


def test_the_past_cannot_be_told_twice(seed):
    live = Live(seed, 50, START_MS)
    live.until(START_MS + 1000)
    with pytest.raises(ValueError, match="told already"):
        live.until(START_MS + 999)


@pytest.mark.parametrize("rate", [0, -1, 5001])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(ValueError, match="can be simulated"):
        Live(1, 50, START_MS, rate=rate)


def test_the_smallest_company_plays_too(seed):
    events = Live(seed, 10, START_MS).until(START_MS + 3 * ACT_MS)
    assert {"payment_failed"} <= {event.get("change") for event in events}
