"""The short way of reading usage events says what the reference says, or nothing."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties import examples
from schemas.inbound import RECORD_BYTES_MAX, Rejection, parse
from schemas.signals import Signal
from scoring.signals import signal_of
from strategies import event_dicts, times
from streams.intake.plain_usage import PlainTimes, PlainUsage

PLAIN = PlainUsage()
IN_PYTHON = PlainUsage(compiled=False)
EVENT: dict[str, Any] = {
    "event_id": "e-1",
    "customer_id": "acme",
    "occurred_at": "2026-03-02T09:30:05.123456Z",
    "source": "app",
    "type": "usage.feature",
    "feature": "Ärger ☕",
    "user": "u.7",
    "user_kind": "automated",
    "quantity": 3,
    "duration_s": 12.345,
    "outcome": "failed",
    "schema_version": "1.0",
}


def reference(raw: bytes) -> tuple[str, Signal] | None:
    """What the contract makes of a record; None where it refuses it."""
    event = parse("usage", raw)
    return None if isinstance(event, Rejection) else (event.source, signal_of(event, 7, 0))


def agrees(raw: bytes) -> bool:
    """Whether the short ways say nothing of a record, or what the reference says."""
    expected = reference(raw)
    compiled = None if PLAIN._compiled is None else compiled_reads(raw)
    scanned = None if PLAIN._compiled is None else read_by_byte(raw)
    return (
        scanned in (None, expected)
        and PLAIN.read(raw, 7) in (None, expected)
        and IN_PYTHON.read(raw, 7) in (None, expected)
        and (compiled is None or (expected is not None and compiled == expected[1]))
    )


def read_by_byte(raw: bytes) -> tuple[str, Signal] | None:
    """What the compiled form reads of a record without a decoder."""

    def refuse(_: bytes) -> None:
        raise ValueError

    found: tuple[str, Signal] | None = PLAIN._compiled.read(refuse, raw, 7)
    return found


def compiled_reads(raw: bytes) -> Signal | None:
    """What the compiled form makes of a record where nothing but the record can stop it."""
    texts = _texts_in(raw)
    block = SimpleNamespace(room=10**9, source_ix=dict.fromkeys(texts, 0), signals=[])
    left: list[Any] = []
    latest_ms = PLAIN.fill(
        [SimpleNamespace(value=raw, offset=7)], left.append, dict.fromkeys(texts, 0), {0: block},
        -(10**15), 10**15, 0,
    )  # fmt: skip
    assert len(left) + len(block.signals) == 1
    if left:
        assert latest_ms == -1
        return None
    (signal,) = block.signals
    assert latest_ms == signal[1]
    return signal


def _texts_in(raw: bytes) -> set[str]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return set()
    return {each for each in found.values() if type(each) is str} if type(found) is dict else set()


def encoded(**changes: Any) -> bytes:
    fields = {**EVENT, **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        encoded(),
        encoded(user=None),
        encoded(user=..., user_kind=..., quantity=..., duration_s=..., outcome=...),
        encoded(duration_s=60),
        encoded(schema_version=...),
        encoded(occurred_at="2026-03-02T09:30:05Z"),
        encoded(occurred_at="2026-03-02T09:30:05+00:00"),
        encoded(occurred_at="2026-03-02T09:30:05.5+00:00"),
        encoded(occurred_at="2026-03-02 09:30:05.123456789Z"),
        b" \n" + encoded() + b"\t ",
    ],
)
def test_what_is_plain_is_read(raw: bytes) -> None:
    found = IN_PYTHON.read(raw, 7)
    assert found is not None
    assert found == reference(raw)
    assert agrees(raw)


@pytest.mark.skipif(PLAIN._compiled is None, reason="built without a C compiler")
@pytest.mark.parametrize(
    "raw",
    [
        encoded(),
        encoded(user=None),
        encoded(user=..., user_kind=..., quantity=..., duration_s=..., outcome=...),
        encoded(occurred_at="1970-01-01T00:00:00Z"),
        encoded(occurred_at="2024-02-29T23:59:59.999999999+00:00"),
        encoded(occurred_at="2000-12-31T23:59:59.5Z"),
    ],
)
def test_the_compiled_form_reads_what_is_plain(raw: bytes) -> None:
    assert compiled_reads(raw) is not None
    assert agrees(raw)


@pytest.mark.skipif(PLAIN._compiled is None, reason="built without a C compiler")
@pytest.mark.parametrize("year", [1970, 1972, 1999, 2000, 2001, 2024, 2100, 2199])
def test_the_compiled_form_knows_every_day(year: int) -> None:
    for month in range(1, 13):
        for day in (1, 28, 29, 30, 31):
            assert agrees(encoded(occurred_at=f"{year:04}-{month:02}-{day:02}T12:00:00Z"))


ODD_FIELDS: list[dict[str, Any]] = [
    {name: value}
    for name in EVENT
    for value in (..., None, "", " ", "x" * 501, 1, 1.0, -1, True, [], {}, "é", "a b", "a\u007f",
                  "a\tb", "\u00a0", "\ud800", 10**10, 10**400, 1e300, float("inf"), float("nan"))
] + [{"extra": value} for value in (None, 1, "x", {"a": [1]})] + [
    {"schema_version": version} for version in ("1.1", "1.00", "2.0", "1")
] + [
    {"occurred_at": text}
    for text in (
        "2026-03-02T09:30:60Z", "2026-03-02T24:00:00Z", "2026-02-30T00:00:00Z",
        "2026-03-02T09:30:05", "2026-03-02T09:30:05z", "2026-03-02t09:30:05Z",
        "2026-03-02T09:30:05,5Z", "2026-03-02T09:30:05.Z", "2026-03-02T09:30Z",
        "2026-03-02T09:30:05+0000", "2026-03-02T09:30:05+01:00", "2026-03-02T09:30:05-00:00",
        "2026-03-02T09:30:05.1234567890Z", "2026-03-02T09:30:0٣Z", "2026-03-02T09:3٠:05Z",
        "2026-03-02T09:30:05.٣Z", "2026-03-02T09:30: 5Z", "2026-03-02T09:30:+5Z", "Z", "+00:00",
        "2026-W10-1T09:30:05Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
        "0002-01-01T00:00:00.999Z", "1969-12-31T23:59:59.9999Z", "2026-03-02T09:30:5Z",
        "2026-03-02T09:30:05ZZ", "2026-03-02T09:30:05Z+00:00", "2026-03-02T09:30:05.1_1Z",
    )
]  # fmt: skip


@pytest.mark.parametrize("feature", [EVENT["feature"], "board"])
@pytest.mark.parametrize("changes", ODD_FIELDS, ids=repr)
def test_what_is_odd_is_read_as_the_reference_reads_it(
    changes: dict[str, Any], feature: str
) -> None:
    assert agrees(encoded(**{"feature": feature, **changes}))


@pytest.mark.skipif(PLAIN._compiled is None, reason="built without a C compiler")
@pytest.mark.parametrize(
    "raw",
    [
        encoded(feature="board"),
        encoded(feature="a board", user=None),
        encoded(feature="b", user=..., user_kind=..., quantity=..., duration_s=..., outcome=...),
        encoded(feature="b", user_kind="staff", outcome="ok", schema_version=..., quantity=0),
        encoded(feature="b", duration_s=0, quantity=999_999_999),
        encoded(feature="b", duration_s=31_622_400),
        encoded(feature="b", duration_s=0.0005),
        encoded(feature="b" * 500, event_id="e" * 200, occurred_at="2026-03-02T09:30:05Z"),
        json.dumps({**EVENT, "feature": "b"}, separators=(",", ":")).encode(),
        json.dumps({**EVENT, "feature": "b"}, indent=2).encode() + b"\r\n\t ",
        json.dumps(dict(reversed({**EVENT, "feature": "b"}.items()))).encode(),
    ],
)
def test_what_is_plain_is_read_without_the_decoder(raw: bytes) -> None:
    found = read_by_byte(raw)
    assert found is not None
    assert found == reference(raw)
    assert agrees(raw)


@pytest.mark.skipif(PLAIN._compiled is None, reason="built without a C compiler")
def test_every_beginning_of_a_record_is_none() -> None:
    """Wherever it is cut off, and with any byte put in place of the next."""
    raw = encoded(feature="board", user=None, duration_s=1.5)
    for size in range(len(raw)):
        assert read_by_byte(raw[:size]) is None
        for byte in (b"\x00", b'"', b"\\", b"}", b",", b":", b"9", b"\xff"):
            assert agrees(raw[:size] + byte + raw[size + 1 :])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b"\xef\xbb\xbf" + encoded(),
        encoded() + b"\x00",
        encoded() + encoded(),
        encoded(feature="x").replace(b'"x"', b'"\xff"'),
        encoded(feature="x").replace(b'"x"', b'"\x01"'),
        encoded(feature="x").replace(b'"x"', b'"\\ud83d\\ude00"'),
        encoded(feature="x").replace(b'"x"', b'"\\u0000"'),
        encoded(user="x").replace(b'"x"', b'"\\u0009"'),
        encoded(user="x").replace(b'"x"', b'"\\u00e9"'),
        encoded().replace(b'"type"', b'"\\u0074ype"'),
        encoded()[:-1] + b', "type": "usage.activity"}',
        encoded()[:-1] + b', "customer_id": "other"}',
        encoded()[:-1] + b', "customer_id": 7}',
        encoded()[:-1] + b', "user": null}',
        encoded()[:-1] + b",}",
        b"{" + b" " * RECORD_BYTES_MAX + encoded()[1:],
        *(
            encoded(user="u", quantity=7).replace(b"7", text)
            for text in (b"7.0", b"7e0", b"07", b"-0", b"+7")
        ),
        *(
            encoded(user="u", duration_s=7).replace(b"7", text)
            for text in (b"1e-400", b"-0.0", b"1e400", b"7.", b".7", b"31622400", b"31622400.1",
                         b"0.0005", b"2.6755", b"NaN", b"Infinity", b"1E2", b"-1e-400")
        ),
    ],
)  # fmt: skip
def test_what_is_spelt_oddly_is_read_as_the_reference_reads_it(raw: bytes) -> None:
    """Also where nothing else in it keeps it from being read byte by byte."""
    assert agrees(raw)
    assert agrees(raw.replace(json.dumps(EVENT["feature"]).encode(), b'"board"'))


@given(event_dicts(types=["usage.feature"]), st.booleans())
def test_any_usage_event_is_read_as_the_reference_reads_it(
    event: dict[str, Any], ascii_only: bool
) -> None:
    raw = json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert agrees(raw)


@settings(max_examples=examples(1000), suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_record_is_read_as_the_reference_reads_it(data: st.DataObject) -> None:
    feature = data.draw(st.sampled_from(["board", EVENT["feature"]]))
    raw = bytearray(encoded(feature=feature))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        gone = data.draw(st.integers(0, 2))
        put = data.draw(
            st.one_of(
                st.binary(max_size=2),
                st.sampled_from(
                    [b'"', b"\\", b"0", b".", b"e", b"-", b",", b" ", b"Z", b"+", b":"]
                ),
            )
        )
        raw[at : at + gone] = put
    assert agrees(bytes(raw))


@given(times())
def test_a_time_is_read_as_the_reference_reads_it(text: str) -> None:
    assert agrees(encoded(occurred_at=text))


def test_the_memory_of_times_is_bounded() -> None:
    read = PlainTimes()
    for minute in range(20_000):
        text = f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:07Z"
        assert read.ms(text) is not None
        assert read.ms(f"{text[:-1]}.{minute:09}+00:00") == (read.ms(text) or 0) + minute // 10**6
    assert len(read._minutes) <= 10_080
    assert len(read._tails) <= 5_000


def test_the_check_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a reader that takes what the contract refuses is found out."""
    careless = PlainUsage(compiled=False)
    monkeypatch.setattr(careless, "_ms", lambda text: 0)
    monkeypatch.setattr(f"{__name__}.IN_PYTHON", careless)
    assert not agrees(encoded())
