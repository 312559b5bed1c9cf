"""The notification log: what it says about an action, and its next line. Pure.

Two lines per message: ``intent`` before the first attempt, the outcome after the
last one; attempts between them rewrite the intent with the time of the next try.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from schemas.actions import Action, Delivery, Outcome
from streams.clock import from_ms, to_ms
from streams.outreach.backoff import Backoff
from streams.sinks.base import Result, Verdict

__all__ = ["WAIT_MAX_MS", "NotificationLog", "Standing", "expire", "intent", "settle", "standing"]

#: A message that could not leave for this long is given up: it would be news no more.
WAIT_MAX_MS = 96 * 3_600_000


class NotificationLog(Protocol):
    """The log, newest line per action."""

    def get(self, partition: int, action_id: str) -> Delivery | None:
        """The action's newest line, None when it has none."""

    def check(self) -> None:
        """Raise when this process may not act for its partitions any more."""

    async def append(self, partition: int, lines: Sequence[Delivery]) -> None:
        """Write lines; they are durable when this returns."""


class Standing(StrEnum):
    """Why an action is taken up, or why not. The values are metric labels: never rename one."""

    NEW = "new"
    WAITING = "waiting"
    ALREADY_DELIVERED = "already_delivered"
    ALREADY_REJECTED = "already_rejected"
    ALREADY_EXPIRED = "already_expired"


_STANDING = {
    Outcome.INTENT: Standing.WAITING,
    Outcome.DELIVERED: Standing.ALREADY_DELIVERED,
    Outcome.REJECTED: Standing.ALREADY_REJECTED,
    Outcome.EXPIRED: Standing.ALREADY_EXPIRED,
}


def standing(line: Delivery | None) -> Standing:
    """What the log says about an action that has just been read from the outbox."""
    return Standing.NEW if line is None else _STANDING[line.outcome]


def intent(action: Action, now_ms: int) -> Delivery:
    """The first line: it will be sent, as soon as its sink is free."""
    return Delivery(
        action_id=action.id,
        sink=action.sink,
        customer_id=action.customer_id,
        outcome=Outcome.INTENT,
        attempts=0,
        at=from_ms(now_ms),
        next_attempt_at=from_ms(now_ms),
        action=action,
    )


def expire(line: Delivery, now_ms: int) -> Delivery | None:
    """The last line of a message that waited too long; None while it has not."""
    action = _waiting(line)
    if now_ms - to_ms(action.decided_at) <= WAIT_MAX_MS:
        return None
    hours = WAIT_MAX_MS // 3_600_000
    return _final(line, Outcome.EXPIRED, line.attempts, now_ms, f"waited more than {hours} h")


def settle(line: Delivery, result: Result, backoff: Backoff, now_ms: int) -> Delivery:
    """The line after one more attempt."""
    action, attempts = _waiting(line), line.attempts + 1
    if result.verdict is Verdict.DELIVERED:
        return _final(line, Outcome.DELIVERED, attempts, now_ms, result.detail)
    if result.verdict is Verdict.REJECTED:
        return _final(line, Outcome.REJECTED, attempts, now_ms, result.detail)
    next_ms = backoff.next_ms(attempts, now_ms, result.after_s, action.id)
    if next_ms is None:
        return _final(line, Outcome.EXPIRED, attempts, now_ms, result.detail)
    return line.model_copy(
        update={
            "attempts": attempts,
            "at": from_ms(now_ms),
            "detail": result.detail,
            "next_attempt_at": from_ms(next_ms),
        }
    )


def _waiting(line: Delivery) -> Action:
    if line.outcome.final or line.action is None:
        raise AssertionError(f"{line.action_id} is {line.outcome}: nothing more is sent for it")
    return line.action


def _final(line: Delivery, outcome: Outcome, attempts: int, now_ms: int, detail: str) -> Delivery:
    return Delivery(
        action_id=line.action_id,
        sink=line.sink,
        customer_id=line.customer_id,
        outcome=outcome,
        attempts=attempts,
        at=from_ms(now_ms),
        detail=detail,
    )
