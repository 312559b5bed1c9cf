"""What became of a dead letter: topic ``health.redrives.v1``, compacted, one partition. JSON.

Keyed as the dead letter is. A dead letter without a record here is open. The record of a
letter that was redriven is written in one transaction with what was sent.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time

__all__ = ["Redrive"]


class Redrive(BaseModel):
    """A dead letter that is settled: sent again, or dropped."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    outcome: Literal["redriven", "dropped"]
    at: Time
    author: str
    reason: str
    digest: str = Field(
        description="Of the dead letter's content. A topic that was created anew gives its"
        " offsets again: another letter under the same key is not settled."
    )
    sent_to: str | None = Field(
        default=None, description="Where it went: `<topic>/<partition>/<offset>`."
    )
