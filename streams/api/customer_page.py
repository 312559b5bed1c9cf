"""What the pages on one customer show: the live page, and the health check to print."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from schemas.views import CustomerHealth, HistoryPoint, Percentile
from streams.api.charts import HEIGHT, WIDTH, bars, curve, grouped, shifts
from streams.api.explained import arrivals, frozen, limits, tiles, way
from streams.api.ranked import reason_of, segment_label, standing_of
from streams.api.shown import display, scale
from streams.clock import from_ms, to_ms

__all__ = ["check_context", "customer_context", "listed"]

_TABLE_POINTS = 50
_DAY_MS = 86_400_000
#: What a health check looks back on.
CHECK_DAYS = 90
_CHANGES_MAX = 12


def listed(row: CustomerHealth, rank: Percentile, now_ms: int) -> dict[str, Any]:
    """What lists and pages show of a customer."""
    return {
        "row": row,
        "words": display(row),
        "rank": rank,
        "reason": reason_of(row, now_ms),
        "segment": segment_label(row),
        "standing": standing_of(row),
        "link": f"/customers/{quote(row.customer_id, safe='')}",
        "version": f"{row.epoch}-{row.sequence}",
        "direction": "up" if (row.delta or 0) > 0 else "down" if (row.delta or 0) < 0 else "",
    }


def customer_context(
    row: CustomerHealth, history: Sequence[HistoryPoint], rank: Percentile, now_ms: int
) -> dict[str, Any]:
    """All that is told of a customer, for its page and for its health check."""
    on = scale(row)
    drawn = bars(row.health, on, history, now_ms - CHECK_DAYS * _DAY_MS)
    named = {event for mover in row.movers for event in mover.events}
    return {
        **listed(row, rank, now_ms),
        "scale": on,
        "bars": drawn,
        "rows": grouped(drawn, row.health, on),
        "total": _total(row),
        "tiles": tiles(row.health, on),
        "limits": limits(row.health, on),
        "arrivals": arrivals(row, on, now_ms),
        "frozen": frozen(row.health.contributions, now_ms),
        "way": way(row.health, on),
        "shifts": shifts(row.movers, on),
        "more_events": [event for event in row.events if event not in named],
        "delta_total": _delta_total(row),
        "curve": curve(history, now_ms, on),
        "box": (WIDTH, HEIGHT),
        "history": [
            (point, on.score(point.score), on.exact(point.score))
            for point in history[:_TABLE_POINTS]
        ],
        "facts": _facts(row),
        "now_ms": now_ms,
        "due": row.next_change_at is not None and to_ms(row.next_change_at) <= now_ms,
    }


def check_context(
    row: CustomerHealth, history: Sequence[HistoryPoint], rank: Percentile, now_ms: int
) -> dict[str, Any]:
    """What the health check shows besides: the last 90 days, as of now."""
    since_ms = now_ms - CHECK_DAYS * _DAY_MS
    recent = [point for point in history if to_ms(point.at) >= since_ms]
    on = scale(row)
    return {
        **customer_context(row, history, rank, now_ms),
        "now": from_ms(now_ms),
        "days": CHECK_DAYS,
        "curve": curve(recent, now_ms, on),
        "changes": [(point, on.score(point.score), delta) for point, delta in _largest(recent)],
        "more_changes": max(len(recent) - _CHANGES_MAX, 0),
    }


def _largest(recent: list[HistoryPoint]) -> list[tuple[HistoryPoint, int | None]]:
    """The changes that crossed a band or moved most, newest first, each with its delta."""
    found = []
    for index, point in enumerate(recent):
        before = recent[index + 1] if index + 1 < len(recent) else None
        delta = None
        if before is not None and point.score is not None and before.score is not None:
            delta = point.score - before.score
        crossed = before is None or before.band != point.band
        found.append((crossed, abs(delta or 0), index, point, delta))
    found.sort(key=lambda one: (not one[0], -one[1], one[2]))
    kept = sorted(found[:_CHANGES_MAX], key=lambda one: one[2])
    return [(point, delta) for _, _, _, point, delta in kept]


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
