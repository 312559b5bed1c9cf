"""Score to band, with hysteresis and hold; score to letter, without memory.

The rule, once. With ``green: enter >= 75, leave < 70`` a score of exactly 75
enters green, and green is kept at exactly 70. With ``red: enter < 50, leave >=
56`` a score of exactly 50 does not enter red, and exactly 56 leaves it. A
change waits for the *entered* band's hold time: it is pending until then, and a
score that comes back in between ends it. The first band after ``unknown``, a
change into ``unknown``, and any change while an override acts, need no hold.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from schemas.scores import Band

__all__ = ["BandPolicy", "Reason", "Standing", "letter_of", "limits_of", "settle"]


#: Looked up once: to get a member of an enumeration takes longer than to compare two.
_GREEN, _YELLOW, _RED, _UNKNOWN = Band.GREEN, Band.YELLOW, Band.RED, Band.UNKNOWN


@dataclass(frozen=True, slots=True)
class BandPolicy:
    """Levels in hundredths of a point, hold times in milliseconds."""

    green_enter: int
    green_leave: int
    red_enter: int
    red_leave: int
    green_hold_ms: int
    red_hold_ms: int

    def hold_ms(self, band: Band) -> int:
        """How long a score must ask for ``band`` before it is entered."""
        if band is _GREEN:
            return self.green_hold_ms
        return self.red_hold_ms if band is _RED else 0


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """The band a customer is in, and the one that is pending."""

    band: Band = Band.UNKNOWN
    pending: Band | None = None
    since_ms: int = 0
    #: Why the pending band is pending: a crossing that history began messages nobody at its end.
    cause: str = ""


class Reason(StrEnum):
    """Why a standing is what it is."""

    KEPT = "kept"
    FIRST = "first"
    LOST = "lost"
    PENDING = "pending"
    HELD_LONG_ENOUGH = "held_long_enough"
    AT_ONCE = "at_once"


def settle(
    standing: Standing,
    score: int | None,
    *,
    forced: Band | None,
    at_once: bool,
    now_ms: int,
    policy: BandPolicy,
) -> tuple[Standing, Reason]:
    """The standing after a score; ``score`` None means that too little is known.

    ``forced`` is a band that an override sets; ``at_once`` skips the hold.
    """
    if score is None and forced is None:
        kept = standing.band is _UNKNOWN
        return Standing(), Reason.KEPT if kept else Reason.LOST
    wanted = forced or _wanted(standing.band, score or 0, policy)
    if wanted is standing.band:
        return Standing(wanted), Reason.KEPT
    if standing.band is _UNKNOWN:
        return Standing(wanted), Reason.FIRST
    hold_ms = policy.hold_ms(wanted)
    if forced or at_once or hold_ms == 0:
        return Standing(wanted), Reason.AT_ONCE
    if standing.pending is wanted:
        if now_ms - standing.since_ms >= hold_ms:
            return Standing(wanted), Reason.HELD_LONG_ENOUGH
        return standing, Reason.PENDING
    return Standing(standing.band, wanted, now_ms), Reason.PENDING


def _wanted(band: Band, score: int, policy: BandPolicy) -> Band:
    if band is _GREEN and score >= policy.green_leave:
        return _GREEN
    if band is _RED and score < policy.red_leave:
        return _RED
    if score >= policy.green_enter:
        return _GREEN
    return _RED if score < policy.red_enter else _YELLOW


def limits_of(band: str, policy: BandPolicy) -> tuple[tuple[Band, str, int], ...]:
    """Where a band ends: the other band, and the score at which it is asked for."""
    if band == _GREEN:
        return ((_YELLOW, "<", policy.green_leave),)
    if band == _RED:
        return ((_YELLOW, ">=", policy.red_leave),)
    if band == _YELLOW:
        return ((_GREEN, ">=", policy.green_enter), (_RED, "<", policy.red_enter))
    return ()


def letter_of(score: int, letters: tuple[tuple[int, str], ...]) -> str:
    """The letter of a score; ``letters`` are (from, letter), highest first, inclusive."""
    for level, letter in letters:
        if score >= level:
            return letter
    return letters[-1][1]
