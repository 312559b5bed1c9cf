"""The pages: who needs attention, and one customer.

The server writes every page whole; the script in ``static/live.js`` fetches it
again when something changed and moves what differs into place. So there is one
template for each thing, and the pages work without a script.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.api.answers import Failure
from streams.api.charts import HEIGHT, WIDTH, bars, curve, shifts
from streams.api.customer_routes import found
from streams.api.shown import display, scale
from streams.clock import Clock, to_ms
from streams.views.base import CursorRefused, Page, Sort, View

__all__ = ["page_routes"]

_ROWS = 100
_TABLE_POINTS = 50
_BANDS = (Band.RED, Band.YELLOW, Band.UNKNOWN, Band.GREEN)

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
        sort: Text = "",
        search: Text = "",
        cursor: Cursor = "",
    ) -> Response:
        asked = _Asked(band, sort, search, cursor)
        place = await view.position()  # before the rows: a change in between is sent again
        page = await _page(view, asked)
        counts = await view.counts()
        context = {
            "asked": asked,
            "place": place,
            "rows": [_row(row) for row in page.items],
            "next": asked.link(cursor=page.next) if page.next else None,
            "counts": counts,
            "total": sum(counts.values()),
            "tiles": _tiles(counts, asked),
            "now_ms": clock.now_ms(),
        }
        return templates.TemplateResponse(request, "attention.html", context)

    @routes.get("/customers/{customer_id:path}")
    async def customer(request: Request, customer_id: str) -> Response:
        place = await view.position()
        row = await found(view, customer_id)
        history = await view.history(customer_id)
        now_ms = clock.now_ms()
        context = {
            "place": place,
            "row": row,
            **_row(row),
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


class _Asked:
    """What the page was asked to show; a value that means nothing is as good as none."""

    def __init__(self, band: str, sort: str, search: str, cursor: str) -> None:
        self.band = Band(band) if band in list(Band) else None
        self.sort = Sort(sort) if sort in list(Sort) else Sort.ATTENTION
        self.search = search.strip()
        self.cursor = cursor

    def link(self, **changes: Any) -> str:
        """The page's address with some of it changed; a cursor holds for one page only."""
        sort = None if self.sort is Sort.ATTENTION else self.sort
        query = {"band": self.band, "sort": sort, "search": self.search, **changes}
        encoded = urlencode({name: str(value) for name, value in query.items() if value})
        return f"/?{encoded}" if encoded else "/"


async def _page(view: View, asked: _Asked) -> Page:
    try:
        return await view.customers(
            limit=_ROWS,
            cursor=asked.cursor or None,
            band=asked.band,
            sort=asked.sort,
            search=asked.search,
        )
    except CursorRefused:
        raise Failure(400, "This page of the list is gone.", "Begin at its first page.") from None


def _tiles(counts: Mapping[Band, int], asked: _Asked) -> list[dict[str, Any]]:
    """The totals, each a link that filters by it; with its stretch of the ribbon in percent."""
    total = sum(counts.values())
    tiles: list[dict[str, Any]] = [
        {
            "band": "all",
            "count": total,
            "link": asked.link(band=None),
            "current": asked.band is None,
        }
    ]
    start = 0.0
    for band in _BANDS:
        width = 100 * counts[band] / total if total else 0.0
        tiles.append(
            {
                "band": band.value,
                "count": counts[band],
                "link": asked.link(band=band),
                "current": asked.band is band,
                "start": round(start, 3),
                "width": round(width, 3),
            }
        )
        start += width
    return tiles


def _row(row: CustomerHealth) -> dict[str, Any]:
    words = display(row)
    return {
        "row": row,
        "words": words,
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
