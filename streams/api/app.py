"""The application: the view behind routes and pages."""

import asyncio
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.responses import Response
from starlette.types import Scope

from streams.api.answers import answer_failures
from streams.api.customer_routes import customer_routes
from streams.api.event_routes import Follower, event_routes
from streams.api.guard import Guard
from streams.api.page_routes import page_routes
from streams.api.process_routes import process_routes
from streams.api.shown import ago, label, percent
from streams.clock import Clock
from streams.metrics import Metrics
from streams.settings import Settings
from streams.views.base import View

__all__ = ["build_api", "templates_of"]

_HERE = Path(__file__).parent


def build_api(
    view: View,
    settings: Settings,
    clock: Clock,
    *,
    metrics: Metrics | None = None,
    closing: asyncio.Event | None = None,
) -> FastAPI:
    """The API over a view. Whoever made the view closes it.

    Setting ``closing`` ends the open streams: without it a server would wait for
    the browsers to leave.
    """
    release = version("customer-vitals")
    metrics = metrics or Metrics()
    metrics.build.labels(release).set(1)
    # The interactive documentation would load its scripts from elsewhere.
    app = FastAPI(
        title="Vitals",
        version=release,
        description="Customer health: current scores, why, and what changes. docs/api.md.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    templates = templates_of(settings)
    follower = Follower(view, clock, closing or asyncio.Event())
    app.include_router(customer_routes(view, clock))
    app.include_router(event_routes(follower, metrics))
    app.include_router(process_routes(view, metrics))
    app.include_router(page_routes(view, clock, templates))
    app.mount("/static", _Static(directory=_HERE / "static"))
    answer_failures(app, templates)
    app.add_middleware(Guard, metrics=metrics, clock=clock)
    return app


class _Static(StaticFiles):
    """Files that a browser asks about each time: a new release shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def templates_of(settings: Settings) -> Jinja2Templates:
    """The pages' templates, with what they call."""
    templates = Jinja2Templates(directory=_HERE / "templates")
    templates.env.trim_blocks = templates.env.lstrip_blocks = True
    templates.env.filters.update(ago=ago, label=label, percent=percent)
    templates.env.globals["environment"] = settings.prefix.rstrip("._-")
    return templates
