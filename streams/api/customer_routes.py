"""``/v1/customers``: the view as JSON."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from schemas.scores import Band
from schemas.views import CustomerHealth, HistoryPoint
from streams.api.answers import Failure
from streams.api.ranked import CustomerShown, Pursued, pursued_of, shown
from streams.clock import Clock
from streams.views.base import HISTORY_MAX, LIMIT_MAX, Sort, View

__all__ = [
    "CustomerPage",
    "CustomerWithHistory",
    "History",
    "Segments",
    "asks_for",
    "customer_routes",
    "found",
]

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Customers on the page.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")]
Points = Annotated[int, Query(ge=1, le=HISTORY_MAX, description="Earlier scores, newest first.")]
Search = Annotated[
    str, Query(max_length=200, description="Part of the name, id or owner, in any case.")
]


InSegment = Annotated[str, Query(max_length=200, description="A segment's name.")]
WhetherPursued = Annotated[
    Pursued | None,
    Query(
        description="Those pursued, those not, or any."
        " Default: `yes` in the attention order without a search, else `any`."
    ),
]


class CustomerPage(BaseModel):
    """Some customers, and where the next ones begin; ``next`` is null on the last page."""

    items: list[CustomerShown]
    next: str | None


class CustomerWithHistory(CustomerShown):
    """One customer, with its earlier scores."""

    history: list[HistoryPoint]


class History(BaseModel):
    """A customer's scores, newest first, the current one included."""

    items: list[HistoryPoint]


class SegmentShown(BaseModel):
    """A segment that has customers."""

    name: str
    label: str
    customers: int


class Segments(BaseModel):
    """The segments that have customers, the largest first."""

    items: list[SegmentShown]


def customer_routes(view: View, clock: Clock) -> APIRouter:
    """The routes over this view."""
    routes = APIRouter(prefix="/v1", tags=["customers"])

    @routes.get("/customers")
    async def customers(
        *,
        limit: Limit = 50,
        cursor: Cursor = None,
        band: Band | None = None,
        segment: InSegment = "",
        pursued: WhetherPursued = None,
        sort: Sort = Sort.ATTENTION,
        search: Search = "",
    ) -> CustomerPage:
        """Customers, those who need attention first."""
        page = await view.customers(
            limit=limit,
            cursor=cursor or None,
            band=band,
            segment=segment or None,
            pursued=pursued_of(pursued, sort, search),
            sort=sort,
            search=search,
        )
        return CustomerPage(items=await shown(view, page.items, clock.now_ms()), next=page.next)

    @routes.get("/segments")
    async def segments() -> Segments:
        """The segments that have customers, the largest first."""
        return Segments(
            items=[
                SegmentShown(name=one.name, label=one.label, customers=one.customers)
                for one in await view.segments()
            ]
        )

    @routes.get("/customers/{customer_id:path}/history")
    async def history(
        request: Request, customer_id: str, limit: Points = HISTORY_MAX
    ) -> History | CustomerWithHistory:
        """A customer's scores, newest first."""
        if not asks_for(request, "history"):  # an id that ends in /history, percent-encoded
            return await customer(f"{customer_id}/history", limit)
        await found(view, customer_id)
        return History(items=list(await view.history(customer_id, limit)))

    @routes.get("/customers/{customer_id:path}")
    async def customer(customer_id: str, limit: Points = HISTORY_MAX) -> CustomerWithHistory:
        """One customer, with its history."""
        row = await found(view, customer_id)
        points = await view.history(customer_id, limit)
        (one,) = await shown(view, [row], clock.now_ms())
        return CustomerWithHistory(**dict(one), history=list(points))

    return routes


async def found(view: View, customer_id: str) -> CustomerHealth:
    """The customer, or a 404 that says what to do."""
    row = await view.customer(customer_id)
    if row is None:
        raise Failure(
            404,
            f"No customer with the id {customer_id!r} has been scored.",
            "Ids are compared letter by letter; a slash in one is sent as %2F."
            " GET /v1/customers?search=... finds ids and names.",
        )
    return row


def asks_for(request: Request, what: str) -> bool:
    """Whether the address as it was sent ends in this: a slash within an id is sent as %2F."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.endswith(f"/{what}".encode())
