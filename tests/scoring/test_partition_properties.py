"""What holds for every log: order, repeats, crashes, ranges, sums. Seeded by the run's seed."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from oracle import REPEAT_MS, REPEAT_MS_OTHERS, millis
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    block_of,
    bodies,
    canonical,
    card_of,
    changed_card,
    difference,
    event,
    folded,
    signals_of,
)
from properties import examples
from schemas.inbound import InboundEvent
from schemas.signals import Progress, Tick
from scoring.evaluate import evaluate
from scoring.moment import Moment
from scoring.outputs import Output
from scoring.partition import PartitionFold, TickMode
from scoring.past import Past
from scoring.plan import Plan
from scoring.row import is_customer
from scoring.state import HORIZON_DAYS
from streams.intake.progress import ProgressPolicy, Standing, progress_of

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
CUSTOMERS = ("acme", "bolt", "cove")
#: Another card: silence weighs less, the trend more, and it asks for series of its own.
OTHER = changed_card(
    ("share: 30\n      metric: days_since(h", "share: 5\n      metric: days_since(h"),
    ("share: 20\n      metric: change(use", "share: 45\n      metric: change(use"),
    ("metric: distinct(feature, 28d)", "metric: active_days(human_use, 3d)"),
    ('version: "1"', 'version: "2"'),
)


def by_customer(outputs: Iterable[Output]) -> dict[str, list[Output]]:
    """The outputs of each customer, in order."""
    found: dict[str, list[Output]] = {}
    for output in outputs:
        if output.topic != "activations":
            found.setdefault(output.customer, []).append(output)
    return found


def reports_of(outputs: Iterable[Output]) -> dict[tuple[int, int], bytes]:
    """The reports about activations by place: of those with the same the first counts."""
    found: dict[tuple[int, int], bytes] = {}
    for output in outputs:
        if output.topic == "activations":
            told = msgspec.json.decode(output.body)
            found.setdefault((told["control_offset"], told["offset"]), output.body)
    return found


def customers_of(fold: PartitionFold) -> dict[str, object]:
    """All customers in canonical form."""
    found = {}
    for customer_id in sorted(fold.customers()):
        customer = fold.customer(customer_id)
        assert customer is not None
        found[customer_id] = canonical(customer)
    return found


# -- order and repeats ---------------------------------------------------------------------------


@settings(max_examples=examples(40), suppress_health_check=SLOW)
@given(histories.batches(customers=CUSTOMERS[:2]), st.randoms(use_true_random=True))
def test_order_between_two_ticks_does_not_matter(
    events: list[InboundEvent], rng: random.Random
) -> None:
    """Any permutation of a block gives the same state, and the same outputs to the byte."""
    shuffled = rng.sample(events, len(events))
    logs = []
    for order in (events, shuffled):
        log = Log()
        for customer in CUSTOMERS[:2]:
            log.read(START_MS, *histories.known(customer, START_MS))
        log.tick(START_MS)
        log.add(block_of(order, 0, "health.redrive.v1"), START_MS)
        logs.append(log)
    states = [customers_of(log.fold) for log in logs]
    assert difference(states[0], states[1]) == []
    outputs = [log.tick(START_MS + 1) for log in logs]
    assert outputs[0] == outputs[1]
    assert difference(customers_of(logs[0].fold), customers_of(logs[1].fold)) == []


@settings(max_examples=examples(22), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), st.data())
def test_repeats_within_the_window_change_nothing(
    history: list[histories.Step], data: st.DataObject
) -> None:
    """S13: an event that its source sends again is dropped, whatever came in between."""
    once, again = Log(), Log()
    sent: list[InboundEvent] = []
    ticked_ms = 0
    for step in history:
        for log in (once, again):
            if step.event is not None:
                log.read(step.now_ms, step.event)
        if step.event is not None:
            sent.append(step.event)
        due_again = [one for one in sent if is_checked(one, ticked_ms)]
        if due_again:
            again.read(step.now_ms, *data.draw(st.lists(st.sampled_from(due_again), max_size=3)))
        assert once.tick(step.now_ms) == again.tick(step.now_ms)
        ticked_ms = step.now_ms
    assert difference(customers_of(once.fold), customers_of(again.fold)) == []


@settings(max_examples=examples(22), suppress_health_check=SLOW)
@given(
    histories.batches(max_size=8),
    st.lists(st.tuples(st.integers(0, 7), histories._payloads), min_size=1, max_size=4),
)
def test_of_one_id_with_another_body_the_first_in_the_log_wins(
    events: list[InboundEvent], others: list[tuple[int, tuple[str, dict[str, Any]]]]
) -> None:
    """Within the window of event time, and counted. Another kind of event has its own window."""
    once, again = Log(), Log()
    for log in (once, again):
        log.read(START_MS, *events)
    found = []
    for which, (kind, fields) in others:
        of = events[which % len(events)]
        ms = millis(of.occurred_at)
        one = event(kind, ms, of.customer_id, event_id=of.event_id, source=of.source, **fields)
        if is_checked(one, 0) and is_checked(of, 0):
            found.append(one)
    before = again.fold.counts.duplicates
    again.read(START_MS, *found)
    assert again.fold.counts.duplicates == before + len(found)
    assert once.tick(START_MS) == again.tick(START_MS)
    assert difference(customers_of(once.fold), customers_of(again.fold)) == []


@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(histories.steps(max_size=15, customers=CUSTOMERS), st.data())
def test_snapshot_then_restore_then_continue_equals_continuing(
    history: list[histories.Step], data: st.DataObject
) -> None:
    """After any record: the same outputs from there on, and the same rows in the end."""
    log = Log()
    drive(log, history, data)
    at = data.draw(st.integers(0, len(log.records)))
    fold = log.new_fold({})
    for offset in range(at):
        log.apply(fold, offset)
    fold.checkpoint()
    restored = log.new_fold(dict(fold.rows))
    assert log.replay(restored) == log.replay(fold)
    assert difference(customers_of(restored), customers_of(fold)) == []
    for one in (restored, fold):
        one.checkpoint()
    assert {k: row for k, row in restored.rows.items() if is_customer(k)} == {
        k: row for k, row in fold.rows.items() if is_customer(k)
    }


@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), st.lists(st.integers(0, 3 * DAY_MS), max_size=15))
def test_no_event_later_than_now_is_visible(
    history: list[histories.Step], ahead_ms: list[int]
) -> None:
    """What lies ahead is as if it had not been read, until its time has come."""
    log, card = Log(), card_of(SAAS)
    events: list[InboundEvent] = []
    for number, step in enumerate(history):
        if step.event is not None:
            one = step.event
            if number < len(ahead_ms):
                happens = datetime.fromtimestamp((step.now_ms + ahead_ms[number]) / 1000, UTC)
                one = one.model_copy(update={"occurred_at": happens})
            log.read(step.now_ms, one)
            events.append(one)
        log.tick(step.now_ms)
        if not events:
            continue
        if step.now_ms - min(millis(each.occurred_at) for each in events) > HORIZON_DAYS * DAY_MS:
            return  # a ticket that nobody touched for so long is forgotten, and begins anew
        seen = [each for each in events if millis(each.occurred_at) <= step.now_ms]
        state, plain = log.customer().state, folded(Plan(card.series), signals_of(seen))
        moment = Moment(step.now_ms)
        assert evaluate(state, Past(), card, moment) == evaluate(plain, Past(), card, moment)
        assert state.last_ms <= step.now_ms


def is_checked(event: InboundEvent, ticked_ms: int) -> bool:
    """Whether a repeat of the event is recognised after a tick at ``ticked_ms``."""
    window_ms = REPEAT_MS.get(event.type, REPEAT_MS_OTHERS)
    return millis(event.occurred_at) >= ticked_ms // HOUR_MS * HOUR_MS - window_ms


@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(histories.steps(max_size=10), st.data())
def test_a_block_written_twice_is_applied_once(
    history: list[histories.Step], data: st.DataObject
) -> None:
    """The source's positions decide, also for events too old for the duplicate window."""
    once, again = Log(), Log()
    for step in history:
        if step.event is not None:
            once.read(step.now_ms, step.event)
            again.read(step.now_ms, step.event)
            if data.draw(st.booleans()):
                again.records.append(again.records[-1])
                again.apply(again.fold, len(again.records) - 1)
        assert once.tick(step.now_ms) == again.tick(step.now_ms)
    assert difference(customers_of(once.fold), customers_of(again.fold)) == []


