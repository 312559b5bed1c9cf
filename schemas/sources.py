"""A source that is not read, or that stopped: what operators are told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time
from schemas.scores import CloudEvent

__all__ = ["SourceStopped", "SourceStoppedData"]


class SourceStoppedData(BaseModel):
    """What stopped, and who decided so."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str = Field(description="The family of its events: usage, say.")
    topic: str
    partition: int | None = Field(default=None, description="None: the whole topic.")
    paused: bool = Field(description="Intake does not read it; else nothing comes.")
    since: Time
    author: str
    reason: str
    control_offset: int = Field(description="Which decision: its offset in the control topic.")


class SourceStopped(CloudEvent):
    """CloudEvent about a source that is paused or silent; outreach sends one to each sink."""

    type: Literal["source.stopped"] = "source.stopped"
    data: SourceStoppedData
