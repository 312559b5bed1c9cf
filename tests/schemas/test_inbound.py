"""Bytes become an event or a reason, never an exception."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.inbound import FAMILIES, RECORD_BYTES_MAX, Reason, Rejection, family_of, parse
from strategies import event_dicts, events

VALID: dict[str, Any] = {
    "event_id": "e-1",
    "customer_id": "acme",
    "occurred_at": "2026-03-01T09:30:00Z",
    "source": "app",
    "type": "usage.feature",
    "feature": "export",
}


def with_(**fields: Any) -> bytes:
    return json.dumps({**VALID, **fields}).encode()


def without(*names: str) -> bytes:
    return json.dumps({name: v for name, v in VALID.items() if name not in names}).encode()


def raw(field: str, value: str) -> bytes:
    """The valid event with a field written as given, also where that is no JSON."""
    return json.dumps(VALID).encode()[:-1] + f', "{field}": {value}}}'.encode()


BAD: dict[str, tuple[bytes | None, Reason]] = {
    "tombstone": (None, Reason.EMPTY),
    "empty value": (b"", Reason.EMPTY),
    "2 MB": (with_(note="x" * 2_000_000), Reason.TOO_LARGE),
    "words": (b"hello", Reason.NOT_JSON),
    "white space": (b" \n", Reason.NOT_JSON),
    "cut off": (with_()[:-5], Reason.NOT_JSON),
    "two in one": (with_() * 2, Reason.NOT_JSON),
    "byte order mark": (b"\xef\xbb\xbf" + with_(), Reason.NOT_JSON),
    "UTF-16": (json.dumps(VALID).encode("utf-16"), Reason.NOT_JSON),
    "invalid UTF-8": (with_(feature="X").replace(b"X", b"\xff\xfe"), Reason.NOT_JSON),
    "lone surrogate": (raw("user", r'"\ud800"'), Reason.NOT_JSON),
    "lone surrogate in a field nobody reads": (raw("note", r'"\udc00"'), Reason.NOT_JSON),
    "100,000 deep": (raw("note", "[" * 100_000 + "]" * 100_000), Reason.NOT_JSON),
    "integer of 5,000 digits": (raw("quantity", "9" * 5000), Reason.NOT_JSON),
    "list": (b"[]", Reason.NOT_AN_OBJECT),
    "list of events": (b"[" + with_() + b"]", Reason.NOT_AN_OBJECT),
    "null": (b"null", Reason.NOT_AN_OBJECT),
    "number": (b"7", Reason.NOT_AN_OBJECT),
    "text": (b'"event"', Reason.NOT_AN_OBJECT),
    "empty object": (b"{}", Reason.UNKNOWN_TYPE),
    "no type": (without("type"), Reason.UNKNOWN_TYPE),
    "unknown type": (with_(type="usage.teleport"), Reason.UNKNOWN_TYPE),
    "another family's type": (with_(type="account.closed"), Reason.UNKNOWN_TYPE),
    "type in capitals": (with_(type="Usage.Feature"), Reason.UNKNOWN_TYPE),
    "type a number": (with_(type=1), Reason.UNKNOWN_TYPE),
    "major version 2": (with_(schema_version="2.0"), Reason.UNKNOWN_VERSION),
    "version a number": (with_(schema_version=1.0), Reason.UNKNOWN_VERSION),
    "version in other digits": (with_(schema_version="1.٣"), Reason.UNKNOWN_VERSION),
    "no customer": (without("customer_id"), Reason.MISSING_CUSTOMER),
    "customer null": (with_(customer_id=None), Reason.MISSING_CUSTOMER),
    "customer empty": (with_(customer_id=""), Reason.MISSING_CUSTOMER),
    "customer a number": (with_(customer_id=7), Reason.MISSING_CUSTOMER),
    "customer of blanks": (with_(customer_id="  "), Reason.MISSING_CUSTOMER),
    "customer ends in a blank": (with_(customer_id="acme "), Reason.MISSING_CUSTOMER),
    "customer ends in a newline": (with_(customer_id="acme\n"), Reason.MISSING_CUSTOMER),
    "NUL in the customer": (with_(customer_id="ac\0me"), Reason.MISSING_CUSTOMER),
    "escape in the customer": (with_(customer_id="\x1b[2J"), Reason.MISSING_CUSTOMER),
    "customer of 201 characters": (with_(customer_id="x" * 201), Reason.MISSING_CUSTOMER),
    "no time": (without("occurred_at"), Reason.BAD_TIME),
    "time null": (with_(occurred_at=None), Reason.BAD_TIME),
    "time without offset": (with_(occurred_at="2026-03-01T09:30:00"), Reason.BAD_TIME),
    "date": (with_(occurred_at="2026-03-01"), Reason.BAD_TIME),
    "time as a number": (with_(occurred_at=1_714_000_000), Reason.BAD_TIME),
    "time as a fraction": (with_(occurred_at=1_714_000_000.5), Reason.BAD_TIME),
    "time as digits": (with_(occurred_at="1714000000"), Reason.BAD_TIME),
    "time in words": (with_(occurred_at="now"), Reason.BAD_TIME),
    "time true": (with_(occurred_at=True), Reason.BAD_TIME),
    "30 February": (with_(occurred_at="2026-02-30T00:00:00Z"), Reason.BAD_TIME),
    "hour 24": (with_(occurred_at="2026-03-01T24:00:00Z"), Reason.BAD_TIME),
    "leap second": (with_(occurred_at="2026-06-30T23:59:60Z"), Reason.BAD_TIME),
    "offset of 25 hours": (with_(occurred_at="2026-03-01T00:00:00+25:00"), Reason.BAD_TIME),
    "time in other digits": (with_(occurred_at="٢٠٢٦-03-01T00:00:00Z"), Reason.BAD_TIME),
    "before the calendar": (with_(occurred_at="0001-01-01T00:00:00+14:00"), Reason.BAD_TIME),
    "after the calendar": (with_(occurred_at="9999-12-31T23:59:59-14:00"), Reason.BAD_TIME),
    "no event id": (without("event_id"), Reason.INVALID),
    "event id a number": (with_(event_id=1), Reason.INVALID),
    "no source": (without("source"), Reason.INVALID),
    "control character in the source": (with_(source="a\x07"), Reason.INVALID),
    "control character in the event id": (with_(event_id="e\t1"), Reason.INVALID),
    "no feature": (without("feature"), Reason.INVALID),
    "NaN": (raw("duration_s", "NaN"), Reason.INVALID),
    "Infinity": (raw("duration_s", "Infinity"), Reason.INVALID),
    "1e999": (raw("duration_s", "1e999"), Reason.INVALID),
    "NaN for an integer": (raw("quantity", "NaN"), Reason.INVALID),
    "true for a number": (with_(duration_s=True), Reason.INVALID),
    "true for an integer": (with_(quantity=True), Reason.INVALID),
    "digits for an integer": (with_(quantity="3"), Reason.INVALID),
    "fraction for an integer": (with_(quantity=1.5), Reason.INVALID),
    "integer of 400 digits": (raw("quantity", "9" * 400), Reason.INVALID),
    "number of 400 digits": (raw("duration_s", "9" * 400), Reason.INVALID),
    "negative quantity": (with_(quantity=-1), Reason.INVALID),
    "unknown outcome": (with_(outcome="maybe"), Reason.INVALID),
    "feature of 501 characters": (with_(feature="x" * 501), Reason.INVALID),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_has_its_reason(name: str) -> None:
    """One dead letter's worth of reason each, and a sentence that says what was wrong."""
    value, reason = BAD[name]
    outcome = parse("usage", value)
    assert isinstance(outcome, Rejection)
    assert outcome.reason is reason
    assert 0 < len(outcome.detail) <= 1000


