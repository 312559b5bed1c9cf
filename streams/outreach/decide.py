"""Who is told about a crossed line, or why nobody is. Pure: values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schemas.actions import Action, Message, Severity
from schemas.scores import Band, Cause, Transition
from streams.clock import from_ms, to_ms
from streams.outreach.message import compose

__all__ = ["AGE_MAX_MS", "Decision", "Reason", "decide", "to_each"]

#: A crossing older than this is history by the time it is read: nobody is told.
AGE_MAX_MS = 24 * 3_600_000


class Reason(StrEnum):
    """Why a message is sent, or why not. The values are metric labels: never rename one."""

    SEND = "send"
    CAUSE_CORRECTION = "cause_correction"
    CAUSE_FIRST = "cause_first"
    CAUSE_SCORECARD = "cause_scorecard"
    CAUSE_PERCENTILES = "cause_percentiles"
    UNKNOWN_BAND = "unknown_band"
    NOT_A_CROSSING = "not_a_crossing"
    QUIET_CROSSING = "quiet_crossing"
    NOT_PURSUED = "not_pursued"
    TOO_OLD = "too_old"
    SINK_NOT_CONFIGURED = "sink_not_configured"
    NOTHING_CHANGED = "nothing_changed"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: ``sink`` is None where it holds for all, ``action`` is there to ``SEND``."""

    reason: Reason
    sink: str | None = None
    action: Action | None = None


_SILENT_CAUSES = {
    Cause.CORRECTION: Reason.CAUSE_CORRECTION,
    Cause.FIRST: Reason.CAUSE_FIRST,
    Cause.SCORECARD: Reason.CAUSE_SCORECARD,
    Cause.PERCENTILES: Reason.CAUSE_PERCENTILES,
}
#: The crossings that people are told about. Yellow to green is good news that needs no one.
_SEVERITY = {
    (Band.GREEN, Band.RED): Severity.HIGH,
    (Band.YELLOW, Band.RED): Severity.HIGH,
    (Band.GREEN, Band.YELLOW): Severity.LOW,
    (Band.RED, Band.YELLOW): Severity.RECOVERED,
    (Band.RED, Band.GREEN): Severity.RECOVERED,
}


def decide(
    transition: Transition, sinks: Sequence[str], now_ms: int, base_url: str | None = None
) -> list[Decision]:
    """One decision per sink to send, or a single one with the reason for silence.

    The same transition gives actions with the same ids however often it is read.

    Args:
        transition: the crossed line.
        sinks: names of the configured sinks.
        now_ms: the time of the decision, Unix milliseconds.
        base_url: where people reach the page, for the link.
    """
    silence = _silence(transition, now_ms)
    if silence is not None:
        return [Decision(silence)]
    if not sinks:
        return [Decision(Reason.SINK_NOT_CONFIGURED)]
    data = transition.data
    assert data.before is not None, "a crossing without a band before is not one"
    message = compose(transition, _SEVERITY[data.before, data.after], base_url)
    return to_each(
        sinks, transition.id, message, now_ms, customer_id=data.customer_id, transition=transition
    )


def to_each(
    sinks: Sequence[str], event_id: str, message: Message, now_ms: int, **about: Any
) -> list[Decision]:
    """A message to each sink; ``about`` names its customer, if there is one, and its reason."""
    return [
        Decision(
            Reason.SEND,
            sink,
            Action(
                id=f"{event_id}/{sink}",
                sink=sink,
                decided_at=from_ms(now_ms),
                message=message,
                **{"customer_id": None} | about,
            ),
        )
        for sink in sinks
    ]


def _silence(transition: Transition, now_ms: int) -> Reason | None:
    """Why nobody is told, the most telling reason first."""
    data = transition.data
    if data.cause in _SILENT_CAUSES:
        return _SILENT_CAUSES[data.cause]
    if data.before is None or data.before is data.after:
        return Reason.NOT_A_CROSSING
    if Band.UNKNOWN in (data.before, data.after):
        return Reason.UNKNOWN_BAND
    if (data.before, data.after) not in _SEVERITY:
        return Reason.QUIET_CROSSING
    if data.not_pursued is not None:
        return Reason.NOT_PURSUED
    if now_ms - to_ms(transition.time) > AGE_MAX_MS:
        return Reason.TOO_OLD
    return None
