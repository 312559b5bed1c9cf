"""The history of seats and MRR: any order, any time of forgetting; movements that add up."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.levels import DAYS_MAX, Level, Movement, movement, prune_together

DAY_MS = 86_400_000
Told = tuple[int, str, int | None]


def level(*told: Told) -> Level:
    made = Level()
    for at_ms, event_id, value in told:
        made.set(at_ms, event_id, value)
    return made


def on(day_no: int, value: int | None, event_id: str = "a") -> Told:
    """Told at noon."""
    return day_no * DAY_MS + DAY_MS // 2, event_id, value


def test_a_value_holds_until_it_is_changed() -> None:
    seats = level(on(10, 5), on(14, 8), on(20, None), on(22, 0))
    assert [seats.at(day) for day in (9, 10, 13, 14, 19, 20, 21, 22, 99)] == [
        *(None, 5, 5, 8, 8),
        *(None, None),  # taken back
        *(0, 0),
    ]


def test_nothing_told_is_nothing_known() -> None:
    assert Level().at(5) is None
    assert Level().change(1, 2) is None


def test_days_are_utc_days() -> None:
    """Midnight belongs to the day that begins."""
    seats = level((10 * DAY_MS, "a", 1), (11 * DAY_MS - 1, "b", 2), (11 * DAY_MS, "c", 3))
    assert [seats.at(day) for day in (9, 10, 11)] == [None, 2, 3]


def test_the_greatest_time_and_id_wins_the_day() -> None:
    assert level((5, "b", 1), (5, "a", 2)).at(0) == 1
    assert level((5, "a", 2), (5, "b", 1)).at(0) == 1
    assert level((5, "z", 1), (6, "a", 2)).at(0) == 2


@pytest.mark.parametrize(
    ("oldest", "youngest", "change"),
    [(9, 14, None), (10, 14, 3), (13, 14, 3), (14, 19, 0), (14, 20, None), (20, 22, None)],
)
def test_the_change_between_two_days(oldest: int, youngest: int, change: int | None) -> None:
    """From the end of one day to the end of another; None where one of them has no value."""
    assert level(on(10, 5), on(14, 8), on(20, None), on(22, 0)).change(oldest, youngest) == change


def test_it_survives_packing() -> None:
    told = level(on(10, 5), on(-3, 8), on(20, None))
    packed = msgspec.msgpack.encode(told)
    assert msgspec.msgpack.decode(packed, type=Level) == told
    assert msgspec.msgpack.decode(b"\x90", type=Level) == Level()  # of an older row


tellings = st.lists(
    st.tuples(
        st.integers(-3 * DAY_MS, 30 * DAY_MS),
        st.sampled_from("abcdef"),
        st.one_of(st.none(), st.integers(-2, 9)),
    ),
    unique_by=lambda told: told[:2],
)


@given(tellings, st.randoms(use_true_random=False))
def test_any_order_gives_the_same(told: list[Told], chance: random.Random) -> None:
    """Against the last one told up to each day's end; told again it changes nothing."""
    mixed = [*told, *told[:3]]
    chance.shuffle(mixed)
    found = level(*mixed)
    assert found == level(*told)
    for day_no in range(-4, 32):
        before = [entry for entry in told if entry[0] < (day_no + 1) * DAY_MS]
        assert found.at(day_no) == max(before, default=(0, "", None))[2]
    positive = [at_ms // DAY_MS for at_ms, _, value in told if value is not None and value > 0]
    assert found.first_day == min(positive, default=None)


@given(tellings, st.integers(0, 20), st.integers(-5, 32))
def test_forgetting_changes_nothing_from_the_bound_on(
    told: list[Told], cut: int, before_day: int
) -> None:
    """Whenever it is forgotten, also before a late event comes in."""
    late = level(*told[:cut])
    late.prune(before_day)
    for entry in told[cut:]:
        late.set(*entry)
    whole = level(*told)
    assert [late.at(day) for day in range(before_day - 1, 33)] == [
        whole.at(day) for day in range(before_day - 1, 33)
    ]
    late.prune(before_day)
    whole.prune(before_day)
    assert late == whole
    assert sum(day < before_day for day in late.days) <= 1


def test_the_last_entry_before_the_bound_is_kept() -> None:
    seats = level(on(1, 5), on(3, 6), on(7, 7))
    for bound, days in ((1, {1, 3, 7}), (3, {1, 3, 7}), (4, {3, 7}), (7, {3, 7}), (8, {7})):
        seats.prune(bound)
        assert set(seats.days) == days, bound


def test_the_youngest_days_are_kept() -> None:
    """In any order, and more of them than any window looks back."""
    days = [on(day_no, day_no) for day_no in range(DAYS_MAX + 50)]
    forward, backward = level(*days), level(*reversed(days))
    assert forward == backward
    assert set(forward.days) == set(range(50, DAYS_MAX + 50))
    assert DAYS_MAX > 401


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        ([], Movement()),
        ([(11, 100)], Movement(new=100)),
        ([(9, 100)], Movement()),  # before the window
        ([(10, 100)], Movement()),  # the day before its first is its start
        ([(20, 100)], Movement(new=100)),  # its last day belongs to it
        ([(21, 100)], Movement()),
        ([(10, 100), (11, 130), (12, 120)], Movement(expansion=30, contraction=-10)),
        ([(10, 100), (15, 0)], Movement(churn=-100)),
        ([(10, 100), (15, None)], Movement(churn=-100)),  # taken back
        ([(1, 100), (10, 0), (15, 80)], Movement(reactivation=80)),
        ([(10, 100), (12, 0), (15, 80)], Movement(churn=-100, reactivation=80)),
        ([(12, 100), (14, 0), (15, 80)], Movement(new=100, churn=-100, reactivation=80)),
        ([(10, 0), (15, 80)], Movement(new=80)),  # a trial that cost nothing
        ([(10, 100), (15, -5)], Movement(churn=-105)),  # a credit remains
        ([(10, -5), (15, 100)], Movement(new=105)),
        ([(10, 0), (12, -5), (15, -3)], Movement(contraction=-5, expansion=2)),
        ([(15, 80), (10, 0), (1, 100)], Movement(reactivation=80)),  # in any order
    ],
)
def test_what_moved_revenue(values: list[tuple[int, int | None]], moved: Movement) -> None:
    assert movement(values, 10, 20) == moved


