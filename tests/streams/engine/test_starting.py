"""Where reading begins: nothing unread is passed over, no other topic taken for the old one."""

from itertools import product

import pytest

from streams.engine.starting import Standing, Start, start_of
from streams.exits import Exit, NamedExit

WHERE = "health.signals.v1 partition 3"


def begins(
    standing: Standing,
    position: int | None = None,
    *,
    has_state: bool = False,
    accept_gap: bool = False,
) -> Start | Exit:
    """What is decided; of an error its code."""
    try:
        return start_of(WHERE, standing, position, has_state=has_state, accept_gap=accept_gap)
    except NamedExit as error:
        return error.code if WHERE in error.message else Exit.INTERNAL


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(0, 0, None), Start(0)),
        (Standing(7, 90, None), Start(7)),
        (Standing(7, 90, 50), Start(50)),
        (Standing(7, 90, 90), Start(90)),
        (Standing(7, 90, 7), Start(7)),
        (Standing(7, 90, 6), Exit.GAP),
        (Standing(7, 90, 91), Exit.TOPIC_MISMATCH),
        (Standing(0, 90, 50, "new", "old"), Start(0)),
        (Standing(0, 9, 50, "new", "old"), Start(0)),
        (Standing(0, 90, 50, "same", "same"), Start(50)),
        (Standing(0, 90, 50, "new", ""), Start(50)),
        (Standing(0, 90, 50, "", "old"), Start(50)),
    ],
)
def test_s7_without_a_state_the_group_says_where(
    standing: Standing, expected: Start | Exit
) -> None:
    assert begins(standing) == expected


@pytest.mark.parametrize(
    ("standing", "position", "expected"),
    [
        (Standing(0, 0, None), None, Start(0)),
        (Standing(0, 90, None), None, Start(0)),
        (Standing(7, 90, None), None, Exit.GAP),
        (Standing(0, 90, 50), None, Exit.CHANGELOG_DAMAGED),
        (Standing(0, 90, 50), 50, Start(50)),
        (Standing(0, 90, 50), 40, Start(40)),
        (Standing(0, 90, 50), 60, Start(60)),
        (Standing(0, 90, None), 60, Start(60)),
        (Standing(0, 90, 50), 91, Exit.TOPIC_MISMATCH),
        (Standing(41, 90, 50), 40, Exit.GAP),
        (Standing(0, 90, 50, "new", "old"), 50, Exit.TOPIC_MISMATCH),
        (Standing(0, 90, 50, "new", "old"), None, Exit.TOPIC_MISMATCH),
        (Standing(0, 90, 50, "same", "same"), 50, Start(50)),
    ],
)
def test_s7_a_state_says_where_and_its_absence_is_not_a_beginning(
    standing: Standing, position: int | None, expected: Start | Exit
) -> None:
    """Behind the group's offset: the tail of the changelog was lost, the log makes it anew."""
    assert begins(standing, position, has_state=True) == expected


def test_s7_an_accepted_gap_is_counted() -> None:
    assert begins(Standing(9, 20, 4), accept_gap=True) == Start(9, lost_records=5)
    assert begins(Standing(9, 20, None), 4, has_state=True, accept_gap=True) == Start(9, 5)


@pytest.mark.parametrize("has_state", [False, True])
def test_s7_whatever_is_found_nothing_unread_is_passed_over(has_state: bool) -> None:
    """All small cases: a start is the wanted offset, or a gap that was accepted and counted."""
    numbers = range(5)
    for begin, end, accept in product(numbers, numbers, (False, True)):
        if begin > end:
            continue
        for committed, position in product([None, *numbers], [None, *numbers]):
            standing = Standing(begin, end, committed)
            found = begins(standing, position, has_state=has_state, accept_gap=accept)
            if isinstance(found, Exit):
                continue
            wanted = position if has_state else committed
            if wanted is None:
                assert not (has_state and committed)
                wanted = 0 if has_state else begin
            assert found.offset - found.lost_records == wanted
            assert begin <= found.offset <= end
            assert not found.lost_records or (accept and found.offset == begin)
