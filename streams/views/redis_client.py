"""How Redis is reached: the URL, TLS, time limits, and what its failures mean to people.

The URL can hold a password. It appears in no message and no log line: only
:func:`safe_url` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from streams.exits import Exit, NamedExit
from streams.settings import Settings
from streams.views.base import ViewUnavailable

__all__ = ["answering", "connect", "safe_url"]

_SCHEMES = ("redis", "rediss", "unix")
_CONNECT_TIMEOUT_S = 2.0
#: Longer than any wait for changes, so that a quiet stream is not taken for a dead server.
_ANSWER_TIMEOUT_S = 5.0
_RETRIES = 1
_CONNECTIONS_MAX = 1000


def connect(settings: Settings) -> Redis:
    """A client for the view's Redis; it connects when first used.

    Raises:
        NamedExit: the URL or the CA file is wrong, with what was expected.
    """
    url = settings.redis.get_secret_value()
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise _wrong("expected redis://, rediss:// or unix://")
    extra: dict[str, Any] = {}
    if settings.redis_ca_file is not None:
        if scheme != "rediss":
            raise _wrong("--redis-ca-file is for TLS: expected a rediss:// URL")
        if not settings.redis_ca_file.is_file():
            raise _wrong(f"--redis-ca-file {settings.redis_ca_file} is not a file")
        extra["ssl_ca_certs"] = str(settings.redis_ca_file)
    try:
        # The parser's own message can hold a piece of the password.
        return Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,  # the answers' shape must not depend on the server's release
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            socket_timeout=_ANSWER_TIMEOUT_S,
            socket_keepalive=True,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), _RETRIES),
            max_connections=_CONNECTIONS_MAX,
            **extra,
        )
    except (ValueError, TypeError):
        raise _wrong(
            "expected redis://[USER:PASSWORD@]HOST[:PORT][/DB], special characters in the"
            " password percent-encoded"
        ) from None


def safe_url(url: str) -> str:
    """The URL without login and options, for people and logs."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return f"unix://{parts.path}"
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}{port}{parts.path}"
    except ValueError:
        return "(a Redis URL that cannot be read)"


@contextmanager
def answering(where: str) -> Iterator[None]:
    """Turn the client's failures into :class:`ViewUnavailable`, with what to do."""
    try:
        yield
    except exceptions.RedisError as error:
        raise _unavailable(where, error) from error
    except (OSError, TimeoutError) as error:
        raise ViewUnavailable(f"Redis at {where} does not answer.", _START) from error


_START = "Start it, or name another with --redis or VITALS_REDIS; this recovers by itself."
_REMEDIES: tuple[tuple[type[exceptions.RedisError], str, str], ...] = (
    (exceptions.AuthenticationError, "refused the login", "Check user and password in the URL."),
    (exceptions.NoPermissionError, "forbids a command", "Grant the ACLs that docs/view.md lists."),
    (exceptions.BusyLoadingError, "is loading its data", "Wait; this recovers by itself."),
    (exceptions.ReadOnlyError, "is a replica", "Name the primary in the URL."),
    (
        exceptions.OutOfMemoryError,
        "is out of memory",
        "Raise maxmemory; keep maxmemory-policy noeviction.",
    ),
    (exceptions.MaxConnectionsError, "has too many connections from here", "Close some pages."),
    (exceptions.TimeoutError, "does not answer in time", _START),
    (exceptions.ConnectionError, "does not answer", _START),
)


def _unavailable(where: str, error: exceptions.RedisError) -> ViewUnavailable:
    for kind, what, remedy in _REMEDIES:
        if isinstance(error, kind):
            return ViewUnavailable(f"Redis at {where} {what}.", remedy)
    return ViewUnavailable(
        f"Redis at {where} refused a command: {error}.",
        "If its content was damaged, `vitals view rebuild` writes it anew.",
    )


def _wrong(expected: str) -> NamedExit:
    return NamedExit(Exit.USAGE, f"--redis (VITALS_REDIS): {expected}")
