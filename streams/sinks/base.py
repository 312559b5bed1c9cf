"""What every sink is, and how an HTTP answer is read.

A sink sends one message once, and says what came of it. It keeps no queue and
never retries: when to try again is decided in ``streams.outreach``, where it
survives a restart.
"""

import math
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from schemas.actions import Action
from streams.clock import to_ms

__all__ = [
    "DETAIL_CHARS_MAX",
    "Pace",
    "Result",
    "Sink",
    "Verdict",
    "delivered",
    "read_status",
    "rejected",
    "retryable",
]

#: What a receiver says about a failure is kept up to this many characters.
DETAIL_CHARS_MAX = 200


class Verdict(StrEnum):
    """What came of one attempt."""

    DELIVERED = "delivered"
    RETRYABLE = "retryable"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Result:
    """One attempt's verdict, with a sentence for people.

    ``after_s`` is the receiver's own wish (``Retry-After``): nothing goes to this
    sink sooner. None where it had none.
    """

    verdict: Verdict
    detail: str = ""
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a receiver can take: sends at the same time, and the least time between two starts."""

    concurrency: int = 1
    spacing_ms: int = 0


class Sink(Protocol):
    """A place that messages go to."""

    @property
    def name(self) -> str:
        """Short and stable: it is the last part of every action's id."""

    @property
    def pace(self) -> Pace:
        """How fast this sink may be used."""

    async def deliver(self, action: Action, attempt: int, now_ms: int) -> Result:
        """Send the message once; ``attempt`` counts from 1, ``now_ms`` is the attempt's time.

        Trouble at the other side is a result, never an exception, and the call
        ends in bounded time (20 s). The same action gives the same body every time.
        """

    async def close(self) -> None:
        """Let go of connections."""


def delivered(detail: str = "") -> Result:
    """It arrived."""
    return Result(Verdict.DELIVERED, detail)


def retryable(detail: str, after_s: float | None = None) -> Result:
    """It may arrive later."""
    return Result(Verdict.RETRYABLE, detail[:DETAIL_CHARS_MAX], after_s)


def rejected(detail: str) -> Result:
    """It will never arrive as it is."""
    return Result(Verdict.REJECTED, detail[:DETAIL_CHARS_MAX])


#: 4xx that speak of the moment and not of the message.
_LATER = {408, 425, 429}


def read_status(status: int, retry_after: str | None, now_ms: int) -> Result:
    """What an HTTP status means for a message.

    2xx arrived. 408, 425, 429 and 5xx: later, not before ``Retry-After`` if one is
    given. 410: the receiver is gone. 3xx are refused: a redirect could carry a signed
    message to another host. Every other status: the message or the settings are wrong.
    """
    if 200 <= status < 300:
        return delivered(f"HTTP {status}")
    if status in _LATER or 500 <= status < 600:
        return retryable(f"HTTP {status}", _retry_after_s(retry_after, now_ms))
    if 300 <= status < 400:
        return rejected(f"HTTP {status}: redirects are not followed, set the final address")
    if status == 410:
        return rejected("HTTP 410: the receiver says it is gone for good")
    return rejected(f"HTTP {status}")


def _retry_after_s(value: str | None, now_ms: int) -> float | None:
    """Seconds from ``Retry-After``, which is seconds or an HTTP date; None if unreadable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        # A date without a zone is GMT by definition of the header.
        seconds = (to_ms(at if at.tzinfo else at.replace(tzinfo=UTC)) - now_ms) / 1000
    return float(max(0, math.ceil(seconds))) if math.isfinite(seconds) else None
