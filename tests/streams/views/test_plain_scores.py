"""The short way of reading score changes says what the contract says, or nothing."""

import json
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from histories import Step, steps
from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, at, event
from properties import examples
from schemas.scores import ScoreChanged
from schemas.view_rows import Row
from schemas.views import CustomerHealth, HistoryPoint
from silence import RICH, silence
from streams.clock import to_ms
from streams.views.attention import attention_of
from streams.views.plain_scores import PlainScores
from streams.views.plain_structs import PlainStructs
from streams.views.ranking import RANKINGS, findable, members_of
from streams.views.row_json import point_json, read_back

PLAIN = PlainScores()
TIMES = [
    "2026-03-02T09:30:05Z",
    "2026-03-02T09:30:05.123456Z",
    "2026-03-02T09:30:05.1234567Z",
    "2026-03-02T09:30:05.123456500Z",
    "2026-03-02T09:30:05.Z",
    "2026-03-02 09:30:05Z",
    "2026-03-02t09:30:05z",
    "2026-03-02T09:30:05+00:00",
    "2026-03-02T09:30:05-01:30",
    "2026-03-02T09:30:05+0100",
    "2026-03-02T09:30:05",
    "2026-03-02T24:00:00Z",
    "2026-03-02T09:60:00Z",
    "2026-03-02T09:30:60Z",
    "2026-02-29T00:00:00Z",
    "2028-02-29T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-04-30T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-12-31T23:59:59.999Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-03-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "9999-12-31T00:00:00Z",
    "2026-03-02T09:30:05Z\n",
    "２０２６-03-02T09:30:05Z",
    "2026-03-02",
]
ODD: list[Any] = [
    *TIMES, None, True, False, 0, -1, 1, 5.0, -0.0, 0.1, 2**53, 2**63, 2**64, 10**30, 1e300,
    "", "0", "5", "x", "null", "red", "green", "first", ">=", "measure", "größe ☕ \U0001f600",
    "\0", "\x1f\x7f", "\n", [], [1], ["x"], {}, {"x": 1}, {"name": "x"}, {"name": "x", "delta": 1},
]  # fmt: skip


def lived(card: str | None = None, ids: tuple[str, ...] = ("acme",)) -> Log:
    """Some customers to whom much happens."""
    log = Log() if card is None else Log(card)
    account = {
        "status": "customer", "seats": 4, "mrr_minor": 90_000, "currency": "EUR", "owner": "Dana",
        "started_at": at(START_MS - 400 * DAY_MS), "renewal_at": at(START_MS + 40 * DAY_MS),
    }  # fmt: skip
    for name in ids:
        log.read(
            START_MS + HOUR_MS,
            event("account.changed", START_MS, name, event_id=f"a{name}", name=name, **account),
            *(
                event("usage.feature", START_MS - n * DAY_MS, name, event_id=f"u{name}{n}",
                      feature=f"f{n}", user=f"u{n % 3}") for n in range(20)
            ),
        )  # fmt: skip
    log.tick(START_MS + HOUR_MS)
    for day in range(1, 12):
        now_ms = START_MS + day * DAY_MS
        for name in ids:
            log.read(
                now_ms,
                event("ticket.changed", now_ms, name, event_id=f"t{name}{day}",
                      ticket_id=f"t{day}", change="opened", priority="urgent"),
                event("engagement.state", now_ms, name, event_id=f"s{name}{day}", reason="r",
                      author="a", state=("handled", "not_pursued", "pursued")[day % 3]),
            )  # fmt: skip
        log.tick(now_ms + HOUR_MS)
    return log


def bodies(log: Log) -> list[bytes]:
    return [output.body for output in log.outputs if output.topic == "scores"]


@cache
def seeds() -> list[bytes]:
    """Records as the scorer writes them: with all that a card can have, and with little."""
    logs = lived(), lived(RICH.read_text(), ("größe/ä", "zed")), silence(40)[0]
    return [raw for log in logs for raw in bodies(log)]


def reference(raw: bytes) -> CustomerHealth | None:
    """What the contract makes of a record; None where it refuses it."""
    try:
        return CustomerHealth.of(ScoreChanged.model_validate_json(raw))
    except ValidationError:
        return None


def everything(row: Row) -> list[Any]:
    """All that the view keeps of a row, to the type of each number."""
    at_ms = to_ms(row.changed_at)
    found = attention_of(row, at_ms)
    return [
        read_back(row).model_dump_json(),
        HistoryPoint.model_validate_json(point_json(row)).model_dump_json(),
        at_ms,
        found,
        findable(row),
        members_of(row, found),
        row.health.segment and (row.health.segment.name, row.health.segment.label),
    ]


def agrees(raw: bytes) -> bool:
    """Whether the short way says nothing of a record, or what the contract says."""
    expected, found = reference(raw), PLAIN.plain(raw)
    if found is None:
        return True
    return expected is not None and everything(found) == everything(expected)


