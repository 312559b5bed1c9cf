"""The values of a scorecard file: spans, percentages, points, names."""

import re
from decimal import Decimal
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
    "ActionScore", "CurvePoints", "Key", "Percent", "Points", "Rate", "Says", "Seconds", "Strict",
    "X", "parse_duration_s",
]  # fmt: skip

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_duration_s(value: Any) -> int:
    """Seconds in a duration such as ``90s``, ``15m``, ``24h``, ``28d`` or ``2w``; 0 needs no unit.

    Raises:
        ValueError: with what was expected.
    """
    if value == 0 and not isinstance(value, bool):
        return 0
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 90s, 15m, 24h, 28d or 2w")
    return int(Decimal(match[1]) * _UNIT_S[match[2]])


def _percent(value: Any) -> Any:
    """``60%`` and ``60`` are both sixty percent."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return value.strip()[:-1]
    return value


Seconds = Annotated[
    int,
    BeforeValidator(parse_duration_s),
    Field(ge=0, le=400 * 86_400),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhdw]\s*$"},
                {"const": 0},
            ],
            "description": "A duration such as 90s, 15m, 24h, 28d or 2w; at most 400d.",
        },
        mode="validation",
    ),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    Field(ge=0, le=100, decimal_places=2),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 100},
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%?\s*$"},
            ],
            "description": "0 to 100, with or without a percent sign.",
        },
        mode="validation",
    ),
]
Points = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
#: A value of a metric as written: a number, a percentage, a span, or a text.
X = str | int | float
#: A curve as written: x to points 0-100.
CurvePoints = dict[X, Points]


Rate = Annotated[Decimal, Field(gt=0, le=1_000_000_000)]
Says = Annotated[str, StringConstraints(max_length=200)]
ActionScore = Annotated[Decimal, Field(ge=-1000, le=1000, decimal_places=2)]


class Strict(BaseModel):
    """A part of the file: fields that it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
