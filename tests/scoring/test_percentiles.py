"""Percentile ranks: the rank itself, the snapshot in a partition, what a new one changes."""

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    bodies,
    card_of,
    changed_card,
    data_of,
    event,
    source_control,
)
from relatives import Group, tree_card
from schemas.control import CONTROL, PercentileGroup, PercentilesTaken
from schemas.signals import ControlCopy
from scoring.evaluate import assess
from scoring.frozen import mark_of, same_card, same_percentiles
from scoring.header import Header, decode_header
from scoring.percentiles import CUSTOMERS_MIN, CUTS_MAX, GROUPS_MAX, Ranked, cuts_of
from scoring.portfolio import Portfolio
from scoring.progress import present_ms
from scoring.row import HEADER_KEY, PERCENTILES_KEY, is_customer
from scoring.things import EVERYTHING
from scoring.versions import RowError
from scoring.way import way_to_green
from snapshots import CARD, copy_of, naive_rank, portfolios, snapshot_of

M = 1_000_000
#: Twenty customers of each group: with 1 to 20 uses, silent for 0 to 19 days.
SPREAD = {
    ("depth", "large"): [100 * n * M for n in range(1, 21)],
    ("depth", "small"): [n * M for n in range(1, 21)],
    ("silence", None): [n * M for n in range(20)],
}
OTHER = changed_card(('version: "1"', 'version: "2"'), ("share: 40", "share: 30"),
                     ("share: 30, metric: days", "share: 40, metric: days"), text=CARD)  # fmt: skip


def rank_curve(values: list[int], lowest_best: bool = False) -> Callable[[int], int | None]:
    """The points of any value among these."""
    group = PercentileGroup(measure="m", customers=len(values), cuts=cuts_of(values))
    curve = Ranked(False, lowest_best, {}).taken([group]).curve("any")
    return (lambda _: None) if curve is None else curve.points


def half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


# -- the rank ------------------------------------------------------------------------------------


@given(portfolios())
def test_the_rank_is_that_of_a_naive_count(values: list[int]) -> None:
    """Exact for each customer, ties share a rank; none with fewer than twenty."""
    points = rank_curve(values)
    falling = rank_curve(values, lowest_best=True)
    for value in values:
        if len(values) < 20:
            assert points(value) is None
        else:
            exact = half_up(100 * naive_rank(values, value))
            assert points(value) == exact
            assert falling(value) == 10_000 - exact


@given(st.integers(0, 2**32), st.integers(101, 3_000), st.sampled_from([1, 2, 30, 1_000]))
def test_many_different_values_are_off_by_less_than_two_points(
    seed: int, count: int, ties: int
) -> None:
    """A hundred cuts whatever the portfolio; a heavy tie in the middle is met exactly."""
    rng = random.Random(seed)
    values = [rng.randrange(10**9) for _ in range(count)] + [5 * 10**8] * ties
    cuts = cuts_of(values)
    assert len(cuts) <= CUTS_MAX
    points = rank_curve(values)
    ranks = [points(value) for value in sorted(values)]
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    for value in rng.sample(values, 30):
        assert abs((points(value) or 0) - 100 * naive_rank(values, value)) < 200


@pytest.mark.parametrize(("customers", "points"), [(19, None), (20, 5_000)])
def test_one_value_is_the_middle_and_nineteen_are_too_few(
    customers: int, points: int | None
) -> None:
    assert rank_curve([7 * M] * customers)(7 * M) == points
    assert CUSTOMERS_MIN == 20


