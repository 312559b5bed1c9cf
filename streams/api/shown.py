"""How numbers become words for people. Pure: `now` is an argument.

People see a score on its scorecard's scale (``schemas.scales``) and, where lines are
added up, one decimal of it at least; the exact value in hundredths stands beside it.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from schemas.currencies import minor_digits
from schemas.scales import Scale, scale_of
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.clock import to_ms

__all__ = [
    "Display",
    "ago",
    "display",
    "label",
    "money",
    "percent",
    "scale",
]

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_ABBREVIATIONS = frozenset({"nps", "csat", "ces", "mrr", "arr", "id", "api", "sla"})
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_BANDS = {
    Band.RED: "Red",
    Band.YELLOW: "Yellow",
    Band.GREEN: "Green",
    Band.UNKNOWN: "Unknown",
}


class Display(BaseModel):
    """Strings for people, made from the exact values beside them."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The customer's name, or the id where there is none.")
    score: str = Field(
        description="The score on its scorecard's scale, rounded down; a dash without a score."
    )
    score_exact: str = Field(description="The same with its hundredths of a point.")
    score_of: str = Field(description="The most that there can be on that scale.")
    points: str = Field(description="Points of 100, whatever the scale.")
    percent: str = Field(description="The same as a percentage.")
    letter: str = Field(description="The letter; a dash without a score.")
    band: str = Field(description="The colour.")
    lead: str = Field(description="What the scorecard leads with: colour, score or letter.")
    delta: str = Field(description="What the last change did, signed; empty where it has none.")
    owner: str
    mrr: str = Field(description="Monthly revenue with its currency; empty where unknown.")


def scale(row: CustomerHealth) -> Scale:
    """How people see this customer's score."""
    return scale_of(row.scorecard.shown_as)


def display(row: CustomerHealth) -> Display:
    """The strings for people."""
    on, health = scale(row), row.health
    band, letter = _BANDS[health.band], health.letter or "–"
    score = on.score(health.score, health.letter)
    return Display(
        name=row.customer_name or row.customer_id,
        score=score,
        score_exact=on.exact(health.score),
        score_of=on.whole,
        points=Scale(decimals=on.decimals).score(health.score),
        percent=Scale("percent", on.decimals).score(health.score),
        letter=letter,
        band=band,
        lead={"colour": band, "letter": letter}.get(on.lead_with, score),
        delta=on.change(row.delta) if row.delta else "",
        owner=str(row.attributes.get("owner", "")),
        mrr=money(row.attributes.get("mrr_minor"), row.attributes.get("currency")),
    )


def percent(ppm: int) -> str:
    """A share in millionths as whole percent, rounded down."""
    return f"{ppm // 10_000} %"


def money(minor: object, currency: object) -> str:
    """An amount in minor units as people write it, whole units only."""
    if not isinstance(minor, int) or isinstance(minor, bool):
        return ""
    code = currency if isinstance(currency, str) else ""
    units = f"{abs(minor) // 10 ** minor_digits(code):,}"
    sign = "−" if minor < 0 else ""
    if code in _SYMBOLS:
        return f"{sign}{_SYMBOLS[code]}{units}"
    return f"{sign}{units} {code}".strip()


def label(name: str) -> str:
    """A name of the scorecard as a heading: ``last_nps_answer`` is ``Last NPS answer``."""
    if name == "respread":
        return "Measures without data"
    words = [
        word.upper() if word in _ABBREVIATIONS else word for word in name.replace("_", " ").split()
    ]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def ago(at: datetime, now_ms: int) -> str:
    """How long ago, in the largest unit that fits; the page keeps it up to date."""
    passed_ms = now_ms - to_ms(at)
    if passed_ms < _MINUTE_MS:
        return "just now"
    if passed_ms < _HOUR_MS:
        return f"{passed_ms // _MINUTE_MS} min ago"
    if passed_ms < _DAY_MS:
        return f"{passed_ms // _HOUR_MS} h ago"
    if passed_ms < 60 * _DAY_MS:
        days = passed_ms // _DAY_MS
        return "yesterday" if days == 1 else f"{days} days ago"
    return f"{at:%b} {at.year}"
