"""Customers in other partitions than before: each once, unchanged, and with the same future."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from fleet import Fleet, applied, made_into
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    block_of,
    changed_card,
    difference,
    event,
    source_control,
)
from properties import examples
from relatives import Account, Group, scores_of, tree_card
from schemas.signals import ROLLUP, Block, ControlCopy, Progress, Tick, decode
from scoring.header import Header, decode_header
from scoring.repartition import Move, uneven
from scoring.row import (
    HEADER_KEY,
    PERCENTILES_KEY,
    SEGMENT_KEY,
    at_position,
    is_customer,
    pack,
    prefix_of,
    unpack,
)
from scoring.segment import Segment, encode_segment
from scoring.versions import RowError
from streams.intake.routing import partition_of

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
CUSTOMERS = tuple(f"c{number}" for number in range(9))
COUNTS = [(8, 12), (4, 8), (2, 3), (3, 7), (1, 4), (5, 6)]
#: It asks for series of its own, which begin with it.
OTHER = changed_card(
    ("metric: distinct(feature, 28d)", "metric: active_days(human_use, 3d)"),
    ('version: "1"', 'version: "2"'),
)


@settings(max_examples=examples(40), suppress_health_check=SLOW)
@given(
    histories.steps(max_size=30, customers=CUSTOMERS),
    st.sampled_from(COUNTS),
    st.integers(0, 40),
    st.one_of(st.none(), st.integers(0, 40)),
)
def test_customers_go_on_as_if_they_had_always_been_there(
    history: list[histories.Step], counts: tuple[int, int], moved_at: int, other_at: int | None
) -> None:
    """The same states and outputs, with their ids, to the byte; also of who falls silent."""
    old, new = counts
    fleet, always = Fleet(old), Fleet(new)
    now_ms = START_MS
    for number, step in enumerate(history):
        now_ms = step.now_ms + (number > moved_at)  # a move takes time
        for one in (fleet, always):
            if number == other_at:
                one.add(activation(OTHER, 1), now_ms)
            if step.event is not None:
                one.read(now_ms, step.event)
            one.each(lambda log, at=now_ms: log.tick(at))  # type: ignore[misc]
        if number == moved_at:
            fleet.become(new)
    for days in (1, 15, 40):
        for one in (fleet, always):
            one.each(lambda log, at=now_ms + days * DAY_MS: log.tick(at))  # type: ignore[misc]
    assert difference(fleet.customers(), always.customers()) == []
    assert difference(fleet.told(), always.told()) == []


@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(histories.steps(max_size=20, customers=CUSTOMERS), st.sampled_from(COUNTS))
def test_each_customer_is_once_where_it_belongs_and_otherwise_unchanged(
    history: list[histories.Step], counts: tuple[int, int]
) -> None:
    """Only the position in the log is another, and of those who stay not even that."""
    old, new = counts
    fleet = Fleet(old)
    for step in history:
        if step.event is not None:
            fleet.read(step.now_ms, step.event)
        fleet.each(lambda log, at=step.now_ms: log.tick(at))  # type: ignore[misc]
    logs = made_into(fleet.logs, new)
    before = {key: (log, row) for log in fleet.logs for key, row in _customers(log).items()}
    after = {key: (log, row) for log in logs for key, row in _customers(log).items()}
    assert after.keys() == before.keys()
    assert sum(len(_customers(log)) for log in logs) == len(before)
    for key, (log, row) in after.items():
        was_in, was = before[key]
        assert log.partition == partition_of(key.decode(), new)
        if was_in.partition == log.partition:
            assert row == was
        else:
            assert prefix_of(row).position == len(log.records) - 1
            assert at_position(row, 0) == at_position(was, 0)
    for log in logs:
        header = log.fold.header
        assert (header.position, header.partitions) == (len(log.records), new)
        assert header.seal is not None


def _customers(log: Log) -> dict[bytes, bytes]:
    return {key: row for key, row in log.fold.rows.items() if is_customer(key)}


@settings(max_examples=examples(30), suppress_health_check=SLOW)
@given(
    st.tuples(st.sampled_from(["mean", "worst", "weighted_by_mrr"]), st.sampled_from([0, 30])),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 100)), min_size=1, max_size=12),
    st.sampled_from([(3, 5), (2, 4), (8, 12)]),
    st.randoms(use_true_random=True),
)
def test_parents_find_their_children_and_the_other_way_round(
    hierarchy: tuple[str, int],
    changes: list[tuple[int, int]],
    counts: tuple[int, int],
    choose: random.Random,
) -> None:
    """Sums stay whole, and what children tell after the move is heard once, where parents live."""
    old, new = counts
    company, accounts = Group(tree_card(*hierarchy), old, START_MS), dict[str, Account]()
    for log in company.logs:
        log.offsets = company.logs[0].offsets
    names = [f"account-{n}" for n in range(8)]
    for n, name in enumerate(names):
        parent = names[choose.randrange(n)] if n and choose.random() < 0.8 else None
        accounts[name] = Account(seats=10 * n, mrr=100 * n, parent=parent)
        company.say(name, seats=10 * n, mrr_minor=100 * n, parent=parent)
        if choose.random() < 0.5:
            company.settle(choose)
    company.settle(choose)
    company.logs, company.partitions = made_into(company.logs, new), new
    for which, seats in changes:
        accounts[names[which]].seats = seats
        company.say(names[which], seats=seats)
        company.settle(choose)
    for name, score in scores_of(accounts, *hierarchy).items():
        assert company.score(name) == score, name
    for name in names:
        children = [one for one, account in accounts.items() if account.parent == name]
        customer = company.logs[company.where(name)].fold.customer(name)
        sums = None if customer is None else customer.sums
        assert (0 if sums is None else sums.count) == len(children)


# -- what the headers say ------------------------------------------------------------------------


def test_what_was_read_is_not_read_again_and_what_was_not_is() -> None:
    """A source's offsets up to the last that any partition had are known in all."""
    fleet = Fleet(2)
    for number, customer in enumerate(CUSTOMERS):
        fleet.read(START_MS, event("usage.feature", START_MS + number, customer, feature="f"))
    fleet.each(lambda log: log.tick(START_MS + HOUR_MS))
    sent = [
        event("usage.feature", START_MS + n, one, feature="f") for n, one in enumerate(CUSTOMERS)
    ]
    fleet.become(3)
    before = fleet.customers()
    for number, one in enumerate(sent):
        fleet.where(one.customer_id).add(block_of([one], number), START_MS + HOUR_MS)
    assert [log.fold.counts.duplicates for log in fleet.logs] != [0, 0, 0]
    assert difference(fleet.customers(), before) == []
    fleet.read(START_MS + 1, event("usage.feature", START_MS + 99, "c0", feature="f"))
    assert sum(log.fold.counts.signals for log in fleet.logs) == 1


