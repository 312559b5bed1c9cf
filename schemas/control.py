"""Global decisions: ``health.control.v1``, one partition, in order. JSON.

The owner of each signals partition copies them into it, so that they take
effect at one place in each customer's log.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.base import Time

__all__ = ["CONTROL", "ControlRecord", "ScorecardActivated", "SourceResumed", "SourceStalled"]


class _Control(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    at: Time
    author: str
    reason: str


class ScorecardActivated(_Control):
    """From here on scores are made with this scorecard."""

    type: Literal["scorecard.activated"] = "scorecard.activated"
    name: str
    version: str
    hash: str = Field(description="sha256 of the text, hexadecimal.")
    text: str = Field(description="The scorecard file, whole.")


class SourceStalled(_Control):
    """A source topic is not to be waited for: time goes on without it."""

    type: Literal["source.stalled"] = "source.stalled"
    topic: str


class SourceResumed(_Control):
    """A source topic counts again."""

    type: Literal["source.resumed"] = "source.resumed"
    topic: str


ControlRecord = ScorecardActivated | SourceStalled | SourceResumed

CONTROL: TypeAdapter[ControlRecord] = TypeAdapter(
    Annotated[ControlRecord, Field(discriminator="type")]
)
