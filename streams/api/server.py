"""The API on a socket: an address when it listens, and an end within seconds.

Open streams would keep a server waiting for the browsers to leave: they are
told first, and what is left after a grace is cut.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from streams.api.app import build_api
from streams.api.guard import is_loopback
from streams.clock import Clock
from streams.exits import Exit, NamedExit
from streams.metrics import Metrics
from streams.settings import Settings
from streams.views.base import View

__all__ = ["ApiServer"]

_GRACE_S = 3


class ApiServer:
    """One server; ``start`` it, ``stop`` it, once each. Whoever made the view closes it."""

    def __init__(
        self, view: View, settings: Settings, clock: Clock, metrics: Metrics | None = None
    ) -> None:
        self._closing = asyncio.Event()
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._server = _Uvicorn(
            uvicorn.Config(
                build_api(view, settings, clock, metrics=metrics, closing=self._closing),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=15,
            )
        )

    async def start(self) -> str:
        """Listen; the address, with the port that was free when 0 was asked for.

        Raises:
            NamedExit: the host is not this machine's own, or the port is taken.
        """
        listening = _listen(
            self._settings.api_host,
            self._settings.api_port,
            in_container=self._settings.api_in_container,
        )
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({up, self._task}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            await self._task
            raise NamedExit(Exit.INTERNAL, "The API ended while it started: see the log.")
        host, port = listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def wait(self) -> None:
        """Return when the server has ended."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """End the streams, let requests finish, and return when all is closed."""
        self._closing.set()
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Uvicorn(uvicorn.Server):
    """Says when it listens, and leaves signals to the process that runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, *, in_container: bool = False) -> socket.socket:
    if not in_container and not is_loopback(host):
        raise NamedExit(
            Exit.USAGE,
            f"--api-host {host} can be reached from other machines, and the API has no login:"
            " anybody there could read every customer. Use 127.0.0.1, and a proxy with a login"
            " in front of it.",
        )
    address = host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise NamedExit(
            Exit.USAGE,
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --api-port;"
            " 0 picks a free one.",
        ) from None
    return listening
