"""Ticket and billing events the short way: from bytes to a signal without building an event.

As :mod:`streams.intake.plain_usage` does it for usage, and as narrow: whatever is unusual in a
record (a rating, own properties, an id with a blank, anything invalid) gives None, and the
reference decides.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from schemas.billing import BillingChange
from schemas.inbound import RECORD_BYTES_MAX
from schemas.signals import Kind, Signal
from schemas.tickets import Priority, TicketChange
from streams.intake.plain_usage import is_plain, plain_ms

__all__ = ["PlainChanges"]

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_TO_10_YEARS = msgspec.Meta(ge=0, le=10 * 366 * 86_400)
_Seconds = Annotated[int, _TO_10_YEARS] | Annotated[float, _TO_10_YEARS]
_Amount = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
_Currency = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")]


class _Change(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    event_id: _Id
    customer_id: _Id
    occurred_at: str
    source: _Id
    schema_version: Literal["1.0"] = "1.0"


class _Ticket(_Change, forbid_unknown_fields=True, gc=False, kw_only=True):
    type: Literal["ticket.changed"]
    ticket_id: _Id
    change: TicketChange
    category: _Name | None = None
    priority: Priority | None = None
    first_response_s: _Seconds | None = None
    resolution_s: _Seconds | None = None


class _Billing(_Change, forbid_unknown_fields=True, gc=False, kw_only=True):
    type: Literal["billing.changed"]
    change: BillingChange
    invoice_id: _Id | None = None
    subscription_id: _Id | None = None
    due_at: str | None = None
    amount_minor: _Amount | None = None
    currency: _Currency | None = None
    mrr_minor: _Amount | None = None
    seats: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None
    plan: _Name | None = None
    renewal_at: str | None = None
    reason: _Name | None = None


_TICKET, _BILLING = int(Kind.TICKET), int(Kind.BILLING)


class PlainChanges:
    """Reads plain ticket and billing events; keeps a memory of times, so not for two threads."""

    def __init__(self) -> None:
        self._ticket: Callable[[bytes], _Ticket] = msgspec.json.Decoder(_Ticket).decode
        self._billing: Callable[[bytes], _Billing] = msgspec.json.Decoder(_Billing).decode
        self._ms = plain_ms()

    def ticket(self, raw: bytes | None, offset: int) -> tuple[str, Signal] | None:
        """A ticket record's source and signal (``source_ix`` 0); None: ask the reference."""
        event = _decoded(self._ticket, raw)
        if event is None or not _has_plain_ids(event, event.ticket_id):
            return None
        at_ms = self._ms(event.occurred_at)
        if at_ms is None:
            return None
        first_s, resolution_s = event.first_response_s, event.resolution_s
        return event.source, [
            offset, at_ms, event.customer_id, 0, event.event_id, _TICKET,
            event.ticket_id,
            event.change.value,
            None if event.priority is None else event.priority.value,
            event.category,
            None if first_s is None else round(first_s * 1000),
            None if resolution_s is None else round(resolution_s * 1000),
            None,
        ]  # fmt: skip

    def billing(self, raw: bytes | None, offset: int) -> tuple[str, Signal] | None:
        """A billing record's source and signal (``source_ix`` 0); None: ask the reference."""
        event = _decoded(self._billing, raw)
        if event is None or not _has_plain_ids(event, event.invoice_id, event.subscription_id):
            return None
        at_ms, due_ms, renewal_ms = self._ms(event.occurred_at), None, None
        if event.due_at is not None:
            due_ms = self._ms(event.due_at)
        if event.renewal_at is not None:
            renewal_ms = self._ms(event.renewal_at)
        if (
            at_ms is None
            or (due_ms is None and event.due_at is not None)
            or (renewal_ms is None and event.renewal_at is not None)
        ):
            return None
        return event.source, [
            offset, at_ms, event.customer_id, 0, event.event_id, _BILLING,
            event.change.value, event.invoice_id, due_ms, event.amount_minor, event.currency,
            event.mrr_minor, event.seats, event.plan, renewal_ms, event.reason,
            event.subscription_id,
        ]  # fmt: skip


def _decoded(decode: Callable[[bytes], Any], raw: bytes | None) -> Any:
    if not raw or len(raw) > RECORD_BYTES_MAX:
        return None
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _has_plain_ids(event: _Change, *own: str | None) -> bool:
    ids = (event.event_id, event.customer_id, event.source, *own)
    return is_plain("".join(each for each in ids if each is not None))
