"""What series keep: the same in any order, through rows, and whatever was forgotten."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    START_MS,
    difference,
    event,
    folded,
    metric_of,
    plan_of,
    reading_of,
    signals_of,
)
from properties import examples
from schemas.signals import Kind, Signal
from scoring.fold import fold
from scoring.plan import CURRENCIES_MAX, SAMPLES_MAX
from scoring.room import AT_MOST, make_room
from scoring.row import Customer, pack, unpack
from scoring.series import Shape
from scoring.state import CustomerState, forget

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

#: Metrics of each shape: by day and by hour, narrowed and not.
METRICS: dict[str, tuple[str, ...]] = {
    Shape.COUNT: (
        *("count(use, 28d)", "count(use, 6h)", "count(failed_use, 400d)", "count(order, 48h)"),
        *("share(use, 28d, where: outcome == failed)", "active_days(human_use, 30d)"),
        *("streak(use)", "change(use, 200d)", "change(use, 24h)", "against_own(human_use)"),
        "count(use, 28d, where: property.team in [red, blue] or user == ann)",
    ),
    Shape.TOTAL: (
        *("sum(quantity, 28d)", "mean(property.size, 400d)", "mean(csat, 48h)"),
        *("change(sum(active_time), 200d)", "change(sum(quantity), 24h)"),
        "at_least(mean(property.size, 28d), 2)",
    ),
    Shape.EXTREMES: (
        *("max(property.size, 400d)", "min(property.size, 28d)", "max(quantity, 48h)"),
        "min(rating, 28d)",
    ),
    Shape.MONEY: ("sum(amount, 400d)", "mean(amount, 28d, of: order)", "sum(amount, 48h)"),
    Shape.DISTINCT: (
        *("distinct(user, 28d)", "distinct(feature, 400d)", "distinct(property.team, 48h)"),
        "distinct(user, 1d, where: user_kind == human)",
    ),
    Shape.LATEST: (
        *("last(feature)", "last(property.size, 28d)", "last(nps, 400d)", "last(direction, 48h)"),
        *("days_since(use)", "days_since(negative_feedback)", "days_since(human_use)"),
    ),
    Shape.SAMPLES: (
        *("median(property.size, 400d)", "quantile(active_time, 90%, 28d)"),
        *("median(quantity, 48h)", "at_least(median(nps, 28d), 2)"),
    ),
}
#: What is remembered without being asked for.
ALWAYS = (
    *("open_tickets", "open_tickets(priority: urgent)", "oldest_open_ticket"),
    *("median(first_response, 400d)", "mean(satisfaction, 28d)", "max(resolution, 48h)"),
    *("days_overdue", "open_invoices", "goals_due", "goals_reached", "days_to_renewal"),
    *("account.seats", "account.mrr", "change(account.seats, 28d)", "change(account.mrr, 400d)"),
    *("mrr_movement(28d)", "mrr_movement(400d, kind: expansion)", "pulse", "tenure"),
)
ALL = tuple(text for texts in METRICS.values() for text in texts)
each_shape = pytest.mark.parametrize("metrics", [*METRICS.values(), ()], ids=[*METRICS, "always"])


def plain(state: CustomerState) -> Any:
    """A state in which the order of dictionaries does not count."""
    return msgspec.to_builtins(state, str_keys=True, order="sorted")


def test_each_shape_is_among_the_metrics() -> None:
    for shape in Shape:
        assert {one.shape for text in METRICS[shape] for one in metric_of(text).series} == {shape}


# -- order ---------------------------------------------------------------------------------------


@each_shape
@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(data=st.data())
def test_any_order_keeps_the_same(metrics: tuple[str, ...], data: st.DataObject) -> None:
    """Also where times and ids collide, and where two sources use one id at one instant."""
    found = data.draw(histories.signals())
    plan = plan_of(*metrics)
    shuffled = data.draw(st.permutations(found))
    assert difference(plain(folded(plan, found)), plain(folded(plan, shuffled))) == []


def activity(ms: int, n: int, amount_minor: int, currency: str | None) -> Signal:
    return [0, ms, "acme", "app", str(n), Kind.ACTIVITY, "order", "u", amount_minor, currency, None]


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=12))
def test_currencies_beyond_the_cap_are_the_same_in_any_order(
    order: list[int], more: list[int]
) -> None:
    """Those kept are the first by name, and each is whole."""
    metric = "sum(amount, 28d)"
    wanted = [activity(START_MS, n, n + 1, f"X{chr(65 + n)}X") for n in [*order, *more]]
    state = folded(plan_of(metric), wanted)
    (series,) = metric_of(metric).series
    (kept,) = state.series[series.key].values()
    assert kept == {
        f"X{chr(65 + n)}X": [1 + more.count(n), (n + 1) * (1 + more.count(n))]
        for n in range(CURRENCIES_MAX)
    }
    assert state.overflow["currencies"] > 0


def test_what_was_turned_away_is_counted_the_same_in_any_order() -> None:
    """Nine currencies, the last of them twice."""
    found = [activity(START_MS, n, 1, f"X{chr(65 + min(n, 8))}X") for n in range(10)]
    plan = plan_of("sum(amount, 28d)")
    assert folded(plan, found).overflow == folded(plan, found[::-1]).overflow


MANY = {collection: at_most * 5 // 4 + 1 for collection, at_most in AT_MOST.items()}


@pytest.mark.parametrize(
    "things",
    [
        [[0, START_MS + n, "acme", "app", str(n), Kind.TICKET, f"t{n}", "opened", *[None] * 5]
         for n in range(MANY["tickets"])],
        [[0, START_MS + n, "acme", "app", str(n), Kind.BILLING, "invoice_due", f"i{n}",
          *[None] * 9] for n in range(MANY["invoices"])],
        [[0, START_MS + n, "acme", "app", str(n), Kind.GOAL, f"g{n}", "goal", "set", None]
         for n in range(MANY["goals"])],
    ],
    ids=["tickets", "invoices", "goals"],
)  # fmt: skip
@pytest.mark.parametrize("over", [1, 0], ids=["many between two ticks", "beyond the cap"])
def test_any_order_keeps_the_same_things_beyond_the_cap(things: list[Signal], over: int) -> None:
    things = things if over else things[: len(things) * 4 // 5 + 1]
    one, other = folded(plan_of(), things), folded(plan_of(), things[::-1])
    assert difference(plain(one), plain(other)) == []
    for state in (one, other):
        make_room(state)
    assert difference(plain(one), plain(other)) == []
    assert one.overflow


WITH_IDS = (Kind.TICKET, Kind.BILLING, Kind.GOAL)


@settings(max_examples=examples(40), suppress_health_check=SLOW)
@given(
    st.lists(histories.signals(12, st.integers(0, 1), WITH_IDS), min_size=1, max_size=3),
    st.integers(0, 2),
    st.data(),
)
def test_any_order_between_two_ticks_keeps_the_same_beyond_the_cap(
    batches: list[list[Signal]], at_most: int, data: st.DataObject
) -> None:
    """Three ids at most, room for fewer; what went may be touched again."""
    plan, one, other = plan_of(), CustomerState(), CustomerState()
    with pytest.MonkeyPatch.context() as patch:
        for collection in AT_MOST:
            patch.setitem(AT_MOST, collection, at_most)
        for found in batches:
            for signal in found:
                fold(one, list(signal), plan)
            for signal in data.draw(st.permutations(found)):
                fold(other, list(signal), plan)
            for state in (one, other):
                make_room(state)
            assert difference(plain(one), plain(other)) == []
            assert all(len(getattr(one, collection)) <= at_most for collection in AT_MOST)


def test_samples_beyond_the_cap_are_the_youngest(rng: random.Random) -> None:
    """In any order; the median is theirs."""
    metric = "median(quantity, 400d)"
    count = SAMPLES_MAX + 200
    found: list[Signal] = [
        [0, START_MS + n // 3, "acme", "app", str(n % 3), Kind.FEATURE, "f", "u", 0, n, 0, 0]
        for n in range(count)
    ]
    one = folded(plan_of(metric), found)
    rng.shuffle(found)
    assert folded(plan_of(metric), found) == one
    (series,) = metric_of(metric).series
    assert [entry[2] for entry in one.series[series.key]] == [
        n * 1_000_000 for n in range(200, count)
    ]
    middle = 200 + (SAMPLES_MAX - 1) // 2
    assert reading_of(one, metric, START_MS).value == middle * 1_000_000


# -- beside each other ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metrics",
    [
        (*ALL, *ALWAYS),
        ("count(use, 28d)", "against_own(use)", "count(use, 6h)", "days_since(use)"),
        ("sum(quantity, 28d)", "median(quantity, 28d)", "max(quantity, 28d)", "last(quantity)"),
        ("last(item)", "last(item, 28d, of: order)", 'last(item, 28d, where: user == "of order")'),
        ("distinct(user, 28d)", "distinct(user, 6h)", "distinct(user, 28d, of: order)"),
    ],
    ids=lambda metrics: metrics[-1],
)
@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(found=histories.signals(days=st.integers(0, 3)))
def test_metrics_beside_each_other_read_what_each_would_alone(
    metrics: tuple[str, ...], found: list[Signal]
) -> None:
    """Whatever else the plan keeps, and in which order it was asked for."""
    alone = {metric: folded(plan_of(metric), found) for metric in metrics}
    for together in (metrics, metrics[::-1]):
        state = folded(plan_of(*together), found)
        for metric in metrics:
            assert reading_of(state, metric, START_MS) == reading_of(
                alone[metric], metric, START_MS
            ), metric


@pytest.mark.parametrize(
    ("word", "signal"),
    [
        ("activity", [0, START_MS, "acme", "app", "e", Kind.ACTIVITY, "order", *[None] * 4]),
        ("contact", [0, START_MS, "acme", "app", "e", Kind.CONTACT, "call", "inbound"]),
        ("survey", [0, START_MS, "acme", "app", "e", Kind.SURVEY, "nps", None, 5]),
    ],
)
def test_a_word_that_is_a_thing_and_a_field(word: str, signal: Signal) -> None:
    """How long ago is one question, and what it was is another."""
    thing, field = f"days_since({word})", f"last({word})"
    for metrics in ((thing, field), (field, thing)):
        state = folded(plan_of(*metrics), [signal])
        assert reading_of(state, thing, START_MS + DAY_MS).value == 1_000_000
        assert reading_of(state, field, START_MS + DAY_MS).value == signal[6]


# -- rows ----------------------------------------------------------------------------------------


@each_shape
@settings(max_examples=examples(15), suppress_health_check=SLOW)
@given(data=st.data())
def test_what_comes_back_from_a_row_goes_on_as_before(
    metrics: tuple[str, ...], data: st.DataObject
) -> None:
    """Packed in the middle, and forgotten in between: the same bytes at the end."""
    before, after = data.draw(histories.signals()), data.draw(histories.signals())
    now_ms = START_MS + data.draw(st.integers(-100, 500)) * DAY_MS
    plan = plan_of(*metrics)
    customer = Customer(0)
    customer.state = folded(plan, before)
    again = unpack(pack(customer))
    assert again.state == customer.state
    for one in (customer, again):
        plan.prune(one.state, now_ms)
        forget(one.state, now_ms)
        for signal in after:
            fold(one.state, list(signal), plan)
    assert pack(again) == pack(customer)
    for metric in (*metrics, *ALWAYS):
        assert reading_of(again.state, metric, now_ms) == reading_of(customer.state, metric, now_ms)


@pytest.mark.parametrize(
    ("metric", "signal"),
    [
        (metric, [0, START_MS, "acme", "app", "e", Kind.FEATURE, "f", "u", 0, 1, 0, 0, {"size": n}])
        for metric in ("sum(property.size, 28d)", "max(property.size, 28d)", "last(property.size)",
                       "median(property.size, 28d)")
        for n in (10**12, -(10**12))
    ],
)  # fmt: skip
def test_the_greatest_numbers_fit_a_row(metric: str, signal: Signal) -> None:
    """An event may say up to 10^15; one that is valid must not stop the partition."""
    customer = Customer(0)
    customer.state = folded(plan_of(metric), [signal])
    assert unpack(pack(customer)).state == customer.state


def test_a_number_that_is_not_whole_counts() -> None:
    used = event("usage.feature", START_MS, feature="f", properties={"size": 2.5})
    state = folded(plan_of("last(property.size)"), signals_of([used]))
    assert reading_of(state, "last(property.size)", START_MS).value == 2_500_000


# -- forgetting ----------------------------------------------------------------------------------


#: How long after START_MS: where windows end and memory does, and anywhere.
AFTER_MS = st.one_of(
    st.sampled_from([1, 24, 47, 48, 49, 71, 72, 73]).map(lambda hours: hours * HOUR_MS),
    st.sampled_from([27, 28, 29, 199, 200, 201, 398, 399, 400, 401]).map(lambda d: d * DAY_MS),
    st.integers(-430, 900).map(lambda days: days * DAY_MS),
)


@each_shape
@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(data=st.data())
def test_forgetting_changes_no_reading(metrics: tuple[str, ...], data: st.DataObject) -> None:
    """At that instant and later, also with what comes late afterwards."""
    before, after = data.draw(histories.signals()), data.draw(histories.signals(max_size=8))
    now_ms = START_MS + data.draw(AFTER_MS)
    plan = plan_of(*metrics)
    kept, pruned = folded(plan, before), folded(plan, before)
    plan.prune(pruned, now_ms)
    for metric in metrics:
        assert reading_of(pruned, metric, now_ms) == reading_of(kept, metric, now_ms), metric
    for signal in after:
        fold(kept, signal, plan)
        fold(pruned, signal, plan)
    later_ms = now_ms + data.draw(st.one_of(st.just(0), st.integers(0, 30 * 24))) * HOUR_MS
    for metric in metrics:
        assert reading_of(pruned, metric, later_ms) == reading_of(kept, metric, later_ms), metric


@example(runs=[(0, 1, 0), (33, 90, 9)], today=521)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([1, 90, 150]), st.sampled_from([0, 1, 9])),
        max_size=4,
    ),
    st.integers(500, 900),
)
def test_forgetting_does_not_move_the_anchor(runs: list[tuple[int, int, int]], today: int) -> None:
    """The customer's own first quarter is kept for ever; a use of no times is no first one."""
    metric = "against_own(use)"
    steady = (today - 120, 120, 2)
    found: list[Signal] = [
        [0, START_MS + day * DAY_MS, "acme", "app", f"{n}-{day}", Kind.FEATURE,
         "f", "u", 0, times, 0, 0]
        for n, (first, days, times) in enumerate([*runs, steady])
        for day in range(first, first + days, 3)
    ]  # fmt: skip
    plan, now_ms = plan_of(metric), START_MS + today * DAY_MS
    kept, pruned = folded(plan, found), folded(plan, found)
    plan.prune(pruned, now_ms)
    assert reading_of(pruned, metric, now_ms) == reading_of(kept, metric, now_ms)