# -- crashes -------------------------------------------------------------------------------------


def drive(log: Log, history: list[histories.Step], data: st.DataObject) -> list[int]:
    """Append a history with ticks in ranges, progress and a change of card; where to checkpoint."""
    checkpoints = []
    change_at = data.draw(st.integers(0, 2 * len(history)))
    for number, step in enumerate(history):
        if number == change_at:
            log.add(activation(OTHER, 1), step.now_ms)
        if step.event is not None:
            log.read(step.now_ms, step.event)
        if data.draw(st.booleans()):
            log.tick_if_wanted(step.now_ms, customers_max=data.draw(st.integers(1, 3)))
        if data.draw(st.booleans()):
            checkpoints.append(len(log.records))
    return checkpoints


def crashed(
    log: Log, checkpoints: list[int], kept: random.Random, lose: str
) -> tuple[dict[bytes, bytes], list[Output], int]:
    """Run the log up to a crash in its last checkpoint.

    Returns the rows that survived, the outputs that were sent, and the position
    reached. ``lose``: what of the last checkpoint is lost.
    """
    rows: dict[bytes, bytes] = {}
    durable: dict[bytes, bytes] = {}
    fold, sent = log.new_fold(rows), []
    for nth, upto in enumerate(checkpoints, 1):
        while fold.header.position < upto:
            sent += log.apply(fold, fold.header.position)
        written = fold.checkpoint()
        if nth == len(checkpoints) and lose == "header":
            written = written[:-1]
        elif nth == len(checkpoints) and lose == "some":
            written = [row for row in written[:-1] if kept.random() < 0.5]
        elif nth == len(checkpoints) and lose == "all":
            written = []
        for key, value in written:
            if value is None:
                durable.pop(key, None)
            else:
                durable[key] = value
    return durable, sent, fold.header.position


