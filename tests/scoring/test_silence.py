"""Time alone: a score falls with silence, when it should, and is looked at only then."""

from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import histories
from oracle import Bands, Oracle, millis
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    at,
    card_of,
    changed_card,
    data_of,
    event,
)
from properties import examples
from schemas.inbound import InboundEvent
from scoring.evaluate import Evaluation, evaluate
from scoring.moment import Moment
from scoring.partition import TickMode
from scoring.past import Past
from scoring.plan import Plan
from scoring.state import CustomerState, forget

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def state_of(events: list[InboundEvent], card_text: str) -> CustomerState:
    """The state after these events; they must not lie after START_MS."""
    log = Log(card_text)
    log.read(START_MS, *events)
    return log.customer().state


def due_only(state: CustomerState, card_text: str, until_ms: int) -> list[tuple[int, Evaluation]]:
    """Evaluate at the start and then only when due: (from, evaluation)."""
    card, now_ms, past, found = card_of(card_text), START_MS, Past(), []
    plan = Plan(card.series)
    while True:
        plan.prune(state, now_ms)
        forget(state, now_ms)
        evaluation = evaluate(state, past, card, Moment(now_ms))
        found.append((now_ms, evaluation))
        past = evaluation.past
        if evaluation.next_ms is None or evaluation.next_ms > until_ms:
            return found
        assert evaluation.next_ms > now_ms
        now_ms = evaluation.next_ms


