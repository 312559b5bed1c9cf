"""How numbers become words for people. Pure: `now` is an argument.

People see whole points and, where lines are added up, tenths; the exact value
in hundredths stands beside it. A score is rounded down, never up: 49.99 is red
because it is below 50, and must not read 50. Lines are rounded so that what is
shown adds up to what is shown.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from schemas.currencies import minor_digits
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.clock import to_ms

__all__ = [
    "CustomerShown",
    "Display",
    "ago",
    "display",
    "exact",
    "in_tenths",
    "label",
    "money",
    "percent",
    "shown",
    "signed_tenths",
    "tenths",
    "whole",
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
    score: str = Field(description="Whole points, rounded down; a dash without a score.")
    score_exact: str = Field(description="The score with its hundredths.")
    band: str
    delta: str = Field(description="What the last change did, signed; empty where it has none.")
    owner: str
    mrr: str = Field(description="Monthly revenue with its currency; empty where unknown.")


class CustomerShown(CustomerHealth):
    """A customer as the API answers it: the exact values, and the same for people."""

    display: Display


def shown(row: CustomerHealth) -> CustomerShown:
    """The row with its strings for people."""
    return CustomerShown(**dict(row), display=display(row))


def display(row: CustomerHealth) -> Display:
    """The strings for people."""
    return Display(
        name=row.customer_name or row.customer_id,
        score=whole(row.health.score),
        score_exact=exact(row.health.score),
        band=_BANDS[row.health.band],
        delta=_delta(row.delta),
        owner=str(row.attributes.get("owner", "")),
        mrr=money(row.attributes.get("mrr_minor"), row.attributes.get("currency")),
    )


def whole(hundredths: int | None) -> str:
    """Whole points, rounded down."""
    return "–" if hundredths is None else str(hundredths // 100)


def exact(hundredths: int | None) -> str:
    """All there is: two decimals."""
    if hundredths is None:
        return "no score"
    sign = "−" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"


def in_tenths(hundredths: int) -> int:
    """Hundredths as tenths, rounded towards zero: for a score that is down, never up."""
    tenth = abs(hundredths) // 10
    return -tenth if hundredths < 0 else tenth


def tenths(lines: Sequence[int]) -> list[int]:
    """Lines in hundredths as tenths that add up to their sum in tenths, each off by less than 1.

    What rounding down leaves over goes to the lines that lost the most by it,
    the earlier first.
    """
    floors = [line // 10 for line in lines]
    left = in_tenths(sum(lines)) - sum(floors)
    by_loss = sorted(range(len(lines)), key=lambda index: (-(lines[index] % 10), index))
    for index in by_loss[:left]:
        floors[index] += 1
    return floors


def signed_tenths(value: int, *, plus: bool = True) -> str:
    """Tenths as a signed number with one decimal: 34 is ``+3.4``."""
    sign = "−" if value < 0 else "+" if plus and value > 0 else ""
    return f"{sign}{abs(value) // 10}.{abs(value) % 10}"


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


def _delta(delta: int | None) -> str:
    if not delta:
        return ""
    sign = "+" if delta > 0 else "−"
    return f"{sign}{abs(delta) // 100}" if abs(delta) >= 100 else f"{sign}<1"