def check_crash(history: list[histories.Step], data: st.DataObject, lose: str) -> None:
    """Restore what survived, read on, and compare with a run that nothing happened to."""
    log = Log(cache_customers=data.draw(st.sampled_from([1, 100])))
    checkpoints = drive(log, history, data)
    reached = data.draw(st.integers(0, len(checkpoints)))
    kept = data.draw(st.randoms(use_true_random=True))
    rows, sent, _ = crashed(log, checkpoints[:reached], kept, lose if reached else "nothing")
    fold = log.new_fold(rows)
    again = log.replay(fold)
    told, every = _told([*sent, *again]), _told(log.outputs)
    assert _told(again) <= every
    assert told == every
    assert reports_of([*sent, *again]) == reports_of(log.outputs)
    for customer_id, outputs in by_customer(again).items():
        all_outputs = by_customer(log.outputs)[customer_id]
        assert outputs == all_outputs[len(all_outputs) - len(outputs) :]
    log.fold.checkpoint()
    fold.checkpoint()
    for key, row in log.rows.items():
        if is_customer(key):
            assert rows[key] == row, key
    assert {k for k in rows if is_customer(k)} == {k for k in log.rows if is_customer(k)}
    assert without_segments(fold) == without_segments(log.fold)
    for each in (fold, log.fold):
        PartitionFold(0, dict(each.rows), each.policy).check_seal()
    assert fold._book.duplicates._hours == log.fold._book.duplicates._hours
    assert Counter(fold.bands) == Counter(log.fold.bands)


def _told(outputs: Iterable[Output]) -> set[Output]:
    """All but the reports: one that comes again may lack whom a row is ahead of."""
    return {output for output in outputs if output.topic != "activations"}


def without_segments(fold: PartitionFold) -> dict[str, object]:
    """The header, but for its id segments: their numbers count checkpoints, its seal their rows."""
    header = fold.header
    names = [name for name in header.__struct_fields__ if not name.startswith(("segment", "seal"))]
    return {name: getattr(header, name) for name in names}


LOSSES = ["nothing", "header", "some", "all"]


