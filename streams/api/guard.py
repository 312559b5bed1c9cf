"""What holds for every request: who may ask, what a browser may do with the answer, counting.

There is no login. The server listens on loopback, but any web page can make a
browser send requests there, under a name of the page's own (DNS rebinding): a
request must name a loopback host.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.clock import Clock
from streams.metrics import Metrics

__all__ = ["Guard", "is_loopback"]

_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

#: Nothing about customers is in these: probes and scrapers may use any name of the machine.
_NO_CUSTOMERS = frozenset({"/healthz", "/readyz", "/metrics"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address (IPv6 with or without brackets) stays on this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware. Plain, because wrapping responses in tasks would hold up streams."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the host, add the headers, count the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock.elapsed_s()
        statuses: list[int] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                _add_headers(message)
            await send(message)

        app = self._app if _names_this_machine(scope) else _REFUSED
        try:
            await app(scope, receive, answer)
        finally:
            route = _route(scope)
            self._metrics.api_requests.labels(route, str(statuses[0] if statuses else 500)).inc()
            if route != "/v1/events":
                passed_s = self._clock.elapsed_s() - started_s
                self._metrics.api_request_s.labels(route).observe(passed_s)


def _names_this_machine(scope: Scope) -> bool:
    if scope["path"] in _NO_CUSTOMERS:
        return True
    host = HTTPConnection(scope).headers.get("host", "")
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def _add_headers(message: Message) -> None:
    present = {name.lower() for name, _ in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *(
            (name.encode(), value.encode())
            for name, value in _HEADERS.items()
            if name.encode() not in present
        ),
    ]


def _route(scope: Scope) -> str:
    """The route's pattern: a customer id must not become a label."""
    route: Any = scope.get("route")
    path: str | None = getattr(route, "path", None)
    if path is not None:
        return path
    return "/static" if scope["path"].startswith("/static/") else "other"


_REFUSED: Callable[..., Any] = JSONResponse(
    {
        "error": "The request names a host that is not this machine.",
        "do": "Use http://127.0.0.1 or http://localhost: there is no login, so only this"
        " machine is served.",
    },
    status_code=421,
)
