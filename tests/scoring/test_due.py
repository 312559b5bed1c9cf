"""Ticks for those that are ready, a whole round of them or a part at a time."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.signals import Tick
from scoring.due import DueQueue

IDS = st.text("abcdef", min_size=1, max_size=3)
NOW_MS = 1_700_000_000_000


def queue_of(ids: set[str]) -> DueQueue:
    queue = DueQueue()
    queue.ready |= ids
    return queue


@given(st.sets(IDS, min_size=1), st.integers(1, 4))
def test_a_whole_round_has_everybody_in_one_tick_each(ids: set[str], most: int) -> None:
    ticks = queue_of(ids).ticks(NOW_MS, most)
    for customer_id in ids:
        assert sum(tick.concerns(customer_id) for tick in ticks) == 1
    assert all(sum(tick.concerns(i) for i in ids) <= most for tick in ticks)
    assert (ticks[0].after, ticks[-1].through) == (None, None)


@given(st.sets(IDS, min_size=1), st.integers(1, 4), st.integers(1, 3))
def test_the_parts_of_a_round_are_its_ticks(ids: set[str], most: int, ticks_max: int) -> None:
    whole = queue_of(ids).ticks(NOW_MS, most)
    queue, parts = queue_of(ids), list[Tick]()
    while queue.is_anybody_ready:
        part = queue.ticks(NOW_MS, most, ticks_max=ticks_max)
        assert len(part) <= ticks_max + 1  # the last one has the rest
        parts += part
        assert queue.is_mid_round is (part[-1].through is not None)
        for tick in part:
            queue.take(tick)
    assert parts == whole


def test_who_is_ready_again_does_not_keep_the_others_waiting() -> None:
    queue = queue_of(set("abcd"))
    taken = []
    for _ in range(2):
        for tick in queue.ticks(NOW_MS, 1, ticks_max=2):
            taken += queue.take(tick)
        queue.ready |= {"a", "b"}
    assert taken == list("abcd")


def test_a_round_that_nobody_waits_behind_begins_anew() -> None:
    queue = queue_of(set("abc"))
    assert queue.ticks(NOW_MS, 1, ticks_max=1) == [Tick(NOW_MS, None, "a")]
    assert queue.take(Tick(NOW_MS)) == ["a", "b", "c"]
    queue.ready.add("a")
    assert queue.ticks(NOW_MS, 1, ticks_max=1) == [Tick(NOW_MS, None, None, False)]
    assert not queue.is_mid_round


def test_without_anybody_there_are_none() -> None:
    queue = queue_of(set("abc"))
    queue.ticks(NOW_MS, 1, ticks_max=1)
    queue.take(Tick(NOW_MS))
    assert queue.ticks(NOW_MS, 1, ticks_max=1) == []
    assert not queue.is_mid_round


BOUNDS = st.none() | IDS
STEPS = st.lists(
    st.one_of(
        st.sets(IDS, min_size=1),
        st.builds(Tick, st.just(NOW_MS), BOUNDS, BOUNDS),
        st.tuples(st.integers(1, 4), st.integers(1, 3)),
    ),
    max_size=30,
)


@given(STEPS)
def test_whoever_is_ready_is_taken_once_by_the_tick_in_whose_range_it_is(
    steps: list[set[str] | Tick | tuple[int, int]],
) -> None:
    """Against a set that is looked through; some come while others wait, and come again."""
    queue, ready = DueQueue(), set[str]()
    for step in steps:
        if isinstance(step, Tick):
            expected = sorted(each for each in ready if step.concerns(each))
            assert queue.take(step) == expected
            ready.difference_update(expected)
        elif isinstance(step, set):
            queue.ready |= step
            ready |= step
        else:
            queue.ticks(NOW_MS, step[0], ticks_max=step[1])
        assert queue.is_anybody_ready is bool(ready)


class Counted(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __lt__(self, other: str) -> bool:
        Counted.compared += 1
        return str.__lt__(self, other)

    def __gt__(self, other: str) -> bool:
        Counted.compared += 1
        return str.__gt__(self, other)

    def __le__(self, other: str) -> bool:
        Counted.compared += 1
        return str.__le__(self, other)


def test_a_tick_of_a_flood_looks_at_its_own_customers() -> None:
    """Counted in comparisons: with each tick that looked at all of them it was their square."""
    compared = []
    for customers in (2_000, 8_000):
        queue = DueQueue()
        queue.ready |= {Counted(f"{number:06}") for number in range(customers)}
        Counted.compared = 0
        taken = 0
        while ticks := queue.ticks(NOW_MS, 50, ticks_max=8):
            taken += sum(len(queue.take(tick)) for tick in ticks)
        assert taken == customers
        compared.append(Counted.compared)
    assert compared[1] < 6 * compared[0]