def check_due_only(events: list[InboundEvent], card_text: str, sample_ms: list[int]) -> None:
    """At any time between, the evaluation is that of the last due instant."""
    until_ms = START_MS + 500 * DAY_MS
    spans = due_only(state_of(events, card_text), card_text, until_ms)
    state, card = state_of(events, card_text), card_of(card_text)
    starts = [start for start, _ in spans]
    hours = [START_MS + 150 * HOUR_MS * n for n in range(80)]
    some = starts[:: len(starts) // 40 + 1]
    edges = [ms for start in some for ms in (start - 1, start + 1)]
    for now_ms in sorted(ms for ms in {*sample_ms, *hours, *edges} if START_MS <= ms <= until_ms):
        nth = bisect_right(starts, now_ms) - 1
        _, expected = spans[nth]
        found = evaluate(state, expected.past, card, Moment(now_ms))
        for field in ("score", "letter", "coverage_ppm", "overrides", "past"):
            assert getattr(found, field) == getattr(expected, field), (field, now_ms - starts[nth])


@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(
    st.one_of(
        histories.batches(),
        histories.batches().map(lambda b: histories.known("acme", START_MS) + b),
    ),
    st.one_of(st.just(SAAS), histories.cards()),
    st.lists(st.integers(START_MS, START_MS + 500 * DAY_MS), max_size=20),
)
def test_evaluating_when_due_equals_evaluating_always(
    events: list[InboundEvent], card_text: str, sample_ms: list[int]
) -> None:
    """No sweep is needed: for 500 days nothing changes between two due instants."""
    check_due_only(events, card_text, sample_ms)


@pytest.mark.soak
@settings(max_examples=400, suppress_health_check=SLOW)
@given(
    histories.batches(max_size=25),
    st.one_of(st.just(SAAS), histories.cards()),
    st.lists(st.integers(START_MS, START_MS + 500 * DAY_MS), max_size=60),
)
def test_evaluating_when_due_equals_evaluating_always_at_length(
    events: list[InboundEvent], card_text: str, sample_ms: list[int]
) -> None:
    """The same, much longer."""
    check_due_only(events, card_text, sample_ms)


#: One measure, whose curve is given.
ONE_MEASURE = """
scorecard: one
version: "1"
objective: To look when there is something to see
owner: test
defaults: {{minimum_coverage: 0%}}
weights: {{all: 100}}
groups: {{all: {{it: {{share: 100, metric: {metric}, {shape}}}}}}}
bands:
  green: {{enter: ">= 75", leave: "< 70"}}
  red: {{enter: "< 50", leave: ">= 56"}}
letters: {{A: 85, B: 70, C: 50, D: 0}}
"""


@pytest.mark.parametrize(
    ("metric", "shape", "days"),
    [
        ("days_since(contact)", "steps: {0: 0, 7: 90, 30: 90, 60: 20}", [0, 7, 60]),
        ("days_since(contact)", "curve: {1: 50, 2: 50.02, 50: 50.02, 51: 50}",
         # Half a hundredth is rounded up.
         [0, *(Fraction(hours, 24) for hours in (30, 42, 50 * 24 + 7, 50 * 24 + 19))]),
        ("days_to_renewal", "steps: {0: 0, 30: 50, 90: 100}",
         [0, 310 + Fraction(1, 24), 370 + Fraction(1, 24)]),
        ("days_to_renewal", "target: {best: [30, 300], zero: [29, 600]}", None),
    ],
)  # fmt: skip
def test_a_span_is_looked_at_when_its_points_change(
    metric: str, shape: str, days: list[Fraction] | None
) -> None:
    """Not every hour: not where the curve is level in the middle, nor where an hour is too little.

    An ever so distant renewal costs nothing until it matters.
    """
    text = ONE_MEASURE.format(metric=metric, shape=shape)
    events = [
        event("engagement.contact", START_MS, kind="call"),
        event("account.changed", START_MS, renewal_at=at(START_MS + 400 * DAY_MS)),
    ]
    found = due_only(state_of(events, text), text, START_MS + 500 * DAY_MS)
    points = [evaluation.score for _, evaluation in found]
    assert all(now != before for now, before in pairwise(points))
    if days is None:
        # 100 days of 24 hours on the slope, none on the level, and the hours of the last day.
        assert len(found) == 1 + 100 * 24 + 24
    else:
        assert [Fraction(ms - START_MS, DAY_MS) for ms, _ in found] == days
    check_due_only(events, text, [])


def tick_until(log: Log, until_ms: int) -> list[tuple[int, list[dict[str, object]]]]:
    """Let time pass, in ticks at the due instants and a millisecond before; what was told when."""
    told, now_ms = [], log.fold.header.tick_ms
    while True:
        due_ms = log.customer().due_ms
        if due_ms is None or due_ms > until_ms:
            return told
        assert log.fold.ticks(due_ms - 1, 10) == []
        outputs = log.tick_if_wanted(due_ms)
        assert log.customer().due_ms != due_ms
        assert due_ms > now_ms
        now_ms = due_ms
        if outputs:
            told.append((due_ms, data_of(outputs)))


def test_t5_a25_silence_crosses_by_itself() -> None:
    """T5, A25: a customer of whom nothing is heard turns red at the exact instant, cause time.

    The oracle looks every hour, on days when little happens every sixth; the scorer only when
    due, and a millisecond before.
    """
    card_text = SAAS
    log, oracle, bands = Log(card_text), Oracle(card_text), Bands(card_text)
    events = histories.known("acme", START_MS)
    log.read(START_MS, *events)
    first = data_of(log.tick_if_wanted(START_MS))
    assert first[0]["after"]["band"] == "green"
    told = tick_until(log, START_MS + 130 * DAY_MS)
    crossed = [(ms, d[0]) for ms, d in told if d[0]["before"]["band"] != d[0]["after"]["band"]]
    assert [d["after"]["band"] for _, d in crossed] == ["yellow", "red"]
    assert {d["cause"] for _, d in crossed} == {"time"}
    assert {d["after"]["pending"] for _, d in crossed} == {None}

    changes, known = [], "unknown"
    near = {(ms - START_MS) // DAY_MS for ms, _ in crossed}
    # Between days 32 and 112 it drifts slowly through yellow: nothing is missed there.
    for hour in (*range(32 * 24), *range(112 * 24, 130 * 24)):
        if hour % 6 and not near & {hour // 24 - 1, hour // 24, hour // 24 + 1}:
            continue
        now_ms = START_MS + hour * HOUR_MS
        band = bands.evaluate(oracle.health(events, now_ms), now_ms)
        if band != known:
            changes.append((now_ms, band))
            known = band
    assert changes[1:] == [(ms, d["after"]["band"]) for ms, d in crossed]


def test_t5_unknown_is_not_zero() -> None:
    """T5: when the last data expires, the customer becomes unknown, not red."""
    weights = "usage: 45, support: 20, money: 20, relationship: 15"
    card_text = changed_card(
        (weights, "usage: 0, support: 0, money: 0, relationship: 100"),
        ("share: 40\n      metric: last(nps, 180d)", "share: 100\n      metric: last(nps, 180d)"),
        ("share: 30\n      metric: days_since(c", "share: 0\n      metric: days_since(c"),
        ("share: 30\n      metric: pulse", "share: 0\n      metric: pulse"),
    )
    log = Log(card_text)
    log.read(START_MS, event("engagement.survey", START_MS, survey="nps", score=9))
    log.tick_if_wanted(START_MS)
    told = tick_until(log, START_MS + 400 * DAY_MS)
    assert [(ms, d[0]["after"]["band"]) for ms, d in told] == [(START_MS + 180 * DAY_MS, "unknown")]
    assert told[0][1][0]["after"]["score"] is None


def test_a_hold_ends_by_itself() -> None:
    """A pending band is an instant of change: entered to the millisecond, without any event."""
    text = changed_card(('"< 50", leave: ">= 56", hold: 1h', '"< 60", leave: ">= 60", hold: 90m'))
    log = Log(text)
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick_if_wanted(START_MS)
    for number in range(6):
        ms = START_MS - number
        log.read(
            START_MS + 7,
            event("ticket.changed", ms, ticket_id=f"t{number}", change="opened", priority="urgent"),
            event("billing.changed", ms, change="payment_failed", invoice_id="i"),
            event("engagement.pulse", ms, pulse="lost", reason="r", author="a"),
            event("engagement.survey", ms, survey="nps", score=0),
        )
    log.read(START_MS + 7, event("usage.feature", START_MS - 40 * DAY_MS, feature="x", quantity=99))
    outputs = data_of(log.tick_if_wanted(START_MS + 10))
    assert outputs[0]["after"]["pending"] == {
        "band": "red",
        "since": "2026-03-02T00:00:00.010Z",
        "at": "2026-03-02T01:30:00.010Z",
    }
    told = tick_until(log, START_MS + 3 * HOUR_MS)
    crossed = [(ms, d[0]["after"]["band"]) for ms, d in told if d[0]["after"]["band"] == "red"]
    assert crossed[0] == (START_MS + 10 + 90 * 60_000, "red")


def test_midnight_after_a_tick_that_lagged() -> None:
    """A tick waits for the slowest source: what was read of the others counts all the same.

    Use on the new day, evaluated while time still stands at the old day's end, must
    not lose the customer its users until somebody does something again.
    """
    midnight = START_MS + DAY_MS
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick_if_wanted(START_MS)
    before = log.customer().emitted
    for user in ("ann", "bob"):
        log.read(
            midnight + 50,
            event("usage.feature", midnight + 20, event_id=user, feature="board", user=user),
        )
    log.tick_if_wanted(midnight - 100)
    values = {line[0]: line[4] for line in log.customer().emitted.lines}
    assert before is not None
    assert values["active_seats"] == 1_000_000  # both of two seats, before and after midnight


@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(histories.batches(max_size=8), st.integers(1, 40))
def test_t8_steps_of_any_size_see_the_last_day(events: list[InboundEvent], days: int) -> None:
    """In event time the instants are fixed, however far one tick jumps."""
    assume(events)
    end_ms = START_MS + days * DAY_MS
    logs = [Log(mode=TickMode.EVENT, as_of_ms=end_ms) for _ in range(2)]
    for log in logs:
        log.read(START_MS, *events)
    logs[0].tick(end_ms)
    first = min(millis(one.occurred_at) for one in events) // DAY_MS
    for day in range(first, end_ms // DAY_MS + 1):
        logs[1].tick(day * DAY_MS)
    assert logs[0].outputs == logs[1].outputs
