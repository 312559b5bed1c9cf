"""A receiver that remembers: for the demo, for trying settings out, and for tests.

``POST /webhook`` checks the Standard Webhooks signature, ``POST /slack`` takes
what Slack's incoming webhooks take, ``GET /ledger`` tells what arrived. Answers
follow a script, so that a receiver's bad day can be played.

    python -m streams.sinks.recording --port 0 --secret whsec_... --script 503,reset,200
"""

import asyncio
import json
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

import click
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from streams.clock import Clock, SystemClock
from streams.exits import Exit, NamedExit

__all__ = ["Received", "RecordingServer"]

#: The newest requests kept whole; the counts cover all.
RECORDS_MAX = 10_000
#: Seconds that a `slow` answer takes: longer than any sink waits.
SLOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came."""

    at_ms: int
    sink: str
    id: str
    headers: dict[str, str]
    body: str
    answer: str
    problem: str | None = None


class RecordingServer:
    """An HTTP server on loopback that records requests and answers by a script.

    The script is read per id: the n-th request with one id gets the n-th step, later
    ones the last. A step is a status (``503``), a status with ``Retry-After``
    (``429:30``), ``reset`` (the connection is cut without an answer), ``drip``
    (200 whose body never ends), ``trickle`` (a head that never ends), ``slow`` (no
    answer in time) or ``redirect``.

    A wrong signature is answered 401 and counted; a repeat of an accepted id is
    answered as the script says and counted once in ``distinct``.
    """

    def __init__(
        self,
        *,
        secret: str | None = None,
        script: Sequence[str] = ("200",),
        clock: Clock | None = None,
    ) -> None:
        self.script: Sequence[str] = tuple(script)
        self.records: deque[Received] = deque(maxlen=RECORDS_MAX)
        self.port = 0
        self._verifier = Webhook(secret) if secret else None
        self._clock = clock or SystemClock()
        self._tries: dict[tuple[str, str], int] = {}
        self._accepted: dict[tuple[str, str], int] = {}
        self._bodies: dict[tuple[str, str], set[str]] = {}
        self._refused = 0
        self._requests = 0
        self._runner: web.AppRunner | None = None
        self._came = asyncio.Event()

    @property
    def webhook_url(self) -> str:
        """Where the webhook sink posts."""
        return f"http://127.0.0.1:{self.port}/webhook"

    @property
    def slack_url(self) -> str:
        """Where the Slack sink posts."""
        return f"http://127.0.0.1:{self.port}/slack"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 picks a free one, which is in ``port`` afterwards."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/webhook", self._webhook)
        app.router.add_post("/slack", self._slack)
        app.router.add_get("/ledger", self._ledger)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def ledger(self, *, records: bool = True) -> dict[str, Any]:
        """What arrived: counts per sink and id, and the newest requests."""
        sinks = sorted({sink for sink, _ in self._tries})
        answer: dict[str, Any] = {
            "requests": self._requests,
            "refused": self._refused,
            "distinct": {sink: self.accepted(sink) for sink in sinks},
            "ids": {
                s: {
                    id_: {
                        "attempts": tries,
                        "accepted": self._accepted.get((s, id_), 0),
                        "bodies": len(self._bodies[s, id_]),
                    }
                    for (sink, id_), tries in self._tries.items()
                    if sink == s
                }
                for s in sinks
            },
        }
        if records:
            answer["records"] = [asdict(record) for record in self.records]
        return answer

    async def until(self, enough: Callable[["RecordingServer"], bool], timeout_s: float) -> None:
        """Wait until ``enough(self)`` holds; it is asked after every request.

        Raises:
            TimeoutError: it did not.
        """
        async with asyncio.timeout(timeout_s):
            while not enough(self):
                self._came.clear()
                await self._came.wait()

    def accepted(self, sink: str) -> int:
        """How many ids a sink has taken."""
        return sum(1 for name, _ in self._accepted if name == sink)

    async def _ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self.ledger(records=request.query.get("records") != "0"))

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode(errors="replace")
        id_ = request.headers.get("webhook-id", "")
        problem = None
        if self._verifier is not None:
            try:
                self._verifier.verify(body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                problem = str(error)
        return await self._answer(request, "webhook", id_, body, problem, 401, "{}")

    async def _slack(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode(errors="replace")
        id_, problem = "", None
        try:
            payload = json.loads(body)
            id_ = payload.get("metadata", {}).get("event_payload", {}).get("id", "")
            if not payload.get("text"):
                problem = "no_text"
        except (ValueError, AttributeError):
            problem = "invalid_payload"
        return await self._answer(request, "slack", id_, body, problem, 400, "ok")

    async def _answer(
        self,
        request: web.Request,
        sink: str,
        id_: str,
        body: str,
        problem: str | None,
        refusal: int,
        said: str,
    ) -> web.StreamResponse:
        key = (sink, id_)
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        step = self.script[min(tries, len(self.script)) - 1] if problem is None else str(refusal)
        self._requests += 1
        self._refused += problem is not None
        self._bodies.setdefault(key, set()).add(body)
        if step.partition(":")[0] == "drip" or step[:1] == "2":
            self._accepted[key] = self._accepted.get(key, 0) + 1
        self.records.append(
            Received(self._clock.now_ms(), sink, id_, dict(request.headers), body, step, problem)
        )
        self._came.set()
        return await _play(request, step, problem or said)


async def _play(request: web.Request, step: str, said: str) -> web.StreamResponse:
    """Answer one request as the step of the script says."""
    if step == "reset":
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if step == "slow":
        await asyncio.sleep(SLOW_S)
        return web.Response(text=said)
    if step == "redirect":
        return web.Response(status=307, headers={"Location": str(request.url)})
    if step == "trickle":
        return await _trickle(request)
    if step == "drip":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(int(SLOW_S * 10)):
            await response.write(b".")
            await asyncio.sleep(0.1)
        return response
    status, _, after = step.partition(":")
    text = said if status[:1] in "24" else "no"
    headers = {"Retry-After": after} if after else None
    return web.Response(status=int(status), text=text, headers=headers)


async def _trickle(request: web.Request) -> web.StreamResponse:
    """A head that goes on and on: a limit per read never sees it."""
    transport = request.transport
    assert transport is not None, "a request that is being answered is connected"
    transport.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(int(SLOW_S * 10)):
        transport.write(b".")
        await asyncio.sleep(0.1)
    transport.abort()
    return web.Response()


async def _serve(port: int, secret: str | None, script: Sequence[str]) -> None:
    server = RecordingServer(secret=secret, script=script)
    try:
        await server.start(port)
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"cannot listen on port {port}: {error.strerror}") from None
    click.echo(f"http://127.0.0.1:{server.port}")
    end = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, end.set)
    try:
        await end.wait()
    finally:
        await server.stop()


@click.command()
@click.option("--port", default=0, show_default=True, help="Port on loopback; 0 picks a free one.")
@click.option("--secret", default=None, help="Webhook signing secret to check, whsec_...")
@click.option("--script", default="200", show_default=True, help="Answers per id, comma-separated.")
def main(port: int, secret: str | None, script: str) -> None:
    """Receive messages and remember them; the first line printed is the address."""
    try:
        asyncio.run(_serve(port, secret, script.split(",")))
    except NamedExit as named:
        raise click.UsageError(named.message) from None


if __name__ == "__main__":
    main()
