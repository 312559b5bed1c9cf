"""How far apart ticks are while the sources are behind, and under a heavy load."""

import pytest

from streams.scorer.pace import (
    APART_MS_MAX,
    BEHIND_MS,
    CHECKPOINT_ROWS,
    CHECKPOINTS_IN_ONE,
    ROUND_APART_MS_MAX,
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
        (32_000, 10_000),
        (92_000, APART_MS_MAX),
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


def test_a_round_waits_twice_as_long_as_the_last_ones_of_all_partitions_took() -> None:
    rounds = Rounds()
    for partition in (0, 1):
        rounds.append(partition, NOW, 2, is_new=True)
        rounds.evaluated(partition, NOW + 50, 0.03)
        rounds.evaluated(partition, NOW + 60, 0.02)
    for partition in (0, 1):
        assert rounds.not_before_ms(partition, NOW + 100, 0) == NOW + 200
    assert rounds.not_before_ms(0, NOW + 100, 500) == NOW + 500  # behind, it waits for that


def test_a_partition_that_has_rested_since_is_not_in_the_way_of_the_others() -> None:
    """Else one great round, of midnight say, would slow all others down until its next one."""
    rounds = Rounds()
    for partition, took_s in ((0, 0.4), (1, 0.02)):
        rounds.append(partition, NOW, 1, is_new=True)
        rounds.evaluated(partition, NOW + 400, took_s)
    later_ms = NOW + 400 + ROUND_APART_MS_MAX
    rounds.append(1, later_ms, 1, is_new=True)
    rounds.evaluated(1, later_ms + 10, 0.02)
    assert rounds.not_before_ms(1, later_ms - 1, 0) == later_ms + 840
    assert rounds.not_before_ms(1, later_ms + 10, 0) == later_ms + 40


def test_what_the_round_before_took_is_forgotten_and_a_part_of_one_adds_to_it() -> None:
    rounds = Rounds()
    rounds.append(0, NOW, 1, is_new=True)
    rounds.evaluated(0, NOW + 200, 0.2)
    rounds.append(0, NOW + 1_000, 1, is_new=True)
    assert rounds.not_before_ms(0, NOW + 1_000, 0) == NOW + 1_000
    rounds.evaluated(0, NOW + 1_010, 0.01)
    rounds.append(0, NOW + 1_100, 1, is_new=False)
    rounds.evaluated(0, NOW + 1_120, 0.02)
    assert rounds.not_before_ms(0, NOW + 1_120, 0) == NOW + 1_160


def test_a_round_that_took_minutes_does_not_make_others_wait_for_minutes() -> None:
    rounds = Rounds()
    rounds.append(0, NOW, 1, is_new=True)
    rounds.evaluated(0, NOW + 310_000, 310.0)
    assert rounds.not_before_ms(0, NOW + 310_000, 0) == NOW + ROUND_APART_MS_MAX


def test_ticks_are_under_way_until_each_was_read() -> None:
    rounds = Rounds()
    assert not rounds.is_under_way(0)
    rounds.append(0, NOW, 2, is_new=True)
    rounds.evaluated(0, NOW, 0.0)
    assert rounds.is_under_way(0)
    assert not rounds.is_under_way(1)
    rounds.evaluated(0, NOW, 0.0)
    assert not rounds.is_under_way(0)
    rounds.evaluated(0, NOW, 0.0)  # somebody else's, of before a handover
    rounds.append(0, NOW, 1, is_new=True)
    assert rounds.is_under_way(0)
