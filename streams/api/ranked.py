"""Where a customer stands among the others, and why there: for the API and in words.

What stands in the row is told by the scorer; this is counted and reckoned when it is read.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.scores import Band
from schemas.views import CustomerHealth, Percentile
from streams.api.shown import Display, display, label, money
from streams.views.attention import RISK_FORCED_RED, Attention, Standing, attention_of
from streams.views.base import Sort, View

__all__ = [
    "AttentionShown",
    "CustomerShown",
    "Pursued",
    "Reason",
    "pursued_of",
    "reason_of",
    "segment_label",
    "shown",
    "standing_of",
]

_STANDINGS: dict[Standing, Literal["open", "handled", "not_pursued"]] = {
    Standing.OPEN: "open",
    Standing.HANDLED: "handled",
    Standing.NOT_PURSUED: "not_pursued",
}
_HIGH_RISK, _SOME_RISK = 5_000, 2_500


class Pursued(StrEnum):
    """Which customers to list: those that are pursued, those that are not, or any."""

    YES = "yes"
    NO = "no"
    ANY = "any"


class AttentionShown(BaseModel):
    """Why a customer stands where it stands in the attention order; docs/view.md."""

    model_config = ConfigDict(frozen=True)

    standing: Literal["open", "handled", "not_pursued"] = Field(
        description="Those open come first, those handled next, those not pursued last."
    )
    weight: int = Field(description="risk x value x closeness; the greatest comes first.")
    risk: int = Field(description="Hundredths of a point.")
    value: int = Field(description="1 + log2(1 + MRR), in 1,024ths.")
    closeness: int = Field(description="Of the renewal, in ten-thousandths.")
    days_to_renewal: int | None = Field(
        description="Days begun until the renewal, negative after it; null if it is not known."
    )


class CustomerShown(CustomerHealth):
    """A customer as the API answers it: the exact values, and the same for people."""

    percentile: Percentile
    attention: AttentionShown
    display: Display


class Reason(BaseModel):
    """The three factors in words."""

    model_config = ConfigDict(frozen=True)

    risk: str
    value: str
    renewal: str


def pursued_of(asked: Pursued | None, sort: Sort, search: str) -> bool | None:
    """Who is listed where nobody said: not pursued leaves the attention list, but can be found."""
    if asked is None:
        return True if sort is Sort.ATTENTION and not search.strip() else None
    return {Pursued.YES: True, Pursued.NO: False, Pursued.ANY: None}[asked]


async def shown(view: View, rows: Sequence[CustomerHealth], now_ms: int) -> list[CustomerShown]:
    """The rows with their place among the others and their strings for people."""
    percentiles = await view.percentiles(rows)
    return [
        CustomerShown(
            **dict(row), percentile=rank, attention=_attention(row, now_ms), display=display(row)
        )
        for row, rank in zip(rows, percentiles, strict=True)
    ]


def reason_of(row: CustomerHealth, now_ms: int) -> Reason:
    """Why a customer stands where it stands, in words."""
    found = attention_of(row, now_ms)
    paid = money(
        row.attributes.get("mrr_reporting_minor"), row.attributes.get("reporting_currency")
    )
    return Reason(
        risk=_risk(row, found.risk),
        value=f"{paid} MRR" if paid else "MRR not known",
        renewal=_renewal(found.days_to_renewal),
    )


def standing_of(row: CustomerHealth) -> str:
    """In which part of the attention order a customer is."""
    return _STANDINGS[attention_of(row, 0).standing]


def segment_label(row: CustomerHealth) -> str:
    """The customer's segment as people read it; empty where its card has none."""
    return "" if row.health.segment is None else label(row.health.segment.label)


def _attention(row: CustomerHealth, now_ms: int) -> AttentionShown:
    found: Attention = attention_of(row, now_ms)
    return AttentionShown(
        standing=_STANDINGS[found.standing],
        weight=found.weight,
        risk=found.risk,
        value=found.value,
        closeness=found.closeness,
        days_to_renewal=found.days_to_renewal,
    )


def _risk(row: CustomerHealth, risk: int) -> str:
    if not row.health.contributions:
        return "Not scored"
    if row.health.score is None and row.health.band is not Band.RED:
        return "Risk not known"
    if risk >= RISK_FORCED_RED:
        return "Very high risk"
    if risk >= _HIGH_RISK:
        return "High risk"
    return "Some risk" if risk >= _SOME_RISK else "Low risk"


def _renewal(days: int | None) -> str:
    if days is None:
        return "renewal not known"
    if days == 0:
        return "renewal due"
    if days < 0:
        return f"renewal {-days} {'day' if days == -1 else 'days'} overdue"
    return "renews within a day" if days == 1 else f"renews in {days} days"
