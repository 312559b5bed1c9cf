"""The envelope that every inbound event shares.

What lives here: the fields, limits and types that all event families have in
common. What must never live here: a family's own fields.

An event is one JSON object. Unknown fields are ignored, so that a producer may
evolve before this side does; an unknown *minor* schema version is accepted, an
unknown major version is not.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

__all__ = [
    "SCHEMA_MAJOR",
    "Currency",
    "Event",
    "Happening",
    "Id",
    "Name",
    "Properties",
    "Strings",
    "Time",
    "UserKind",
    "parse_time",
]

#: The one major version of the inbound event schemas that this release reads.
SCHEMA_MAJOR = 1

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)


def parse_time(value: Any) -> datetime:
    """An RFC 3339 time with its offset, as an aware ``datetime``.

    A number, a date without a time and a time without an offset are refused:
    each of them is a guess about which instant was meant.

    Raises:
        ValueError: with what was expected.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("expected an RFC 3339 time with an offset, got one without")
        return value
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError(
            "expected an RFC 3339 time with an offset, such as 2026-03-01T09:30:00Z"
            " or 2026-03-01T10:30:00+01:00"
        )
    at = datetime.fromisoformat(value if value[-1] != "z" and value[10] != "t" else value.upper())
    if at.year in (1, 9999):
        # Its offset may carry it out of the calendar, and every reader would stumble over it.
        raise ValueError("expected a year from 0002 to 9998")
    return at


Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
#: An identifier: 1 to 200 characters, no control characters, no white space at its ends.
Id = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
    ),
]
#: A short text that people read: a feature, a category, a reason.
Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]
#: An ISO 4217 code.
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
#: A small table of texts: at most 64 entries, so that it fits a customer's row.
Strings = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Name],
    Field(max_length=64),
]


class Event(BaseModel):
    """What every inbound event carries.

    ``event_id`` is unique within ``source``: the same pair seen again is a
    duplicate. ``occurred_at`` is event time, the instant at which it happened
    (RFC 3339 with an offset), not the instant at which it was sent.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    event_id: Id
    customer_id: Id
    occurred_at: Time
    source: Id
    schema_version: Annotated[str, StringConstraints(pattern=r"^1\.[0-9]{1,4}$")] = Field(
        default="1.0", description="MAJOR.MINOR; any minor version of major 1 is accepted."
    )


#: An event's own fields: at most 32 numbers, texts or flags by name.
Properties = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")],
        bool
        | Annotated[int, Field(ge=-(10**12), le=10**12)]
        | Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
        | Name,
    ],
    Field(max_length=32),
]


class Happening(Event):
    """What every event but those of the account carries: fields of the sender's own."""

    properties: Properties | None = Field(
        default=None,
        description="Your own fields, which metrics read as `property.NAME`.",
    )


class UserKind(StrEnum):
    """Who acted: a person at the customer, a machine, or our own staff."""

    HUMAN = "human"
    AUTOMATED = "automated"
    STAFF = "staff"
