"""The processes of a demonstration: what starts when, and what each waits for."""

import asyncio
import base64
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.topics import Topics
from streams.demo.embedded import PARTITIONS, create_topics, free_port, redis_server
from streams.demo.processes import Child, Household
from streams.settings import child_environment

__all__ = ["Addresses", "start_stack", "stop_stack"]

_SERVER_READY_S = 15.0
_OURS_READY_S = 40.0
_METADATA_S = 10.0
#: Ctrl-C to the last process gone takes at most 5 s; this leaves one for our own end.
_OURS_GRACE_S = 3.0
_SERVER_GRACE_S = 0.7
_SERVERS = ("broker", "redis")
_OURS = ("api", "outreach", "worker", "receiver")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens once it does."""

    bootstrap: str
    redis_kind: str
    redis_url: str
    page: str
    worker: str
    receiver: str


async def start_stack(
    house: Household,
    *,
    scorecard: Path,
    port: int,
    announce: Callable[[str], None],
) -> Addresses:
    """Start everything; ``announce`` gets the page's address as soon as it answers.

    Raises:
        ChildDied: a process ended by itself.
        NotReady: a process was not ready in time.
    """
    redis_plan = redis_server(house.folder)
    broker = house.start("broker", [sys.executable, "-m", "streams.demo.embedded", "broker"])
    redis = house.start("redis", redis_plan.argv)
    secret = "whsec_" + base64.b64encode(token_bytes(24)).decode()
    receiver = house.start(
        "receiver", [sys.executable, "-m", "streams.sinks.recording", "--secret", secret]
    )
    bootstrap = await house.line(broker, "ready ", _SERVER_READY_S)
    await asyncio.to_thread(create_topics, bootstrap, Topics(), _METADATA_S)
    where = redis_plan.address or await house.line(redis, "ready ", _SERVER_READY_S)
    redis_url = f"redis://{where}/0"
    await house.ready(redis, lambda: _pong(redis_url), _SERVER_READY_S)
    receives = await house.ready(receiver, lambda: _address(receiver, ""), _SERVER_READY_S)

    metrics = {"worker": free_port(), "outreach": free_port()}
    common = {
        "bootstrap": bootstrap, "redis": redis_url, "prefix": "", "broker_embedded": "true",
        "signals_partitions": str(PARTITIONS), "source_partitions": str(PARTITIONS),
        "fetch_max_wait_ms": "20", "data_dir": str(house.folder / "data"),
        "api_port": str(port), "scorecard": str(scorecard), "console_sink": "true",
        "slack_webhook_url": f"{receives}/slack", "webhook_url": f"{receives}/webhook",
        "webhook_secret": secret,
    }  # fmt: skip
    ours = {
        name: house.start(name, *_command(name, common, metrics.get(name)))
        for name in ("worker", "api")
    }
    page = await house.ready(ours["api"], lambda: _address(ours["api"], "/healthz"), _OURS_READY_S)
    announce(page)
    common["public_url"] = page
    ours["outreach"] = house.start("outreach", *_command("outreach", common, metrics["outreach"]))
    urls = {name: f"http://127.0.0.1:{number}" for name, number in metrics.items()}
    for name in metrics:
        await house.ready(ours[name], _answers(f"{urls[name]}/readyz"), _OURS_READY_S)
    return Addresses(bootstrap, redis_plan.kind, redis_url, page, urls["worker"], receives)


def _command(
    name: str, common: dict[str, str], metrics_port: int | None
) -> tuple[list[str], dict[str, str]]:
    """The command line of one of our processes, and its environment."""
    own = {} if metrics_port is None else {"metrics_port": str(metrics_port)}
    return [sys.executable, "-m", "streams", name], child_environment(**common, **own)


async def stop_stack(house: Household) -> list[str]:
    """End everything, our processes before the servers they talk to; names who was killed."""
    return await house.stop((_OURS, _OURS_GRACE_S), (_SERVERS, _SERVER_GRACE_S))


async def _address(child: Child, path: str) -> str | None:
    """The first address in a child's log, once ``path`` answers there (empty: at once)."""
    found = _ADDRESS.search(child.log.read_text(errors="replace"))
    if found is None:
        return None
    address = found.group()
    return address if not path or await _answers(address + path)() else None


def _answers(url: str) -> Callable[[], Awaitable[bool | None]]:
    """A probe: True once the URL answers 200."""

    async def probe() -> bool | None:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return True if (await client.get(url)).is_success else None
        except httpx.HTTPError:
            return None

    return probe


async def _pong(url: str) -> bool | None:
    client = Redis.from_url(url, protocol=2)
    try:
        return True if await client.ping() else None
    except (RedisError, OSError):
        return None
    finally:
        await client.aclose()
