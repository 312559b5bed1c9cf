"""How many different ones: exact up to the cap, near enough beyond it, the same in any order."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring import distinct
from scoring.distinct import MEMBERS_MAX, REGISTERS, add, empty, forget_before, seen

#: One standard error of the sketch.
ERROR = 1.04 / REGISTERS**0.5
Seen = list[tuple[str, int]]

_members = st.sampled_from([f"m{n}" for n in range(12)])
_sightings = st.lists(st.tuples(_members, st.integers(-3, 30)), max_size=60)


@contextmanager
def at_most(members: int) -> Iterator[None]:
    """A lower cap: sketches without a thousand members."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MEMBERS_MAX", members)
        yield


def kept(sightings: Seen) -> list[object]:
    """What is kept of them."""
    state = empty()
    for member, bucket in sightings:
        add(state, member, bucket)
    return state


def is_sketch(state: list[object]) -> bool:
    return bool(state[2])


def test_each_counts_in_the_bucket_where_it_was_seen_last() -> None:
    state = kept([("a", 5), ("a", 3), ("a", 7), ("b", 7), ("c", 1)])
    assert state == [{"a": 7, "b": 7, "c": 1}, {7: 2, 1: 1}, {}]
    assert seen(state, 0) == (3, 1)
    assert seen(state, 1) == (2, 7)
    assert seen(state, 7) == (0, None)
    add(state, "b", 9)
    forget_before(state, 2)
    assert state == [{"a": 7, "b": 9}, {7: 1, 9: 1}, {}]


@given(_sightings, st.integers(-4, 31))
def test_up_to_the_cap_it_is_exact(sightings: Seen, oldest: int) -> None:
    last: dict[str, int] = {}
    for member, bucket in sightings:
        last[member] = max(bucket, last.get(member, bucket))
    inside = [bucket for bucket in last.values() if bucket > oldest]
    assert seen(kept(sightings), oldest) == (len(inside), min(inside, default=None))


@given(_sightings, st.randoms(use_true_random=True), st.integers(1, 14))
def test_any_order_keeps_the_same(sightings: Seen, rng: random.Random, members: int) -> None:
    """Below the cap, at it and beyond it, wherever in between it is passed."""
    with at_most(members):
        one, other = kept(sightings), kept(rng.sample(sightings, len(sightings)))
    assert one == other
    assert is_sketch(one) is (len({member for member, _ in sightings}) > members)


@pytest.mark.parametrize("count", [MEMBERS_MAX - 1, MEMBERS_MAX, MEMBERS_MAX + 1, 3000])
def test_any_order_keeps_the_same_at_the_cap(count: int, rng: random.Random) -> None:
    """Each twice, on different days."""
    sightings = [(f"member-{n}", rng.randrange(400)) for n in range(count) for _ in range(2)]
    one = kept(sightings)
    rng.shuffle(sightings)
    assert kept(sightings) == one
    assert is_sketch(one) is (count > MEMBERS_MAX)
    if count <= MEMBERS_MAX:
        assert seen(one, -1)[0] == count


@given(_sightings, _sightings, st.integers(-4, 31), st.integers(1, 14))
def test_what_comes_back_from_a_row_goes_on_as_before(
    before: Seen, after: Seen, oldest: int, members: int
) -> None:
    with at_most(members):
        state = kept(before)
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), strict=False)
        assert again == state
        for member, bucket in after:
            add(state, member, bucket)
            add(again, member, bucket)
    assert again == state
    assert seen(again, oldest) == seen(state, oldest)


@given(_sightings, st.integers(-4, 31), st.integers(0, 20), st.integers(1, 14))
def test_forgetting_changes_no_window(
    sightings: Seen, before: int, later: int, members: int
) -> None:
    """Of windows that begin at the bound or after it."""
    with at_most(members):
        state = kept(sightings)
        pruned = kept(sightings)
        forget_before(pruned, before)
        assert is_sketch(pruned) is is_sketch(state)
        oldest = before - 1 + later
        assert seen(pruned, oldest) == seen(state, oldest)


@given(_sightings, _sightings, st.integers(-4, 31), st.integers(0, 20))
def test_forgetting_in_between_changes_no_window_of_a_sketch(
    first: Seen, second: Seen, before: int, later: int
) -> None:
    with at_most(0):
        state, pruned = kept(first), kept(first)
        forget_before(pruned, before)
        for member, bucket in second:
            add(state, member, bucket)
            add(pruned, member, bucket)
    oldest = before - 1 + later
    assert seen(pruned, oldest) == seen(state, oldest)


@example(sightings=[("m0", 0), ("m1", 0)], before=1)
@given(_sightings, st.integers(0, 40))
def test_any_order_keeps_the_same_after_forgetting(sightings: Seen, before: int) -> None:
    """Also where all of a sketch is forgotten: it stays one."""
    with at_most(1):
        one, other = kept(sightings), kept(sightings[::-1])
        for state in (one, other):
            forget_before(state, before)
    assert one == other


@given(_sightings, st.integers(-4, 31), st.integers(1, 14))
def test_the_first_bucket_is_when_the_count_can_fall(
    sightings: Seen, oldest: int, members: int
) -> None:
    """Until it leaves the window, the count stands."""
    with at_most(members):
        state = kept(sightings)
    count, first = seen(state, oldest)
    assert (first is None) is (count == 0)
    if first is not None:
        assert first > oldest
        for later in range(oldest, first):
            assert seen(state, later) == (count, first)


def test_beyond_the_cap_it_is_near_enough(rng: random.Random) -> None:
    """From 1,001 to 100,000, over all of them and over windows: unbiased, within the error stated.

    400 drawings: their mean is within four standard errors of the truth, and so is their
    spread of the one that is stated.
    """
    deviations = []
    for _ in range(40):
        members = rng.choice([1001, 1500, 3000, 10_000, 30_000])
        name = rng.randrange(10**9)
        state = empty()
        for n in range(members):
            add(state, f"{name}-{n}", n % 10)
        assert is_sketch(state)
        for oldest in range(-1, 9):
            truth = members * (9 - oldest) // 10
            deviations.append(seen(state, oldest)[0] / truth - 1)
    mean = sum(deviations) / len(deviations)
    # Windows of one sketch go together: count the sketches, not the windows.
    assert abs(mean) < 4 * ERROR / 40**0.5
    spread = (sum(d * d for d in deviations) / len(deviations)) ** 0.5
    assert spread < 1.25 * ERROR
    assert max(abs(d) for d in deviations) < 5 * ERROR


def test_long_members_are_told_apart() -> None:
    """They are kept as a fingerprint: a row must not grow with their length."""
    long = ["x" * 200 + str(n) for n in range(50)]
    state = kept([(member, 1) for member in long] * 2)
    assert seen(state, 0) == (50, 1)
    assert len(msgspec.msgpack.encode(state)) < 50 * 24
