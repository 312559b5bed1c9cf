"""The latency probes: every probe is waited for, and none counts twice."""

import json

import pytest

from schemas.inbound import AnyEvent
from schemas.scores import EventRef
from streams.demo.probes import Probes
from streams.demo.roster import accounts


@pytest.fixture
def probes():
    return Probes([account for account in accounts(7, 20) if account.probe])


def ref(event):
    return EventRef(source=event["source"], id=event["event_id"])


def test_probes_are_valid_events_that_open_and_solve_one_ticket_in_turn(probes):
    events = [probes.next(1_772_000_000_000 + n, n) for n in range(12)]
    for event in events:
        AnyEvent.validate_json(json.dumps(event))
    first = [e["change"] for e in events if e["customer_id"] == "latency-probe-1"]
    assert first == ["opened", "solved", "reopened", "solved"]
    assert len({event["event_id"] for event in events}) == 12


def test_a_change_that_names_the_probe_gives_its_latency_once(probes):
    event = probes.next(0, 10.0)
    assert probes.seen(event["customer_id"], [ref(event)], 10.25) == [250.0]
    assert probes.seen(event["customer_id"], [ref(event)], 11.0) == []
    assert probes.unanswered == 0


def test_earlier_probes_of_the_same_customer_count_as_waited_for(probes):
    events = [probes.next(0, float(n)) for n in range(4)]
    assert events[0]["customer_id"] == events[3]["customer_id"]
    assert probes.seen(events[3]["customer_id"], [ref(events[3])], 4.0) == [4000.0, 1000.0]
    assert probes.unanswered == 2


def test_changes_without_a_probe_are_no_samples(probes):
    event = probes.next(0, 0.0)
    assert probes.seen(event["customer_id"], [EventRef(source="crm", id="other")], 1.0) == []
    assert probes.seen("somebody-else", [ref(event)], 1.0) == []
    assert probes.unanswered == 1


def test_without_an_account_nothing_can_be_measured():
    with pytest.raises(ValueError, match="no account"):
        Probes([])
