"""How far apart ticks are while the sources are behind."""

import pytest

from streams.scorer.pace import (
    APART_MS_MAX,
    BEHIND_MS,
    CHECKPOINT_ROWS,
    CHECKPOINTS_IN_ONE,
    Rounds,
    apart_ms,
    checkpoint_is_due,
)

NOW = 1_772_000_000_000


@pytest.mark.parametrize(
    ("behind_ms", "expected"),
    [
        (-5_000, 0),  # the broker's clock is ahead
        (0, 0),
        (BEHIND_MS, 0),
        (BEHIND_MS + 1, 0),  # it grows from nothing: no step for it to swing around
        (BEHIND_MS + 300, 100),
        (34_000, 10_000),
        (94_000, APART_MS_MAX),
        (6 * 3_600_000, APART_MS_MAX),
    ],
)
def test_the_further_behind_the_further_apart(behind_ms: int, expected: int) -> None:
    assert apart_ms(NOW, NOW - behind_ms) == expected


def test_nothing_was_read_yet() -> None:
    assert apart_ms(NOW, 0) == APART_MS_MAX


def test_a_checkpoint_waits_for_others_in_a_backlog_only() -> None:
    assert checkpoint_is_due(0, 1, behind=False)
    assert not checkpoint_is_due(0, 1, behind=True)
    assert not checkpoint_is_due(CHECKPOINTS_IN_ONE - 2, 1, behind=True)
    assert checkpoint_is_due(CHECKPOINTS_IN_ONE - 1, 1, behind=True)


def test_many_rows_do_not_wait_for_a_checkpoint() -> None:
    assert not checkpoint_is_due(0, CHECKPOINT_ROWS - 1, behind=True)
    assert checkpoint_is_due(0, CHECKPOINT_ROWS, behind=True)


def test_a_checkpoint_without_rows_waits_for_others() -> None:
    assert not checkpoint_is_due(0, 0, behind=False)
    assert checkpoint_is_due(CHECKPOINTS_IN_ONE - 1, 0, behind=False)


def test_a_round_begins_so_far_behind_the_last_one_of_its_partition() -> None:
    rounds = Rounds(NOW - 1_000)
    rounds.append(0, NOW, 1)
    assert rounds.not_before_ms(0, 500) == NOW + 500
    assert rounds.not_before_ms(1, 500) == NOW - 500  # of this one there was none yet
    rounds.append(0, NOW + 600, 1)
    assert rounds.not_before_ms(0, 0) == NOW + 600


def test_ticks_are_under_way_until_each_was_read() -> None:
    rounds = Rounds()
    assert not rounds.is_under_way(0)
    rounds.append(0, NOW, 2)
    rounds.read(0)
    assert rounds.is_under_way(0)
    assert not rounds.is_under_way(1)
    rounds.read(0)
    assert not rounds.is_under_way(0)
    rounds.read(0)  # somebody else's, of before a handover
    rounds.append(0, NOW, 1)
    assert rounds.is_under_way(0)