def test_what_the_scorer_writes_is_plain() -> None:
    """All of it: a field that the short way does not know would make the view slow in silence."""
    assert len(seeds()) > 20
    for raw in seeds():
        assert PLAIN.plain(raw) is not None
        assert agrees(raw)
    rows = [row for raw in seeds() if (row := reference(raw)) is not None]
    for filled in ("segment", "scores", "indicators", "handled", "not_pursued", "next_told"):
        assert any(getattr(row.health, filled) for row in rows), filled
    assert any(mover.events for row in rows for mover in row.movers)


def test_the_members_of_all_rankings_are_those_of_each() -> None:
    for row in map(PLAIN.row, seeds()):
        at_ms = to_ms(row.changed_at)
        expected = [ranking.member(row, at_ms) for ranking in RANKINGS]
        assert members_of(row, attention_of(row, at_ms)) == expected


@settings(max_examples=examples(40))
@given(story=steps())
def test_any_history_is_told_plainly(story: list[Step]) -> None:
    log = Log()
    for step in story:
        if step.event is not None:
            log.read(step.now_ms, step.event)
        log.tick(step.now_ms)
    for raw in bodies(log):
        found = PLAIN.plain(raw)
        assert found is not None or b"-02-29T" in raw
        assert agrees(raw)


def test_what_is_not_plain_is_read_by_the_contract() -> None:
    """And what it refuses is refused."""
    raw = seeds()[0].replace(b'"sequence":1,', b'"sequence":"1","new_field":{},')
    assert PLAIN.plain(raw) is None
    assert PLAIN.row(raw) == reference(raw) is not None
    for refused in (b"", None, b"{}", b"\xff", b"[" * 10_000, raw[:-1], raw + b"x"):
        with pytest.raises(ValidationError):
            PLAIN.row(refused)


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_read_as_the_contract_reads_it(text: str) -> None:
    for field in ("time", "next_change_at"):
        body = json.loads(seeds()[0])
        (body if field == "time" else body["data"])[field] = text
        assert agrees(json.dumps(body).encode())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each value within a value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_an_odd_record_is_read_as_the_contract_reads_it(data: st.DataObject) -> None:
    """Any value of any field replaced, taken out, or with another beside it."""
    body = json.loads(data.draw(st.sampled_from(seeds())))
    for _ in range(data.draw(st.integers(1, 2))):
        *path, key = data.draw(st.sampled_from([p for p in places(body) if p]))
        within = body
        for each in path:
            within = within[each]
        how = data.draw(st.sampled_from(["replace", "take out", "add"]))
        odd = data.draw(st.sampled_from(ODD) | st.integers() | st.floats() | st.text())
        if how == "replace":
            within[key] = odd
        elif how == "take out":
            del within[key]
        elif isinstance(within, dict):
            within[data.draw(st.sampled_from(["x", "", "id", "at", "name"]))] = odd
        else:
            within.append(odd)
    raw = json.dumps(body, ensure_ascii=data.draw(st.booleans()))
    assert agrees(raw.encode("utf-8", "surrogatepass"))


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_record_is_read_as_the_contract_reads_it(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(seeds())))
    odd = [
        b'"',
        b"\\",
        b"0",
        b".",
        b"e9",
        b"-",
        b",",
        b" ",
        b"Z",
        b"+",
        b":",
        b"}",
        b"]",
        b"\\ud800",
    ]
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(raw) - 1))
        gone = data.draw(st.integers(0, 2))
        raw[begin : begin + gone] = data.draw(st.binary(max_size=2) | st.sampled_from(odd))
    assert agrees(bytes(raw))


def test_the_check_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a reader that takes a time for another one is found out."""
    careless = PlainScores()
    monkeypatch.setattr(careless, "_at", lambda text: careless_time)
    careless_time = PlainScores()._at("2001-01-01T00:00:00Z")
    monkeypatch.setattr(f"{__name__}.PLAIN", careless)
    assert not agrees(seeds()[0])


class _Limited(BaseModel):
    n: Annotated[int, Field(ge=1)]


class _Strange(BaseModel):
    n: complex


class _Within(BaseModel):
    many: tuple[_Limited, ...]


@pytest.mark.parametrize("model", [_Limited, _Strange, _Within])
def test_a_model_that_asks_for_more_than_types_has_no_plain_form(model: type[BaseModel]) -> None:
    """Else a limit would be lost when somebody adds one to the contract."""
    with pytest.raises(TypeError, match=r"more than a type|no plain form"):
        PlainStructs().of(model)


class _Colour(Enum):
    RED = "red"


class _Defaults(BaseModel):
    inner: dict[str, int] = Field(default_factory=dict)
    colour: _Colour = _Colour.RED


def test_a_default_is_the_contracts() -> None:
    made = PlainStructs().of(_Defaults)()
    assert made.inner == {}
    assert made.colour is _Colour.RED
