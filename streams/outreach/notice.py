"""The one message about a source that stopped: whether there is one, and its words. Pure."""

from collections.abc import Sequence

from schemas.actions import Message, Severity
from schemas.sources import SourceStopped
from streams.clock import to_ms
from streams.outreach.decide import AGE_MAX_MS, Decision, Reason, to_each
from streams.outreach.message import clean

__all__ = ["notify"]


def notify(event: SourceStopped, sinks: Sequence[str], now_ms: int) -> list[Decision]:
    """One decision per sink, or a single one with the reason for silence.

    The same event gives actions with the same ids however often it is made.
    """
    if now_ms - to_ms(event.data.since) > AGE_MAX_MS:
        return [Decision(Reason.TOO_OLD)]
    if not sinks:
        return [Decision(Reason.SINK_NOT_CONFIGURED)]
    return to_each(sinks, event.id, _message(event), now_ms, stopped=event)


def _message(event: SourceStopped) -> Message:
    data = event.data
    source = clean(data.source, 100)
    place = source if data.partition is None else f"{source}/{data.partition}"
    if data.paused:
        headline = f"Source {place} is paused"
        remedy = (
            "what it feeds keeps its value meanwhile. When its producer is mended:"
            f" vitals intake resume {place}"
        )
    else:
        headline = f"Source {place} is silent"
        remedy = "what it feeds keeps its value meanwhile. It is read again as soon as records come"
    said = f"{clean(data.author, 100)}, {data.since:%d %b %Y %H:%M} UTC: {clean(data.reason, 200)}"
    return Message(severity=Severity.NOTICE, headline=headline, because=f"{said}; {remedy}")