@pytest.mark.parametrize("lose", LOSSES)
@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(histories.steps(max_size=15, customers=CUSTOMERS), st.data())
def test_a_crash_changes_no_row_and_no_output(
    lose: str, history: list[histories.Step], data: st.DataObject
) -> None:
    """Also in the middle of a checkpoint: same rows, same outputs, same ids, to the byte."""
    check_crash(history, data, lose)


@pytest.mark.soak
@settings(max_examples=2000, suppress_health_check=SLOW)
@given(histories.steps(max_size=30, customers=CUSTOMERS), st.data(), st.sampled_from(LOSSES))
def test_a_crash_changes_nothing_at_length(
    history: list[histories.Step], data: st.DataObject, lose: str
) -> None:
    """The same, much longer."""
    check_crash(history, data, lose)


# -- ticks ---------------------------------------------------------------------------------------


@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(histories.steps(max_size=12, customers=CUSTOMERS), st.integers(1, 3))
def test_ticks_in_ranges_give_the_same_as_one_tick(
    history: list[histories.Step], customers_max: int
) -> None:
    """At most K customers a tick: who carries over is evaluated at the same time all the same."""
    whole, ranges = Log(), Log()
    for step in history:
        for log in (whole, ranges):
            if step.event is not None:
                log.read(step.now_ms, step.event)
        whole.tick_if_wanted(step.now_ms)
        ranges.tick_if_wanted(step.now_ms, customers_max)
        assert by_customer(whole.outputs) == by_customer(ranges.outputs)
    assert difference(customers_of(whole.fold), customers_of(ranges.fold)) == []


@settings(max_examples=examples(22), suppress_health_check=SLOW)
@given(histories.steps(max_size=20, customers=CUSTOMERS), st.data())
def test_outputs_add_up_always(history: list[histories.Step], data: st.DataObject) -> None:
    """Lines to the score, movers to the delta, after to before, sequences without a gap."""
    log = Log()
    drive(log, history, data)
    for outputs in by_customer(log.outputs).values():
        check_chain(outputs)


def check_chain(outputs: list[Output]) -> None:
    """One customer's outputs, in order."""
    before = None
    for sequence, body in enumerate(bodies(outputs), 1):
        told = body["data"]
        after = told["after"]
        assert body["id"] == f"{told['customer_id']}/{told['epoch']}-{sequence}"
        assert told["sequence"] == sequence
        assert told["before"] == before or told["cause"] == "scorecard"
        if after["score"] is not None:
            assert sum(line["points"] for line in after["contributions"]) == after["score"]
            assert 0 <= after["score"] <= 10_000
        if told["delta"] is not None:
            assert told["delta"] == after["score"] - told["before"]["score"]
            assert sum(mover["delta"] for mover in told["movers"]) == told["delta"]
        before = after
    crossed = [(b["data"]["before"], b["data"]["after"]) for b in bodies(outputs, "transitions")]
    assert all(old != new for old, new in crossed)
    assert [new for _, new in crossed][:-1] == [old for old, _ in crossed][1:]


# -- event time ----------------------------------------------------------------------------------

TOPICS = ("health.usage.v1", "health.tickets.v1", "health.billing.v1")
AS_OF_MS = START_MS + 20 * DAY_MS
#: Every hundredth is told.
TELL_ALL = changed_card(("{at_least: 0.5}", "{at_least: 0.01}"))


@st.composite
def sources(draw: st.DrawFn) -> list[list[InboundEvent]]:
    """Three sources, each in the order of event time; they share customers."""
    payloads = st.tuples(
        histories._payloads,
        # Dense, and often at midnight, where a tick may come between two of one instant.
        st.integers(0, 24).map(lambda halves: halves * 12 * HOUR_MS),
        st.sampled_from(CUSTOMERS[:2]),
    )
    found = []
    for source in range(3):
        drawn = sorted(
            draw(st.lists(payloads, min_size=draw(st.sampled_from([0, 6])), max_size=14)),
            key=lambda one: one[1],
        )
        found.append(
            [
                histories.made(payload, 100 * source + number, START_MS + at_ms, customer)
                for number, (payload, at_ms, customer) in enumerate(drawn)
            ]
        )
    return found


