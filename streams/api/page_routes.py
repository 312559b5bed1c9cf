"""The pages: who needs attention, and one customer.

The server writes every page whole; the script in ``static/live.js`` fetches it
again when something changed and moves what differs into place. So there is one
template for each thing, and the pages work without a script.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from schemas.views import CustomerHealth, HistoryPoint, Percentile
from streams.api.answers import Failure
from streams.api.asked import Asked, segment_links, tiles
from streams.api.customer_page import check_context, customer_context, listed
from streams.api.customer_routes import asks_for, found
from streams.clock import Clock
from streams.views.base import CursorRefused, Page, View

__all__ = ["page_routes"]

_ROWS = 100

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

    @routes.get("/customers/{customer_id:path}/health-check")
    async def health_check(request: Request, customer_id: str) -> Response:
        if not asks_for(request, "health-check"):  # an id that ends so, percent-encoded
            return await customer(request, f"{customer_id}/health-check")
        context = check_context(*await _health(view, customer_id), clock.now_ms())
        return templates.TemplateResponse(request, "health_check.html", context)

    @routes.get("/customers/{customer_id:path}")
    async def customer(request: Request, customer_id: str) -> Response:
        place = await view.position()  # before the row: a change in between is sent again
        context = customer_context(*await _health(view, customer_id), clock.now_ms())
        return templates.TemplateResponse(request, "customer.html", {"place": place, **context})

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
        "rows": [listed(row, rank, now_ms) for row, rank in zip(page.items, ranks, strict=True)],
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


async def _health(
    view: View, customer_id: str
) -> tuple[CustomerHealth, Sequence[HistoryPoint], Percentile]:
    """A customer, with its history and where it stands among the others."""
    row = await found(view, customer_id)
    (rank,) = await view.percentiles([row])
    return row, await view.history(customer_id), rank
