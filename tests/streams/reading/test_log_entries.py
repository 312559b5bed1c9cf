"""Records of the signals log by names: nothing of a signal is lost, filters keep what they say."""

import json
import re
from typing import Any

import msgspec
import pytest

from partitionlog import SAAS, START_MS, activation, block_of, event, source_control
from schemas import signals
from schemas.inbound import InboundEvent
from schemas.signals import ROLLUP, Block, Kind, LogRecord, Progress, Tick
from streams.reading.log_entries import SIGNAL_KINDS, Wanted, entry_of, signal_entry
from streams.reading.log_lines import lines_of

OWN = {"rows": 120, "beta": True}
#: One event of every kind, every field set, and what its fields must be called.
EVENTS: dict[str, tuple[InboundEvent, dict[str, Any]]] = {
    "account": (
        event("account.created", START_MS, name="Acme", seats=3, internal=False,
              renewal_at="2027-01-01T00:00:00Z"),
        {"name": "Acme", "seats": 3, "internal": False,
         "renewal_at": "2027-01-01T00:00:00.000Z", "created_at": "2026-03-02T00:00:00.000Z"},
    ),
    "feature": (
        event("usage.feature", START_MS, feature="export", user="u", user_kind="staff",
              quantity=2, duration_s=1.5, outcome="failed", properties=OWN),
        {"feature": "export", "user": "u", "user_kind": "staff", "quantity": 2,
         "duration_ms": 1500, "failed": True, "properties": OWN},
    ),
    "activity": (
        event("usage.activity", START_MS, activity="order", user="u", amount_minor=100,
              currency="EUR", rating=4, rating_scale_max=5, item="i", properties=OWN),
        {"activity": "order", "user": "u", "amount_minor": 100, "currency": "EUR",
         "rating_ppm": 800_000, "item": "i", "properties": OWN},
    ),
    "ticket": (
        event("ticket.changed", START_MS, ticket_id="t", change="solved", priority="urgent",
              category="bug", first_response_s=60, resolution_s=120, satisfaction=1,
              satisfaction_scale_max=1, properties=OWN),
        {"ticket": "t", "change": "solved", "priority": "urgent", "category": "bug",
         "first_response_ms": 60_000, "resolution_ms": 120_000, "satisfaction_ppm": 1_000_000,
         "properties": OWN},
    ),
    "billing": (
        event("billing.changed", START_MS, change="subscription_renewed", invoice_id="i",
              due_at="2026-03-03T00:00:00Z", amount_minor=5, currency="EUR", mrr_minor=7, seats=9,
              plan="pro", renewal_at="2027-01-01T00:00:00Z", reason="r", subscription_id="s",
              properties=OWN),
        {"change": "subscription_renewed", "invoice": "i", "due_at": "2026-03-03T00:00:00.000Z",
         "amount_minor": 5, "currency": "EUR", "mrr_minor": 7, "seats": 9, "plan": "pro",
         "renewal_at": "2027-01-01T00:00:00.000Z", "reason": "r", "subscription": "s",
         "properties": OWN},
    ),
    "survey": (
        event("engagement.survey", START_MS, survey="nps", score=9, respondent="u",
              properties=OWN),
        {"survey": "nps", "score_ppm": 900_000, "score_thousandths": 9000, "respondent": "u",
         "properties": OWN},
    ),
    "feedback": (
        event("engagement.feedback", START_MS, sentiment="negative", feature="export",
              properties=OWN),
        {"sentiment": "negative", "feature": "export", "properties": OWN},
    ),
    "contact": (
        event("engagement.contact", START_MS, kind="call", direction="inbound", by="dana",
              properties=OWN),
        {"kind": "call", "direction": "inbound", "by": "dana", "properties": OWN},
    ),
    "goal": (
        event("engagement.goal", START_MS, goal_id="g", kind="milestone", change="due",
              due_at="2026-03-03T00:00:00Z", properties=OWN),
        {"goal": "g", "kind": "milestone", "change": "due", "due_at": "2026-03-03T00:00:00.000Z",
         "properties": OWN},
    ),
    "pulse": (
        event("engagement.pulse", START_MS, pulse="worried", reason="r", author="a",
              expires_at="2026-03-03T00:00:00Z"),
        {"pulse": "worried", "reason": "r", "author": "a",
         "expires_at": "2026-03-03T00:00:00.000Z"},
    ),
    "state": (
        event("engagement.state", START_MS, state="not_pursued", reason="r", author="a"),
        {"state": "not_pursued", "reason": "r", "author": "a"},
    ),
    "lifecycle": (
        event("engagement.lifecycle", START_MS, stage="onboarding"),
        {"stage": "onboarding"},
    ),
    "touch": (
        event("engagement.community", START_MS, activity="post", channel="forum", user="u",
              sentiment="negative", properties=OWN),
        {"what": "community.post", "completed": False, "item": "forum", "user": "u",
         "sentiment": "negative", "properties": OWN},
    ),
}  # fmt: skip


