"""Whether a kind of customer and its score agree: a ghost with a high score is worth a look.

The level of a score is that of its band: green is high, yellow is medium, red is low, and
red with less than half of the points below which red is entered is very low. An unknown
band has no level, and nobody disagrees with it.
"""

from schemas.scores import Band
from scoring.bands import BandPolicy

__all__ = ["disagreement", "level_of"]

_LEVELS = {Band.GREEN: "high", Band.YELLOW: "medium", Band.RED: "low"}
_SPOKEN = {"high": "high", "medium": "medium", "low": "low", "very_low": "very low"}


def level_of(band: str, score: int | None, bands: BandPolicy) -> str | None:
    """``high``, ``medium``, ``low`` or ``very_low``; None where the band is unknown."""
    if band == Band.RED and score is not None and 2 * score < bands.red_enter:
        return "very_low"
    return _LEVELS.get(Band(band))


def disagreement(expects: str | None, level: str | None) -> str | None:
    """In words where a kind's expected level and the score's differ; very low is low, too."""
    if expects is None or level is None or expects == level:
        return None
    if (expects, level) == ("low", "very_low"):
        return None
    return f"a {_SPOKEN[expects]} score is expected of it, this one is {_SPOKEN[level]}"
