"""``/healthz``, ``/readyz``, ``/metrics``: for supervisors and monitoring."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from streams.metrics import CONTENT_TYPE, Metrics
from streams.views.base import View, ViewUnavailable

__all__ = ["process_routes"]


def process_routes(view: View, metrics: Metrics) -> APIRouter:
    """The routes of this process."""
    routes = APIRouter(tags=["process"])

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive. It does not look at Redis: a restart would not help there."""
        return {"status": "alive"}

    @routes.get("/readyz", response_model=None)
    async def readyz() -> dict[str, str] | JSONResponse:
        """Redis answers; otherwise 503 and the reason."""
        try:
            await view.ping()
        except ViewUnavailable as outage:
            reason: dict[str, Any] = {
                "status": "not ready",
                "error": outage.message,
                "do": outage.remedy,
            }
            return JSONResponse(reason, status_code=503)
        return {"status": "ready"}

    @routes.get("/metrics")
    async def all_metrics() -> Response:
        """The metrics of this process in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return routes