def test_both_sides_of_every_bound() -> None:
    """Level before the first cut and beyond the last, straight lines in between."""
    points = rank_curve([n * M for n in range(1, 21)])
    assert [points(n * M) for n in (0, 1, 2, 20, 21)] == [250, 250, 750, 9_750, 9_750]
    assert [points(value) for value in (M - 1, M, M + 1, 3 * M // 2)] == [250, 250, 250, 500]
    assert points(20 * M - M // 500) == 9_749
    tied = rank_curve([0] * 15 + [M] * 5)
    assert [tied(value) for value in (-1, 0, M // 2, M, M + 1)] == [
        3_750, 3_750, 6_250, 8_750, 8_750,
    ]  # fmt: skip


@given(portfolios(), st.lists(st.integers(-2 * M, 4 * M), min_size=2, max_size=2).map(sorted))
def test_a_greater_value_never_ranks_lower(values: list[int], two: list[int]) -> None:
    low, high = (rank_curve(values)(value) for value in two)
    assert (low is None and high is None) or (low or 0) <= (high or 0)
    low, high = (rank_curve(values, lowest_best=True)(value) for value in two)
    assert (low or 0) >= (high or 0)


def test_the_largest_snapshot_fits_into_a_record() -> None:
    """Kafka takes a MiB by default; the log's copy of it is a little longer."""
    widest = tuple((-(2**62) + n, 10_000) for n in range(CUTS_MAX))
    groups = tuple(
        PercentileGroup(measure="m" * 64, segment="s" * 64, customers=10**9, cuts=widest)
        for _ in range(GROUPS_MAX)
    )
    taken = snapshot_of(CARD, {}).model_copy(update={"groups": groups})
    assert len(taken.model_dump_json()) < 1_000_000


# -- in a partition ------------------------------------------------------------------------------


def use(ms: int, customer: str = "acme", **fields: Any) -> Any:
    return event("usage.feature", ms, customer, **{"feature": "board", "user": "ann", **fields})


def log_with(card_text: str = CARD, seats: int = 5, uses: int = 5) -> Log:
    """A customer that used it today."""
    log = Log(card_text)
    log.read(START_MS, event("account.created", START_MS - DAY_MS, seats=seats))
    log.read(START_MS, *(use(START_MS, event_id=f"u{n}") for n in range(uses)))
    log.tick(START_MS)
    return log


def points_of(log: Log, customer: str = "acme") -> dict[str, int | None]:
    """The points of each measure as they were told."""
    emitted = log.customer(customer).emitted
    assert emitted is not None
    return {line[0]: line[3] for line in emitted.lines if line[1] == "measure"}


def test_a23_points_are_the_percentile_within_the_segment_and_the_portfolio() -> None:
    """Five uses rank among the small ones; nobody was silent for less than today."""
    log = log_with()
    assert points_of(log) == {"depth": None, "breadth": 1_000, "silence": None}
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    assert points_of(log) == {"depth": 2_250, "breadth": 1_000, "silence": 9_750}
    large = log_with(seats=100, uses=300)
    large.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    large.tick(START_MS + 1)
    assert points_of(large)["depth"] == 1_250


def test_a23_no_percentile_below_twenty_customers() -> None:
    """Of 19 small customers there is no rank, though of twenty others there is one."""
    few = {**SPREAD, ("depth", "small"): SPREAD["depth", "small"][:19]}
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, few)), START_MS)
    log.tick(START_MS + 1)
    assert points_of(log) == {"depth": None, "breadth": 1_000, "silence": 9_750}
    assert log.customer().emitted.coverage_ppm == 600_000  # type: ignore[union-attr]


def test_missing_points_stand_in_for_a_rank() -> None:
    card = changed_card(("percentile: segment", "percentile: segment, missing: 50"), text=CARD)
    assert points_of(log_with(card))["depth"] == 5_000


def test_a23_a_portfolio_is_what_its_customers_have_now() -> None:
    """Exact values, not those last told; only scored customers with a value and a segment."""
    log = Log(CARD)
    for number in range(30):
        who = f"c{number:02}"
        status = "churned" if number == 29 else "customer"
        created = event("account.created", START_MS, who, seats=100 * (number % 2), status=status)
        log.read(START_MS, created)
        used = range(number) if number else ()
        log.read(START_MS, *(use(START_MS - n * DAY_MS, who, event_id=f"{who}{n}") for n in used))
    log.tick(START_MS)
    portfolio = Portfolio(card_of(CARD))
    for customer_id in log.fold.customers():
        customer = log.customer(customer_id)
        moment = log.fold.moment(customer, START_MS + 3 * DAY_MS)
        portfolio.add(assess(customer.state, customer.past, card_of(CARD), moment))
    large, small, silence = portfolio.groups()
    # c00 never used it, so there is no value; of c27 and c28 the oldest uses left the window.
    assert (large.measure, large.segment, large.customers, large.cuts) == ("depth", "large", 14, ())
    assert (small.segment, small.customers) == ("small", 14)
    assert (silence.measure, silence.segment, silence.customers) == ("silence", None, 28)
    assert silence.cuts == ((3 * M, 5_000),)


def test_a_partitions_present_goes_on_without_ticks() -> None:
    """Nobody touched or due: as far as the sources were read, never ahead of the clock."""
    header = Header(tick_ms=START_MS)
    assert present_ms(header, START_MS + HOUR_MS) == START_MS
    header.progress_ms["health.usage.v1/0"] = START_MS + 2 * HOUR_MS
    assert present_ms(header, START_MS + HOUR_MS) == START_MS + HOUR_MS
    assert present_ms(header, START_MS + 3 * HOUR_MS) == START_MS + 2 * HOUR_MS
    assert present_ms(header, START_MS - HOUR_MS) == START_MS
    assert present_ms(header, None) == START_MS


def test_a_measure_within_segments_of_a_customer_in_none() -> None:
    """What no class of the card holds is in no group."""
    portfolio = Portfolio(card_of(CARD))
    log = log_with()
    customer = log.customer()
    found = assess(
        customer.state, customer.past, card_of(CARD), log.fold.moment(customer, START_MS)
    )
    nowhere = found._replace(past=type(found.past)())
    portfolio.add(nowhere)
    assert nowhere.segment == ""
    assert [group.customers for group in portfolio.groups()] == [0, 0, 1]


# -- which snapshot counts -----------------------------------------------------------------------


def shifted(by: int) -> dict[tuple[str, str | None], list[int]]:
    """The others have so many uses more."""
    return {**SPREAD, ("depth", "small"): [(n + by) * M for n in range(1, 21)]}


def test_a_restart_keeps_the_snapshot() -> None:
    """It is a row of the partition; nobody is evaluated again for having been restored."""
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    log.fold.checkpoint()
    fold = log.new_fold(dict(log.rows))
    assert fold.card == log.fold.card
    assert fold.ticks(START_MS + 2, 10, ()) == []
    log.read(START_MS, use(START_MS, event_id="one more"))
    log.tick(START_MS + 2)
    assert log.replay(fold) == log.outputs[-1:]
    assert points_of(log)["depth"] == 2_750


def test_a_snapshot_of_another_card_counts_for_nothing() -> None:
    log = log_with()
    evaluations = log.fold.counts.evaluations
    log.add(copy_of(snapshot_of(OTHER, SPREAD)), START_MS)
    assert log.tick(START_MS + 1) == []
    assert log.fold.counts.evaluations == evaluations
    assert log.fold.header.percentiles == {}
    nothing = Log(None)
    nothing.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    assert nothing.fold.header.percentiles == {}


def test_another_card_begins_without_percentiles_and_a_rollback_finds_them() -> None:
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    log.add(activation(OTHER, 2), START_MS)
    log.tick(START_MS + 2)
    assert points_of(log)["depth"] is None
    log.add(copy_of(snapshot_of(CARD, shifted(2)), 3), START_MS)
    assert log.tick(START_MS + 3) == []
    assert log.fold.card == card_of(OTHER)
    for restored in (False, True):
        if restored:
            log.fold.checkpoint()
            log.fold = log.new_fold(log.rows)
        log.add(activation(CARD, 4 + 2 * restored), START_MS)
        log.tick(START_MS + 4)
        assert points_of(log)["depth"] == 1_250
        log.add(activation(OTHER, 5 + 2 * restored), START_MS)
    log.add(activation(SAAS, 8), START_MS)
    assert log.fold.header.percentiles == {}


def test_a_snapshot_for_a_card_without_percentiles_changes_nothing() -> None:
    log = log_with(SAAS)
    evaluations = log.fold.counts.evaluations
    log.add(copy_of(snapshot_of(SAAS, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    assert log.fold.counts.evaluations == evaluations


def rows_of_snapshots(log: Log) -> list[bytes]:
    return sorted(key for key in log.rows if key.startswith(PERCENTILES_KEY))


def test_a_row_goes_one_checkpoint_after_its_snapshot() -> None:
    """Until the header without it is durable, a restart needs it."""
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.fold.checkpoint()
    log.add(copy_of(snapshot_of(CARD, shifted(1)), 2), START_MS)
    log.fold.checkpoint()
    assert rows_of_snapshots(log) == [PERCENTILES_KEY + b"1", PERCENTILES_KEY + b"2"]
    log.tick(START_MS + 1)
    log.fold.checkpoint()
    assert rows_of_snapshots(log) == [PERCENTILES_KEY + b"2"]


@pytest.mark.parametrize("lose", ["nothing", "header", "customers"])
def test_a_crash_between_two_snapshots_changes_no_output(lose: str) -> None:
    """The rows of a checkpoint without its header: the older snapshot is used once more."""
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    rows = dict(log.rows)
    fold = log.new_fold(rows)
    log.replay(fold)
    fold.checkpoint()
    durable = dict(rows)
    for number, by in enumerate((1, 2, 3), 2):
        log.read(START_MS, use(START_MS, event_id=f"more{by}"))
        log.tick(START_MS + 2 * number)
        log.add(copy_of(snapshot_of(CARD, shifted(by)), number), START_MS)
        log.tick(START_MS + 2 * number + 1)
    log.replay(fold)
    for key, row in fold.checkpoint():
        lost = (lose != "nothing" and key == HEADER_KEY) or (
            lose == "customers" and is_customer(key)
        )
        if not lost and row is None:
            del durable[key]
        elif not lost and row is not None:
            durable[key] = row
    again = log.new_fold(durable)
    outputs = log.replay(again)
    assert outputs == ([] if lose != "customers" else log.outputs[-len(outputs) :])
    assert (len(outputs) > 5) is (lose == "customers")
    again.checkpoint()
    assert decode_header(durable[HEADER_KEY]).percentiles == log.fold.header.percentiles
    log.tick(START_MS + 100)
    log.replay(again)
    again.checkpoint()
    assert [key for key in durable if key.startswith(PERCENTILES_KEY)] == [PERCENTILES_KEY + b"4"]


@pytest.mark.parametrize("row", [None, b"{", b"{}"])
def test_a_damaged_snapshot_is_named(row: bytes | None) -> None:
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.fold.checkpoint()
    rows = {key: value for key, value in log.rows.items() if not key.startswith(PERCENTILES_KEY)}
    if row is not None:
        rows[PERCENTILES_KEY + b"1"] = row
    with pytest.raises(RowError, match="damaged snapshot of percentiles 1: "):
        log.new_fold(rows)


def test_a_decision_of_a_newer_release_is_passed_over() -> None:
    """It counts as taken over, so that it is not copied again and again."""
    log = log_with()
    body = b'{"type": "weather.changed", "at": "2026-03-02T00:00:00Z", "wind": 3}'
    log.add(ControlCopy(1, body), START_MS)
    assert log.fold.header.control_offset == 1
    refused = ControlCopy(2, copy_of(snapshot_of(CARD, SPREAD)).body, "no room")
    log.add(refused, START_MS)
    assert log.fold.header.percentiles == {}


def test_the_record_reads_as_it_was_written() -> None:
    taken = snapshot_of(CARD, SPREAD)
    assert CONTROL.validate_json(taken.model_dump_json()) == taken
    assert isinstance(taken, PercentilesTaken)


# -- what a new snapshot changes -----------------------------------------------------------------


def test_a_new_snapshot_evaluates_everybody_and_its_cause_is_quiet() -> None:
    """A crossing that only the others made is the customer's doing in no way."""
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    first = log.tick(START_MS + 1)
    assert [change["cause"] for change in data_of(first)] == ["percentiles"]
    (change,) = data_of(first)
    assert change["because"].startswith("Compared with the other customers anew: ")
    assert sum(mover["delta"] for mover in change["movers"]) == change["delta"]
    log.add(copy_of(snapshot_of(CARD, shifted(-15)), 2), START_MS)
    up = log.tick(START_MS + 2)
    (crossing,) = bodies(up, "transitions")
    assert (crossing["data"]["cause"], crossing["data"]["after"]) == ("percentiles", "yellow")


def test_a_hold_that_a_snapshot_began_ends_as_quietly() -> None:
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, shifted(-15))), START_MS)
    log.tick(START_MS + 1)
    log.add(copy_of(snapshot_of(CARD, shifted(0)), 2), START_MS)
    log.tick(START_MS + 2)
    assert log.customer().standing.pending == "red"
    (crossing,) = bodies(log.tick(START_MS + 2 + DAY_MS), "transitions")
    assert (crossing["data"]["cause"], crossing["data"]["after"]) == ("percentiles", "red")


def test_a_parent_whose_child_was_ranked_anew_is_as_quiet() -> None:
    """What the other customers moved below is their doing above as well."""
    shape = ("curve: {0: 0, 100: 100}", "percentile: portfolio, missing: 10")
    card = changed_card(shape, text=tree_card())
    company = Group(card, now_ms=START_MS)
    company.say("top", seats=90)
    company.say("child", seats=10, parent="top")
    company.settle()
    taken = snapshot_of(card, {("seats", None): [n * M for n in range(1, 21)]})
    for log in company.logs:
        log.add(copy_of(taken), company.now_ms + 20_000)
    company.settle()
    top = company.changes("top")[-1]
    assert (top["cause"], top["after"]["score"]) == ("percentiles", 4_750)
    company.say("child", seats=11)
    company.settle()
    assert company.changes("top")[-1]["cause"] == "event"


def test_what_happens_later_has_its_own_cause() -> None:
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    log.read(START_MS + 2, use(START_MS, event_id="later"))
    assert [change["cause"] for change in data_of(log.tick(START_MS + 2))] == ["event"]
    assert [c["cause"] for c in data_of(log.tick(START_MS + 2 * DAY_MS))] == ["time"]


def test_the_mark_tells_snapshots_apart() -> None:
    """A card, stalled sources and a snapshot: each has bytes of its own."""
    hash_ = card_of(CARD).hash
    marks = [mark_of(hash_, (), number) for number in (None, 0, 1, 0xFFFE, 0xFFFF, 0x10000)]
    assert all(same_card(marks[0], mark) for mark in marks)
    assert all(a != b for a, b in pairwise(marks))
    assert not any(same_percentiles(a, b) for a, b in pairwise(marks))
    stalled = mark_of(hash_, ["t"], 1)
    assert same_percentiles(stalled, marks[2])
    assert stalled != marks[2]
    assert not same_card(stalled, mark_of(card_of(OTHER).hash, ["t"], 1))


def test_a_stalled_source_and_a_snapshot() -> None:
    """A frozen value is ranked like any other."""
    log = log_with()
    log.add(source_control("source.stalled", "health.usage.v1", 1), START_MS)
    log.add(copy_of(snapshot_of(CARD, SPREAD), 2), START_MS)
    log.tick(START_MS + DAY_MS)
    assert points_of(log) == {"depth": 2_250, "breadth": 1_000, "silence": 9_750}


# -- time and the way ----------------------------------------------------------------------------


def silent_for(days: int, *, hourly: bool, snapshot: bool) -> Log:
    """Nothing is heard of the customer; it is looked at each hour, or at what is due alone."""
    log = log_with()
    if snapshot:
        log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
        log.tick(START_MS + 1)
    for hour in range(1, days * 24):
        now_ms = START_MS + hour * HOUR_MS
        while not hourly and (due_ms := log.customer().due_ms) is not None and due_ms < now_ms:
            log.tick(due_ms)
        log.tick(now_ms)
        if hourly:
            customer = log.customer()
            customer.touched = EVERYTHING
            log.fold._queue.ready.add("acme")
    return log


@pytest.mark.parametrize("snapshot", [False, True])
def test_what_is_due_is_all_that_changes(snapshot: bool) -> None:
    """Silence grows hour by hour: no rank that changes by it is missed."""
    often = silent_for(31, hourly=True, snapshot=snapshot)
    due = silent_for(31, hourly=False, snapshot=snapshot)
    scores = [
        [(body["time"], body["data"]["after"]["score"]) for body in bodies(log.outputs)]
        for log in (often, due)
    ]
    assert scores[0] == scores[1]
    assert (len(scores[0]) > 19 * 24) is snapshot
    assert due.fold.counts.evaluations < 24 * (22 if snapshot else 3)


def test_where_no_rank_can_change_nothing_is_due() -> None:
    """Beyond the last cut silence costs nothing, as without a snapshot it does not."""
    assert log_with().customer().due_ms == START_MS + 28 * DAY_MS
    log = silent_for(20, hourly=False, snapshot=True)
    assert log.customer().due_ms == START_MS + 28 * DAY_MS
    earlier = silent_for(19, hourly=False, snapshot=True)
    assert earlier.customer().due_ms == START_MS + 19 * DAY_MS


def test_the_way_names_the_value_that_gives_the_rank() -> None:
    """Ten features give the other measures; the rank is reached between two cuts."""
    log = log_with()
    log.add(copy_of(snapshot_of(CARD, SPREAD)), START_MS)
    log.tick(START_MS + 1)
    card, customer = log.fold.card, log.customer()
    assert card is not None
    found = assess(customer.state, customer.past, card, log.fold.moment(customer, START_MS + 1))
    way = way_to_green(card, found)
    assert way is not None
    (depth, *_) = [step for step in way.steps if step.name == "depth"]
    curve = card.by_name["depth"].curve_in("small")
    assert curve is not None
    assert isinstance(depth.value, int)
    assert curve.points(depth.value) >= depth.points > (curve.points(5 * M) or 0)  # type: ignore[arg-type]
    stuck = changed_card(("percentile: segment", "percentile: segment, movable: false"), text=CARD)
    still = way_to_green(card_of(stuck).with_percentiles(snapshot_of(stuck, SPREAD)), found)
    assert still is not None
    assert "depth" not in [step.name for step in still.steps]


def test_without_a_rank_there_is_no_way_through_it() -> None:
    """Missing points stand in for it, and no value would change them."""
    text = changed_card(("percentile: segment", "percentile: segment, missing: 10"), text=CARD)
    log = log_with(text)
    way = log.customer().emitted.way  # type: ignore[union-attr]
    assert way is not None
    assert "depth" not in [name for name, _, _ in way[2]]
