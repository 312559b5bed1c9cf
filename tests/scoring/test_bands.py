"""Bands: hysteresis at equality, holds to the millisecond, letters without memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scores import Band
from scoring.bands import BandPolicy, Reason, Standing, letter_of, settle

GREEN, YELLOW, RED, UNKNOWN = Band.GREEN, Band.YELLOW, Band.RED, Band.UNKNOWN
HOUR_MS = 3_600_000
AT_ONCE = BandPolicy(7500, 7000, 5000, 5600, 0, 0)
HELD = BandPolicy(7500, 7000, 5000, 5600, 24 * HOUR_MS, HOUR_MS)


@pytest.mark.parametrize(
    ("score", "from_green", "from_yellow", "from_red", "from_unknown"),
    [
        (0, RED, RED, RED, RED),
        (4999, RED, RED, RED, RED),
        (5000, YELLOW, YELLOW, RED, YELLOW),  # exactly 50 does not enter red
        (5001, YELLOW, YELLOW, RED, YELLOW),
        (5599, YELLOW, YELLOW, RED, YELLOW),
        (5600, YELLOW, YELLOW, YELLOW, YELLOW),  # exactly 56 leaves red
        (6999, YELLOW, YELLOW, YELLOW, YELLOW),
        (7000, GREEN, YELLOW, YELLOW, YELLOW),  # exactly 70 keeps green
        (7499, GREEN, YELLOW, YELLOW, YELLOW),
        (7500, GREEN, GREEN, GREEN, GREEN),  # exactly 75 enters green
        (10_000, GREEN, GREEN, GREEN, GREEN),
        (None, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_r1_hysteresis_at_each_level(
    score: int | None, from_green: Band, from_yellow: Band, from_red: Band, from_unknown: Band
) -> None:
    """R1: enter and leave levels, strict where they say so, from each band; no data is no band."""
    for band, expected in (
        (GREEN, from_green),
        (YELLOW, from_yellow),
        (RED, from_red),
        (UNKNOWN, from_unknown),
    ):
        after, _ = settle(
            Standing(band), score, forced=None, at_once=False, now_ms=0, policy=AT_ONCE
        )
        assert after == Standing(expected), band


def run(*series: tuple[int, int | None], start: Band = GREEN) -> list[tuple[Band, Band | None]]:
    """The standing after each (time, score)."""
    standing, found = Standing(start), []
    for now_ms, score in series:
        standing, _ = settle(
            standing, score, forced=None, at_once=False, now_ms=now_ms, policy=HELD
        )
        found.append((standing.band, standing.pending))
    return found


def test_r2_a_hold_ends_at_the_exact_instant() -> None:
    """R2: a millisecond before the hour it is pending, on the hour it is red."""
    assert run((1000, 4000), (1000 + HOUR_MS - 1, 4000), (1000 + HOUR_MS, 4000)) == [
        (GREEN, RED),
        (GREEN, RED),
        (RED, None),
    ]


def test_r2_one_gap_begins_the_hold_anew() -> None:
    """R2: a score that comes back ends what was pending, also in the last millisecond."""
    assert run((0, 4000), (HOUR_MS - 1, 7000), (HOUR_MS, 4000), (2 * HOUR_MS - 1, 4000)) == [
        (GREEN, RED),
        (GREEN, None),
        (GREEN, RED),
        (GREEN, RED),
    ]


def test_r2_leaving_for_yellow_needs_no_hold() -> None:
    """The hold is the entered band's, and yellow has none; red pends anew from there."""
    assert run((0, 4000), (10, 6000), (20, 4000), (20 + HOUR_MS, 4000)) == [
        (GREEN, RED),
        (YELLOW, None),
        (YELLOW, RED),
        (RED, None),
    ]


def test_unknown_is_entered_and_left_at_once() -> None:
    """Too little data is no reason to wait, and the first band is entered at once."""
    assert run((0, None), (1, 4000), start=GREEN) == [(UNKNOWN, None), (RED, None)]
    assert run((0, 4000), (1, None), (2, 8000)) == [(GREEN, RED), (UNKNOWN, None), (GREEN, None)]


