"""What the pages show of one customer: on the list, on its own page, on paper. Pure."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from schemas.views import CustomerHealth, HistoryPoint, Percentile
from streams.api.charts import HEIGHT, WIDTH, bars, curve, shifts
from streams.api.ranked import reason_of, segment_label, standing_of
from streams.api.shown import display, scale
from streams.api.told import classes, groups, others, way
from streams.clock import from_ms, to_ms

__all__ = ["customer_context", "listed"]

_TABLE_POINTS = 50
#: What a health check tells of the past.
REVIEW_DAYS = 90
_DAY_MS = 86_400_000


def customer_context(
    row: CustomerHealth, history: Sequence[HistoryPoint], rank: Percentile, now_ms: int
) -> dict[str, Any]:
    """All that is told of a customer, for its page and for its health check."""
    on = scale(row)
    points = [(point, on.score(point.score), on.exact(point.score)) for point in history]
    since_ms = now_ms - REVIEW_DAYS * _DAY_MS
    return {
        **listed(row, rank, now_ms),
        "scale": on,
        "bars": bars(row.health, on),
        "total": _total(row),
        "groups": groups(row.health, on),
        "shifts": shifts(row.movers, on),
        "fed": any(mover.events for mover in row.movers),
        "delta_total": _delta_total(row),
        "way": way(row.health, on),
        "classes": classes(row.health),
        "others": others(row.health, on),
        "curve": curve(history, now_ms, on),
        "box": (WIDTH, HEIGHT),
        "history": points[:_TABLE_POINTS],
        "review": [entry for entry in points if to_ms(entry[0].at) >= since_ms][:_TABLE_POINTS],
        "review_days": REVIEW_DAYS,
        "facts": _facts(row),
        "now_ms": now_ms,
        "now": from_ms(now_ms),
        "due": row.next_change_at is not None and to_ms(row.next_change_at) <= now_ms,
    }


def listed(row: CustomerHealth, rank: Percentile, now_ms: int) -> dict[str, Any]:
    """What a list shows of a customer."""
    words = display(row)
    return {
        "row": row,
        "words": words,
        "rank": rank,
        "reason": reason_of(row, now_ms),
        "segment": segment_label(row),
        "standing": standing_of(row),
        "link": f"/customers/{quote(row.customer_id, safe='')}",
        "version": f"{row.epoch}-{row.sequence}",
        "direction": "up" if (row.delta or 0) > 0 else "down" if (row.delta or 0) < 0 else "",
    }


def _total(row: CustomerHealth) -> dict[str, str] | None:
    score = row.health.score
    if score is None or not row.health.contributions:
        return None
    return {
        "points": scale(row).total(score),
        "exact": scale(row).exact(score),
        "width": f"{score / 100:.2f}",
    }


def _delta_total(row: CustomerHealth) -> dict[str, str] | None:
    if row.delta is None or not row.movers:
        return None
    on = scale(row)
    return {"points": on.total(row.delta, plus=True), "exact": on.exact(row.delta)}


def _facts(row: CustomerHealth) -> list[tuple[str, str]]:
    """What else is known about the account, as given."""
    told = {"owner", "mrr_minor", "currency", "name"}
    told |= {"mrr_reporting_minor", "reporting_currency"}  # in the words on its place in the order
    return [
        (name.removesuffix("_at"), _fact(name, value))
        for name, value in sorted(row.attributes.items())
        if name not in told and value != ""
    ]


def _fact(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at"):
        return str(value)[:10]  # of an instant, its date
    return str(value)
