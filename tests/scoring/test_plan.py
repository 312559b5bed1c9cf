"""What is kept for which scorecard: before there is one, when it is changed, and how much of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    canonical,
    card_of,
    difference,
    event,
    metric_of,
    plan_of,
)
from properties import examples
from schemas.inbound import InboundEvent
from schemas.signals import Kind, Signal
from scoring.fold import fold
from scoring.moment import NO_DATA, Reading
from scoring.partition import PRUNE_DAYS, TickMode
from scoring.plan import Plan
from scoring.room import make_room
from scoring.row import Customer, is_customer, pack
from scoring.state import forget
from scoring.units import Unit
from streams.scorecards import shipped_card

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

#: Metrics of a window, with its buckets and how long they are; ``change`` sees two windows.
WINDOWED: dict[str, tuple[int, int]] = {
    "count(use, 3d)": (3, DAY_MS),
    "count(human_use, 6h)": (6, HOUR_MS),
    "count(order, 1d)": (1, DAY_MS),
    "share(use, 28d, where: outcome == failed)": (28, DAY_MS),
    "active_days(use, 7d, where: feature == board)": (7, DAY_MS),
    "change(use, 14d, where: feature == board)": (28, DAY_MS),
    "change(failed_use, 5h)": (10, HOUR_MS),
    "sum(quantity, 7d)": (7, DAY_MS),
    "mean(property.size, 48h)": (48, HOUR_MS),
    "change(sum(active_time), 7d)": (14, DAY_MS),
    "max(quantity, 2d)": (2, DAY_MS),
    "min(property.size, 48h)": (48, HOUR_MS),
    "sum(amount, 28d)": (28, DAY_MS),
    "mean(amount, 6h, of: order)": (6, HOUR_MS),
    "distinct(user, 28d)": (28, DAY_MS),
    "distinct(property.team, 6h)": (6, HOUR_MS),
    "median(quantity, 7d)": (7, DAY_MS),
    "quantile(property.size, 90%, 90d)": (90, DAY_MS),
    "at_least(mean(csat, 30d), 2)": (30, DAY_MS),
}
WHOLE_PAST = ("days_since(use)", "last(feature)", "last(property.size, 28d)", "last(nps, 90d)")
METRICS = (*WINDOWED, *WHOLE_PAST, "streak(use)", "against_own(use)", "open_tickets")


def card_with(*metrics: str) -> str:
    """A card that scores these metrics, in whatever unit."""
    shares = [100 // len(metrics)] * len(metrics)
    shares[0] += 100 - sum(shares)
    lines = [
        "scorecard: made",
        'version: "1"',
        "objective: To ask for these series",
        "owner: test",
        'money: {currency: EUR, rates: {USD: "0.9"}}',
        "defaults: {minimum_coverage: 0%}",
        "emit: {at_least: 0.01}",
        "weights: {all: 100}",
        "groups:",
        "  all:",
    ]
    for number, (metric, share) in enumerate(zip(metrics, shares, strict=True)):
        is_text = metric_of(metric).unit is Unit.TEXT
        shape = "steps: {otherwise: 50}" if is_text else "steps: {0: 20, 1: 60, 2: 90}"
        lines.append(f'    m{number}: {{share: {share}, metric: "{metric}", {shape}}}')
    lines += [
        "bands:",
        '  green: {enter: ">= 75", leave: "< 70", hold: 0s}',
        '  red: {enter: "< 50", leave: ">= 56", hold: 0s}',
        "letters: {A: 50, B: 0}",
    ]
    return "\n".join(lines) + "\n"


def keys_of(*metrics: str) -> set[int]:
    return {one.key for metric in metrics for one in metric_of(metric).series}


def value_of(log: Log, metric: str, now_ms: int, customer_id: str = "acme") -> Reading:
    """What a metric of the active or the previous card says of a customer."""
    customer = log.customer(customer_id)
    return metric_of(metric).read(customer.state, log.fold.moment(customer, now_ms))


def numbered(found: Sequence[Signal], first: int = 0) -> list[Signal]:
    """The same, each with an id of its own."""
    return [[*one[:4], f"e{n}", *one[5:]] for n, one in enumerate(found, first)]


recent_days = st.one_of(st.integers(0, 3), st.integers(0, 60))
past = histories.signals(max_size=20, days=recent_days).map(numbered)


def shifted(found: Iterable[Signal], ms: int) -> list[Signal]:
    return [[one[0], one[1] + ms, *one[2:]] for one in found]


def used(*days_ago: int, of: int = START_MS, **fields: Any) -> list[InboundEvent]:
    """A use on each of these days, seen from midnight."""
    return [event("usage.feature", of - days * DAY_MS, **{"feature": "f", "user": "u"} | fields)
            for days in days_ago]  # fmt: skip


def changed_log(metric: str, before: Iterable[InboundEvent], changed_ms: int) -> Log:
    """A customer of whom these events were read before a card asked for the metric."""
    log = Log(card_with("open_tickets"))
    log.read(START_MS, *before)
    log.add(activation(card_with(metric), 1), changed_ms)
    return log


# -- a card that asks for something new ----------------------------------------------------------


@pytest.mark.parametrize("metric", WINDOWED)
@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(data=st.data())
def test_what_is_asked_for_anew_has_no_data_until_its_window_was_seen_whole(
    metric: str, data: st.DataObject
) -> None:
    """Then it says what it would have said all along; who came later is known whole."""
    buckets, size_ms = WINDOWED[metric]
    changed_ms = START_MS + data.draw(st.integers(2, 50)) * HOUR_MS + 1
    before, after = data.draw(past), numbered(data.draw(past), 100)
    late_ms = data.draw(st.integers(0, 90)) * DAY_MS
    later = shifted(after, late_ms)
    whole_ms = (changed_ms // size_ms + buckets) * size_ms
    log, reference = Log(card_with("open_tickets")), Log(card_with(metric))
    for one in (log, reference):
        one.read_signals(START_MS, before)
        one.tick(START_MS)
    log.add(activation(card_with(metric), 1), changed_ms)
    for one in (log, reference):
        one.tick(changed_ms)
        for n, signal in enumerate(sorted(later, key=lambda signal: signal[1])):
            append_ms = max(changed_ms + n + 1, signal[1])
            one.read_signals(append_ms, [signal])
            one.read_signals(append_ms, [[*signal[:4], f"b{n}", *signal[5:]]], "bolt")
            one.tick(append_ms)
    last_ms = max([changed_ms, *(signal[1] for signal in later)]) + 200
    for now_ms in (last_ms, last_ms + data.draw(st.integers(0, 99)) * HOUR_MS, whole_ms - 1,
                   whole_ms, whole_ms + 1):  # fmt: skip
        for customer_id in sorted(log.fold.customers()):
            found = value_of(log, metric, now_ms, customer_id)
            expected = value_of(reference, metric, now_ms, customer_id)
            if customer_id == "acme" and before and now_ms < whole_ms:
                families = {one.families for one in metric_of(metric).series}
                heard = log.customer().state.heard
                is_heard = all(heard & bits for bits in families)
                assert found == Reading(None, whole_ms if is_heard else None)
            elif metric.startswith("distinct") and not has_any(log, metric, customer_id):
                assert found == NO_DATA  # perhaps nobody tells who it was; see below
            else:
                assert found == expected


def has_any(log: Log, metric: str, customer_id: str) -> bool:
    """Whether anything was kept for the metric."""
    return not keys_of(metric).isdisjoint(log.customer(customer_id).state.series)


def test_silence_since_the_card_asks_is_no_data() -> None:
    """Nobody told who it was since then: perhaps nobody ever does."""
    metric, whole_ms = "distinct(user, 28d)", START_MS + 28 * DAY_MS
    log = changed_log(metric, used(*range(60), user="ann"), START_MS + 1)
    assert value_of(log, metric, whole_ms - 1) == Reading(None, whole_ms)
    assert value_of(log, metric, whole_ms).value is None


@pytest.mark.parametrize("metric", WHOLE_PAST)
@settings(max_examples=examples(30), suppress_health_check=SLOW)
@given(data=st.data())
def test_what_looks_at_the_latest_event_knows_those_that_came_since(
    metric: str, data: st.DataObject
) -> None:
    """No data before; from the first event that has it on the same as ever."""
    changed_ms = START_MS + 7
    before = data.draw(past)
    later = shifted(numbered(data.draw(past), 100), 61 * DAY_MS)
    log, reference = Log(card_with("open_tickets")), Log(card_with(metric))
    for one in (log, reference):
        one.read_signals(START_MS, before)
    log.add(activation(card_with(metric), 1), changed_ms)
    assert log.customer().state.series == {} if before else True
    for signal in sorted(later, key=lambda signal: signal[1]):
        for one in (log, reference):
            one.read_signals(signal[1], [signal])
        (key,) = keys_of(metric)
        if key in log.customer().state.series:
            now_ms = signal[1] + data.draw(st.integers(0, 40)) * DAY_MS
            assert value_of(log, metric, now_ms) == value_of(reference, metric, now_ms)


def test_what_came_late_is_not_the_latest() -> None:
    """It was used yesterday, and after the change we learn that it was a month ago as well."""
    log = changed_log("days_since(use)", used(1), START_MS + 1)
    log.read(START_MS + 2, *used(30))
    assert value_of(log, "days_since(use)", START_MS + 2).value is None


def test_a_streak_that_may_be_longer_is_not_known() -> None:
    """Forty days in a row, of which the series saw two: no data, or all of them; never 2."""
    log = changed_log("streak(use)", used(*range(38)), START_MS + 1)
    log.read(START_MS + 2 * DAY_MS, *used(0, 1, of=START_MS + 2 * DAY_MS))
    assert value_of(log, "streak(use)", START_MS + 2 * DAY_MS + 1).value in (None, 40_000_000)


def test_a_baseline_that_was_not_seen_whole_is_none() -> None:
    """Ten uses a day for a year, then one: the series of a later card saw only the one.

    The last 28 days are compared with the 84 days before them.
    """
    metric, day = "against_own(use)", START_MS + DAY_MS
    log = changed_log(metric, used(*range(300), quantity=10), START_MS + 1)
    for n in range(100):
        log.read(day + n * DAY_MS, *used(0, of=day + n * DAY_MS))
    assert value_of(log, metric, day + 99 * DAY_MS).value is None


def test_who_came_in_the_millisecond_of_the_change_came_before_it() -> None:
    """The block stands before the activation in the log, appended in the same millisecond."""
    log = changed_log("count(use, 28d)", used(1), START_MS)
    assert value_of(log, "count(use, 28d)", START_MS).value is None


def test_what_was_dropped_begins_anew() -> None:
    """Asked for, then by neither of two cards for an hour, then again."""
    metric = "days_since(use)"
    log = Log(card_with(metric))
    log.read(START_MS, *used(10))
    log.tick(START_MS)
    for hour, other in enumerate(("count(order, 1d)", "count(visit, 1d)"), 1):
        log.add(activation(card_with(other), hour), START_MS + hour * HOUR_MS)
        log.tick(START_MS + hour * HOUR_MS)
    log.read(START_MS + 3 * HOUR_MS, *used(0, of=START_MS + 3 * HOUR_MS))
    now_ms = START_MS + 4 * HOUR_MS
    log.add(activation(card_with(metric), 9), now_ms)
    log.tick(now_ms)
    # It was used an hour ago; the series cannot know. Ten days is wrong.
    assert value_of(log, metric, now_ms).value in (None, 41_666)


# -- and back ------------------------------------------------------------------------------------

some_metrics = st.lists(st.sampled_from(METRICS), min_size=1, max_size=6, unique=True)


@settings(max_examples=examples(60), suppress_health_check=SLOW)
@given(some_metrics, some_metrics, st.lists(st.tuples(past, histories.GAPS_MS), max_size=8),
       st.data())  # fmt: skip
def test_a_roll_back_finds_everything_whole(
    metrics: list[str], others: list[str], chunks: list[tuple[list[Signal], int]],
    data: st.DataObject,
) -> None:  # fmt: skip
    """However long the other card was active, and whatever came in the meantime."""
    text, other = card_with(*metrics), card_with(*others)
    there, back = sorted(data.draw(st.tuples(*[st.integers(0, len(chunks))] * 2)))
    log, reference = Log(text), Log(text)
    now_ms, changed_ms, number = START_MS, None, 0
    for n in range(len(chunks) + 1):
        if n == there:
            log.add(activation(other, 1), now_ms)
            changed_ms = now_ms
        if n == back:
            log.add(activation(text, 2), now_ms)
        if n < len(chunks):
            found, gap_ms = chunks[n]
            now_ms += gap_ms
            for one in (log, reference):
                one.read_signals(now_ms, shifted(numbered(found, number), now_ms - START_MS))
                one.tick(now_ms)
            number += len(found)
    assert log.fold.card is not None
    assert log.fold.card.hash == card_of(text).hash
    if number:
        for at_ms in (now_ms, now_ms + data.draw(st.integers(0, 90 * 24)) * HOUR_MS):
            for metric in metrics:
                assert value_of(log, metric, at_ms) == value_of(reference, metric, at_ms), metric
    # What the other card asked for goes on being kept, and is as old as its first activation.
    new = keys_of(*others) - keys_of(*metrics)
    if text != other:
        assert log.fold.header.began == dict.fromkeys(new, (changed_ms, changed_ms))
    log.add(activation(other, 3), now_ms)
    assert text == other or set(log.fold.header.began) == new


def test_what_no_card_asks_for_is_dropped() -> None:
    """The card before the active one still asks; the one before that does not."""
    first, second, third = "count(use, 3d)", "sum(quantity, 7d)", "distinct(user, 28d)"
    used = event("usage.feature", START_MS, feature="f", user="u")
    log = Log(card_with(first))
    log.read(START_MS, used)
    log.tick(START_MS)
    now_ms = START_MS
    kept = [keys_of(first)]
    for offset, metric in enumerate((second, third), 1):
        now_ms += (PRUNE_DAYS + 1) * DAY_MS
        log.add(activation(card_with(metric), offset), now_ms)
        log.read(now_ms, event("usage.feature", now_ms, feature="f", user="u"))
        log.tick(now_ms)
        kept.append(set(log.customer().state.series))
        assert set(log.fold.header.began) <= kept[-1]
    assert kept == [keys_of(first), keys_of(first, second), keys_of(second, third)]


# -- before there is a card ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(TickMode))
@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(st.lists(st.tuples(past, st.integers(0, 40)), min_size=1, max_size=5), st.data())
def test_what_came_before_the_first_card_is_not_lost(
    mode: TickMode, chunks: list[tuple[list[Signal], int]], data: st.DataObject
) -> None:
    """The same as if the card had come first: states, dues and what was told, to the byte."""
    text = data.draw(st.one_of(st.just(SAAS), histories.cards()))
    as_of_ms = START_MS + 300 * DAY_MS
    before, after = (Log(None, mode=mode, as_of_ms=as_of_ms) for _ in range(2))
    now_ms, number = START_MS, 0
    before.add(activation(text), now_ms)
    for found, days in chunks:
        for customer in ("acme", "bolt"):
            signals = numbered(found, number)
            for log in (before, after):
                log.read_signals(now_ms, shifted(signals, now_ms - START_MS), customer)
            number += len(found)
        now_ms += days * DAY_MS
    after.add(activation(text), now_ms)
    for _ in range(3):
        for log in (before, after):
            log.tick(now_ms)
        assert after.outputs == before.outputs
        for customer_id in before.fold.customers():
            pair = (before.customer(customer_id), after.customer(customer_id))
            assert difference(canonical(pair[0]), canonical(pair[1])) == []
        now_ms += data.draw(st.integers(0, 60)) * DAY_MS


def test_what_does_not_fit_before_the_first_card_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As whatever else a cap turns away."""
    monkeypatch.setattr("scoring.row.HELD_MAX", 3)
    log = Log(None)
    log.read(START_MS, *used(*range(5)))
    log.add(activation(card_with("count(use, 28d)")), START_MS)
    log.tick(START_MS)
    counted = value_of(log, "count(use, 28d)", START_MS).value
    assert counted == 5_000_000 or log.customer().state.overflow


