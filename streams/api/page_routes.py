"""The pages: who needs attention, and one customer.

The server writes every page whole; the script in ``static/live.js`` fetches it
again when something changed and moves what differs into place. So there is one
template for each thing, and the pages work without a script.
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from schemas.views import CustomerHealth, Percentile
from streams.api.answers import Failure
from streams.api.asked import Asked, segment_links, tiles
from streams.api.charts import HEIGHT, WIDTH, bars, curve, shifts
from streams.api.customer_routes import found
from streams.api.ranked import reason_of, segment_label, standing_of
from streams.api.shown import display, scale
from streams.clock import Clock, to_ms
from streams.views.base import CursorRefused, Page, View

__all__ = ["page_routes"]

_ROWS = 100
_TABLE_POINTS = 50

Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str, Query(max_length=2000)]


def page_routes(view: View, clock: Clock, templates: Jinja2Templates) -> APIRouter:
    """The pages over this view."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def attention(
        request: Request,
        *,
        band: Text = "",
        segment: Text = "",
        pursued: Text = "",
        sort: Text = "",
        search: Text = "",
        cursor: Cursor = "",
    ) -> Response:
        asked = Asked(
            band=band, segment=segment, pursued=pursued, sort=sort, search=search, cursor=cursor
        )
        context = await _listing(view, asked, clock.now_ms())
        return templates.TemplateResponse(request, "attention.html", context)

    @routes.get("/customers/{customer_id:path}")
    async def customer(request: Request, customer_id: str) -> Response:
        place = await view.position()
        row = await found(view, customer_id)
        history = await view.history(customer_id)
        (rank,) = await view.percentiles([row])
        now_ms = clock.now_ms()
        context = {
            "place": place,
            **_row(row, rank, now_ms),
            "scale": scale(row),
            "bars": bars(row.health, scale(row)),
            "total": _total(row),
            "shifts": shifts(row.movers, scale(row)),
            "delta_total": _delta_total(row),
            "curve": curve(history, now_ms, scale(row)),
            "box": (WIDTH, HEIGHT),
            "history": [
                (point, scale(row).score(point.score), scale(row).exact(point.score))
                for point in history[:_TABLE_POINTS]
            ],
            "facts": _facts(row),
            "now_ms": now_ms,
            "due": row.next_change_at is not None and to_ms(row.next_change_at) <= now_ms,
        }
        return templates.TemplateResponse(request, "customer.html", context)

    return routes


async def _listing(view: View, asked: Asked, now_ms: int) -> dict[str, Any]:
    """What the list page shows."""
    place = await view.position()  # before the rows: a change in between is sent again
    page = await _page(view, asked)
    ranks = await view.percentiles(page.items)
    counts = await view.counts(segment=asked.segment or None, pursued=asked.pursued)
    left = await view.counts(segment=asked.segment or None, pursued=False)
    return {
        "asked": asked,
        "place": place,
        "rows": [_row(row, rank, now_ms) for row, rank in zip(page.items, ranks, strict=True)],
        "next": asked.link(cursor=page.next) if page.next else None,
        "counts": counts,
        "total": sum(counts.values()),
        "not_pursued": sum(left.values()),
        "tiles": tiles(counts, asked),
        "segments": segment_links(await view.segments(), asked),
        "now_ms": now_ms,
    }


async def _page(view: View, asked: Asked) -> Page:
    try:
        return await view.customers(
            limit=_ROWS,
            cursor=asked.cursor or None,
            band=asked.band,
            segment=asked.segment or None,
            pursued=asked.pursued,
            sort=asked.sort,
            search=asked.search,
        )
    except CursorRefused:
        raise Failure(400, "This page of the list is gone.", "Begin at its first page.") from None


def _row(row: CustomerHealth, rank: Percentile, now_ms: int) -> dict[str, Any]:
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
