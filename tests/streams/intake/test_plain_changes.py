"""The short way of reading ticket and billing events says what the reference says, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties import examples
from schemas.inbound import Rejection, parse
from schemas.signals import Signal
from scoring.signals import signal_of
from strategies import event_dicts
from streams.intake.plain_changes import PlainChanges
from streams.intake.plain_events import PlainEvents

COMMON: dict[str, Any] = {
    "event_id": "e-1", "customer_id": "acme", "occurred_at": "2026-03-02T09:30:05.123456Z",
    "source": "desk", "schema_version": "1.0",
}  # fmt: skip
EVENTS: dict[str, dict[str, Any]] = {
    "tickets": COMMON | {
        "type": "ticket.changed", "ticket_id": "T-1", "change": "opened", "category": "Ärger ☕",
        "priority": "high", "first_response_s": 12.345, "resolution_s": 7200,
    },
    "billing": COMMON | {
        "type": "billing.changed", "change": "invoice_issued", "invoice_id": "I-1",
        "subscription_id": "S-1", "due_at": "2026-04-01T00:00:00Z", "amount_minor": 12_00,
        "currency": "EUR", "mrr_minor": -5, "seats": 7, "plan": "pro",
        "renewal_at": "2027-03-02T00:00:00Z", "reason": "said so",
    },
}  # fmt: skip
PLAIN = PlainEvents()


def reference(family: str, raw: bytes) -> tuple[str, Signal] | None:
    event = parse(family, raw)
    return None if isinstance(event, Rejection) else (event.source, signal_of(event, 7, 0))


def agrees(family: str, raw: bytes) -> bool:
    return PLAIN.reader(family)(raw, 7) in (None, reference(family, raw))


def encoded(family: str, **changes: Any) -> bytes:
    fields = {**EVENTS[family], **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def optional(family: str) -> dict[str, Any]:
    kept = {*COMMON, "type", "ticket_id", "change"} - {"schema_version"}
    return dict.fromkeys(EVENTS[family].keys() - kept, ...)


@pytest.mark.parametrize("family", EVENTS)
def test_what_is_plain_is_read(family: str) -> None:
    nothing = {name: None for name in optional(family) if name != "schema_version"}
    for raw in (
        encoded(family), encoded(family, **optional(family)), encoded(family, **nothing),
        b" \n" + encoded(family) + b"\t ",
    ):  # fmt: skip
        found = PLAIN.reader(family)(raw, 7)
        assert found is not None
        assert found == reference(family, raw)
        assert all(type(each) in (str, int, type(None)) for each in found[1])


ODD: list[Any] = [
    ..., None, "", " ", "x" * 201, "x" * 501, 0, 1, 1.0, 0.5, -1, True, [], {}, "é", "a b",
    "a\u007f", "a\tb", "\u00a0", "\ud800", 10**10, 10**15 + 1, 10**400, 1e300, float("inf"),
    float("nan"), "EUR\n", "eur", "EURO", "open", "urgent", "deleted", "2026-03-02T09:30:60Z",
    "2026-03-02T09:30:05+01:00", "9999-12-31T23:59:59Z",
]  # fmt: skip


@pytest.mark.parametrize("family", EVENTS)
def test_what_is_odd_is_read_as_the_reference_reads_it(family: str) -> None:
    for name in (*EVENTS[family], "extra", "properties", "satisfaction"):
        for value in ODD:
            assert agrees(family, encoded(family, **{name: value})), (name, value)


@pytest.mark.parametrize("family", EVENTS)
@given(data=st.data())
@settings(max_examples=examples(200))
def test_a_damaged_record_is_read_as_the_reference_reads_it(
    family: str, data: st.DataObject
) -> None:
    raw = bytearray(encoded(family))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        gone = data.draw(st.integers(0, 3))
        raw[at : at + gone] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b"0"])
        )
    assert agrees(family, bytes(raw))


@given(event_dicts(("ticket.changed", "billing.changed")))
def test_any_event_is_read_as_the_reference_reads_it(event: dict[str, Any]) -> None:
    family = "tickets" if event["type"] == "ticket.changed" else "billing"
    raw = json.dumps(event).encode()
    assert agrees(family, raw)
    other = "billing" if family == "tickets" else "tickets"
    assert PLAIN.reader(other)(raw, 7) is None


def test_the_check_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a reader that takes a time for another is found out."""
    careless = PlainChanges()
    monkeypatch.setattr(careless, "_ms", lambda text: 0)
    monkeypatch.setitem(PLAIN._readers, "tickets", careless.ticket)
    monkeypatch.setitem(PLAIN._readers, "billing", careless.billing)
    assert not any(agrees(family, encoded(family)) for family in EVENTS)