# -- restarts ------------------------------------------------------------------------------------


def check_restarts(history: list[histories.Step], cards: list[str], data: st.DataObject) -> None:
    """Change the card now and then, restart now and then, and compare with a run without."""
    log = Log(cards[0])
    fold = log.new_fold({})
    sent: list[Any] = []
    for number, step in enumerate(history, 1):
        if data.draw(st.integers(0, 3)) == 0:
            log.add(activation(data.draw(st.sampled_from(cards)), number), step.now_ms)
        if step.event is not None:
            log.read(step.now_ms, step.event)
        if data.draw(st.booleans()):
            log.tick_if_wanted(step.now_ms)
        if data.draw(st.booleans()):
            sent += log.replay(fold)
            fold.checkpoint()
            fold = log.new_fold(dict(fold.rows))
    sent += log.replay(fold)
    assert sent == log.outputs
    fold.checkpoint()
    log.fold.checkpoint()
    for key, row in log.rows.items():
        if is_customer(key):
            assert fold.rows[key] == row
    assert fold.header.began == log.fold.header.began
    assert fold.header.previous_hash == log.fold.header.previous_hash


@settings(max_examples=examples(30), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), st.lists(some_metrics, min_size=2, max_size=4), st.data())
def test_a_restart_between_cards_changes_nothing(
    history: list[histories.Step], cards: list[list[str]], data: st.DataObject
) -> None:
    """Plans are made from the header: rows and outputs to the byte."""
    check_restarts(history, [card_with(*metrics) for metrics in cards], data)


