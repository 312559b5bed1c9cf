"""What a scorecard makes of points: bands, letters, overrides, the least coverage.

A card has these once, and once more for each segment or stage whose customers are
judged otherwise. A variant is whole: what it does not say itself is the card's own.
"""

from dataclasses import dataclass

from scoring.bands import BandPolicy
from scoring.metrics import Metric
from scoring.weighting import Weighting

__all__ = ["OverrideSpec", "Variant"]


@dataclass(frozen=True, slots=True)
class OverrideSpec:
    """One deciding fact, compiled."""

    name: str
    when: Metric
    cap: int | None
    red: bool
    says: str


@dataclass(frozen=True, slots=True)
class Variant:
    """How one class of customers is judged; ``name`` is empty for the card's own rules.

    Letters are (from, letter), highest first. ``weighting`` None: the card's weights.
    """

    name: str
    bands: BandPolicy
    letters: tuple[tuple[int, str], ...]
    coverage_ppm_min: int
    overrides: tuple[OverrideSpec, ...]
    weighting: Weighting | None = None

    def override(self, name: str) -> OverrideSpec | None:
        """The override of this name, None if there is none here."""
        return next((one for one in self.overrides if one.name == name), None)