def test_s13_ids_seen_in_another_partition_are_known() -> None:
    """What a source sends a second time, at another offset, is a duplicate wherever it comes."""
    fleet = Fleet(4)
    sent = [
        event("ticket.changed", START_MS, one, ticket_id="t", change="opened") for one in CUSTOMERS
    ]
    for one in sent:
        fleet.read(START_MS, one)
    fleet.each(lambda log: log.tick(START_MS + HOUR_MS))
    fleet.become(6)
    for one in sent:
        fleet.read(START_MS + HOUR_MS, one)
    assert sum(log.fold.counts.duplicates for log in fleet.logs) == len(sent)
    assert sum(log.fold.counts.signals for log in fleet.logs) == 0
    # No partition holds ids of customers that cannot come to it.
    assert all(len(log.fold.header.segments) <= 2 for log in fleet.logs)


def test_time_has_come_as_far_as_it_had_anywhere() -> None:
    fleet = Fleet(2)
    fleet.logs[0].add(Progress({"s/0": 5, "s/1": 9}), START_MS)
    fleet.logs[1].add(Progress({"s/0": 7}), START_MS)
    fleet.logs[0].tick(START_MS + DAY_MS)
    fleet.become(3)
    for log in fleet.logs:
        assert log.fold.header.tick_ms == START_MS + DAY_MS
        assert log.fold.header.progress_ms == {"s/0": 7, "s/1": 9}
        assert log.fold.header.control_offset == 0


def test_a_source_that_stalled_is_stalled_everywhere_since_it_stalled_first() -> None:
    fleet = Fleet(2)
    for number, log in enumerate(fleet.logs):
        log.add(source_control("source.stalled", "health.usage.v1", 1), START_MS + 10 - number)
    fleet.become(3)
    assert [log.fold.header.stalled for log in fleet.logs] == [
        {"health.usage.v1": START_MS + 9}
    ] * 3


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([ControlCopy(1, b"{}")], "taken over the decisions up to 0, others up to 1"),
        ([activation(OTHER, 1)], "up to 0, others up to 1"),
    ],
)
def test_partitions_that_have_not_taken_the_same_decisions_over_stay_as_they_are(
    records: list[Any], told: str
) -> None:
    fleet = Fleet(2)
    for record in records:
        fleet.logs[1].add(record, START_MS)
    assert told in (uneven([log.fold.header for log in fleet.logs]) or "")


def test_nor_while_a_scorecard_is_on_its_way_or_was_refused_in_some() -> None:
    fleet = Fleet(2)
    fleet.read(START_MS, event("usage.feature", START_MS, "c0", feature="f"))
    fleet.each(lambda log: log.tick(START_MS + 1))
    fleet.add(activation(OTHER, 1), START_MS + 2)
    assert "moved to scorecard card 1" in (uneven([log.fold.header for log in fleet.logs]) or "")
    fleet.each(lambda log: log.tick(START_MS + 3))
    assert uneven([log.fold.header for log in fleet.logs]) is None
    refused = activation(SAAS, 2)
    refused.refused = "cannot be read"
    fleet.logs[0].add(refused, START_MS + 4)
    fleet.logs[1].add(activation(SAAS, 2), START_MS + 4)
    fleet.each(lambda log: log.tick(START_MS + 5))
    assert "different decisions" in (uneven([log.fold.header for log in fleet.logs]) or "")


