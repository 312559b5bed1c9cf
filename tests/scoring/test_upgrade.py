"""The step from one state version to the next: when a partition takes it, and who cannot."""

import json
from dataclasses import replace

import pytest

import next_release
from partitionlog import HOUR_MS, SAAS, START_MS, Log, activation, block_of, event
from schemas.signals import ControlCopy
from scoring import row_body
from scoring.partition import PartitionFold
from scoring.row import is_customer, prefix_of
from scoring.versions import NewerState
from streams.reading.upgrade import Upgrade
from streams.scorer.verdict import verdict_on

NOW, NEXT = row_body.STATE_VERSION, next_release.NEXT


@pytest.fixture
def of_next_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the next release."""
    monkeypatch.setitem(row_body.CODECS, NEXT, next_release.codec())


def finalized(version: int, offset: int) -> ControlCopy:
    body = {"type": "state.finalized", "at": "2026-03-02T00:00:00Z", "author": "a", "reason": "r"}
    return ControlCopy(offset, json.dumps(body | {"version": version}).encode(), "")


def used(log: Log, number: int, customer: str) -> None:
    one = event("usage.feature", START_MS, customer, feature="f", event_id=f"e{number}")
    log.add(block_of([one], number), START_MS + HOUR_MS)


def versions(log: Log) -> dict[bytes, int]:
    log.fold.checkpoint()
    rows = log.fold.rows
    return {key: prefix_of(value).version for key, value in rows.items() if is_customer(key)}


@pytest.mark.usefixtures("of_next_release")
def test_s16_rows_follow_the_decision_as_they_change() -> None:
    """Before it they are the release before's; after it both versions lie side by side."""
    log = Log()
    log.add(activation(SAAS), START_MS)
    used(log, 1, "acme")
    used(log, 2, "cove")
    assert versions(log) == {b"acme": NOW, b"cove": NOW}
    log.add(finalized(NEXT, 1), START_MS + HOUR_MS)
    used(log, 3, "acme")
    assert versions(log) == {b"acme": NEXT, b"cove": NOW}
    again = PartitionFold(0, dict(log.fold.rows), log.fold.policy)
    again.check_seal()
    assert again.header.version == NEXT
    for customer in ("acme", "cove"):
        found, kept = again.customer(customer), log.fold.customer(customer)
        assert found is not None
        assert kept is not None
        assert found.state == kept.state


@pytest.mark.usefixtures("of_next_release")
def test_s16_an_older_decision_takes_nothing_back() -> None:
    log = Log()
    log.add(finalized(NEXT, 1), START_MS)
    log.add(finalized(NOW, 2), START_MS)
    assert log.fold.header.version == NEXT


def test_s16_a_release_that_does_not_know_the_version_stops_at_the_decision() -> None:
    """Its owner before was newer and accepted it."""
    with pytest.raises(NewerState, match=f"state version {NEXT} was finalized"):
        Log().add(finalized(NEXT, 1), START_MS)


def test_s16_a_copier_that_does_not_know_the_version_refuses_the_decision() -> None:
    assert verdict_on(finalized(NOW, 0).body).refused == ""
    assert verdict_on(finalized(NEXT, 0).body).refused == f"this release writes {NOW}"


def test_s16_what_was_refused_finalizes_nothing() -> None:
    log = Log()
    log.add(ControlCopy(1, finalized(NEXT, 0).body, "this release writes 2"), START_MS)
    assert log.fold.header.version == NOW


def test_finalizing_waits_for_workers_of_other_releases() -> None:
    found = Upgrade({0: 1, 1: 2, 2: 0}, {"0.2.0": 3}, "0.2.0", newest=2)
    assert found.behind == [0]
    assert found.why_not() is None
    mixed = replace(found, workers={"0.2.0": 2, "0.1.0": 1})
    assert "1 of release 0.1.0" in (mixed.why_not() or "")
    assert replace(found, versions={0: 2, 1: 2}).behind == []
