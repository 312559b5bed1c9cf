"""One sink's queue."""

from hypothesis import given
from hypothesis import strategies as st

from streams.outreach.lane import Lane, Ticket
from streams.sinks.base import Pace


def _ticket(customer, n, due_ms=0, partition=0):
    return Ticket(f"{customer}/1-{n}/slack", customer, partition, due_ms)


def test_a_customers_later_message_waits_for_its_earlier_one_and_others_do_not():
    lane = Lane(Pace(concurrency=4))
    for ticket in (_ticket("a", 1), _ticket("a", 2), _ticket("b", 1)):
        assert lane.offer(ticket)
    first, other = lane.take(0), lane.take(0)
    assert (first.action_id, other.action_id) == ("a/1-1/slack", "b/1-1/slack")
    assert lane.take(0) is None
    lane.settle(first, retry_ms=300_000)
    assert lane.take(299_999) is None
    again = lane.take(300_000)
    assert again is first
    lane.settle(again, None)
    assert lane.take(300_000).action_id == "a/1-2/slack"


def test_a_message_offered_twice_has_one_place():
    lane = Lane(Pace())
    assert lane.offer(_ticket("a", 1))
    assert not lane.offer(_ticket("a", 1))
    assert len(lane) == 1


def test_d7_starts_are_spaced_and_the_next_look_is_known():
    lane = Lane(Pace(concurrency=1, spacing_ms=1000))
    for n in range(3):
        lane.offer(_ticket(f"c{n}", 1))
    lane.settle(lane.take(50), None)
    assert lane.take(1049) is None
    assert lane.wake_ms() == 1050
    assert lane.take(1050) is not None
    assert lane.wake_ms() is None  # full: a settlement comes first


def test_d7_a_hold_stops_the_whole_lane():
    lane = Lane(Pace(concurrency=4))
    lane.offer(_ticket("a", 1))
    lane.hold(30_000)
    assert lane.take(29_999) is None
    assert lane.wake_ms() == 30_000
    assert lane.take(30_000) is not None


def test_a_dropped_partition_leaves_and_may_come_back():
    lane = Lane(Pace(concurrency=2))
    lane.offer(_ticket("a", 1, partition=0))
    lane.offer(_ticket("b", 1, partition=1))
    in_hand = lane.take(0)
    lane.drop({0, 1})
    assert len(lane) == 0
    assert lane.take(0) is None
    assert lane.offer(_ticket("a", 1, partition=0))
    lane.settle(in_hand, retry_ms=0)  # ends after the drop: it frees its slot, nothing else
    assert lane.take(0) is not in_hand
    assert len(lane) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=30),
    st.integers(1, 3),
    st.data(),
)
def test_every_message_leaves_once_in_its_customers_order(offers, concurrency, data):
    """Whatever fails and waits: no message is lost, none overtakes its customer's earlier one."""
    lane = Lane(Pace(concurrency=concurrency))
    offered: dict[str, list[str]] = {}
    for n, (customer, due_ms) in enumerate(offers):
        ticket = _ticket(customer, n, due_ms)
        lane.offer(ticket)
        offered.setdefault(customer, []).append(ticket.action_id)
    done: dict[str, list[str]] = {}
    in_hand: list[Ticket] = []
    now_ms, fails = 0, 0
    while len(lane):
        while (ticket := lane.take(now_ms)) is not None:
            assert ticket.due_ms <= now_ms
            in_hand.append(ticket)
        assert len(in_hand) <= concurrency
        if not in_hand:
            now_ms = lane.wake_ms()
            continue
        ticket = in_hand.pop(data.draw(st.integers(0, len(in_hand) - 1)))
        if fails < 20 and data.draw(st.booleans()):
            fails += 1
            lane.settle(ticket, now_ms + 7)
        else:
            done.setdefault(ticket.customer_id, []).append(ticket.action_id)
            lane.settle(ticket, None)
    assert done == offered
