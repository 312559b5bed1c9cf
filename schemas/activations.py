"""What became of a scorecard's activation: ``health.activations.v1``, one partition. JSON.

Each signals partition switches at a place of its own in its log. It reports each
tick that moved customers from the old card to the new one, and the end. A report
may be written again after a crash, then perhaps without customers that were moved
before it: of those with the same (control_offset, partition, offset) the first in
the topic is the one that counts.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time
from schemas.scores import Band, CloudEvent, ScorecardRef

__all__ = [
    "ActivationReport",
    "Crossings",
    "ScorecardApplied",
    "ScorecardAppliedData",
    "TurnedRed",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Crossings(_Model):
    """How many customers a new card moved from one band into another."""

    before: Band
    after: Band
    customers: int


class TurnedRed(_Model):
    """A customer that a new card turned red, or will, once red's hold time has passed."""

    customer_id: str
    name: str | None = None
    before: Band
    pending: bool = False
    score_before: int | None = Field(description="Hundredths, with the card before.")
    score_after: int | None
    mrr_minor: int | None = Field(default=None, description="Its monthly revenue, if known.")
    currency: str | None = None
    mrr_reporting_minor: int | None = Field(
        default=None, description="The same in the card's currency, if it has one: the order."
    )


class ActivationReport(_Model):
    """One step of a partition's switch to another card.

    ``running`` reports are followed by more. ``done``: every customer is scored
    with the new card. ``replaced``: another activation came first. ``refused``:
    the card cannot be read, the partition keeps the one that it has.
    """

    control_offset: int = Field(description="Which activation: its offset in the control topic.")
    partition: int
    offset: int = Field(description="The record of the signals log at which this happened.")
    outcome: Literal["running", "done", "replaced", "refused"]
    at: Time
    scorecard: ScorecardRef
    author: str
    reason: str
    activated_at: Time
    problem: str = Field(default="", description="Why it is refused.")
    evaluated: int = Field(default=0, description="Customers moved to the new card in this step.")
    crossings: tuple[Crossings, ...] = ()
    pending: tuple[Crossings, ...] = Field(
        default=(),
        description="Whose band will change when a hold time ends, unless the score comes back.",
    )
    turned_red: tuple[TurnedRed, ...] = Field(
        default=(), description="At most 10, the greatest value first."
    )


class ScorecardAppliedData(_Model):
    """What an activation did to all customers."""

    scorecard: ScorecardRef
    author: str
    reason: str
    activated_at: Time
    control_offset: int
    evaluated: int
    customers_changed: int
    crossings: tuple[Crossings, ...]
    pending: tuple[Crossings, ...]
    turned_red: tuple[TurnedRed, ...] = Field(description="At most 10, the greatest value first.")
    partitions: int
    refused_partitions: int = Field(
        default=0, description="Partitions that keep the card before, for `problem`."
    )
    problem: str = ""


class ScorecardApplied(CloudEvent):
    """CloudEvent that sums up an activation; outreach sends one to each sink."""

    type: Literal["scorecard.applied"] = "scorecard.applied"
    data: ScorecardAppliedData
