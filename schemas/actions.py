"""What outreach decided, and what became of it.

``health.actions.v1`` is the outbox: one :class:`Action` per sink for each transition,
each activation of a scorecard, and each source that stopped. ``health.deliveries.v1`` is
the notification log, a compacted topic keyed by the action's id: first the
*intent* to send, then the outcome. An action whose log already holds a final
outcome is never sent again.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.activations import ScorecardApplied
from schemas.base import Time
from schemas.scores import Transition
from schemas.sources import SourceStopped

__all__ = ["Action", "Delivery", "Message", "Outcome", "Severity"]


class Severity(StrEnum):
    """How much a message matters. A ``notice`` is about a scorecard or a source, not a customer."""

    HIGH = "high"
    LOW = "low"
    RECOVERED = "recovered"
    NOTICE = "notice"


class Message(BaseModel):
    """What a person is told: plain text in parts. Each sink escapes and lays it out its own way."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    headline: str = Field(description="What happened: who crossed which line, say.")
    because: str = Field(description="The reason in one sentence.")
    movers: tuple[str, ...] = Field(
        default=(),
        description="What moved the score most, signed; of a notice: who turned red.",
    )
    owner: str | None = Field(default=None, description="Who looks after the account.")
    link: str | None = Field(
        default=None, description="The customer's page; of a scorecard's notice: the list of all."
    )

    @property
    def text(self) -> str:
        """The whole message, one fact per line."""
        lines = [self.headline]
        if self.because:
            lines.append(f"Why: {self.because}")
        lines += [f"  {mover}" for mover in self.movers]
        if self.owner:
            lines.append(f"Owner: {self.owner}")
        if self.link:
            lines.append(self.link)
        return "\n".join(lines)


class Action(BaseModel):
    """One message to one sink: about a customer's crossing, an activation, or a source.

    It holds all that a send needs, so that the body stays the same over every
    retry and restart, whatever the settings are by then.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(
        description="`<transition id>/<sink>`, `scorecard/<hash>/<control offset>/<sink>`, or"
        " `source/<topic>[/<partition>]/<control offset>/<sink>`: stable over every retry."
    )
    sink: str
    customer_id: str | None = Field(description="None where it is about many.")
    decided_at: Time
    message: Message
    transition: Transition | None = Field(
        default=None, description="The crossing that is the reason, whole."
    )
    applied: ScorecardApplied | None = Field(
        default=None, description="Or the activation that is the reason, summed up."
    )

    stopped: SourceStopped | None = Field(
        default=None, description="Or the source that is paused or silent."
    )

    @model_validator(mode="after")
    def _one_reason(self) -> Self:
        reasons = (self.transition, self.applied, self.stopped)
        if sum(reason is not None for reason in reasons) != 1:
            raise ValueError("expected one reason: a transition, an activation or a source")
        if (self.transition is None) is not (self.customer_id is None):
            raise ValueError("expected a customer_id with a transition, and only with one")
        return self

    @property
    def event(self) -> Transition | ScorecardApplied | SourceStopped:
        """The event that is the reason."""
        event = self.transition or self.applied or self.stopped
        assert event is not None, "an action has a reason"
        return event


class Outcome(StrEnum):
    """Where a delivery stands. ``delivered``, ``rejected`` and ``expired`` are final."""

    INTENT = "intent"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing more will be sent for the action."""
        return self is not Outcome.INTENT


class Delivery(BaseModel):
    """One line of the notification log.

    While the outcome is ``intent`` the line holds the action and the time of its
    next attempt, so that waiting messages survive a restart without the outbox
    record, which is acknowledged once this line is durable.
    """

    model_config = ConfigDict(frozen=True)

    action_id: str
    sink: str
    customer_id: str | None = Field(description="None where it is about many.")
    outcome: Outcome
    attempts: int = Field(description="Attempts whose answer is known.")
    at: Time = Field(description="When this line was written.")
    detail: str = ""
    next_attempt_at: Time | None = Field(default=None, description="Only while `intent`.")
    action: Action | None = Field(default=None, description="Only while `intent`.")
