"""What a scorecard makes of points: bands with their levels and holds, letters, overrides.

A card says these once, and once more for each class of customers of whom something
else holds: a *variant*.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from schemas.scorecard_values import Key, Percent, Points, Seconds, Strict

__all__ = ["BandRule", "Bands", "Letters", "Override", "Variant", "check_letters"]

_LEVEL = re.compile(r"(>=|<)\s*(\d+(?:\.\d{1,2})?)")
#: Each letter and the points from which on it holds.
Letters = dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]$")], Points]


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


class Variant(Strict):
    """What holds for the customers of one segment or stage, in place of the card's own."""

    weights: dict[Key, Percent] | None = Field(
        default=None, description="Points per group; they total 100."
    )
    minimum_coverage: Percent | None = Field(
        default=None, description="Percent of the weight that needs data before there is a score."
    )
    bands: Bands | None = None
    letters: Letters | None = Field(
        default=None, description="Each letter and the points from which on it holds."
    )
    overrides: dict[Key, Override] | None = Field(
        default=None, description="All overrides of these customers; {} for none."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Variant":
        if all(value is None for _, value in self):
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


def check_letters(letters: dict[str, Decimal], where: str = "letters") -> None:
    """Letters from the best down to one that begins at 0, each with points of its own.

    Raises:
        ValueError: with what is wrong; ``where`` stands in front of it.
    """
    if min(letters.values(), default=Decimal(1)) != 0:
        raise ValueError(f"{where}: the last letter must begin at 0 points")
    if len(set(letters.values())) != len(letters):
        raise ValueError(f"{where}: two letters begin at the same points")
