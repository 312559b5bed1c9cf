"""How far apart ticks are while the sources are behind."""

import pytest

from streams.scorer.pace import (
    APART_MS_MAX,
    BEHIND_MS,
    CHECKPOINT_ROWS,
    CHECKPOINTS_IN_ONE,
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
        (BEHIND_MS + 1, 3_333),
        (30_000, 10_000),
        (90_000, APART_MS_MAX),
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