@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(histories.signals(), AFTER_MS, st.integers(0, 600 * 24))
def test_forgetting_changes_nothing_that_is_always_kept(
    found: list[Signal], after_ms: int, hours: int
) -> None:
    """Tickets, invoices, goals and levels: at that instant and at any later one."""
    now_ms = START_MS + after_ms
    kept, pruned = folded(plan_of(), found), folded(plan_of(), found)
    forget(pruned, now_ms)
    for at_ms in (now_ms, now_ms + hours * HOUR_MS):
        for metric in ALWAYS:
            assert reading_of(pruned, metric, at_ms) == reading_of(kept, metric, at_ms), metric


# -- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [*ALL, *ALWAYS])
@settings(max_examples=examples(8), suppress_health_check=SLOW)
@given(data=st.data())
def test_nothing_changes_before_it_is_due(metric: str, data: st.DataObject) -> None:
    """From one instant to the next that a reading names, its value stands."""
    days = st.one_of(st.integers(-2, 3), st.integers(0, 60))
    state = folded(plan_of(metric), data.draw(histories.signals(days=days)))
    now_ms = START_MS + data.draw(st.integers(-50 * 24, 500 * 24)) * HOUR_MS
    now_ms += data.draw(st.sampled_from([0, 1, HOUR_MS - 1]))
    for _ in range(20):
        value, next_ms, jump_ms, _ = reading_of(state, metric, now_ms)
        due = [ms for ms in (next_ms, jump_ms) if ms is not None]
        until_ms = min(due, default=now_ms + 500 * DAY_MS)
        assert until_ms > now_ms
        some = data.draw(st.lists(st.integers(now_ms, until_ms - 1), max_size=3))
        for ms in (*some, until_ms - 1):
            assert reading_of(state, metric, ms).value == value
        if not due:
            return
        now_ms = until_ms