GOOD: dict[str, bytes] = {
    "minor version ahead": with_(schema_version="1.42", added_later=1),
    "no version": with_(),
    "unknown fields": with_(note={"a": [1, None]}),
    "lower-case T and Z": with_(occurred_at="2026-03-01t09:30:00z"),
    "nanoseconds": with_(occurred_at="2026-03-01T09:30:00.123456789+05:45"),
    "customer of 200 characters": with_(customer_id="x" * 200),
    "blank inside an id": with_(customer_id="acme inc"),
    "text beyond the basic plane": with_(feature="☕ 日本 😀"),
    "white space around": b" \n" + with_() + b"\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_an_unusual_record_is_an_event(name: str) -> None:
    """What is odd but clear is taken."""
    assert not isinstance(parse("usage", GOOD[name]), Rejection)


def test_of_a_field_given_twice_the_last_counts() -> None:
    """JSON leaves it open; here it is decided."""
    twice = b'{"customer_id": "first", ' + with_()[1:]
    event = parse("usage", twice)
    assert not isinstance(event, Rejection)
    assert event.customer_id == "acme"


def test_a_record_at_the_limit_is_read_and_one_byte_more_is_not() -> None:
    """The limit is the stated one."""
    room = RECORD_BYTES_MAX - len(with_(note=""))
    assert not isinstance(parse("usage", with_(note="x" * room)), Rejection)
    over = parse("usage", with_(note="x" * (room + 1)))
    assert isinstance(over, Rejection)
    assert over.reason is Reason.TOO_LARGE


def test_the_most_telling_of_several_problems_is_the_reason() -> None:
    """A record wrong in many ways counts under one reason; the sentence has them all."""
    outcome = parse("usage", with_(customer_id=None, occurred_at=3, quantity=-1))
    assert isinstance(outcome, Rejection)
    assert outcome.reason is Reason.MISSING_CUSTOMER
    assert "occurred_at" in outcome.detail
    assert "quantity" in outcome.detail


def test_an_account_with_too_many_attributes_is_refused() -> None:
    """What would not fit a customer's row stops at the door."""
    account = {**VALID, "type": "account.created"}
    for count, refused in ((64, False), (65, True)):
        attributes = {str(number): "v" for number in range(count)}
        record = json.dumps({**account, "attributes": attributes}).encode()
        assert isinstance(parse("accounts", record), Rejection) is refused


@given(event_dicts())
def test_a_valid_event_is_read_by_its_family_and_by_redrive(fields: dict[str, Any]) -> None:
    """Every drawn event parses, in its own topic and in the one for all."""
    record = json.dumps(fields).encode()
    event = parse("redrive", record)
    assert not isinstance(event, Rejection), event
    assert parse(family_of(event), record) == event
    for other in set(FAMILIES) - {family_of(event)}:
        refused = parse(other, record)
        assert isinstance(refused, Rejection)
        assert refused.reason is Reason.UNKNOWN_TYPE


@given(events())
def test_an_event_survives_being_written_and_read(event: Any) -> None:
    """Round trip through JSON, whole."""
    assert parse("redrive", event.model_dump_json().encode()) == event


families = st.sampled_from([*FAMILIES, "redrive"])


@given(families, st.binary(max_size=300))
@example("usage", b"{")
def test_no_bytes_make_parse_raise(family: str, record: bytes) -> None:
    """Whatever arrives: an event or a rejection."""
    parse(family, record)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid event with a few bytes replaced, removed or put in."""
    record = bytearray(json.dumps(draw(event_dicts()), ensure_ascii=False).encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(record)))
        until = min(len(record), at + draw(st.integers(0, 3)))
        record[at:until] = draw(st.binary(max_size=3))
    return bytes(record)


@given(families, mutated())
def test_no_damaged_event_makes_parse_raise(family: str, record: bytes) -> None:
    """Nearly valid input reaches deeper than noise does."""
    parse(family, record)


odd_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(
            ["", " ", "2026-03-01", "2026-03-01T00:00:00+99:99", "0001-01-01T00:00:00Z"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(event_dicts(), st.data())
def test_no_value_in_any_field_makes_parse_raise(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    """Any JSON value in any field's place."""
    name = data.draw(st.sampled_from(sorted(fields)))
    record = json.dumps({**fields, name: data.draw(odd_values)}).encode("utf-8", "surrogatepass")
    parse("redrive", record)