@pytest.mark.parametrize(
    ("standing", "score", "forced", "at_once", "after", "reason"),
    [
        (Standing(), None, None, False, Standing(), Reason.KEPT),
        (Standing(GREEN), None, None, False, Standing(), Reason.LOST),
        (Standing(GREEN), 7100, None, False, Standing(GREEN), Reason.KEPT),
        (Standing(), 7500, None, False, Standing(GREEN), Reason.FIRST),
        (Standing(GREEN), 4000, None, False, Standing(GREEN, RED, 7), Reason.PENDING),
        (Standing(GREEN, RED, 3), 4000, None, False, Standing(GREEN, RED, 3), Reason.PENDING),
        (Standing(GREEN), 4000, None, True, Standing(RED), Reason.AT_ONCE),
        (Standing(GREEN, RED, 3), 9000, RED, True, Standing(RED), Reason.AT_ONCE),
        (Standing(GREEN), None, RED, True, Standing(RED), Reason.AT_ONCE),
        (Standing(RED), None, RED, True, Standing(RED), Reason.KEPT),
        (Standing(), None, RED, True, Standing(RED), Reason.FIRST),
        (Standing(RED), 9000, None, False, Standing(RED, GREEN, 7), Reason.PENDING),
        (Standing(RED, GREEN, 1), 6000, None, False, Standing(YELLOW), Reason.AT_ONCE),
    ],
)
def test_every_reason(
    standing: Standing,
    score: int | None,
    forced: Band | None,
    at_once: bool,
    after: Standing,
    reason: Reason,
) -> None:
    found = settle(standing, score, forced=forced, at_once=at_once, now_ms=7, policy=HELD)
    assert found == (after, reason)


def test_held_long_enough_says_so() -> None:
    pending = Standing(RED, GREEN, 0)
    found = settle(pending, 9000, forced=None, at_once=False, now_ms=24 * HOUR_MS, policy=HELD)
    assert found == (Standing(GREEN), Reason.HELD_LONG_ENOUGH)


@given(st.lists(st.tuples(st.integers(0, 3 * HOUR_MS), st.integers(0, 10_000)), max_size=40))
def test_r2_a_band_with_a_hold_was_asked_for_all_the_time(series: list[tuple[int, int]]) -> None:
    """Against a plain reading of the rule: look back over the whole series."""
    now_ms, standing, scores = 0, Standing(YELLOW), []
    for gap_ms, score in series:
        now_ms += gap_ms
        before = standing.band
        standing, _ = settle(
            standing, score, forced=None, at_once=False, now_ms=now_ms, policy=HELD
        )
        if standing.band is before:
            scores.append((now_ms, score))
            continue
        if standing.band is not YELLOW:
            wanted = (lambda s: s >= 7500) if standing.band is GREEN else (lambda s: s < 5000)
            asked_ms = now_ms
            for at_ms, earlier in reversed(scores):
                if not wanted(earlier):
                    break
                asked_ms = at_ms
            assert wanted(score)
            assert now_ms - asked_ms >= HELD.hold_ms(standing.band)
        scores = [(now_ms, score)] if standing.band is YELLOW else []


LETTERS = ((8500, "A"), (7000, "B"), (5000, "C"), (0, "D"))


@pytest.mark.parametrize(
    ("score", "letter"),
    [
        (10_000, "A"),
        (8500, "A"),
        (8499, "B"),
        (7000, "B"),
        (6999, "C"),
        (5000, "C"),
        (4999, "D"),
        (0, "D"),
    ],
)
def test_letters_begin_where_they_say(score: int, letter: str) -> None:
    assert letter_of(score, LETTERS) == letter


def test_below_the_last_letter_is_the_last_letter() -> None:
    assert letter_of(-1, LETTERS) == "D"