@pytest.mark.parametrize(
    ("first_day", "moved"),
    [
        (None, Movement(new=80)),
        (3, Movement(reactivation=80)),
        (14, Movement(reactivation=80)),
        (15, Movement(new=80)),  # its own first day
    ],
)
def test_who_comes_back_is_not_new(first_day: int | None, moved: Movement) -> None:
    """Also when the days on which there was more than 0 are forgotten."""
    assert movement([(10, 0), (15, 80)], 10, 20, first_day) == moved


@given(tellings, st.integers(-5, 31), st.integers(0, 30))
def test_movements_add_up(told: list[Told], oldest: int, length: int) -> None:
    """To the end less the start, and window by window."""
    known = level(*told)
    values = [(day_no, entry[2]) for day_no, entry in known.days.items()]
    youngest = oldest + length
    moved = movement(values, oldest, youngest, known.first_day)
    assert moved.total == (known.at(youngest) or 0) - (known.at(oldest) or 0)
    middle = oldest + length // 2
    first = movement(values, oldest, middle, known.first_day)
    second = movement(values, middle, youngest, known.first_day)
    assert tuple(map(sum, zip(first, second, strict=True))) == moved
    assert moved.new >= 0 <= moved.reactivation
    assert moved.expansion >= 0 >= max(moved.contraction, moved.churn)


@given(tellings, st.integers(-5, 25))
def test_forgetting_moves_nothing(told: list[Told], oldest: int) -> None:
    """What is forgotten before a window changes nothing in it, nor who counts as new."""
    before, after = level(*told), level(*told)
    after.prune(oldest + 1)
    moved = [
        movement(
            [(day_no, entry[2]) for day_no, entry in known.days.items()],
            oldest,
            40,
            known.first_day,
        )
        for known in (before, after)
    ]
    assert moved[0] == moved[1]


TOLD = st.tuples(
    st.sampled_from(["mrr:", "mrr:EUR", "mrr:USD"]),
    st.integers(0, 8),
    st.integers(0, 3),
    st.sampled_from([None, 0, 100]),
)


def said_by_day(levels: dict[str, Level]) -> dict[int, tuple[str, int | None]]:
    """Of each day what was said last, and in which currency."""
    said: dict[int, tuple[Any, ...]] = {}
    for name, level in levels.items():
        for day, (at_ms, event_id, value) in level.days.items():
            said[day] = max(said.get(day, ()), ((at_ms, event_id), name, value))
    return {day: (name, value) for day, (_, name, value) in said.items()}


@given(st.lists(TOLD, max_size=12), st.integers(0, 9))
def test_what_several_currencies_said_is_forgotten_as_one(
    told: list[tuple[str, int, int, int | None]], before: int
) -> None:
    """The days that are kept say what they said; the last stays, and that there was an amount."""
    levels: dict[str, Level] = {}
    for number, (name, day, hour, value) in enumerate(told):
        levels.setdefault(name, Level()).set(day * DAY_MS + hour, f"e{number}", value)
    whole = said_by_day(levels)
    prune_together(levels, before)
    left = said_by_day(levels)
    old = {day for day in whole if day < before}
    assert left.items() <= whole.items()
    assert {day for day in whole if day >= before} <= left.keys()
    assert max(old, default=None) == max((day for day in left if day < before), default=None)
    for name in levels:
        known = (name, 0), (name, 100)
        assert any(whole[day] in known for day in old) == any(
            said in known for day, said in left.items() if day < before
        )
    assert sum(day < before for day in left) <= 1 + len(levels)
