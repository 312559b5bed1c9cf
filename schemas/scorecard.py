"""The scorecard file: what a customer-success team writes and reads.

Validated here: shapes, ranges, sums. Which metrics exist, and what a curve's
``x`` may be for each, is known to ``scoring.card``, which compiles the file.
The file's format is described in ``docs/scorecards.md``.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.account import AccountStatus
from schemas.base import Currency
from schemas.scorecard_bands import (
    BandRule,
    Bands,
    Letters,
    Override,
    Variant,
    check_letters,
)
from schemas.scorecard_classes import (
    Archetypes,
    ClassRule,
    IndicatorRule,
    OtherScore,
    Outlook,
)
from schemas.scorecard_measures import (
    Logistic,
    Measure,
    MeasureGroup,
    Member,
    Percentile,
    Target,
)
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
    "Calendar",
    "ClassRule",
    "Defaults",
    "Emit",
    "HierarchyRule",
    "IndicatorRule",
    "Logistic",
    "Measure",
    "MeasureGroup",
    "Money",
    "OtherScore",
    "Outlook",
    "Override",
    "Percentile",
    "ScorecardFile",
    "Scored",
    "ShownAs",
    "Target",
    "Variant",
]


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


class Money(Strict):
    """The currency that amounts are reckoned in, and what others are worth in it."""

    currency: Currency = Field(description="The currency that amounts are reckoned in.")
    rates: dict[Currency, Rate | dict[date, Rate]] = Field(
        default_factory=dict,
        description="1 of the currency in the reporting one, for good or from each date on.",
    )


class Calendar(Strict):
    """When people work: what `working_days_since` and `per: working_day` count."""

    zone: str = Field(description="The IANA time zone in which days begin, as Europe/Berlin.")
    working_days: str = Field(
        default="mon-fri", description="Weekdays, such as mon-fri, sun-thu or mon,tue,thu."
    )
    holidays: Literal["account.country", "none"] = Field(
        default="none",
        description="account.country: the public holidays of a customer's country do not count.",
    )


class ActionPoints(Strict):
    """Points for one kind of action."""

    points: ActionScore = Field(description="Points for each, -1000 to 1000.")
    per_day: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="It counts at most so many times a day."
    )


class HierarchyRule(Strict):
    """How the score of an account comes from the scores of the accounts below it."""

    parent: Literal["mean", "worst", "weighted_by_mrr"] = Field(
        description="What a parent gets of its children's scores."
    )
    own: Percent = Field(
        default=Decimal(0),
        description="Percent of a parent's score that its own measures give.",
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
    hierarchy: HierarchyRule | None = None
    money: Money | None = None
    calendar: Calendar | None = None
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
    letters: Letters = Field(
        description="Each letter and the points from which on it holds; the last begins at 0."
    )
    overrides: dict[Key, Override] = Field(
        default_factory=dict, description="Facts that decide by themselves, at once."
    )
    variants: dict[Key, Variant] = Field(
        default_factory=dict,
        description="What holds instead for the customers of a segment or stage.",
    )
    indicators: dict[Key, IndicatorRule] = Field(
        default_factory=dict,
        description="Facts of the moment beside the score; they move no points.",
    )
    archetypes: Archetypes | None = None
    outlook: Outlook | None = None

    @property
    def measure_names(self) -> list[str]:
        """The measures of all groups, in their order."""
        return [name for members in self.groups.values() for name in _measure_names(members)]

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
        names = self.measure_names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"groups: a measure's name must be unique; twice: {', '.join(twice)}")
        check_letters(self.letters)
        for kind in ("segments", "lifecycle"):
            conditions = list(getattr(self, kind).values())
            if conditions and (conditions[-1] != "otherwise" or "otherwise" in conditions[:-1]):
                raise ValueError(
                    f"{kind}: expected `otherwise` as the last condition, and only there"
                )
        self._variants_add_up()
        return self

    def _variants_add_up(self) -> None:
        names = set(self.variants)
        if names and not any(names <= set(of) for of in (self.segments, self.lifecycle)):
            known = [*self.segments, *self.lifecycle]
            odd = sorted(names - set(known))
            if odd:
                there_is = f"; there are {', '.join(known)}" if known else ""
                raise ValueError(f"variants: no segment or stage named {odd[0]}{there_is}")
            raise ValueError(
                "variants: expected classes of segments, or of lifecycle, not of both:"
                " a customer is in one of each"
            )
        for name, variant in self.variants.items():
            where = f"variants.{name}"
            if variant.letters is not None:
                check_letters(variant.letters, f"{where}.letters")
            if variant.weights is not None:
                self._adds_to_100(f"{where}.weights", variant.weights)
                if name in self.weight_lines:
                    raise ValueError(
                        f"{where}.weights: the card's own weights have a line for {name}:"
                        " write the weights in one place"
                    )

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
