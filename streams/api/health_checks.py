"""Health checks as files: what the page at ``/customers/{id}/health-check`` shows, whole."""

from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment

from streams.api.customer_page import check_context
from streams.views.base import View

__all__ = ["file_name", "health_check"]

_SHEET = Path(__file__).parent / "static" / "health_check.css"


async def health_check(
    view: View, customer_id: str, templates: Environment, now_ms: int
) -> str | None:
    """A customer's health check as one HTML document that needs no other file.

    None if the view does not know the customer.
    """
    row = await view.customer(customer_id)
    if row is None:
        return None
    (rank,) = await view.percentiles([row])
    context = check_context(row, await view.history(customer_id), rank, now_ms)
    sheet = _SHEET.read_text(encoding="utf-8")
    return templates.get_template("health_check.html").render(**context, sheet=sheet)


def file_name(customer_id: str, day: str, kind: str = "html") -> str:
    """The file of a customer's health check of a day; ids may hold any character."""
    return f"{quote(customer_id, safe='')[:150]}-{day}.{kind}"
