"""Ticket events: what customers ask support.

Topic ``health.tickets.v1``. One event per change of a ticket; a ticket is
identified by ``ticket_id`` within its customer.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Happening, Id, Name

__all__ = ["Priority", "TicketChange", "TicketChanged", "TicketEvent"]

Seconds = Annotated[int | float, Field(ge=0, le=10 * 366 * 86_400, allow_inf_nan=False)]


class TicketChange(StrEnum):
    """What happened to the ticket."""

    OPENED = "opened"
    ANSWERED = "answered"
    SOLVED = "solved"
    REOPENED = "reopened"
    CLOSED = "closed"
    ESCALATED = "escalated"
    MERGED = "merged"
    DELETED = "deleted"
    RATED = "rated"


class Priority(StrEnum):
    """How urgent the ticket is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class TicketChanged(Happening):
    """A ticket was opened, answered, solved, rated and so on."""

    type: Literal["ticket.changed"]
    ticket_id: Id
    change: Annotated[TicketChange, Field(strict=False)]
    category: Name | None = None
    priority: Annotated[Priority, Field(strict=False)] | None = None
    first_response_s: Seconds | None = None
    resolution_s: Seconds | None = None
    satisfaction: Annotated[int | float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    satisfaction_scale_max: Annotated[int | float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 5


TicketEvent = TicketChanged
