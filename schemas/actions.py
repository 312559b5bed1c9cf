"""What outreach decided, and what became of it.

``health.actions.v1`` is the outbox: one :class:`Action` per transition and
sink. ``health.deliveries.v1`` is the notification log, a compacted topic keyed
by the action's id: first the *intent* to send, then the outcome. An action
whose log already holds a final outcome is never sent again.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time
from schemas.scores import Transition

__all__ = ["Action", "Delivery", "Message", "Outcome", "Severity"]


class Severity(StrEnum):
    """How much a message matters."""

    HIGH = "high"
    LOW = "low"
    RECOVERED = "recovered"


class Message(BaseModel):
    """What a person is told: plain text in parts. Each sink escapes and lays it out its own way."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    headline: str = Field(description="Who crossed which line, with the points before and after.")
    because: str = Field(description="The reason in one sentence.")
    movers: tuple[str, ...] = Field(default=(), description="What moved the score most, signed.")
    owner: str | None = Field(default=None, description="Who looks after the account.")
    link: str | None = Field(default=None, description="The customer's page.")

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
    """One message to one sink.

    It holds all that a send needs, so that the body stays the same over every
    retry and restart, whatever the settings are by then.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="`<transition id>/<sink>`: stable over every retry.")
    sink: str
    customer_id: str
    decided_at: Time
    message: Message
    transition: Transition = Field(description="The event that is the reason, whole.")


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
    customer_id: str
    outcome: Outcome
    attempts: int = Field(description="Attempts whose answer is known.")
    at: Time = Field(description="When this line was written.")
    detail: str = ""
    next_attempt_at: Time | None = Field(default=None, description="Only while `intent`.")
    action: Action | None = Field(default=None, description="Only while `intent`.")
