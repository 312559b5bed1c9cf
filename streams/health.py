"""``/healthz``, ``/readyz`` and ``/metrics`` of a process without a page. Loopback only."""

from collections.abc import Callable

from aiohttp import web

from streams.metrics import CONTENT_TYPE, Metrics

__all__ = ["HealthServer"]


class HealthServer:
    """A small HTTP server beside the apps. ``ready`` answers None, or why not."""

    def __init__(self, port: int, metrics: Metrics, ready: Callable[[], str | None]) -> None:
        self._port = port
        self._metrics = metrics
        self._ready = ready
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
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, request: web.Request) -> web.Response:
        why_not = self._ready()
        if why_not is None:
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready", "reason": why_not}, status=503)

    async def _text(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"content-type": CONTENT_TYPE})
