"""The limit for bad input, against a count that keeps every record it has seen."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.bad_input import BadInput, BadInputPolicy, PauseReason

S = 1000
#: Small limits, so that short histories reach them.
SMALL = BadInputPolicy(in_a_row=4, window_s=5)


def oracle(policy: BadInputPolicy, records: list[tuple[int, bool]]) -> PauseReason | None:
    """Of the last of these records (stamp, bad): a look at all of them."""
    latest, seconds = 0, []
    for stamped_ms, _ in records:
        latest = max(latest, stamped_ms // S)
        seconds.append(latest)
    bad = [is_bad for _, is_bad in records]
    if not bad[-1]:
        return None
    if len(bad) >= policy.in_a_row and all(bad[-policy.in_a_row :]):
        return PauseReason.IN_A_ROW
    window = [
        b for second, b in zip(seconds, bad, strict=True) if second > latest - policy.window_s
    ]
    if len(window) >= policy.in_a_row and sum(window) * 2 > len(window):
        return PauseReason.SHARE
    return None


def taken(policy: BadInputPolicy, records: list[tuple[int, bool]]) -> list[PauseReason | None]:
    count = BadInput(policy)
    return [count.take(stamped_ms, bad=bad) for stamped_ms, bad in records]


stamps = st.integers(0, 12 * S)
histories = st.lists(st.tuples(stamps, st.booleans()), max_size=40) | st.lists(
    st.tuples(stamps, st.booleans()), max_size=40
).map(sorted)


@given(histories)
def test_s11_it_is_what_a_look_at_all_records_says(records: list[tuple[int, bool]]) -> None:
    """Whatever the stamps: in order, all at once, back and forth."""
    expected = [oracle(SMALL, records[: n + 1]) for n in range(len(records))]
    assert taken(SMALL, records) == expected


@given(st.lists(st.tuples(stamps, st.booleans()), max_size=40), st.data())
def test_s11_the_same_records_from_the_same_place_decide_the_same(
    records: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """After a crash in the middle the decision comes again, or later: never earlier."""
    first = data.draw(st.integers(0, len(records)))
    again = taken(SMALL, records[first:])
    assert again == taken(SMALL, records[first:])
    for before, after in zip(taken(SMALL, records)[first:], again, strict=True):
        if after is PauseReason.IN_A_ROW:
            assert before is PauseReason.IN_A_ROW


@given(st.lists(st.lists(stamps, max_size=8), max_size=4), histories)
def test_good_records_in_one_go_count_as_one_by_one(
    good: list[list[int]], records: list[tuple[int, bool]]
) -> None:
    """Whatever comes between and after them."""
    one_by_one, at_once = BadInput(SMALL), BadInput(SMALL)
    for stamps_ms in good:
        for stamped_ms in stamps_ms:
            one_by_one.take(stamped_ms, bad=False)
        at_once.take_good([SimpleNamespace(timestamp=each) for each in stamps_ms])
        for stamped_ms, bad in records:
            assert at_once.take(stamped_ms, bad=bad) == one_by_one.take(stamped_ms, bad=bad)


def test_s11_a_hundred_in_a_row_by_default() -> None:
    found = taken(BadInputPolicy(), [(n * 3600 * S, True) for n in range(100)])
    assert found == [None] * 99 + [PauseReason.IN_A_ROW]


def test_s11_one_good_record_begins_the_row_again() -> None:
    bad = [(n * 3600 * S, n != 50) for n in range(150)]
    assert taken(BadInputPolicy(), bad) == [None] * 150
    assert taken(BadInputPolicy(), [*bad, (0, True)])[-1] is PauseReason.IN_A_ROW


def test_s11_more_than_half_within_a_minute() -> None:
    half = [(n * 100, n % 2 == 0) for n in range(400)]
    assert set(taken(BadInputPolicy(), half[:100])) == {None}
    two_of_three = [(n * 100, n % 3 != 0) for n in range(400)]
    found = taken(BadInputPolicy(), two_of_three)
    assert found[:99] == [None] * 99
    assert PauseReason.SHARE in found[99:103]


def test_s11_few_records_pause_nothing_however_bad_they_are() -> None:
    """Two of three bad, one a second: 60 in a minute."""
    slow = [(n * S, n % 3 != 0) for n in range(1000)]
    assert set(taken(BadInputPolicy(), slow)) == {None}


def test_s11_a_backlog_is_judged_by_its_own_time() -> None:
    """Two of three bad of 90 in each hour: read at once they are what they were when they came."""
    day = [(hour * 3600 * S + n, n % 3 != 0) for hour in range(24) for n in range(90)]
    assert set(taken(BadInputPolicy(), day)) == {None}


def test_it_says_which_limit_it_was() -> None:
    policy = BadInputPolicy(in_a_row=7, window_s=30)
    assert policy.says(PauseReason.IN_A_ROW) == "7 bad records in a row"
    assert policy.says(PauseReason.SHARE) == "more than half of the records of 30 s are bad"
