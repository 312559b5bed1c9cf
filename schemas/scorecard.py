"""The scorecard file: what a customer-success team writes and reads.

Validated here: shapes, ranges, sums. Which metrics exist, and what a curve's
``x`` may be for each, is known to ``scoring.card``, which compiles the file.
The file's format is described in ``docs/scorecards.md``.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from schemas.account import AccountStatus

__all__ = [
    "BandRule",
    "Bands",
    "Defaults",
    "Emit",
    "Measure",
    "Override",
    "ScorecardFile",
    "Scored",
    "ShownAs",
    "parse_duration_s",
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LEVEL = re.compile(r"(>=|<)\s*(\d+(?:\.\d{1,2})?)")


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
#: A curve as written: x (a number, a percentage or a duration) to points 0-100.
CurvePoints = dict[str | int | float, Points]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scored(_Strict):
    """Which accounts get a score; the others stay ``unknown``."""

    status: tuple[AccountStatus, ...] = (
        AccountStatus.TRIAL,
        AccountStatus.CUSTOMER,
        AccountStatus.NOTICE,
    )
    internal: bool = Field(default=False, description="Whether internal accounts are scored too.")


class ShownAs(_Strict):
    """How people see the score."""

    scale: Literal["0-100", "0-10", "percent", "letter"] = "0-100"
    decimals: Annotated[int, Field(ge=0, le=2)] = 0
    lead_with: Literal["colour", "points", "letter"] = "colour"


class Defaults(_Strict):
    """What holds for every measure that does not say otherwise."""

    missing: Literal["leave_out"] | Points = "leave_out"
    minimum_coverage: Percent = Decimal(60)


class Measure(_Strict):
    """One scored component: a metric, and the curve that makes points of it."""

    share: Percent = Field(description="Percent of the group's points.")
    metric: str = Field(description="A metric with its window, such as `distinct_features(28d)`.")
    curve: CurvePoints | None = Field(
        default=None, description="x: points; straight lines between."
    )
    steps: CurvePoints | None = Field(
        default=None, description="x: points from x on, no lines between."
    )
    missing: Literal["leave_out"] | Points | None = Field(
        default=None,
        description="Points when there is no data, or leave_out (its weight is re-spread).",
    )
    says: str | None = Field(
        default=None, max_length=200, description="The value in words; {value} stands for it."
    )
    movable: bool = True

    @model_validator(mode="after")
    def _one_shape(self) -> "Measure":
        if (self.curve is None) == (self.steps is None):
            raise ValueError("expected exactly one of curve and steps")
        if len(self.curve or self.steps or {}) < 1:
            raise ValueError("expected at least one point")
        return self


class BandRule(_Strict):
    """When a band is entered and left, and how long the score must stay there first."""

    enter: str
    leave: str
    hold: Seconds = 0

    @field_validator("enter", "leave")
    @classmethod
    def _is_a_level(cls, value: str) -> str:
        if _LEVEL.fullmatch(value.strip()) is None:
            raise ValueError('expected a comparison with points, such as ">= 75" or "< 70"')
        return value.strip()

    def level(self, which: Literal["enter", "leave"], operator: str) -> Decimal:
        """The points in ``enter`` or ``leave``, which must use ``operator``."""
        match = _LEVEL.fullmatch(getattr(self, which))
        if match is None or match[1] != operator:
            raise ValueError(f'{which}: expected "{operator} POINTS"')
        level = Decimal(match[2])
        if level > 100:
            raise ValueError(f"{which}: expected 0 to 100 points")
        return level


class Bands(_Strict):
    """Green at the top, red at the bottom, yellow otherwise."""

    green: BandRule
    yellow: Literal["otherwise"] = "otherwise"
    red: BandRule

    @model_validator(mode="after")
    def _do_not_overlap(self) -> "Bands":
        try:
            band = "green"
            green_enter, green_leave = (
                self.green.level("enter", ">="),
                self.green.level("leave", "<"),
            )
            band = "red"
            red_enter, red_leave = self.red.level("enter", "<"), self.red.level("leave", ">=")
        except ValueError as error:
            raise ValueError(f"{band}.{error}") from None
        if green_leave > green_enter:
            raise ValueError(
                "green: leave must not lie above enter, or it would be left when entered"
            )
        if red_leave < red_enter:
            raise ValueError(
                "red: leave must not lie below enter, or it would be left when entered"
            )
        if red_enter > green_leave or red_leave > green_enter:
            raise ValueError("green and red overlap: a score could be in both")
        return self


class Override(_Strict):
    """One fact that decides: it caps the score, or sets the band. Acts at once, without hold."""

    when: str = Field(description="A metric compared with a number, or `cancel_scheduled`.")
    cap: Points | None = None
    band: Literal["red"] | None = None
    says: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _does_something(self) -> "Override":
        if self.cap is None and self.band is None:
            raise ValueError("expected cap or band")
        return self


class Emit(_Strict):
    """How large a change must be to be told; band and letter changes always are."""

    at_least: Annotated[Decimal, Field(ge=Decimal("0.01"), le=100, decimal_places=2)] = Decimal(
        "0.5"
    )


class ScorecardFile(_Strict):
    """A whole scorecard."""

    scorecard: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,32}$")]
    objective: Annotated[str, StringConstraints(min_length=10, max_length=500)]
    owner: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    scored: Scored = Scored()
    shown_as: ShownAs = ShownAs()
    defaults: Defaults = Defaults()
    emit: Emit = Emit()
    weights: dict[Key, Percent] = Field(description="Points per group; they total 100.")
    groups: dict[Key, dict[Key, Measure]]
    bands: Bands
    letters: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]$")], Points]
    overrides: dict[Key, Override] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> "ScorecardFile":
        if sum(self.weights.values()) != 100:
            raise ValueError(f"weights: expected a total of 100, got {sum(self.weights.values())}")
        if set(self.weights) != set(self.groups):
            odd = sorted(set(self.weights) ^ set(self.groups))
            raise ValueError(
                f"weights and groups must name the same groups; only one has: {', '.join(odd)}"
            )
        for name, measures in self.groups.items():
            total = sum(measure.share for measure in measures.values())
            if total != 100:
                raise ValueError(f"groups.{name}: the shares must total 100, got {total}")
        names = [name for measures in self.groups.values() for name in measures]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"groups: a measure's name must be unique; twice: {', '.join(twice)}")
        if min(self.letters.values(), default=Decimal(1)) != 0:
            raise ValueError("letters: the last letter must begin at 0 points")
        if len(set(self.letters.values())) != len(self.letters):
            raise ValueError("letters: two letters begin at the same points")
        return self
