"""From bytes to an event, or to the reason why not.

Each source topic carries one family, a union that ``type`` tells apart. Nothing
here raises for bad input: it comes back as a :class:`Rejection`, which the shell
turns into one dead letter.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from schemas.account import AccountEvent
from schemas.billing import BillingEvent
from schemas.engagement import EngagementEvent
from schemas.tickets import TicketEvent
from schemas.usage import UsageEvent

__all__ = [
    "FAMILIES",
    "RECORD_BYTES_MAX",
    "AnyEvent",
    "InboundEvent",
    "Reason",
    "Rejection",
    "family_of",
    "parse",
]

#: A record above this many bytes is refused unread.
RECORD_BYTES_MAX = 256 * 1024

InboundEvent = AccountEvent | UsageEvent | TicketEvent | BillingEvent | EngagementEvent

#: Family -> adapter. The family's name is also the middle of its topic's name.
FAMILIES: Mapping[str, TypeAdapter[InboundEvent]] = {
    "accounts": TypeAdapter(Annotated[AccountEvent, Field(discriminator="type")]),
    "usage": TypeAdapter(Annotated[UsageEvent, Field(discriminator="type")]),
    "tickets": TypeAdapter(TicketEvent),
    "billing": TypeAdapter(BillingEvent),
    "engagement": TypeAdapter(Annotated[EngagementEvent, Field(discriminator="type")]),
}
#: Any event of any family: what files and the redrive topic hold.
AnyEvent: TypeAdapter[InboundEvent] = TypeAdapter(
    Annotated[InboundEvent, Field(discriminator="type")]
)

_ADAPTERS = {**FAMILIES, "redrive": AnyEvent}

_FAMILY_OF_TYPE = {
    "account": "accounts",
    "usage": "usage",
    "ticket": "tickets",
    "billing": "billing",
    "engagement": "engagement",
}


def family_of(event: InboundEvent) -> str:
    """The family (a key of :data:`FAMILIES`) that an event belongs to."""
    return _FAMILY_OF_TYPE[event.type.partition(".")[0]]


class Reason(StrEnum):
    """Why a record could not become an event. The values are on the wire: never rename one."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    MISSING_CUSTOMER = "missing_customer"
    BAD_TIME = "bad_time"
    INVALID = "invalid"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    # Of an account's parent; the score agent says so, not intake.
    HIERARCHY_CYCLE = "hierarchy_cycle"
    HIERARCHY_LEVELS = "hierarchy_levels"


class Rejection(NamedTuple):
    """Why a record was refused: a reason to count by, and a sentence for a person."""

    reason: Reason
    detail: str


def parse(family: str, raw: bytes | None) -> InboundEvent | Rejection:
    """The event in a record of ``family``'s topic, or the reason why there is none.

    ``redrive`` takes events of any family, as its topic does.
    """
    if not raw:
        return Rejection(Reason.EMPTY, "the record has no value")
    if len(raw) > RECORD_BYTES_MAX:
        return Rejection(Reason.TOO_LARGE, f"{len(raw)} bytes; at most {RECORD_BYTES_MAX} are read")
    try:
        return _ADAPTERS[family].validate_json(raw)
    except ValidationError as error:
        return _rejection(error)
    except (ValueError, RecursionError) as error:
        return Rejection(Reason.NOT_JSON, f"{type(error).__name__}: {error}"[:500])


def _rejection(error: ValidationError) -> Rejection:
    """The first problem by importance, and a sentence with all of them."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    sentence = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'record'}: {problem['msg']}"
        for problem in problems[:5]
    )[:1000]
    reasons = {_reason(problem["type"], problem["loc"]) for problem in problems}
    return Rejection(next(reason for reason in Reason if reason in reasons), sentence)


def _reason(kind: str, loc: tuple[int | str, ...]) -> Reason:
    if kind == "json_invalid":
        return Reason.NOT_JSON
    if kind in {"model_attributes_type", "model_type", "dict_type"} and len(loc) <= 1:
        return Reason.NOT_AN_OBJECT
    if kind in {"union_tag_invalid", "union_tag_not_found"} or loc[-1:] == ("type",):
        return Reason.UNKNOWN_TYPE
    if loc[-1:] == ("schema_version",):
        return Reason.UNKNOWN_VERSION
    if loc[-1:] == ("customer_id",):
        return Reason.MISSING_CUSTOMER
    if loc[-1:] == ("occurred_at",):
        return Reason.BAD_TIME
    return Reason.INVALID
