"""Account events: who the customer is, and what the contract says.

Topic ``health.accounts.v1``. A field that is absent has not changed; a field
that is ``null`` has been cleared.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Currency, Event, Id, Name, Strings, Time

__all__ = ["AccountChanged", "AccountClosed", "AccountCreated", "AccountEvent", "AccountStatus"]

Seats = Annotated[int, Field(ge=0, le=10_000_000)]
AmountMinor = Annotated[int, Field(ge=-(10**15), le=10**15)]


class AccountStatus(StrEnum):
    """Where the account stands commercially."""

    PROSPECT = "prospect"
    TRIAL = "trial"
    CUSTOMER = "customer"
    NOTICE = "notice"
    CHURNED = "churned"


class AccountFields(BaseModel):
    """What is known about an account; every field may be left out."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    name: Name | None = None
    status: Annotated[AccountStatus, Field(strict=False)] | None = None
    internal: bool | None = Field(default=None, description="An internal or test account.")
    attributes: Strings | None = Field(
        default=None, description="Segment attributes, such as industry or plan."
    )
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166-1 alpha-2."
    )
    zone: Name | None = Field(default=None, description="IANA time zone, such as Europe/Berlin.")
    seats: Seats | None = Field(default=None, description="Seats paid for.")
    mrr_minor: AmountMinor | None = Field(
        default=None, description="Monthly recurring revenue in minor units of `currency`."
    )
    currency: Currency | None = None
    renewal_at: Time | None = None
    started_at: Time | None = Field(default=None, description="When the contract began.")
    owner: Name | None = Field(default=None, description="Who looks after the account.")
    parent: Id | None = Field(default=None, description="The parent account's customer_id.")


class AccountCreated(Event, AccountFields):
    """A customer is known from now on."""

    type: Literal["account.created"]


class AccountChanged(Event, AccountFields):
    """Facts about a customer changed; those given replace what was known."""

    type: Literal["account.changed"]


class AccountClosed(Event):
    """The account is closed; its status becomes ``churned``."""

    type: Literal["account.closed"]
    reason: Name | None = None


AccountEvent = AccountCreated | AccountChanged | AccountClosed
