"""Usage events: what customers do in the product, or with it.

Topic ``health.usage.v1``.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Currency, Happening, Id, Name, UserKind

__all__ = ["ActivityKind", "ActivityRecorded", "FeatureUsed", "Outcome", "UsageEvent"]

Quantity = Annotated[int, Field(ge=0, le=1_000_000_000)]
DurationS = Annotated[int | float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]


class Outcome(StrEnum):
    """Whether what was tried worked."""

    OK = "ok"
    FAILED = "failed"


class FeatureUsed(Happening):
    """A feature was used, ``quantity`` times, for ``duration_s`` seconds."""

    type: Literal["usage.feature"]
    feature: Name
    user: Id | None = None
    user_kind: Annotated[UserKind, Field(strict=False)] = UserKind.HUMAN
    quantity: Quantity = 1
    duration_s: DurationS = 0
    outcome: Annotated[Outcome, Field(strict=False)] = Outcome.OK


class ActivityKind(StrEnum):
    """What customers of a shop, a café or a marketplace do."""

    ORDER = "order"
    VISIT = "visit"
    BOOKING = "booking"
    REVIEW = "review"


class ActivityRecorded(Happening):
    """Something a customer did outside a software product."""

    type: Literal["usage.activity"]
    activity: Annotated[ActivityKind, Field(strict=False)]
    user: Id | None = None
    amount_minor: Annotated[int, Field(ge=-(10**15), le=10**15)] | None = None
    currency: Currency | None = None
    rating: Annotated[int | float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)] | None = None
    rating_scale_max: Annotated[int | float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 5
    item: Name | None = None


UsageEvent = FeatureUsed | ActivityRecorded
