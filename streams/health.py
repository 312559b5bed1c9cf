"""``/healthz``, ``/readyz`` and ``/metrics`` of a process without a page. Loopback only."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from aiohttp import web

from streams.metrics import CONTENT_TYPE, Metrics

__all__ = ["Health", "HealthServer", "OwnHealth"]


class Health(Protocol):
    """What is told of one process, or of several."""

    async def why_not_alive(self) -> str | None:
        """None if all is alive."""

    async def why_not_ready(self) -> str | None:
        """None if all is ready."""

    async def metrics(self) -> bytes:
        """All metrics in Prometheus' text format."""


class OwnHealth:
    """Of this process: it is alive, for it answers. ``ready`` says None, or why not."""

    def __init__(self, metrics: Metrics, ready: Callable[[], str | None]) -> None:
        self._metrics = metrics
        self._ready = ready

    async def why_not_alive(self) -> str | None:
        """None."""
        return None

    async def why_not_ready(self) -> str | None:
        """None if all its parts are ready."""
        return self._ready()

    async def metrics(self) -> bytes:
        """Its metrics."""
        return self._metrics.text()


class HealthServer:
    """A small HTTP server beside the apps, on a loopback port or on a Unix socket."""

    def __init__(self, at: int | Path, health: Health) -> None:
        self._at = at
        self._health = health
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._text),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        if isinstance(self._at, Path):
            await web.UnixSite(self._runner, str(self._at)).start()
        else:
            await web.TCPSite(self._runner, "127.0.0.1", self._at).start()

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, request: web.Request) -> web.Response:
        return _answer("alive", await self._health.why_not_alive())

    async def _readyz(self, request: web.Request) -> web.Response:
        return _answer("ready", await self._health.why_not_ready())

    async def _text(self, request: web.Request) -> web.Response:
        body = await self._health.metrics()
        return web.Response(body=body, headers={"content-type": CONTENT_TYPE})


def _answer(what: str, why_not: str | None) -> web.Response:
    if why_not is None:
        return web.json_response({"status": what})
    return web.json_response({"status": f"not {what}", "reason": why_not}, status=503)
