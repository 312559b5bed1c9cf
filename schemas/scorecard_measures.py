"""The measures of a scorecard file: a metric, the curve that makes points of it, groups of them."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from schemas.scorecard_values import CurvePoints, Key, Percent, Points, Says, Strict, X

__all__ = ["Logistic", "Measure", "MeasureGroup", "Member", "Percentile", "Target"]


class Logistic(Strict):
    """An S-shaped curve: 10 points at ``low``, 50 half-way, 90 at ``high``."""

    low: X = Field(description="The value that gives 10 points.")
    high: X = Field(description="The value that gives 90 points; below `low`, the curve falls.")


class Target(Strict):
    """Best in the middle: 100 points within ``best``, straight down to 0 at each side."""

    best: tuple[X, X] = Field(description="From, to: these values give 100 points.")
    zero: tuple[X | None, X | None] = Field(
        description="Where there are no points any more, below and above; null: never."
    )


class Percentile(Strict):
    """The customer's rank among others: better than so many percent of them gives so many points.

    The others are those of the last `vitals percentiles take`.
    """

    within: Literal["segment", "portfolio"] = Field(
        description="Among whom: the customers of the same segment, or all of them."
    )
    best: Literal["highest", "lowest"] = Field(
        default="highest", description="Which values are the good ones."
    )


def _in_full(value: Any) -> Any:
    """``percentile: segment`` is short for ``percentile: {within: segment}``."""
    if not isinstance(value, (str, dict, Percentile)):
        what = "expected segment, portfolio, or such as {within: segment, best: lowest}"
        raise ValueError(what)  # noqa: TRY004 - pydantic reports no other
    return {"within": value} if isinstance(value, str) else value


_Percentile = Annotated[
    Percentile,
    BeforeValidator(_in_full, json_schema_input_type=Literal["segment", "portfolio"] | Percentile),
]


class Measure(Strict):
    """One scored component: a metric, and the curve that makes points of it."""

    share: Percent = Field(description="Percent of the group's points.")
    metric: str = Field(
        description="What is looked at, such as `distinct(user, 28d) / account.seats`."
    )
    curve: CurvePoints | None = Field(
        default=None, description="x: points; straight lines between."
    )
    steps: CurvePoints | None = Field(
        default=None,
        description="x: points from x on, no lines between; for texts each text's points.",
    )
    logistic: Logistic | None = Field(
        default=None, description="An S-shaped curve: {low: VALUE, high: VALUE}."
    )
    target: Target | None = Field(
        default=None, description="Best in the middle: {best: [FROM, TO], zero: [BELOW, ABOVE]}."
    )
    percentile: _Percentile | None = Field(
        default=None,
        description="The rank among other customers: {within: segment, best: lowest}; or just"
        " `segment` or `portfolio`, the highest being best.",
    )
    missing: Literal["leave_out"] | Points | None = Field(
        default=None,
        description="Points when there is no data, or leave_out (its weight is re-spread).",
    )
    says: Says | dict[X, Says] | None = Field(
        default=None,
        description="The value in words, {value} standing for it; or words for single values:"
        " {0: nothing is overdue, otherwise: overdue for {value}}.",
    )
    movable: bool = Field(
        default=True, description="false for what nobody can change by working on it."
    )

    @model_validator(mode="after")
    def _one_shape(self) -> "Measure":
        shapes = (self.curve, self.steps, self.logistic, self.target, self.percentile)
        if sum(shape is not None for shape in shapes) != 1:
            raise ValueError(
                "expected exactly one of curve, steps, logistic, target and percentile"
            )
        if self.curve == {} or self.steps == {}:
            raise ValueError("expected at least one point")
        return self


class MeasureGroup(Strict):
    """A group within a group: its share, and what is in it."""

    share: Percent = Field(description="Percent of the points of the group around it.")
    members: dict[Key, "Member"] = Field(
        description="The measures and groups within it; their shares total 100."
    )


def _member(value: Any) -> str:
    """What stands in a group: a measure has a metric, a group has members."""
    return (
        "group"
        if isinstance(value, (dict, MeasureGroup)) and "members" in _keys(value)
        else "measure"
    )


def _keys(value: Any) -> Any:
    return value if isinstance(value, dict) else type(value).model_fields


Member = Annotated[
    Annotated[Measure, Tag("measure")] | Annotated[MeasureGroup, Tag("group")],
    Discriminator(_member),
]
