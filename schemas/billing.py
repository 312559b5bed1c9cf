"""Billing events: what customers pay, and what their contract does.

Topic ``health.billing.v1``. Amounts are integers in minor units of
``currency`` (cents for EUR, yen for JPY).
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.account import AmountMinor, Seats
from schemas.base import Currency, Happening, Id, Name, Time

__all__ = ["BillingChange", "BillingChanged", "BillingEvent"]


class BillingChange(StrEnum):
    """What happened to an invoice, a payment or a subscription."""

    INVOICE_ISSUED = "invoice_issued"
    INVOICE_DUE = "invoice_due"
    INVOICE_PAID = "invoice_paid"
    INVOICE_OVERDUE = "invoice_overdue"
    INVOICE_VOIDED = "invoice_voided"
    PAYMENT_FAILED = "payment_failed"
    DISPUTE = "dispute"
    REFUND = "refund"
    SUBSCRIPTION_STARTED = "subscription_started"
    SUBSCRIPTION_CHANGED = "subscription_changed"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_RESUMED = "subscription_resumed"
    SUBSCRIPTION_RENEWED = "subscription_renewed"
    CANCEL_SCHEDULED = "cancel_scheduled"
    CANCELLED = "cancelled"
    TRIAL_STARTED = "trial_started"
    TRIAL_ENDED = "trial_ended"


class BillingChanged(Happening):
    """An invoice, a payment or a subscription changed."""

    type: Literal["billing.changed"]
    change: Annotated[BillingChange, Field(strict=False)]
    invoice_id: Id | None = None
    subscription_id: Id | None = None
    due_at: Time | None = None
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None
    mrr_minor: AmountMinor | None = None
    seats: Seats | None = None
    plan: Name | None = None
    renewal_at: Time | None = None
    reason: Name | None = None


BillingEvent = BillingChanged
