"""The runner against the fold as it is run live: same changes, at the same instants."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partitionlog import HOUR_MS, Log, canonical, card_of, difference
from properties import examples
from schemas.inbound import AnyEvent
from schemas.scores import Band
from schemas.signals import Block, Progress, Tick, decode
from scoring.outputs import Output
from scoring.partition import FoldPolicy, PartitionFold
from streams.intake import agents
from streams.scenarios import arrivals
from streams.scenarios.arrivals import Arrivals
from streams.scenarios.run import Scenario, Stage, run
from streams.scenarios.story import Happening, read_do
from streams.scenarios.times import ZoneTimes, zone_of

Load = Callable[..., Scenario]
UTC = ZoneTimes(zone_of("UTC"))
START_MS = UTC.read_ms("2026-03-02 00:00")
SENTENCES = (
    "12 users use 4 features for 1h",
    "1 use of export by ann",
    "500 uses of api by a machine",
    "nps 2",
    "nps 9",
    "check-in by dana",
    "ticket T-1 opened, urgent",
    "ticket T-1 answered after 3h",
    "ticket T-1 solved",
    "ticket T-1 rated 2 of 5",
    "invoice I-1 over 10 EUR falls due, unpaid",
    "invoice I-1 paid",
    "a payment fails, heard again 3h later",
    'pulse lost by dana because "no answer"',
    "account seats 9",
    "account status churned",
    "account status customer",
    "cancellation scheduled, heard 2d later",
    "subscription renewed until 2026-05-05",
)


def played(happenings: list[Happening], until_ms: int) -> Stage:
    """The happenings on a stage, to an instant."""
    heard = Arrivals()
    heard.add(happenings, ("steps", 0))
    log = Log()
    stage = Stage(log.fold.card, log.card_text, "acme", START_MS)
    for arrival in heard.build():
        stage.pass_to(arrival.at_ms)
        stage.hear(arrival.at_ms, arrival.blocks)
        stage.tick(arrival.at_ms)
    stage.pass_to(until_ms)
    stage.tick(until_ms)
    assert heard.problems == []
    return stage


def told(outputs: list[Output]) -> list[tuple[str, str, Any]]:
    """What was told, without the name of the scorer."""
    bodies = [json.loads(output.body) for output in outputs]
    return [(body["id"], body["time"], body["data"]) for body in bodies]


@settings(max_examples=examples(25))
@given(st.lists(st.tuples(st.integers(0, 40 * 24), st.sampled_from(SENTENCES)), max_size=12))
def test_it_tells_what_a_worker_tells_that_ticks_every_hour(steps: list[tuple[int, str]]) -> None:
    """All that happens, happens at full hours: then so does all that changes by itself."""
    happenings = read_do(
        "2026-03-02 00:00 event {type: account.created, mrr_minor: 5, seats: 20}", "acme", 0, UTC
    )
    for number, (hour, sentence) in enumerate(steps, 1):
        at = UTC.words(START_MS + hour * HOUR_MS)
        happenings += read_do(f"{at} {sentence}", "acme", number, UTC)
    until_ms = START_MS + 60 * 24 * HOUR_MS
    stage = played(happenings, until_ms)

    log = Log()
    for now_ms in range(START_MS, until_ms + 1, HOUR_MS):
        events = [AnyEvent.validate_json(one.body) for one in happenings if one.heard_ms == now_ms]
        log.read(now_ms, *events)
        log.tick_if_wanted(now_ms)
    assert told(stage.outputs) == told(log.outputs)
    live = stage.fold.customer("acme")
    assert live is not None
    assert difference(canonical(live), canonical(log.customer())) == []


def test_its_log_is_one_that_a_worker_recovers_from() -> None:
    """Read again by a fold of its own, the records give the same outputs and the same rows."""
    happenings = read_do(
        "2026-03-02 event {type: account.created, mrr_minor: 5, seats: 20}", "acme", 0, UTC
    )
    happenings += read_do(
        "every day 2026-03-02..2026-03-20, 9 users use 4 features", "acme", 1, UTC
    )
    stage = played(happenings, UTC.read_ms("2026-05-01"))
    fold = PartitionFold(0, {}, FoldPolicy(card_of, source="/vitals/scenario"))
    outputs = [
        output
        for offset, (append_ms, value) in enumerate(stage.records)
        for output in fold.apply(offset, append_ms, decode(value))
    ]
    assert outputs == stage.outputs
    assert len(outputs) > 50
    assert fold.checkpoint() == stage.fold.checkpoint()


def test_the_records_are_those_of_a_worker() -> None:
    """Blocks by source topic, then progress of all sources, then a tick, at one append time."""
    happenings = read_do("2026-03-02 ticket T-1 opened", "acme", 1, UTC)
    happenings += read_do("2026-03-02 3 users use 2 features", "acme", 2, UTC)
    happenings += read_do("2026-03-02 nps 9", "acme", 3, UTC)
    at_ms = UTC.read_ms("2026-03-02")
    stage = played(happenings, at_ms)
    found = [(append_ms, decode(value)) for append_ms, value in stage.records[1:]]
    assert [type(record) for _, record in found] == [Block] * 3 + [Progress, Tick, Progress]
    assert [record.topic for _, record in found[:3]] == [
        "health.usage.v1",
        "health.tickets.v1",
        "health.engagement.v1",
    ]
    assert [len(record.signals) for _, record in found[:3]] == [6, 1, 1]
    assert {append_ms for append_ms, _ in found} == {at_ms}
    assert found[4][1] == Tick(at_ms, looks_ahead=True)


def test_ticks_come_at_the_exact_instants(load: Load) -> None:
    """Hours of silence are counted from the last use, ten past: nothing is due in between.

    Nor on the first day: its curve is level there.
    """
    happenings = read_do("2026-03-02 10:10 1 use of export by ann", "acme", 1, UTC)
    happenings += read_do("2026-03-02 10:10 account seats 2", "acme", 2, UTC)
    stage = played(happenings, UTC.read_ms("2026-03-04 00:00"))
    ticks = [record.now_ms for _, value in stage.records if type(record := decode(value)) is Tick]
    first = UTC.read_ms("2026-03-02 10:10")
    assert ticks == [first + hour * HOUR_MS for hour in (0, *range(25, 38))]


def test_what_is_expected_sees_what_happens_at_its_time(load: Load) -> None:
    """And nothing of what happens a minute later; an earlier step of the file may come later."""
    scenario = load(
        "- do: every day 2026-03-02..2026-03-04 at 10:00, 2 users use 8 features",
        "- at: 2026-03-02 09:59",
        "  expect: {score: none, band: unknown, coverage: 40%, transitions: none}",
        "- at: 2026-03-02 10:00",
        "  expect: {score: '> 80', band: green, transitions: [unknown -> green], messages: 0}",
        "- do: 2026-03-03 10:01 cancellation scheduled",
        "- at: 2026-03-03 10:00",
        "  expect: {overrides: none, transitions: none}",
        "- at: 2026-03-03 10:01",
        "  expect: {overrides: [leaving], transitions: [green -> red], messages: 1, cause: event}",
    )
    assert [(failure.expected.key, failure.found) for failure in run(scenario).failures] == []


def test_each_expectation_begins_anew(load: Load) -> None:
    """Transitions, messages and movers are those since the expectation before."""
    scenario = load(
        "- do: 2026-03-02 2 users use 8 features",
        "- do: 2026-03-03 cancellation scheduled",
        "- do: 2026-03-04 subscription renewed",
        "- at: 2026-03-03",
        "  expect: {transitions: [unknown -> green, green -> red], messages: 1}",
        "- at: 2026-03-03 13:00",
        "  expect: {transitions: none, messages: 0, because: [breadth]}",
        "- at: 2026-03-05",
        "  expect: {transitions: [red -> green], messages: 1}",
    )
    outcome = run(scenario)
    assert [(failure.expected.key, failure.found) for failure in outcome.failures] == [
        ("because", "nothing was told since the expectation before")
    ]
    assert outcome.met == 6


def test_the_score_is_the_exact_one_told_or_not(load: Load) -> None:
    """A quarter of a day overdue is a quarter of a point of a measure that weighs 40 %."""
    scenario = load(
        "- do: every day 2026-03-02..2026-03-05, 2 users use 10 features",
        "- do: 2026-03-04 13:00 invoice I-1 over 5 EUR falls due",
        "- at: 2026-03-04 13:00",
        "  expect: {score: 100.00}",
        "- at: 2026-03-04 19:00",
        "  expect: {score: 99.90, points: {overdue: 99.75}, because: [overdue]}",
    )
    assert [(failure.expected.key, failure.found) for failure in run(scenario).failures] == [
        ("because", "nothing was told since the expectation before")
    ]


def test_a_wrong_expectation_does_not_end_the_scenario(load: Load) -> None:
    outcome = run(
        load(
            "- do: 2026-03-02 2 users use 8 features",
            "- at: 2026-03-02",
            "  expect: {band: red, letter: D}",
            "- at: 2026-03-03",
            "  expect: {band: green, coverage: 99%}",
        )
    )
    assert [(f.expected.line, f.expected.key, f.found) for f in outcome.failures] == [
        (7, "band", "green"),
        (7, "letter", "A"),
        (9, "coverage", "88 %"),
    ]
    assert outcome.failures[0].moment.health.band is Band.GREEN


def test_it_can_be_played_twice(load: Load) -> None:
    """The fold changes the signals that it is given: they must be its own."""
    scenario = load(
        "- do: every day 2026-03-02..2026-03-20, 2 users use 8 features",
        "- at: 2026-03-21",
        "  expect: {score: 12}",
    )
    assert run(scenario).failures == run(scenario).failures != ()


def test_it_refuses_what_intake_refuses() -> None:
    """The same bounds as live."""
    assert (arrivals.FUTURE_MS_MAX, arrivals.AGE_MS_MAX) == (
        agents.FUTURE_MS_MAX,
        agents.AGE_MS_MAX,
    )


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ("type: usage.feature", "usage.feature.feature: Field required"),
        ("type: usage.feature, feature: x, occurred_at: 2026-03-02T12:06:00Z", "lies beyond"),
        ("type: usage.feature, feature: x, occurred_at: 2009-03-02T12:00:00Z", "lies before"),
        ("type: usage.feature, feature: x, occurred_at: yesterday", "expected an RFC 3339 time"),
        ("type: engagement.survey, survey: nsp, score: 9", "Input should be 'nps'"),
    ],
)
def test_a_dead_letter_is_a_problem(fields: str, detail: str) -> None:
    heard = Arrivals()
    heard.add(read_do(f"2026-03-02 event {{{fields}}}", "acme", 1, UTC), ("steps", 4, "do"))
    heard.build()
    ((where, what),) = heard.problems
    assert where == ("steps", 4, "do")
    assert detail in what
