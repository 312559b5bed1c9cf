"""A real Redis for the tests: one ``redis-server`` on a free loopback port, nothing on disk."""

import contextlib
from pathlib import Path
from typing import Self

import redis

from servers.process import ServerFailed, ServerProcess, free_port, require_program

__all__ = ["RedisServer"]

START_ATTEMPTS = 3
HOW = "Install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)."


class RedisServer:
    """One server without persistence: a restart comes up empty. A context manager."""

    def __init__(self, directory: Path, port: int) -> None:
        program = require_program("redis-server", "redis-server", HOW)
        self.port = port
        address = ["--port", str(port), "--bind", "127.0.0.1"]
        on_disk = ["--save", "", "--appendonly", "no", "--dir", str(directory)]
        self._server = ServerProcess("redis", [program, *address, *on_disk], directory)

    @classmethod
    def start(cls, directory: Path) -> Self:
        """A server that answers. Raises ``MissingPart`` or ``ServerFailed`` with the log's tail."""
        directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(START_ATTEMPTS):
            server = cls(directory, free_port())
            try:
                server._server.start(server._is_ready, deadline_s=30)
            except ServerFailed as error:
                if "Address already in use" not in str(error) or attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return server
        raise AssertionError("unreachable: the last attempt raises")

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:PORT/0``."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._server.kill()

    def stop(self) -> None:
        """An orderly shutdown."""
        self._server.stop()

    def restart(self) -> None:
        """Start again on the same port, empty."""
        self._server.stop()
        self._server.start(self._is_ready, deadline_s=30)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        self._server.pause()

    def resume(self) -> None:
        """Thaw it again."""
        self._server.resume()

    def flush(self) -> None:
        """Delete every key."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop()

    def _is_ready(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False
