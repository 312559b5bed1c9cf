"""The read model: what Redis holds, what the API returns, what pages show."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time
from schemas.scores import (
    Cause,
    EventRef,
    GroupMover,
    Health,
    Mover,
    ScorecardRef,
    ScoreChanged,
)
from schemas.view_rows import Row

__all__ = [
    "CustomerHealth",
    "HistoryPoint",
    "Percentile",
    "point_fields",
    "row_fields",
]


class CustomerHealth(BaseModel):
    """A customer's current health, as last emitted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    customer_id: str
    customer_name: str | None = None
    epoch: int
    sequence: int
    scorecard: ScorecardRef
    health: Health
    delta: int | None = None
    cause: Cause
    because: str
    movers: tuple[Mover, ...] = ()
    groups: tuple[GroupMover, ...] = ()
    events: tuple[EventRef, ...] = ()
    changed_at: Time
    next_change_at: Time | None = None
    attributes: dict[str, str | int | bool] = Field(default_factory=dict)

    @classmethod
    def of(cls, change: ScoreChanged) -> "CustomerHealth":
        """The view of a customer right after ``change``."""
        return cls(**row_fields(change.data), changed_at=change.time)


def row_fields(data: Any) -> dict[str, Any]:
    """What a row takes over from a score change's data: all but the time of the change."""
    return {
        "customer_id": data.customer_id,
        "customer_name": data.customer_name,
        "epoch": data.epoch,
        "sequence": data.sequence,
        "scorecard": data.scorecard,
        "health": data.after,
        "delta": data.delta,
        "cause": data.cause,
        "because": data.because,
        "movers": data.movers,
        "groups": data.groups,
        "events": data.events,
        "next_change_at": data.next_change_at,
        "attributes": data.attributes,
    }


class HistoryPoint(BaseModel):
    """One earlier score of a customer."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    sequence: int
    score: int | None
    band: str
    because: str
    movers: dict[str, int] = Field(
        default_factory=dict, description="What each measure did to it, in hundredths."
    )

    @classmethod
    def of(cls, row: Row) -> "HistoryPoint":
        """What is remembered of a score once the next one has come."""
        return cls(**point_fields(row))


def point_fields(row: Row) -> dict[str, Any]:
    """The fields of a row's :class:`HistoryPoint`."""
    return {
        "at": row.changed_at,
        "sequence": row.sequence,
        "score": row.health.score,
        "band": row.health.band,
        "because": row.because,
        "movers": {mover.name: mover.delta for mover in row.movers if mover.kind == "measure"},
    }


class Percentile(BaseModel):
    """Where a score stands among others: 1 is the lowest, 100 the highest."""

    model_config = ConfigDict(frozen=True)

    portfolio: int | None = Field(
        description="Among all scored customers; null without a score, or with fewer than 20."
    )
    n: int = Field(description="Scored customers in all.")
    segment: int | None = Field(description="Among those of its segment; null likewise.")
    segment_n: int = Field(description="Scored customers of its segment.")
