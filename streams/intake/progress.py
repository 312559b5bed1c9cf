"""How far each source partition has been read, as a time. Pure.

A tick may never run ahead of the input: after an outage of six hours, everybody
would look silent before the backlog is read. So intake tells, for each source
partition it holds, up to which time everything has been forwarded.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ProgressPolicy", "Reading", "Standing", "progress_of"]


class Reading(StrEnum):
    """Why the progress is what it is."""

    AT_END = "at_end"
    BEHIND = "behind"
    WATERMARK = "watermark"
    NOTHING_KNOWN = "nothing_known"


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """``as_of_ms`` and ``disorder_ms`` concern event-time mode only."""

    event_time: bool = False
    as_of_ms: int | None = None
    #: Events may be this much older than the youngest one seen before them.
    disorder_ms: int = 0


@dataclass(slots=True)
class Standing:
    """Where intake stands in one source partition."""

    #: Next offset to forward; None until known.
    next_offset: int | None = None
    #: Kafka time stamp of the last record forwarded.
    stamped_ms: int = -1
    #: Greatest event time forwarded.
    latest_ms: int = -1


def progress_of(
    standing: Standing, log_end: int | None, asked_ms: int | None, policy: ProgressPolicy
) -> tuple[int, Reading]:
    """Up to which time the partition has been forwarded (Unix ms), and why.

    ``log_end`` is the log's end at the last fetch, which was answered at
    ``asked_ms``. Where nothing is known yet time stands still: 0.
    """
    if standing.next_offset is None or log_end is None or asked_ms is None:
        return 0, Reading.NOTHING_KNOWN
    at_end = standing.next_offset >= log_end
    if policy.event_time:
        if at_end and policy.as_of_ms is not None:
            return policy.as_of_ms, Reading.AT_END
        if standing.latest_ms < 0:
            # An empty partition must not hold time for the others.
            return (asked_ms, Reading.AT_END) if at_end else (0, Reading.BEHIND)
        # Strictly behind the youngest event: others of the same instant may follow.
        return standing.latest_ms - policy.disorder_ms - 1, Reading.WATERMARK
    if at_end:
        return asked_ms, Reading.AT_END
    if standing.stamped_ms < 0:
        # Something waits and nothing was forwarded yet: time stands still for this partition.
        return 0, Reading.BEHIND
    return standing.stamped_ms, Reading.BEHIND