def entry(record: LogRecord, wanted: Wanted | None = None) -> dict[str, Any] | None:
    return entry_of(3, 42, START_MS, signals.encode(record), wanted or Wanted())


#: What accounts tell each other: payloads, and what their fields must be called.
TOLD: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "rollup": (
        ["child", None, [7000, 0, 1], "event"],
        {"child": "child", "now": [7000, 0, 1], "cause": "event"},
    ),
    "probe": (
        [[["child", START_MS, "e"]], 1, "a \u2192 b \u2192 a"],
        {"path": [["child", START_MS, "e"]], "levels_below": 1, "cycle": "a \u2192 b \u2192 a"},
    ),
    "answer": (
        [START_MS, "e", "hierarchy_levels"],
        {"said_at": "2026-03-02T00:00:00.000Z", "said_by": "e", "problem": "hierarchy_levels"},
    ),
}


def test_every_kind_of_signal_is_among_the_samples() -> None:
    assert EVENTS.keys() | TOLD.keys() == set(SIGNAL_KINDS)


@pytest.mark.parametrize("kind", TOLD)
def test_each_field_of_what_accounts_tell_each_other_has_its_name(kind: str) -> None:
    payload, fields = TOLD[kind]
    signal = [7, START_MS, "parent", 0, "", int(Kind[kind.upper()]), *payload]
    told = entry(Block(ROLLUP, 2, [ROLLUP], [signal]))
    assert told is not None
    assert told["from"] == "rollup/2"
    assert told["signals"][0]["fields"] == fields
    assert len(list(lines_of(told))) == 2


@pytest.mark.parametrize("kind", EVENTS)
def test_each_field_of_a_signal_has_its_name(kind: str) -> None:
    one, fields = EVENTS[kind]
    block = block_of([one], 7)
    # As from the log: what the encoder changes is changed here too.
    again = signals.decode(signals.encode(block))
    assert isinstance(again, Block)
    assert signal_entry(again.signals[0], again.sources) == {
        "offset": 7,
        "at": "2026-03-02T00:00:00.000Z",
        "customer": "acme",
        "kind": kind,
        "source": "app",
        "event_id": one.event_id,
        "fields": fields,
    }


def test_what_a_newer_release_appended_is_shown_by_number() -> None:
    known = signal_entry([0, START_MS, "c", 0, "e", Kind.LIFECYCLE, "onboarding", 5], ["app"])
    assert known["fields"] == {"stage": "onboarding", "field_2": 5}
    unknown = signal_entry([0, START_MS, "c", 0, "e", 99, "x"], ["app"])
    assert (unknown["kind"], unknown["fields"]) == ("kind_99", {"field_1": "x"})


