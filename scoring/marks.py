"""What a person set: a customer that is not pursued, and one that is handled.

*Not pursued* holds until its end (180 days where nobody said until when). *Handled*
holds until something changes: the band, the letter, an override, an indicator, the
archetype or the outlook is another one than when it was said, or the score is
:data:`FALL_MIN` or more below what it was then. What it was then is what was told
last: that is what the person had seen. Once ended it does not come back by itself.
"""

from typing import Any, NamedTuple

import msgspec

from scoring.account import Mark, pursuit_of
from scoring.emitted import Emitted
from scoring.evaluate import Assessment
from scoring.handling import Handling, Seen
from scoring.moment import earliest
from scoring.state import CustomerState

__all__ = ["FALL_MIN", "Marks", "marks_of", "words_of_marks"]

#: Hundredths of a point by which a score must fall for a handled customer to come back.
FALL_MIN = 500


class Marks(NamedTuple):
    """What holds now, what the next evaluation starts from, and when one ends by itself."""

    not_pursued: Mark | None
    handled: Mark | None
    handling: Handling | None
    next_ms: int | None


_NONE = Marks(None, None, None, None)


def marks_of(
    state: CustomerState, told: Emitted | None, assessment: Assessment, now_ms: int
) -> Marks:
    """What a person set and still holds. ``assessment`` carries the last one's handling."""
    if "pursuit" not in state.facts and "handled" not in state.facts:
        return _NONE
    not_pursued = pursuit_of(state, now_ms)
    handling, handled = _handled(state, told, assessment, now_ms)
    ends_ms = (mark[3] for mark in (not_pursued, handled) if mark is not None)
    next_ms = None
    for end_ms in ends_ms:
        next_ms = earliest(next_ms, end_ms)
    return Marks(not_pursued, handled, handling, next_ms)


def _handled(
    state: CustomerState, told: Emitted | None, assessment: Assessment, now_ms: int
) -> tuple[Handling | None, Mark | None]:
    register = state.facts.get("handled")
    if register is None or register[2] is None or register[2][0] != "handled":
        return None, None
    at_ms, event_id, (_, reason, author, expires_ms) = register
    now = _seen_now(assessment)
    handling = assessment.past.handling
    if handling is None or (handling.at_ms, handling.event_id) != (at_ms, event_id):
        handling = Handling(at_ms, event_id, now if told is None else _seen_then(told))
    if handling.seen is None:
        return handling, None
    if (expires_ms is not None and now_ms >= expires_ms) or _is_news(handling.seen, now):
        return Handling(at_ms, event_id, None), None
    return handling, (at_ms, author, reason, expires_ms)


def _is_news(seen: Seen, now: Seen) -> bool:
    if msgspec.structs.replace(seen, score=None) != msgspec.structs.replace(now, score=None):
        return True
    return seen.score is not None and now.score is not None and seen.score - now.score >= FALL_MIN


def _seen_now(assessment: Assessment) -> Seen:
    past = assessment.past
    return Seen(
        assessment.score,
        str(past.standing.band),
        assessment.letter,
        tuple(override.name for override in assessment.overrides),
        tuple(sorted(past.indicators)),
        tuple(past.places[kind].name if kind in past.places else "" for kind in _CLASSES),
    )


def _seen_then(told: Emitted) -> Seen:
    return Seen(
        told.score,
        told.band,
        told.letter,
        tuple(told.overrides),
        tuple(sorted(told.indicators)),
        tuple(told.places[kind][0] if kind in told.places else "" for kind in _CLASSES),
    )


_CLASSES = ("archetype", "outlook")


def words_of_marks(before: Emitted | None, marks: Marks) -> str:
    """What changed of the marks since the last telling, as a sentence; empty if nothing did."""
    held: Any = (None, None) if before is None else (before.not_pursued, before.handled)
    if marks.not_pursued not in (None, held[0]):
        return f"Not pursued, says {marks.not_pursued[1]}: {marks.not_pursued[2]}"
    if held[0] is not None and marks.not_pursued is None:
        return "Pursued again"
    if marks.handled not in (None, held[1]):
        return f"Handled by {marks.handled[1]}: {marks.handled[2]}"
    if held[1] is not None and marks.handled is None:
        return "No longer handled"
    return ""
