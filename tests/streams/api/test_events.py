"""Server-sent events: what a stream says, and how it ends."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx
import pytest

from portfolio import NOW, customer, moved
from streams.api import event_routes
from streams.api.event_routes import HEARTBEAT_S, Follower
from streams.api.server import ApiServer
from streams.clock import ManualClock, SystemClock, to_ms
from streams.exits import Exit, NamedExit
from streams.metrics import Metrics
from streams.settings import Settings
from streams.views.base import View
from streams.views.memory_view import MemoryView
from streams.views.redis_view import open_view

DEADLINE_S = 20


@dataclass
class Serving:
    """A server over a view."""

    view: View
    url: str
    metrics: Metrics
    server: ApiServer


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
async def serving(request: pytest.FixtureRequest) -> AsyncIterator[Serving]:
    """A real server on a free port, over an empty view."""
    view: View = MemoryView()
    if request.param == "redis":
        view = open_view(Settings(redis=request.getfixturevalue("redis_url"), prefix="t."))
    metrics = Metrics()
    server = ApiServer(view, Settings(api_port=0), SystemClock(), metrics)
    yield Serving(view, await server.start(), metrics, server)
    await server.stop()
    await view.close()


async def heard(lines: AsyncIterator[str], count: int) -> list[dict[str, str]]:
    """The next events of a stream, as their fields."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            line = await anext(lines)
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                if "event" in fields:
                    found.append(fields)
                fields = {}
    return found


async def test_a_change_reaches_a_waiting_browser(serving: Serving) -> None:
    """With its place as id and the customer as the API shows it."""
    rng = random.Random(1)
    row = customer(rng, "acme/ö", name="Acme")
    place = await serving.view.position()
    async with (
        httpx.AsyncClient(base_url=serving.url) as client,
        client.stream("GET", "/v1/events", params={"after": place}) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.aiter_lines()
        await serving.view.apply([row])
        (event,) = await heard(lines, 1)
        assert event["event"] == "score"
        assert event["id"] == await serving.view.position()
        told = json.loads(event["data"])
        assert told["customer_id"] == "acme/ö"
        assert told["display"]["name"] == "Acme"
        await serving.view.clear()
        assert (await heard(lines, 1))[0]["event"] == "reset"


async def test_who_comes_back_is_sent_what_it_missed(serving: Serving) -> None:
    """Last-Event-ID goes before `after`; changes of one customer are sent as one."""
    rng = random.Random(2)
    first = customer(rng, "a")
    await serving.view.apply([first])
    place = await serving.view.position()
    second = moved(first, rng, strength=0.5, at=NOW)
    third = moved(second, rng, strength=0.5, at=NOW)
    await serving.view.apply([customer(rng, "b"), second, third])
    async with (
        httpx.AsyncClient(base_url=serving.url) as client,
        client.stream("GET", "/v1/events?after=0-0", headers={"last-event-id": place}) as answer,
    ):
        events = await heard(answer.aiter_lines(), 2)
    assert [json.loads(event["data"])["customer_id"] for event in events] == ["b", "a"]
    assert json.loads(events[1]["data"])["sequence"] == 3


async def test_a_place_that_is_gone_is_told_to_read_again(serving: Serving) -> None:
    """As after a flush, or with a broken id."""
    async with (
        httpx.AsyncClient(base_url=serving.url) as client,
        client.stream("GET", "/v1/events", headers={"last-event-id": "no such"}) as answer,
    ):
        assert (await heard(answer.aiter_lines(), 1))[0]["event"] == "reset"


async def test_stopping_ends_open_streams(serving: Serving) -> None:
    """The server does not wait for browsers to leave; they see an end, not a reset."""
    async with (
        httpx.AsyncClient(base_url=serving.url, timeout=DEADLINE_S) as client,
        client.stream("GET", "/v1/events") as one,
        client.stream("GET", "/v1/events") as other,
    ):
        assert serving.metrics.api_streams._value.get() == 2
        async with asyncio.timeout(5):
            await serving.server.stop()
        assert b"event" not in await one.aread()
        await other.aread()
    assert serving.metrics.api_streams._value.get() == 0


async def test_a_browser_that_leaves_is_forgotten(serving: Serving) -> None:
    """Its connection to Redis is given back."""
    async with httpx.AsyncClient(base_url=serving.url) as client:
        async with client.stream("GET", "/v1/events"):
            assert serving.metrics.api_streams._value.get() == 1
        async with asyncio.timeout(DEADLINE_S):
            while serving.metrics.api_streams._value.get():
                await serving.view.apply([customer(random.Random(1), "x")])
                await client.get("/healthz")


async def test_too_many_streams_are_refused(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds a connection to Redis: there is a limit, and it is said."""
    monkeypatch.setattr(event_routes, "STREAMS_MAX", 1)
    async with (
        httpx.AsyncClient(base_url=serving.url) as client,
        client.stream("GET", "/v1/events"),
    ):
        refused = await client.get("/v1/events")
    assert refused.status_code == 503
    assert refused.json()["do"]


async def test_silence_is_broken_by_heartbeats_and_an_outage_is_told() -> None:
    """The stream stays open through both, and picks up where it was."""
    view, clock = MemoryView(), ManualClock(to_ms(NOW))
    follower = Follower(view, clock, asyncio.Event(), wait_s=0.001)
    async with aclosing(follower.follow(None)) as stream, asyncio.timeout(DEADLINE_S):
        assert (await anext(stream)).startswith("retry: ")
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.wait([waiting], timeout=0.02)
        assert not waiting.done(), "silence must last until the heartbeat is due"
        clock.advance(int(HEARTBEAT_S * 1000))
        assert (await waiting).startswith(": ")
        view.outage = "Redis does not answer."
        assert json.loads((await anext(stream)).split("data: ")[1]) == {
            "view": "down",
            "error": "Redis does not answer.",
            "do": "This recovers by itself.",
        }
        view.outage = None
        await view.apply([customer(random.Random(1), "meanwhile")])
        said = await anext(stream)
        assert said.index('{"view": "up"}') < said.index('"meanwhile"')
        follower.closing.set()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "::"])
async def test_a_host_that_others_can_reach_is_refused(host: str) -> None:
    """There is no login yet."""
    server = ApiServer(MemoryView(), Settings(api_host=host, api_port=0), SystemClock())
    with pytest.raises(NamedExit, match="no login") as raised:
        await server.start()
    assert raised.value.code is Exit.USAGE


async def test_a_taken_port_is_a_sentence() -> None:
    """With the port, and what to do."""
    one = ApiServer(MemoryView(), Settings(api_port=0), SystemClock())
    port = int((await one.start()).rpartition(":")[2])
    other = ApiServer(MemoryView(), Settings(api_port=port), SystemClock())
    with pytest.raises(NamedExit, match=f"{port}.*--api-port"):
        await other.start()
    await one.stop()
