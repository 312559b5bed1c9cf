"""From raw records to blocks and dead letters: everything valid once, everything else once."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partitionlog import DAY_MS, START_MS, at
from properties import examples
from schemas.dead_letters import RAW_BYTES_MAX
from schemas.inbound import FAMILIES, RECORD_BYTES_MAX, Reason
from schemas.signals import BLOCK_BYTES_MAX, Kind, decode, encode
from strategies import TYPES, event_dicts, ids
from streams.intake.blocks import Chunk, ChunkResult, TimeBounds, blocks_of
from streams.intake.plain_events import PlainEvents
from streams.intake.routing import CustomerRouter, partition_of

BOUNDS = TimeBounds(START_MS - 400 * DAY_MS, START_MS + 5 * 60_000)
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@dataclass
class Record:
    offset: int
    value: bytes | None
    timestamp: int = START_MS


def use(customer: str = "acme", **fields: Any) -> dict[str, Any]:
    return {
        "event_id": "e",
        "customer_id": customer,
        "occurred_at": at(START_MS),
        "source": "app",
        "type": "usage.feature",
        "feature": "board",
        **fields,
    }


def read(chunk: Chunk, route: CustomerRouter, bounds: TimeBounds) -> ChunkResult:
    return blocks_of(chunk, route, bounds, START_MS, PlainEvents())


def run(
    *values: bytes | dict[str, Any] | None, family: str = "usage", first: int = 0
) -> ChunkResult:
    records = [
        Record(first + n, json.dumps(value).encode() if isinstance(value, dict) else value)
        for n, value in enumerate(values)
    ]
    chunk = Chunk(f"health.{family}.v1", 3, family, records)
    return blocks_of(chunk, CustomerRouter(4), BOUNDS, START_MS, PlainEvents())


BAD: list[tuple[bytes | dict[str, Any] | None, Reason]] = [
    (None, Reason.EMPTY),
    (b"", Reason.EMPTY),
    (b"x" * (RECORD_BYTES_MAX + 1), Reason.TOO_LARGE),
    (b" " * 2_000_000, Reason.TOO_LARGE),
    (b"{", Reason.NOT_JSON),
    (b"\xff\xfe", Reason.NOT_JSON),
    (b"[" * 100_000, Reason.NOT_JSON),
    (b"[]", Reason.NOT_AN_OBJECT),
    (b"null", Reason.NOT_AN_OBJECT),
    (use(type="usage.magic"), Reason.UNKNOWN_TYPE),
    (use(type="ticket.changed"), Reason.UNKNOWN_TYPE),
    (use(schema_version="2.0"), Reason.UNKNOWN_VERSION),
    ({k: v for k, v in use().items() if k != "customer_id"}, Reason.MISSING_CUSTOMER),
    (use(customer_id=""), Reason.MISSING_CUSTOMER),
    (use(occurred_at="2026-03-02T00:00:00"), Reason.BAD_TIME),
    (use(occurred_at=1), Reason.BAD_TIME),
    (use(quantity=-1), Reason.INVALID),
    (use(quantity="3"), Reason.INVALID),
    (use(occurred_at=at(START_MS + 5 * 60_000 + 1)), Reason.TIME_IN_FUTURE),
    (use(occurred_at="2027-03-02T00:00:00Z"), Reason.TIME_IN_FUTURE),
    (use(occurred_at=at(START_MS - 400 * DAY_MS - 1)), Reason.TIME_TOO_OLD),
    (use(occurred_at="1976-03-02T00:00:00Z"), Reason.TIME_TOO_OLD),
    (use(occurred_at="9998-01-01T00:00:00Z"), Reason.TIME_IN_FUTURE),
]


@pytest.mark.parametrize(("value", "reason"), BAD, ids=lambda case: str(case)[:30])
def test_s10_t6_each_bad_record_is_one_dead_letter(
    value: bytes | dict[str, Any] | None, reason: Reason
) -> None:
    """S10, T6: with topic, partition, offset, reason and raw bytes; its neighbours are kept."""
    result = run(use(event_id="1"), value, use(event_id="2"), first=70)
    (letter,) = result.dead_letters
    assert (letter.topic, letter.partition, letter.offset) == ("health.usage.v1", 3, 71)
    assert letter.reason == reason
    assert letter.detail
    assert letter.rejected_at == datetime.fromtimestamp(START_MS / 1000, UTC)
    raw = json.dumps(value).encode() if isinstance(value, dict) else value or b""
    assert base64.b64decode(letter.raw_base64) == raw[:RAW_BYTES_MAX]
    assert letter.raw_bytes == len(raw)
    ((_, block),) = result.blocks
    assert [signal[0] for signal in block.signals] == [70, 72]
    assert result.signals == 2
    assert result.latest_ms == START_MS


@pytest.mark.parametrize("ms", [BOUNDS.earliest_ms, BOUNDS.latest_ms])
def test_the_bounds_of_time_are_inside(ms: int) -> None:
    assert run(use(occurred_at=at(ms))).dead_letters == []


def test_a_bound_beyond_the_calendar_is_shown_as_it_is() -> None:
    records = [Record(0, json.dumps(use()).encode())]
    chunk = Chunk("t", 0, "usage", records)
    (letter,) = blocks_of(
        chunk, CustomerRouter(1), TimeBounds(10**17, 10**18), START_MS, PlainEvents()
    ).dead_letters
    assert letter.detail.endswith("lies before 100000000000000000 ms")


def test_nothing_comes_of_nothing() -> None:
    result = run()
    assert (result.blocks, result.dead_letters, result.signals) == ([], [], 0)
    assert result.latest_ms == -1


def test_sources_are_named_once_per_block() -> None:
    result = run(*[use(event_id=str(n), source="abab"[n]) for n in range(4)])
    ((_, block),) = result.blocks
    assert block.sources == ["a", "b"]
    assert [signal[3] for signal in block.signals] == [0, 1, 0, 1]
    assert (block.topic, block.partition) == ("health.usage.v1", 3)


def test_a_block_is_split_at_the_limit() -> None:
    """In order, nothing lost, and none above the limit."""
    values = [use(event_id=str(n), feature="f" * 400 + str(n)) for n in range(1500)]
    result = run(*values)
    assert len(result.blocks) > 1
    assert all(len(encode(block)) <= BLOCK_BYTES_MAX for _, block in result.blocks)
    assert all(len(encode(block)) > BLOCK_BYTES_MAX * 0.5 for _, block in result.blocks[:-1])
    offsets = [signal[0] for _, block in result.blocks for signal in block.signals]
    assert offsets == list(range(1500))


def test_a_record_at_the_size_limit_has_a_block_of_its_own() -> None:
    largest = use(event_id="2", comment="x" * (RECORD_BYTES_MAX - 500))
    result = run(use(event_id="1"), largest, use(event_id="3"))
    assert result.dead_letters == []
    assert [signal[0] for _, b in result.blocks for signal in b.signals] == [0, 1, 2]


@pytest.mark.parametrize("family", sorted(FAMILIES))
@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(data=st.data())
def test_everything_valid_is_in_exactly_one_block(family: str, data: st.DataObject) -> None:
    """With rubbish in between; each customer in its partition, in order, encodable."""
    prefix = {"accounts": "account", "tickets": "ticket"}.get(family, family)
    types = [name for name in TYPES if name.startswith(prefix + ".")]
    good = event_dicts(types, customers=ids, times=st.just(at(START_MS)))
    drawn = data.draw(st.lists(st.one_of(good, st.binary(max_size=20), st.none()), max_size=12))
    result = run(*drawn, family=family)
    valid = {n: one for n, one in enumerate(drawn) if isinstance(one, dict)}
    dead = [letter.offset for letter in result.dead_letters]
    assert dead == [n for n in range(len(drawn)) if n not in valid]
    seen: dict[int, int] = {}
    for partition, block in result.blocks:
        again = decode(encode(block))
        assert encode(again) == encode(block)
        assert block.signals, "an empty block says nothing"
        for signal in block.signals:
            event = valid[signal[0]]
            assert seen.setdefault(signal[0], partition) == partition
            assert partition == partition_of(event["customer_id"], 4)
            assert signal[2] == event["customer_id"]
            assert block.sources[signal[3]] == event["source"]
            assert signal[4] == event["event_id"]
            assert signal[5] in set(Kind)
    assert sorted(seen) == sorted(valid)
    for partition in range(4):
        offsets = [s[0] for p, block in result.blocks if p == partition for s in block.signals]
        assert offsets == sorted(offsets)
        assert len(set(offsets)) == len(offsets)


@pytest.mark.skipif(PlainEvents().usage._compiled is None, reason="built without a C compiler")
@given(st.lists(st.one_of(event_dicts(("usage.feature",)), st.just({"type": "?"})), max_size=40))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_compiled_form_makes_the_same_blocks(values: list[dict[str, Any]]) -> None:
    records = [Record(n, json.dumps(value).encode()) for n, value in enumerate(values * 2)]
    chunk = Chunk("health.usage.v1", 3, "usage", records)
    router = CustomerRouter(4)
    made, compiled = (
        blocks_of(chunk, router, BOUNDS, START_MS, PlainEvents(compiled=each))
        for each in (False, True)
    )
    assert [(p, encode(block)) for p, block in made.blocks] == [
        (p, encode(block)) for p, block in compiled.blocks
    ]
    assert made.dead_letters == compiled.dead_letters
    assert (made.signals, made.latest_ms) == (compiled.signals, compiled.latest_ms)
