"""How far a source partition has been read, as a time: the rules, one by one."""

import pytest

from streams.intake.progress import ProgressPolicy, Reading, Standing, progress_of

WALL = ProgressPolicy()
EVENT = ProgressPolicy(event_time=True, as_of_ms=9_000, disorder_ms=30)
ENDLESS = ProgressPolicy(event_time=True, disorder_ms=30)
ASKED_MS = 5_000


@pytest.mark.parametrize(
    ("standing", "log_end", "asked_ms", "policy", "expected"),
    [
        # Nothing known yet: time stands still.
        (Standing(), 10, ASKED_MS, WALL, (0, Reading.NOTHING_KNOWN)),
        (Standing(3), None, ASKED_MS, WALL, (0, Reading.NOTHING_KNOWN)),
        (Standing(3), 10, None, WALL, (0, Reading.NOTHING_KNOWN)),
        (Standing(), 10, ASKED_MS, EVENT, (0, Reading.NOTHING_KNOWN)),
        # At the end: as late as the end was asked for, whatever the last record's stamp.
        (Standing(10, 1_000), 10, ASKED_MS, WALL, (ASKED_MS, Reading.AT_END)),
        (Standing(11, 1_000), 10, ASKED_MS, WALL, (ASKED_MS, Reading.AT_END)),
        (Standing(0), 0, ASKED_MS, WALL, (ASKED_MS, Reading.AT_END)),
        # Behind: as late as the last record forwarded was stamped; before any, not at all.
        (Standing(9, 1_000), 10, ASKED_MS, WALL, (1_000, Reading.BEHIND)),
        (Standing(9), 10, ASKED_MS, WALL, (0, Reading.BEHIND)),
        (Standing(9, 0), 10, ASKED_MS, WALL, (0, Reading.BEHIND)),
        # Event time: a bound below the youngest event; at the end, the given end of time.
        (Standing(9, 1_000, 700), 10, ASKED_MS, EVENT, (669, Reading.WATERMARK)),
        (Standing(10, 1_000, 700), 10, ASKED_MS, EVENT, (9_000, Reading.AT_END)),
        (Standing(0), 0, ASKED_MS, EVENT, (9_000, Reading.AT_END)),
        (Standing(3, 1_000), 10, ASKED_MS, EVENT, (0, Reading.BEHIND)),
        # Event time without an end: the watermark stays behind the youngest event.
        (Standing(10, 1_000, 700), 10, ASKED_MS, ENDLESS, (669, Reading.WATERMARK)),
        (Standing(0), 0, ASKED_MS, ENDLESS, (ASKED_MS, Reading.AT_END)),
    ],
)
def test_progress(
    standing: Standing,
    log_end: int | None,
    asked_ms: int | None,
    policy: ProgressPolicy,
    expected: tuple[int, Reading],
) -> None:
    assert progress_of(standing, log_end, asked_ms, policy) == expected
