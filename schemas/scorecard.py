"""The scorecard file: what a customer-success team writes and reads.

Validated here: shapes, ranges, sums. Which metrics exist, and what a curve's
``x`` may be for each, is known to ``scoring.card``, which compiles the file.
The file's format is described in ``docs/scorecards.md``.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from schemas.account import AccountStatus
from schemas.base import Currency
from schemas.scorecard_classes import (
    Archetypes,
    ClassRule,
    IndicatorRule,
    OtherScore,
    Outlook,
)
from schemas.scorecard_measures import Logistic, Measure, MeasureGroup, Member, Target
from schemas.scorecard_values import (
    ActionScore,
    Key,
    Percent,
    Points,
    Rate,
    Seconds,
    Strict,
)

__all__ = [
    "ActionPoints",
    "Archetypes",
    "BandRule",
    "Bands",
    "ClassRule",
    "Defaults",
    "Emit",
    "IndicatorRule",
    "Logistic",
    "Measure",
    "MeasureGroup",
    "Money",
    "OtherScore",
    "Outlook",
    "Override",
    "ScorecardFile",
    "Scored",
    "ShownAs",
    "Target",
]

_LEVEL = re.compile(r"(>=|<)\s*(\d+(?:\.\d{1,2})?)")


class Scored(Strict):
    """Which accounts get a score; the others stay ``unknown``."""

    status: tuple[AccountStatus, ...] = Field(
        default=(AccountStatus.TRIAL, AccountStatus.CUSTOMER, AccountStatus.NOTICE),
        description="The statuses of the accounts that get a score.",
    )
    internal: bool = Field(default=False, description="Whether internal accounts are scored too.")


class ShownAs(Strict):
    """How people see the score."""

    scale: Literal["0-100", "0-10", "percent", "letter"] = Field(
        default="0-100", description="How people see points; nothing is reckoned differently."
    )
    decimals: Annotated[int, Field(ge=0, le=2)] = Field(
        default=0, description="Decimals that people see."
    )
    lead_with: Literal["colour", "points", "letter"] = Field(
        default="colour", description="What comes first where a score is shown."
    )


class Defaults(Strict):
    """What holds for every measure that does not say otherwise."""

    missing: Literal["leave_out"] | Points = Field(
        default="leave_out", description="Points of a measure without data, or leave_out."
    )
    minimum_coverage: Percent = Field(
        default=Decimal(60),
        description="Percent of the weight that needs data before there is a score at all.",
    )
    freeze_at_most: Seconds = Field(
        default=7 * 86_400,
        description="While a source is stalled its measures keep their value, at most so long.",
    )


class BandRule(Strict):
    """When a band is entered and left, and how long the score must stay there first."""

    enter: str = Field(description='The level at which the band is entered, such as ">= 75".')
    leave: str = Field(description='The level at which the band is left, such as "< 70".')
    hold: Seconds = Field(
        default=0, description="How long the score must stay there before the band is entered."
    )

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


class Bands(Strict):
    """Green at the top, red at the bottom, yellow otherwise."""

    green: BandRule = Field(description="The best band: entered above, left below a level.")
    yellow: Literal["otherwise"] = Field(
        default="otherwise", description="Always otherwise: whatever is neither green nor red."
    )
    red: BandRule = Field(description="The worst band: entered below, left above a level.")

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


class Override(Strict):
    """One fact that decides: it caps the score, or sets the band. Acts at once, without hold."""

    when: str = Field(description="A condition, such as `days_overdue >= 30`.")
    cap: Points | None = Field(default=None, description="The score is at most this while it acts.")
    band: Literal["red"] | None = Field(
        default=None, description="The colour while it acts, whatever the score."
    )
    says: str | None = Field(
        default=None, max_length=200, description="The fact in words, for messages and pages."
    )

    @model_validator(mode="after")
    def _does_something(self) -> "Override":
        if self.cap is None and self.band is None:
            raise ValueError("expected cap or band")
        return self


class Money(Strict):
    """The currency that amounts are reckoned in, and what others are worth in it."""

    currency: Currency = Field(description="The currency that amounts are reckoned in.")
    rates: dict[Currency, Rate | dict[date, Rate]] = Field(
        default_factory=dict,
        description="1 of the currency in the reporting one, for good or from each date on.",
    )


class ActionPoints(Strict):
    """Points for one kind of action."""

    points: ActionScore = Field(description="Points for each, -1000 to 1000.")
    per_day: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="It counts at most so many times a day."
    )


class Emit(Strict):
    """How large a change must be to be told; band and letter changes always are."""

    at_least: Annotated[Decimal, Field(ge=Decimal("0.01"), le=100, decimal_places=2)] = Field(
        default=Decimal("0.5"),
        description="A change of fewer points is told when changes add up to it.",
    )


class ScorecardFile(Strict):
    """A whole scorecard."""

    scorecard: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")] = Field(
        description="The card's name: small letters, digits, hyphens."
    )
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,32}$")] = Field(
        description="Yours to count up, in quotes."
    )
    objective: Annotated[str, StringConstraints(min_length=10, max_length=500)] = Field(
        description="What the score is for, in a sentence."
    )
    owner: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Who decides about changes."
    )
    scored: Scored = Scored()
    shown_as: ShownAs = ShownAs()
    defaults: Defaults = Defaults()
    emit: Emit = Emit()
    money: Money | None = None
    actions: dict[Key, dict[Key, ActionScore | ActionPoints]] = Field(
        default_factory=dict, description="Tables of points for actions, see points()."
    )
    segments: dict[Key, str] = Field(
        default_factory=dict,
        description="Conditions, the first that is met counts; the last is `otherwise`.",
    )
    lifecycle: dict[Key, str] = Field(
        default_factory=dict, description="Stages, in the same way as segments."
    )
    min_stay: Seconds = Field(
        default=0, description="A segment or stage, once entered, is kept so long."
    )
    weights: dict[Key, Percent | dict[Key, Percent]] = Field(
        description="Points per group; they total 100. Or such a line for each stage (segment)."
    )
    groups: dict[Key, dict[Key, Member]] = Field(
        description="The measures, group by group; a measure's name is unique."
    )
    scores: dict[Key, OtherScore] = Field(
        default_factory=dict, description="Further scores beside the primary one."
    )
    bands: Bands
    letters: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]$")], Points] = Field(
        description="Each letter and the points from which on it holds; the last begins at 0."
    )
    overrides: dict[Key, Override] = Field(
        default_factory=dict, description="Facts that decide by themselves, at once."
    )
    indicators: dict[Key, IndicatorRule] = Field(
        default_factory=dict,
        description="Facts of the moment beside the score; they move no points.",
    )
    archetypes: Archetypes | None = None
    outlook: Outlook | None = None

    @property
    def weight_lines(self) -> dict[str, dict[str, Decimal]]:
        """Points per group by stage or segment; under an empty name if all have the same."""
        lines = {k: v for k, v in self.weights.items() if isinstance(v, dict)}
        flat = {k: v for k, v in self.weights.items() if not isinstance(v, dict)}
        return lines or {"": flat}

    @model_validator(mode="after")
    def _adds_up(self) -> "ScorecardFile":
        self._weights_add_up()
        for name, other in self.scores.items():
            self._adds_to_100(f"scores.{name}.weights", other.weights)
        for name, members in self.groups.items():
            self._shares_add_up(f"groups.{name}", members)
        names = [name for members in self.groups.values() for name in _measure_names(members)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"groups: a measure's name must be unique; twice: {', '.join(twice)}")
        if min(self.letters.values(), default=Decimal(1)) != 0:
            raise ValueError("letters: the last letter must begin at 0 points")
        if len(set(self.letters.values())) != len(self.letters):
            raise ValueError("letters: two letters begin at the same points")
        for kind in ("segments", "lifecycle"):
            conditions = list(getattr(self, kind).values())
            if conditions and (conditions[-1] != "otherwise" or "otherwise" in conditions[:-1]):
                raise ValueError(
                    f"{kind}: expected `otherwise` as the last condition, and only there"
                )
        return self

    def _weights_add_up(self) -> None:
        lines = self.weight_lines
        if "" not in lines:
            if len(lines) != len(self.weights):
                raise ValueError("weights: expected either points per group, or a line per stage")
            if set(lines) not in (set(self.lifecycle), set(self.segments)):
                raise ValueError(
                    "weights: expected a line for each stage of lifecycle, or each of segments"
                )
        for name, line in lines.items():
            self._adds_to_100(f"weights.{name}".rstrip("."), line)

    def _adds_to_100(self, where: str, line: dict[str, Decimal]) -> None:
        total = sum(line.values())
        if total != 100:
            raise ValueError(f"{where}: expected a total of 100, got {total}")
        if where.startswith("scores"):
            odd = sorted(set(line) - set(self.groups))
            if odd:
                raise ValueError(f"{where}: there is no group {', '.join(odd)}")
        elif set(line) != set(self.groups):
            odd = sorted(set(line) ^ set(self.groups))
            raise ValueError(
                f"{where} and groups must name the same groups; only one has: {', '.join(odd)}"
                if where == "weights"
                else f"{where}: expected the same as in groups; only one has: {', '.join(odd)}"
            )

    def _shares_add_up(self, where: str, members: dict[str, Any]) -> None:
        total = sum(member.share for member in members.values())
        if total != 100:
            raise ValueError(f"{where}: the shares must total 100, got {total}")
        for name, member in members.items():
            if isinstance(member, MeasureGroup):
                self._shares_add_up(f"{where}.{name}.members", member.members)


def _measure_names(members: dict[str, Any]) -> list[str]:
    found = []
    for name, member in members.items():
        found += _measure_names(member.members) if isinstance(member, MeasureGroup) else [name]
    return found
