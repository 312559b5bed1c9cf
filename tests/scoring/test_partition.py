"""The fold over a partition, rule by rule: positions, time, global decisions, what is held."""

from dataclasses import replace

import pytest

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
    changed_card,
    data_of,
    difference,
    event,
    metric_of,
    plan_of,
    source_control,
)
from schemas import signals
from schemas.signals import Block, Progress, Tick
from scoring.fold import fold
from scoring.header import Header
from scoring.partition import Gap, PartitionFold, TickMode
from scoring.progress import note_progress, present_ms
from scoring.row import HEADER_KEY, SEGMENT_KEY, Customer, is_customer
from scoring.state import CustomerState

USAGE, BILLING = "health.usage.v1/0", "health.billing.v1/0"
OTHER = changed_card(('version: "1"', 'version: "2"'), ("{at_least: 0.5}", "{at_least: 100}"))


#: The series of uses by day, which the shipped card asks for.
USES = metric_of("count(use, 28d)").series[0]


def uses(customer: Customer, day_no: int = START_MS // DAY_MS) -> int:
    """The uses kept of a day."""
    found: int = customer.state.series[USES.key][day_no]
    return found


def use(ms: int, customer: str = "acme", **fields: object) -> object:
    return event("usage.feature", ms, customer, **{"feature": "board", "user": "ann", **fields})


# -- positions -----------------------------------------------------------------------------------


def test_a_gap_in_the_log_is_never_silent() -> None:
    log = Log()
    log.read(START_MS, use(START_MS))
    with pytest.raises(Gap, match="next is offset 2, the log goes on at 4"):
        log.fold.apply(4, START_MS, Tick(START_MS))
    assert log.fold.header.position == 2


def test_a_gap_may_be_accepted_and_is_counted() -> None:
    log = Log()
    fold = PartitionFold(0, {}, replace(log.fold.policy, accept_gap=True))
    fold.apply(4, START_MS, Tick(START_MS))
    assert fold.counts.gap_records == 4
    assert fold.header.position == 5


def test_a_record_before_the_position_is_skipped_and_counted() -> None:
    log = Log()
    log.read(START_MS, use(START_MS))
    before = log.fold.counts.signals
    assert log.apply(log.fold, 1) == []
    assert log.fold.counts.signals == before
    assert log.fold.counts.replayed == 1


def test_a_row_ahead_of_the_header_is_not_applied_again() -> None:
    """A crash between rows and header: the row's own position decides."""
    log = Log()
    log.read(START_MS, use(START_MS, quantity=3))
    rows = {key: row for key, row in log.fold.checkpoint() if key != HEADER_KEY}
    again = log.new_fold(rows)
    log.replay(again)
    assert again.header.position == 2
    customer = again.customer("acme")
    assert customer is not None
    assert uses(customer) == 3


def test_a_row_ahead_of_a_tick_waits_for_the_next_one() -> None:
    """What the row holds came after that tick: it stays to be evaluated, and is not forgotten."""
    log = Log()
    log.read(START_MS, use(START_MS, quantity=3))
    log.fold.checkpoint()
    durable = dict(log.rows)
    log.tick(START_MS)
    log.read(START_MS + 1, use(START_MS + 1, quantity=2))
    rows = dict(log.fold.checkpoint())
    row = rows[b"acme"]
    assert row is not None
    again = log.new_fold(durable | {b"acme": row})
    assert log.replay(again) == []
    evaluated = again.counts.evaluations
    log.tick(START_MS + 2)
    log.replay(again)
    assert again.counts.evaluations == evaluated + 1
    [found, expected] = [canonical(one) for one in (again.customer("acme"), log.customer()) if one]
    assert difference(found, expected) == []


def test_an_offset_read_before_counts_as_a_duplicate() -> None:
    log = Log()
    log.read(START_MS, use(START_MS))
    log.add(block_of([use(START_MS, event_id="other")], 0, "health.usage.v1"), START_MS)
    assert log.fold.counts.duplicates == 1
    assert log.fold.header.sources == {USAGE: 0}


def test_an_empty_block_moves_only_the_position() -> None:
    log = Log()
    log.add(Block("health.usage.v1", 0, [], []), START_MS)
    assert log.fold.header.position == 2
    assert log.fold.header.sources == {}


def test_customers_whose_rows_wait_for_a_checkpoint_are_counted() -> None:
    log = Log()
    log.read(START_MS, use(START_MS), use(START_MS, "globex"), use(START_MS))
    assert log.fold.changed_count() == 2
    log.fold.checkpoint()
    assert log.fold.changed_count() == 0


def test_a_checkpoint_writes_the_header_last_and_nothing_twice() -> None:
    log = Log()
    log.read(START_MS, use(START_MS), use(START_MS, "bolt"))
    keys = [key for key, _ in log.fold.checkpoint()]
    assert keys[-1] == HEADER_KEY
    assert {key for key in keys if is_customer(key)} == {b"acme", b"bolt"}
    assert log.fold.checkpoint() == []
    log.tick(START_MS)
    log.read(START_MS, use(START_MS + 1, "bolt"))
    log.tick(START_MS + 1)
    log.fold.checkpoint()
    log.read(START_MS + 2, use(START_MS + 2, "bolt"))
    assert [key for key, _ in log.fold.checkpoint() if is_customer(key)] == [b"bolt"]


def test_an_event_twice_in_a_block_is_applied_once() -> None:
    log = Log()
    log.read(START_MS, use(START_MS, quantity=2), use(START_MS, quantity=5))
    assert uses(log.customer()) == 2
    assert log.fold.counts.duplicates == 1


def test_the_same_id_from_another_source_is_another_event() -> None:
    log = Log()
    log.read(START_MS, use(START_MS), use(START_MS, source="crm"))
    assert uses(log.customer()) == 2


def test_too_old_to_be_checked_is_applied_and_counted() -> None:
    log = Log()
    log.read(START_MS, use(START_MS))
    log.tick(START_MS)
    for _ in range(2):
        log.read(START_MS, use(START_MS - 7 * HOUR_MS))
    assert log.fold.counts.unchecked == 2
    assert uses(log.customer(), START_MS // DAY_MS - 1) == 2


def test_the_duplicate_window_survives_a_restart_in_mid_hour() -> None:
    """A worker that restarts judges the window's edge as one that did not."""
    log = Log()
    log.read(START_MS, use(START_MS))
    log.tick(START_MS + 10)
    edge = use(START_MS - 6 * HOUR_MS + 5 * 60_000, event_id="edge")
    log.read(START_MS + 10, edge)
    log.tick(START_MS + 30 * 60_000)
    log.fold.checkpoint()
    again = log.new_fold(dict(log.rows))
    log.read(START_MS + 30 * 60_000, edge)
    log.replay(again)
    assert (log.fold.counts.duplicates, log.fold.counts.unchecked) == (1, 0)
    assert (again.counts.duplicates, again.counts.unchecked) == (1, 0)


def test_a_segment_of_a_checkpoint_without_header_is_not_used() -> None:
    """Its records come again, and must not find themselves there."""
    log = Log()
    log.read(START_MS, use(START_MS))
    log.fold.checkpoint()
    rows = dict(log.rows)
    log.read(START_MS, use(START_MS, event_id="next"))
    log.fold.checkpoint()
    rows[SEGMENT_KEY + b"0"] = log.rows[SEGMENT_KEY + b"1"]
    again = log.new_fold(rows)
    log.replay(again)
    assert again.counts.duplicates == 0


def test_a_lost_id_segment_loses_only_its_window() -> None:
    """Repeats of its events cannot be recognised any more; the state itself is whole."""
    log = Log()
    log.read(START_MS, use(START_MS))
    log.fold.checkpoint()
    again = log.new_fold({k: v for k, v in log.rows.items() if not k.startswith(SEGMENT_KEY)})
    assert again.customers() == {"acme"}
    assert len(again._book.duplicates) == 0


def test_id_segments_leave_with_the_window() -> None:
    log = Log()
    log.read(START_MS, use(START_MS))
    log.tick(START_MS)
    assert SEGMENT_KEY + b"0" in dict(log.fold.checkpoint())
    for days in range(1, 7):
        log.tick(START_MS + days * DAY_MS)
        log.fold.checkpoint()
    assert [key for key in log.rows if key.startswith(SEGMENT_KEY)] == []
    assert log.fold.header.segments == {}


def test_an_id_segment_outlives_the_header_that_needs_it() -> None:
    """A crash after a checkpoint's first rows: the header before it still asks for the segment."""
    log = Log()
    opened = event("ticket.changed", START_MS, ticket_id="t", change="opened")
    log.read(START_MS, opened)
    log.tick(START_MS)
    log.fold.checkpoint()
    log.tick(START_MS + 72 * HOUR_MS)
    log.fold.checkpoint()
    durable = dict(log.rows)
    log.read(START_MS + 73 * HOUR_MS, opened)
    log.tick(START_MS + 74 * HOUR_MS)
    for key, value in log.fold.checkpoint()[:-1]:
        if value is None:
            durable.pop(key)
    again = log.new_fold(durable)
    log.replay(again)
    assert (log.fold.counts.duplicates, again.counts.duplicates) == (1, 1)


def test_a_bounded_cache_changes_nothing() -> None:
    small, large = Log(cache_customers=1), Log()
    for log in (small, large):
        for day in range(5):
            for name in ("acme", "bolt", "cove"):
                log.read(START_MS + day * DAY_MS, use(START_MS + day * DAY_MS, name))
            log.tick(START_MS + day * DAY_MS)
            log.fold.checkpoint()
    assert small.outputs == large.outputs
    assert {k: v for k, v in small.rows.items() if is_customer(k)} == {
        k: v for k, v in large.rows.items() if is_customer(k)
    }


# -- ticks ---------------------------------------------------------------------------------------


def ready_log(*customers: str) -> Log:
    log = Log()
    log.read(START_MS, *[use(START_MS, name, event_id=name) for name in customers or ("acme",)])
    return log


def test_nothing_to_do_means_no_tick() -> None:
    log = Log()
    log.add(Progress({USAGE: START_MS}), START_MS)
    assert log.fold.ticks(START_MS, 10) == []


def test_whether_anything_may_be_due_is_known_without_looking() -> None:
    """Somebody was touched; then nothing is, until the first instant that is due."""
    log = ready_log("a", "b")
    log.add(Progress({USAGE: START_MS}), START_MS)
    assert log.fold.may_be_due(START_MS)
    (tick,) = log.fold.ticks(START_MS, 10)
    log.add(tick, START_MS)
    due_ms = min(log.customer(name).due_ms or 0 for name in ("a", "b"))
    assert due_ms > START_MS
    assert not log.fold.may_be_due(due_ms - 1)
    log.add(Progress({USAGE: due_ms}), due_ms)
    assert log.fold.ticks(due_ms - 1, 10) == []
    assert log.fold.may_be_due(due_ms)
    assert log.fold.ticks(due_ms, 10) != []


def test_what_a_round_has_left_and_an_activation_may_be_due() -> None:
    log = ready_log("a", "b", "c")
    log.add(Progress({USAGE: START_MS}), START_MS)
    (first,) = log.fold.ticks(START_MS, 1, ticks_max=1)
    log.add(first, START_MS)
    assert log.fold.is_mid_round
    assert log.fold.may_be_due(START_MS)
    idle = Log()
    assert not idle.fold.may_be_due(START_MS)
    idle.add(activation(OTHER, 1), START_MS)
    assert idle.fold.may_be_due(START_MS)
    by_event_time = Log(mode=TickMode.EVENT)
    assert by_event_time.fold.may_be_due(START_MS)


def ahead(now_ms: int, after: str | None = None, through: str | None = None) -> Tick:
    """A tick for which few customers wait: it looks ahead."""
    return Tick(now_ms, after, through, looks_ahead=True)


def test_it_says_whether_a_round_goes_on() -> None:
    """The worker asks, to append the next part at once."""
    log = ready_log("a", "b", "c")
    log.add(Progress({USAGE: START_MS}), START_MS)
    (first,) = log.fold.ticks(START_MS, 1, ticks_max=1)
    assert (first.after, first.through) == (None, "a")
    assert log.fold.is_mid_round
    log.add(first, START_MS)
    rest = log.fold.ticks(START_MS, 1, ticks_max=2)
    assert [(tick.after, tick.through) for tick in rest] == [("a", "b"), ("b", None)]
    assert not log.fold.is_mid_round


def test_no_tick_before_progress_or_a_card_is_known() -> None:
    log = ready_log()
    assert log.fold.ticks(START_MS, 10) == []
    log.add(Progress({USAGE: START_MS}), START_MS)
    assert log.fold.ticks(START_MS, 10) == [ahead(START_MS)]
    bare = Log(card_text=None)
    bare.read(START_MS, use(START_MS))
    bare.add(Progress({USAGE: START_MS}), START_MS)
    assert bare.fold.ticks(START_MS, 10) == []
    assert bare.tick(START_MS) == []


def test_t4_a_tick_is_never_ahead_of_progress() -> None:
    """Its time is the smaller of the clock and of what the slowest source has been read to."""
    log = ready_log()
    log.add(Progress({USAGE: START_MS + 50, BILLING: START_MS + 10}), START_MS)
    assert log.fold.ticks(START_MS + 99, 10) == [ahead(START_MS + 10)]
    assert log.fold.ticks(START_MS + 3, 10) == [ahead(START_MS + 3)]
    log.add(Progress({BILLING: START_MS + 70}), START_MS)
    assert log.fold.ticks(START_MS + 99, 10) == [ahead(START_MS + 50)]
    log.add(Progress({BILLING: START_MS + 1}), START_MS)
    assert log.fold.ticks(START_MS + 99, 10) == [ahead(START_MS + 50)], "progress never goes back"


def test_t4_every_source_must_have_been_heard_of() -> None:
    log = ready_log()
    log.add(Progress({USAGE: START_MS}), START_MS)
    assert log.fold.ticks(START_MS, 10, [USAGE, BILLING]) == []
    log.add(Progress({BILLING: START_MS}), START_MS)
    assert log.fold.ticks(START_MS, 10, [USAGE, BILLING]) == [ahead(START_MS)]


def test_t4_a_stalled_source_is_not_waited_for() -> None:
    log = ready_log()
    log.add(Progress({USAGE: START_MS + 50, BILLING: START_MS + 10}), START_MS)
    for number in (1, 1, 2):  # told twice, and once more under another offset
        log.add(source_control("source.stalled", "health.billing.v1", number), START_MS)
    assert list(log.fold.header.stalled) == ["health.billing.v1"]
    assert log.fold.ticks(START_MS + 99, 10) == [ahead(START_MS + 50)]
    for number in (3, 4):
        log.add(source_control("source.resumed", "health.billing.v1", number), START_MS)
    assert log.fold.header.stalled == {}
    assert log.fold.ticks(START_MS + 99, 10) == [ahead(START_MS + 10)]


def test_ticks_only_go_forward() -> None:
    log = ready_log()
    log.tick(START_MS + 100)
    log.read(START_MS + 100, use(START_MS + 1))
    log.add(Progress({USAGE: START_MS + 7}), START_MS)
    assert log.fold.ticks(START_MS + 7, 10) == [ahead(START_MS + 100)]
    log.tick(START_MS + 7)
    assert log.fold.header.tick_ms == START_MS + 100


def test_the_present_is_how_far_was_read_or_the_last_tick() -> None:
    """Nobody is due, so there is no tick; time passes all the same, up to the clock."""
    header = Header(tick_ms=5)
    assert present_ms(header, 9) == 5
    note_progress(header, Progress({"health.usage.v1/0": 7}))
    assert present_ms(header, 9) == 7
    assert present_ms(header, 6) == 6
    assert present_ms(header, 4) == 5
    assert present_ms(header, None) == 5


def test_a_tick_counts_no_later_than_it_was_appended() -> None:
    """A worker whose clock runs ahead does not run ahead with it."""
    log = ready_log()
    outputs = log.add(Tick(START_MS + HOUR_MS), START_MS + 5)
    assert log.fold.header.tick_ms == START_MS + 5
    assert bodies(outputs)[0]["time"] == "2026-03-02T00:00:00.005Z"


def test_ticks_are_split_at_k_customers() -> None:
    """The ranges stand in the records, and together they are everybody."""
    log = ready_log("a", "b", "c", "d", "e")
    log.add(Progress({USAGE: START_MS}), START_MS)
    assert log.fold.ticks(START_MS, 2) == [
        ahead(START_MS, None, "b"),
        ahead(START_MS, "b", "d"),
        ahead(START_MS, "d", None),
    ]
    assert log.fold.ticks(START_MS, 5) == [ahead(START_MS)]
    assert len(log.fold.ticks(START_MS, 4)) == 2
    ids = [[o.customer for o in log.tick(START_MS, after=a, through=t) if o.topic == "scores"]
           for a, t in ((None, "b"), ("b", "d"), ("d", None))]  # fmt: skip
    assert ids == [["a", "b"], ["c", "d"], ["e"]]


def test_time_is_kept_by_the_last_range_only() -> None:
    log = ready_log("a", "b")
    log.tick(START_MS + 9, through="a")
    assert log.fold.header.tick_ms == 0
    log.tick(START_MS + 9, after="a")
    assert log.fold.header.tick_ms == START_MS + 9


def test_a_record_of_no_kind_moves_only_the_position() -> None:
    log = ready_log()
    assert log.fold.apply(2, START_MS, None) == []  # type: ignore[arg-type]
    assert log.fold.header.position == 3


def test_the_due_queue_is_counted() -> None:
    log = ready_log()
    log.tick(START_MS)
    assert log.fold.due_count() == 1
    assert log.fold.rows is log.rows


def test_a_customer_is_evaluated_once_per_change() -> None:
    log = ready_log()
    log.tick(START_MS)
    log.tick(START_MS + 1)
    assert log.fold.counts.evaluations == 1


def test_counts_by_band_follow_the_customers() -> None:
    log = ready_log("a", "b")
    log.tick(START_MS)
    assert log.fold.bands == {"unknown": 2}
    log.read(
        START_MS,
        event("account.changed", START_MS, "a", seats=1, mrr_minor=1),
        event("engagement.contact", START_MS, "a", kind="call"),
    )
    log.tick(START_MS + 1)
    assert {band: n for band, n in log.fold.bands.items() if n} == {"unknown": 1, "green": 1}
    log.fold.checkpoint()
    assert log.new_fold(dict(log.rows)).bands == {"unknown": 1, "green": 1}


# -- what is held until its time -----------------------------------------------------------------


def test_t6_a_future_event_waits_for_its_time() -> None:
    """T6: it is kept, makes the customer due, and changes nothing before."""
    log = ready_log()
    log.tick_if_wanted(START_MS)
    log.read(START_MS, use(START_MS + 60_000, event_id="later", quantity=7))
    assert uses(log.customer()) == 1
    assert log.customer().due_ms == START_MS + 60_000
    assert log.tick_if_wanted(START_MS + 59_999) == []
    assert log.fold.counts.evaluations == 1
    log.tick_if_wanted(START_MS + 60_000)
    assert log.customer().state.held == []
    assert uses(log.customer()) == 8


def test_what_is_held_is_released_one_by_one() -> None:
    log = ready_log()
    for seconds in (30, 10, 20):
        log.read(START_MS, use(START_MS + seconds * 1000, event_id=str(seconds)))
    for seconds, left in ((9, 3), (10, 2), (25, 1), (30, 0)):
        log.tick_if_wanted(START_MS + seconds * 1000)
        assert len(log.customer().state.held) == left


def test_a_repeat_of_what_is_held_is_dropped() -> None:
    log = ready_log()
    for _ in range(2):
        log.read(START_MS, use(START_MS + 1000, event_id="later"))
    assert len(log.customer().state.held) == 1


@pytest.mark.parametrize("mode", list(TickMode))
def test_a_customer_of_whom_only_the_future_is_known_waits_too(mode: TickMode) -> None:
    """A restart in between must not evaluate it early."""
    log = Log(mode=mode, as_of_ms=START_MS + 5 * DAY_MS)
    log.tick(START_MS)
    log.read(START_MS, use(START_MS + 60_000))
    log.fold.checkpoint()
    again = log.new_fold(dict(log.rows))
    log.tick(START_MS + 1)
    assert log.outputs == log.replay(again) == []


def test_a_new_card_does_not_bring_the_future_forward() -> None:
    log = Log()
    log.read(START_MS, use(START_MS + 60_000))
    log.add(activation(OTHER, 1), START_MS)
    assert [output.topic for output in log.tick(START_MS + 1)] == ["activations"]
    assert log.tick(START_MS + 60_000) != []


def test_who_was_never_heard_of_is_no_customer() -> None:
    log = Log()
    assert log.fold.customer("nobody") is None
    assert log.fold.customers() == set()


def test_a_dropped_repeat_makes_no_customer() -> None:
    """The same source and id under another customer's name: the first in the log wins."""
    log = ready_log()
    log.read(START_MS, use(START_MS, "ghost", event_id="acme"))
    assert log.fold.counts.duplicates == 1
    assert log.fold.customers() == {"acme"}
    log.fold.checkpoint()
    log.add(activation(OTHER, 1), START_MS)
    log.tick(START_MS + 1)
    told = [output for output in log.outputs if output.topic != "activations"]
    assert {output.customer for output in told} == {"acme"}


# -- global decisions ----------------------------------------------------------------------------


def test_a_control_copy_is_applied_once() -> None:
    """Several owners may have copied it: its offset on the control topic decides."""
    log = ready_log()
    log.add(activation(OTHER, 5), START_MS)
    assert log.fold.card is not None
    assert log.fold.card.version == "2"
    log.add(activation(SAAS, 5), START_MS)
    log.add(activation(SAAS, 4), START_MS)
    assert log.fold.card.version == "2"
    log.add(activation(SAAS, 6), START_MS)
    assert log.fold.card.version == "1"


def test_a_new_card_evaluates_everybody_once_with_its_own_cause() -> None:
    log = ready_log("a", "b")
    log.tick(START_MS)
    log.add(activation(OTHER, 1), START_MS)
    log.add(activation(OTHER, 2), START_MS)
    log.tick(START_MS + 1)
    assert log.fold.counts.evaluations == 4
    log.tick(START_MS + 2)
    assert log.fold.counts.evaluations == 4


def test_the_card_in_force_survives_a_restart() -> None:
    log = ready_log()
    log.add(activation(OTHER, 1), START_MS)
    log.fold.checkpoint()
    again = log.new_fold(dict(log.rows))
    assert again.card is not None
    assert again.card.version == "2"


def test_an_unknown_kind_of_signal_changes_nothing() -> None:
    """A newer release wrote it; an older one passes it over."""
    state = CustomerState()
    fold(state, [0, START_MS, "acme", "app", "e", 99, "what", "ever"], plan_of("count(use, 28d)"))
    assert state == CustomerState()


def test_what_our_staff_did_explains_nothing() -> None:
    """It is skipped whole: three weeks of silence moved the score, and no event."""
    log = ready_log()
    known = {"seats": 1, "mrr_minor": 5, "renewal_at": "2026-09-01T00:00:00Z"}
    log.read(START_MS, event("account.changed", START_MS, **known))
    log.tick(START_MS)
    later_ms = START_MS + 21 * DAY_MS
    log.read(later_ms, use(later_ms, event_id="ours", user="us", user_kind="staff"))
    (told,) = data_of(log.tick(later_ms))
    assert told["events"] == []


# -- event time ----------------------------------------------------------------------------------


def test_event_time_evaluates_at_fixed_instants_behind_the_watermark() -> None:
    log = Log(mode=TickMode.EVENT, as_of_ms=START_MS + 10 * DAY_MS)
    log.read(START_MS, use(START_MS + HOUR_MS))
    log.add(Progress({USAGE: START_MS + 30 * HOUR_MS}), START_MS)
    assert log.fold.ticks(0, 10) == [Tick(START_MS + DAY_MS)]
    log.add(Progress({USAGE: START_MS + 10 * DAY_MS}), START_MS)
    assert log.fold.ticks(0, 10) == [Tick(START_MS + 10 * DAY_MS)]
    outputs = log.tick(START_MS + 10 * DAY_MS)
    assert bodies(outputs)[0]["time"] == "2026-03-03T00:00:00.000Z"


def test_event_time_ends_exactly_at_as_of() -> None:
    """Also where that is no multiple of the step."""
    log = Log(mode=TickMode.EVENT, as_of_ms=START_MS + 5 * HOUR_MS)
    log.read(START_MS, use(START_MS + HOUR_MS))
    log.add(Progress({USAGE: START_MS + 5 * HOUR_MS}), START_MS)
    outputs = [o for tick in log.fold.ticks(0, 10) for o in log.tick(tick.now_ms)]
    assert [body["time"] for body in bodies(outputs)] == ["2026-03-02T05:00:00.000Z"]


def test_event_time_keeps_any_number_of_events_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.row.HELD_MAX", 3)
    log = Log(mode=TickMode.EVENT, as_of_ms=START_MS + DAY_MS)
    log.read(START_MS, *[use(START_MS + n, event_id=str(n)) for n in range(9)])
    assert len(log.customer().state.held) == 9


def test_a_late_event_is_a_correction() -> None:
    """Older than a day when it was read: history, which messages nobody."""
    log = ready_log()
    log.tick(START_MS)
    known = {"seats": 1, "mrr_minor": 5, "renewal_at": "2026-09-01T00:00:00Z"}
    log.read(START_MS, event("account.changed", START_MS - DAY_MS, **known))
    assert [d["cause"] for d in data_of(log.tick(START_MS + 1))] == ["first"]
    contact = event("engagement.pulse", START_MS - DAY_MS - 1, pulse="lost", reason="r", author="a")
    log.read(START_MS, contact)
    assert log.customer().late
    assert [d["cause"] for d in data_of(log.tick(START_MS + 2))] == ["correction"]
    assert not log.customer().late


def test_signals_on_the_log_read_back() -> None:
    tick = Tick(5, "a", None)
    assert signals.decode(signals.encode(tick)) == tick
