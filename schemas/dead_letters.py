"""A record that could not become a signal, and why.

Topic ``health.dead-letters.v1``, keyed ``<topic>/<partition>/<offset>`` of the
refused record, so that a refusal repeated after a crash is recognised. JSON.
"""

import base64

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Time
from schemas.inbound import Reason

__all__ = ["RAW_BYTES_MAX", "DeadLetter"]

#: Of the refused record's value at most this many bytes are kept.
RAW_BYTES_MAX = 64 * 1024


class DeadLetter(BaseModel):
    """One refused record, by its source position."""

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int
    offset: int
    reason: Reason
    detail: str
    rejected_at: Time
    raw_base64: str = Field(description="The value, cut at 64 KiB.")
    raw_bytes: int = Field(description="The value's full length.")

    @property
    def key(self) -> str:
        """The source position, which identifies the dead letter."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def raw(self) -> bytes:
        """The kept bytes of the value."""
        return base64.b64decode(self.raw_base64)
