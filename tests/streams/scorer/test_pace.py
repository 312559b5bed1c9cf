"""How far apart ticks are while the sources are behind."""

import pytest

from streams.scorer.pace import APART_MS_MAX, BEHIND_MS, apart_ms

NOW = 1_772_000_000_000


@pytest.mark.parametrize(
    ("behind_ms", "expected"),
    [
        (-5_000, 0),  # the broker's clock is ahead
        (0, 0),
        (BEHIND_MS, 0),
        (BEHIND_MS + 1, 2_000),
        (30_000, 6_000),
        (60_000, APART_MS_MAX),
        (6 * 3_600_000, APART_MS_MAX),
    ],
)
def test_the_further_behind_the_further_apart(behind_ms: int, expected: int) -> None:
    assert apart_ms(NOW, NOW - behind_ms) == expected


def test_nothing_was_read_yet() -> None:
    assert apart_ms(NOW, 0) == APART_MS_MAX