def in_event_time(
    read: list[list[InboundEvent]], choose: random.Random, disorder_ms: int = 0
) -> Log:
    """Read the sources interleaved at random, in blocks of random sizes, ticks in between."""
    log = Log(TELL_ALL, mode=TickMode.EVENT, as_of_ms=AS_OF_MS)
    for customer in CUSTOMERS[:2]:
        log.add(block_of(histories.known(customer, START_MS), 0, f"known-{customer}"), START_MS)
    waiting = zip(TOPICS, read, strict=True)
    log.add(Progress({f"{topic}/0": 0 if all_ else AS_OF_MS for topic, all_ in waiting}), START_MS)
    policy = ProgressPolicy(event_time=True, as_of_ms=AS_OF_MS, disorder_ms=disorder_ms)
    done, latest = [0, 0, 0], [0, 0, 0]
    while any(n < len(events) for n, events in zip(done, read, strict=True)):
        which = choose.choice([i for i in range(3) if done[i] < len(read[i])])
        size = choose.randint(1, 3)
        chunk = read[which][done[which] : done[which] + size]
        log.add(block_of(chunk, done[which], TOPICS[which]), START_MS)
        done[which] += len(chunk)
        latest[which] = max(latest[which], *(millis(one.occurred_at) for one in chunk))
        if choose.random() < 0.8:
            standing = Standing(done[which], START_MS, latest[which])
            read_to_ms, _ = progress_of(standing, len(read[which]), START_MS, policy)
            log.add(Progress({f"{TOPICS[which]}/0": read_to_ms}), START_MS)
            ticks(log, choose)
    log.add(Progress({f"{topic}/0": AS_OF_MS for topic in TOPICS}), START_MS)
    ticks(log, choose)
    return log


def ticks(log: Log, choose: random.Random) -> None:
    for tick in log.fold.ticks(0, choose.randint(1, 3)):
        log.add(tick, START_MS)


@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(sources(), st.randoms(use_true_random=True))
def test_t1_any_interleaving_of_sources_gives_identical_outputs(
    read: list[list[InboundEvent]], choose: random.Random
) -> None:
    """Behind the watermark only event times count: same crossings, same bytes, same states."""
    one, other = in_event_time(read, choose), in_event_time(read, choose)
    assert by_customer(one.outputs) == by_customer(other.outputs)
    assert difference(customers_of(one.fold), customers_of(other.fold)) == []


@settings(max_examples=examples(18), suppress_health_check=SLOW)
@given(sources(), st.randoms(use_true_random=True), st.integers(1, 5))
def test_t2_disorder_within_the_bound_gives_equal_results(
    read: list[list[InboundEvent]], choose: random.Random, days: int
) -> None:
    """A source may be out of order by as much as its watermark allows for."""
    bound_ms = days * DAY_MS
    disordered = [
        sorted(events, key=lambda one: millis(one.occurred_at) + choose.randint(0, bound_ms))
        for events in read
    ]
    one, other = in_event_time(read, choose), in_event_time(disordered, choose, bound_ms)
    assert by_customer(one.outputs) == by_customer(other.outputs)
    assert difference(customers_of(one.fold), customers_of(other.fold)) == []


@settings(max_examples=examples(22), suppress_health_check=SLOW)
@given(sources(), st.randoms(use_true_random=True))
def test_t8_speed_does_not_matter(read: list[list[InboundEvent]], choose: random.Random) -> None:
    """Everything read before the first tick, or a tick after each event: the same outputs."""
    everything = sorted(
        (one for events in read for one in events), key=lambda one: millis(one.occurred_at)
    )
    slow, fast = (
        in_event_time([everything, [], []], choose),
        Log(TELL_ALL, mode=TickMode.EVENT, as_of_ms=AS_OF_MS),
    )
    for customer in CUSTOMERS[:2]:
        fast.add(block_of(histories.known(customer, START_MS), 0, f"known-{customer}"), START_MS)
    if everything:
        fast.add(block_of(everything, 0, TOPICS[0]), START_MS)
    fast.add(Tick(AS_OF_MS), START_MS)
    assert by_customer(slow.outputs) == by_customer(fast.outputs)