# -- how much is kept ----------------------------------------------------------------------------

ROW_BYTES_MAX = 256 * 1024
#: With everything that may be asked for at once; docs/metrics.md states it.
STATE_BYTES_MAX = 512 * 1024
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODES = [a + b + c for a in _LETTERS for b in _LETTERS for c in _LETTERS]
_NO_BILLING = [None] * 9


def name_of(number: int) -> str:
    """An id as other systems make them: 36 characters that do not compress."""
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def _feature(n: int, feature: str = "f", user: str = "u", **own: Any) -> list[Any]:
    return [Kind.FEATURE, feature, user, 0, n % 1000, 60_000, 0, own]


def _order(n: int, currency: str) -> list[Any]:
    return [Kind.ACTIVITY, "order", "u", n, currency, None]


def _worth(n: int, currency: str) -> list[Any]:
    return [Kind.BILLING, "refund", None, None, None, currency, n, n, None, None, None, None]


def _ticket(n: int) -> list[Any]:
    change = ("opened", "answered", "rated")[n % 3]
    said = ["urgent", "billing and invoices", 60_000 + n, 120_000 + n, n % 1_000_000]
    return [Kind.TICKET, name_of(n // 3), change, *said]


#: What comes ever new, and the metrics that keep it.
EVER_NEW: dict[str, tuple[tuple[str, ...], Callable[[int], list[Any]]]] = {
    "uses by day": (("count(use, 400d)",), _feature),
    "uses by hour": (("count(use, 48h)",), _feature),
    "quantities": (("sum(quantity, 400d)", "max(quantity, 400d)"), _feature),
    "users": (("distinct(user, 400d)",), lambda n: _feature(n, user=name_of(n))),
    "as many users as are told apart": (
        ("distinct(user, 400d)",),
        lambda n: _feature(n, user=name_of(n % 1000)),
    ),
    "features": (("distinct(feature, 400d)",), lambda n: _feature(n, feature=10 * name_of(n))),
    "properties": (
        ("distinct(property.a, 400d)", "last(property.b)"),
        lambda n: _feature(n, a=name_of(n), b=10 * name_of(n)),
    ),
    "names of properties": (("distinct(property.a, 400d)",), lambda n: _feature(n, **{f"p{n}": 1})),
    "samples": (("median(property.a, 400d)",), lambda n: _feature(n, a=10**12 + n)),
    "currencies of amounts": (("sum(amount, 400d)",), lambda n: _order(n, _CODES[n % 17_576])),
    "currencies by hour": (("sum(amount, 48h)",), lambda n: _order(n, _CODES[n % 17_576])),
    "tickets": ((), _ticket),
    "invoices": (
        (),
        lambda n: [Kind.BILLING, "invoice_due", name_of(n), START_MS + n, *_NO_BILLING],
    ),
    "goals": ((), lambda n: [Kind.GOAL, name_of(n), "goal", "set", START_MS + n]),
    "seats and MRR": ((), lambda n: _worth(n, "EUR")),
    "currencies of MRR": ((), lambda n: _worth(n, _CODES[n % 17_576])),
    "attributes": (
        (),
        lambda n: [Kind.ACCOUNT, {"attributes": {name_of(n + i): name_of(n) for i in range(64)}}],
    ),
}


def row_after(shape: str, count: int) -> int:
    """The size of a row after so many events in 399 days, forgotten as often as it is."""
    metrics, payload = EVER_NEW[shape]
    plan, customer = plan_of(*metrics), Customer(0)
    pruned_ms = first_ms = START_MS - 399 * DAY_MS
    largest = 0
    for n in range(count):
        at_ms = first_ms + n * (399 * DAY_MS // count)
        fold(customer.state, [0, at_ms, "acme", "app", name_of(n), *payload(n)], plan)
        if at_ms >= pruned_ms + PRUNE_DAYS * DAY_MS:
            largest = max(largest, len(pack(customer)))
            pruned_ms = at_ms
            plan.prune(customer.state, at_ms)
            forget(customer.state, at_ms)
    return max(largest, len(pack(customer)))


@pytest.mark.parametrize("shape", EVER_NEW)
def test_a_row_is_bounded(shape: str) -> None:
    """Whatever comes ever new: a row stays far below what a record may be."""
    assert row_after(shape, examples(10_000)) < ROW_BYTES_MAX


@pytest.mark.soak
@pytest.mark.parametrize("shape", EVER_NEW)
def test_a_row_is_bounded_at_length(shape: str) -> None:
    """The same after 100,000 events."""
    assert row_after(shape, 100_000) < ROW_BYTES_MAX


def largest_row(plan: Plan, count: int, payload: Callable[[int], list[Any]]) -> int:
    """The largest row of a customer of whom so many events come in 399 days."""
    customer, largest = Customer(0), 0
    pruned_ms = first_ms = START_MS - 399 * DAY_MS
    for n in range(count):
        at_ms = first_ms + n * 399 * DAY_MS // count
        fold(customer.state, [0, at_ms, "acme", "app", name_of(n), *payload(n)], plan)
        if at_ms >= pruned_ms + PRUNE_DAYS * DAY_MS:
            largest = max(largest, len(pack(customer)))
            pruned_ms = at_ms
            plan.prune(customer.state, at_ms)
            forget(customer.state, at_ms)
            make_room(customer.state)
    return max(largest, len(pack(customer)))


def all_at_once(count: int) -> int:
    """That of a customer of whom events of every kind come."""
    payloads = [payload for _, payload in EVER_NEW.values()]
    metrics = (metric for metrics, _ in EVER_NEW.values() for metric in metrics)
    return largest_row(plan_of(*metrics), count, lambda n: payloads[n % len(payloads)](n))


def test_state_size_is_bounded_whatever_the_input() -> None:
    """All that may ever be new at once; how much there was makes no difference."""
    assert all_at_once(examples(20_000)) < STATE_BYTES_MAX


@pytest.mark.soak
def test_state_size_is_bounded_whatever_the_input_after_a_million_events() -> None:
    """1,000,000 events on one customer."""
    assert all_at_once(1_000_000) < STATE_BYTES_MAX


def busiest(count: int) -> int:
    """That of a customer of the shipped card; one event in twenty is a ticket, a new one."""
    others = [EVER_NEW[shape][1] for shape in ("users", "features", "seats and MRR")]
    return largest_row(
        Plan(card_of(shipped_card().read_text()).series),
        count,
        lambda n: _ticket(3 * n // 20) if n % 20 == 0 else others[n % 3](n),
    )


def test_s15_a_row_of_the_shipped_card_is_bounded() -> None:
    assert busiest(examples(40_000)) < ROW_BYTES_MAX


@pytest.mark.soak
def test_s15_a_million_events_and_fifty_thousand_tickets_on_one_customer() -> None:
    largest = busiest(1_000_000)
    print(f"the largest row has {largest:,} bytes")
    assert largest < ROW_BYTES_MAX


def test_a_row_is_bounded_before_there_is_a_card() -> None:
    log = Log(None)
    own = {f"p{n:063d}": "v" * 500 for n in range(32)}
    for n in range(60):
        log.read(START_MS, *used(n, event_id=name_of(n), properties=own))
    assert len(pack(log.customer())) < ROW_BYTES_MAX
