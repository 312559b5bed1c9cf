"""``/v1/events``: changes as they happen, as server-sent events.

``event: score`` carries a customer as ``/v1/customers`` shows it; its ``id`` is
the place in the log of changes, so a browser that comes back is sent what it
missed. ``event: reset`` says that anything may have changed. ``event: state``
tells whether the view answers; while it does not, the stream stays open.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from streams.api.answers import Failure
from streams.api.ranked import shown
from streams.clock import Clock
from streams.metrics import Metrics
from streams.views.base import Change, View, ViewUnavailable

__all__ = ["HEARTBEAT_S", "STREAMS_MAX", "Follower", "event_routes"]

#: A comment is sent after this much silence, so that proxies keep the connection.
HEARTBEAT_S = 15.0
#: Streams at once: each holds a connection to Redis.
STREAMS_MAX = 200
#: The pause after a batch. Changes of one customer meanwhile are sent as one.
_PACE_S = 0.25
_RETRY_S = 1.0
_RECONNECT_MS = 2000

Place = Annotated[str | None, Query(max_length=64, description="Begin after this event id.")]
LastEventId = Annotated[str | None, Header(max_length=64, description="As browsers send it.")]


@dataclass(frozen=True, slots=True)
class Follower:
    """What streams share: the view, the clock, and the word that the process ends."""

    view: View
    clock: Clock
    closing: asyncio.Event
    wait_s: float = 1.0

    async def follow(self, after: str | None) -> AsyncGenerator[str, None]:
        """The text of one stream, until the process ends."""
        yield f"retry: {_RECONNECT_MS}\n\n"
        place, down = after, False
        spoken_s = self.clock.elapsed_s()
        while not self.closing.is_set():
            try:
                place = place or await self.view.position()
                async with aclosing(self.view.changes(place, wait_s=self.wait_s)) as batches:
                    async for batch in batches:
                        if self.closing.is_set():
                            return
                        said = await self._lines(batch)
                        if down:
                            said, down = _line("state", {"view": "up"}) + said, False
                        if not said and self.clock.elapsed_s() - spoken_s >= HEARTBEAT_S:
                            said = ": still here\n\n"
                        if said:
                            spoken_s = self.clock.elapsed_s()
                            yield said
                        if batch:
                            place = batch[-1].id
                            await self._pause(_PACE_S)
            except ViewUnavailable as outage:
                if not down:
                    down = True
                    news = {"view": "down", "error": outage.message, "do": outage.remedy}
                    yield _line("state", news)
                await self._pause(_RETRY_S)

    async def _lines(self, batch: Sequence[Change]) -> str:
        rows = [change.customer for change in batch if change.customer is not None]
        told = iter(await shown(self.view, rows, self.clock.now_ms()))
        return "".join(
            _line("reset", {}, change.id)
            if change.customer is None
            else f"event: score\nid: {change.id}\ndata: {next(told).model_dump_json()}\n\n"
            for change in batch
        )

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), pause_s)


def event_routes(follower: Follower, metrics: Metrics) -> APIRouter:
    """The route over this view."""
    routes = APIRouter(prefix="/v1", tags=["events"])
    open_streams: set[object] = set()

    async def counted(after: str | None) -> AsyncGenerator[str, None]:
        stream = object()
        open_streams.add(stream)
        metrics.api_streams.set(len(open_streams))
        try:
            async with aclosing(follower.follow(after)) as texts:
                async for text in texts:
                    yield text
        finally:
            open_streams.discard(stream)
            metrics.api_streams.set(len(open_streams))

    @routes.get("/events", response_class=StreamingResponse)
    async def events(after: Place = None, last_event_id: LastEventId = None) -> StreamingResponse:
        """Score changes as server-sent events. A Last-Event-ID goes before `after`."""
        if len(open_streams) >= STREAMS_MAX:
            raise Failure(
                503, f"{STREAMS_MAX} streams are open, and no more are served.", "Close some."
            )
        return StreamingResponse(
            counted(last_event_id or after),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    return routes


def _line(event: str, news: dict[str, str], place: str | None = None) -> str:
    numbered = "" if place is None else f"id: {place}\n"
    return f"event: {event}\n{numbered}data: {json.dumps(news)}\n\n"