def test_the_records_around_signals() -> None:
    head = {"partition": 3, "offset": 42, "appended_at": "2026-03-02T00:00:00.000Z"}
    assert entry(Tick(START_MS, "a", None)) == head | {
        "kind": "tick", "now": "2026-03-02T00:00:00.000Z", "after": "a", "through": None,
    }  # fmt: skip
    assert entry(Progress({"t/1": START_MS, "t/0": 0})) == head | {
        "kind": "progress",
        "read_to": {"t/0": "1970-01-01T00:00:00.000Z", "t/1": "2026-03-02T00:00:00.000Z"},
    }
    asked = entry(Progress({}))
    assert asked is not None
    assert "of no source" in "".join(lines_of(asked))
    control = entry(activation(SAAS, 5))
    assert control is not None
    assert control["control_offset"] == 5
    assert control["decision"]["type"] == "scorecard.activated"
    assert "text" not in control["decision"]


@pytest.mark.parametrize("value", [b"", None, b"not ours", msgspec.msgpack.encode(["z", 1])])
def test_a_foreign_record_is_shown_not_raised(value: bytes | None) -> None:
    found = entry_of(0, 1, START_MS, value, Wanted())
    assert found is not None
    assert found["kind"] == "unreadable"
    assert list(lines_of(found))


def test_a_control_copy_that_is_none_is_shown() -> None:
    found = entry(signals.ControlCopy(0, b"{}"))
    assert found is not None
    assert "not a control record" in found["problem"]
    assert list(lines_of(found))


MIXED = block_of(
    [
        event("usage.feature", START_MS, "acme", feature="f", event_id="1"),
        event("usage.activity", START_MS, "acme", activity="order", event_id="2"),
        event("usage.feature", START_MS, "zed", feature="f", event_id="3"),
    ],
    0,
)


@pytest.mark.parametrize(
    ("kinds", "customer", "ids"),
    [
        ([], None, ["1", "2", "3"]),
        (["block"], None, ["1", "2", "3"]),
        (["feature"], None, ["1", "3"]),
        (["feature", "activity"], "acme", ["1", "2"]),
        (["feature", "block"], "acme", ["1", "2"]),
        ([], "zed", ["3"]),
        (["tick"], None, []),
        (["tick"], "acme", []),
        ([], "nobody", []),
        (["pulse"], None, []),
    ],
)
def test_of_a_block_what_is_wanted_is_shown(
    kinds: list[str], customer: str | None, ids: list[str]
) -> None:
    found = entry(MIXED, Wanted(frozenset(kinds), customer))
    assert [s["event_id"] for s in found["signals"]] == ids if found else ids == []


@pytest.mark.parametrize(
    ("kinds", "customer", "shown"),
    [
        ([], None, {"tick", "progress", "control"}),
        ([], "m", {"control"}),
        (["tick"], "m", {"tick"}),
        (["tick"], "z", set()),  # outside of the tick's range
        (["tick"], "a", set()),  # after is exclusive
        (["tick"], "n", {"tick"}),  # through is inclusive
        (["progress"], "m", {"progress"}),
        (["feature"], None, set()),
    ],
)
def test_of_other_records_those_are_shown_that_concern_the_customer(
    kinds: list[str], customer: str | None, shown: set[str]
) -> None:
    wanted = Wanted(frozenset(kinds), customer)
    records = [
        Tick(START_MS, "a", "n"),
        Progress({"t/0": START_MS}),
        source_control("source.stalled", "t", 0),
    ]
    found = [entry(record, wanted) for record in records]
    assert {each["kind"] for each in found if each is not None} == shown


def test_lines_tell_all_and_no_event_can_paint_the_terminal() -> None:
    one = event("usage.feature", START_MS, "acme", feature="a\x1b[31m b\x07", user="u")
    found = entry(block_of([one], 0))
    assert found is not None
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines_of(found)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r'feature="a\x1b[31m b\x07"' in text
    assert "1 signals from health.usage.v1/0" in text
    assert "\x1b" not in json.dumps(found)


def test_a_line_of_progress_names_who_holds_time_back() -> None:
    found = entry(Progress({"a/0": START_MS, "a/1": START_MS - 1000, "b/0": START_MS}))
    assert found is not None
    (line,) = lines_of(found)
    assert "all read to 2026-03-01 23:59:59.000 (a/1)" in line
    assert "a (2) 2026-03-01 23:59:59.000" in line
    assert "b (1) 2026-03-02 00:00:00.000" in line