def test_a_series_begins_for_those_whom_it_concerned_and_for_no_newcomer() -> None:
    """Each partition took the card over at its own time."""
    rows, headers = [], []
    for partition, (seen_ms, epochs) in enumerate([(100, (50, 150)), (200, (60, 250))]):
        headers.append(Header(began={7: (seen_ms, seen_ms + 1)}))
        rows.append({f"p{partition}-{e}".encode(): _row(e) for e in epochs})
    move = Move(headers, [0, 0, 0], lambda customer: 2)
    written = [one for p, each in enumerate(rows) for one in move.take(p, each)]
    found = applied(rows, [*written, *move.finish()], 3)
    began = Log(None, partition=2, rows=found[2]).fold.header.began
    assert began == {7: (60, 201)}
    assert Log(None, rows=found[0]).fold.header.began == {}


def _row(epoch: int) -> bytes:
    log = Log()
    log.read(epoch, event("usage.feature", 1, "x", feature="f"))
    customer = log.customer("x")
    assert customer.epoch == epoch
    return pack(customer)


# -- what comes late, and what is damaged --------------------------------------------------------


def test_s6_a_block_routed_for_another_number_of_partitions_changes_nothing() -> None:
    """Its writer was frozen while customers moved: nor does it hide what is read again."""
    fleet = Fleet(2)
    fleet.read(START_MS, event("usage.feature", START_MS, "c0", feature="f"))
    fleet.each(lambda log: log.tick(START_MS + 1))
    fleet.become(3)
    log = fleet.logs[0]
    before = fleet.customers()
    late = block_of([event("usage.feature", START_MS, "stray", feature="f")], 50)
    late.partitions = 2
    log.add(late, START_MS + 2)
    told = Block(
        ROLLUP, 1, [ROLLUP], [[1 << 40, START_MS, "stray", 0, "", 14, "x", None, [1, 0, 0], ""]]
    )
    told.partitions = 2
    log.add(told, START_MS + 2)
    assert difference(fleet.customers(), before) == []
    assert log.fold.counts.misrouted == 2
    again = block_of([event("usage.feature", START_MS, "fresh", feature="f")], 50)
    again.partitions = 3
    log.add(again, START_MS + 2)
    assert "fresh" in log.fold.customers()


def test_what_accounts_told_each_other_before_is_not_heard_again() -> None:
    company = Group(tree_card(), 2, START_MS)
    for log in company.logs:
        log.offsets = company.logs[0].offsets
    company.say("top", seats=50)
    for number in range(4):
        company.say(f"child-{number}", seats=10, parent="top")
    company.settle()
    told = [
        block
        for log in company.logs
        for _, value in log.records
        if isinstance(block := decode(value), Block) and block.topic == ROLLUP
    ]
    company.logs, company.partitions = made_into(company.logs, 3), 3
    sums = company.customer("top").sums
    assert sums is not None
    assert sums.count == 4
    for block in told:
        company.logs[company.where("top")].add(block, START_MS)
    assert company.customer("top").sums == sums
    assert sums.count == 4


def test_leftovers_of_a_crash_do_not_move_and_unknown_rows_stop_it() -> None:
    left = encode_segment(Segment(0, {0: b"\0" * 8}))
    move = Move([Header(segment_next=5)], [0, 0], lambda customer: 1)
    assert list(move.take(0, {SEGMENT_KEY + b"3": left, HEADER_KEY: b""})) == [
        (0, SEGMENT_KEY + b"3", None)
    ]
    with pytest.raises(RowError, match="does not know"):
        list(move.take(0, {b"\0z": b""}))


def test_the_snapshots_of_percentiles_in_use_are_in_every_partition() -> None:
    """What a crash left is in none."""
    headers = [Header(percentiles={"card": 3}), Header(percentiles={"card": 3})]
    rows = [{PERCENTILES_KEY + b"3": b"taken", PERCENTILES_KEY + b"2": b"left"} for _ in headers]
    move = Move(headers, [0, 0, 0], lambda customer: 0)
    written = [one for p, each in enumerate(rows) for one in move.take(p, each)]
    for found in applied(rows, [*written, *move.finish()], 3):
        assert found.keys() == {HEADER_KEY, PERCENTILES_KEY + b"3"}
        assert decode_header(found[HEADER_KEY]).percentiles == {"card": 3}


def test_a_row_at_another_position_is_the_same_row() -> None:
    row = _row(4)
    moved = at_position(row, 2**40)
    assert prefix_of(moved) == prefix_of(row)._replace(position=2**40)
    assert unpack(moved).state == unpack(row).state


def test_a_tick_lies_behind_whoever_has_moved() -> None:
    """The position of a row is that before the next record: a tick there evaluates it."""
    fleet = Fleet(1)
    for customer in CUSTOMERS:
        fleet.read(START_MS, event("usage.feature", START_MS, customer, feature="f"))
    fleet.become(4)
    for log in fleet.logs:
        log.add(Tick(START_MS + 1), START_MS + 1)
        assert log.fold.counts.evaluations == len(log.fold.customers())
