"""What every sink promises, held against the recording server."""

import asyncio
import io
import socket
from email.utils import format_datetime

import pytest
from rich.console import Console

from samples.activations import applied, crossings, red
from samples.sources import stopped
from samples.transitions import NOON_MS, action
from schemas.actions import Action
from streams.clock import SystemClock, from_ms
from streams.outreach.notice import notify
from streams.outreach.summary import summarise
from streams.sinks.base import Result, Sink, Verdict
from streams.sinks.console import ConsoleSink
from streams.sinks.recording import RecordingServer
from streams.sinks.slack_webhook import SlackWebhookSink
from streams.sinks.webhook import WebhookSink

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HTTP_SINKS = ["slack", "webhook"]
DELIVERED, RETRYABLE, REJECTED = Verdict.DELIVERED, Verdict.RETRYABLE, Verdict.REJECTED


def _now_ms():
    return SystemClock().now_ms()


def _sink(name: str, server: RecordingServer, timeout_s: float = 5.0) -> Sink:
    if name == "slack":
        return SlackWebhookSink(server.slack_url, timeout_s=timeout_s)
    if name == "webhook":
        return WebhookSink(server.webhook_url, [SECRET], timeout_s=timeout_s)
    return ConsoleSink(Console(file=io.StringIO(), width=40))


async def _once(sink: Sink, sent: Action, now_ms: int | None = None) -> Result:
    try:
        return await sink.deliver(sent, 1, now_ms or _now_ms())
    finally:
        await sink.close()


@pytest.fixture
async def server():
    async with RecordingServer(secret=SECRET) as running:
        yield running


@pytest.fixture(params=["console", *HTTP_SINKS])
def each(request):
    return request.param


@pytest.fixture(params=HTTP_SINKS)
def http(request):
    return request.param


def _about_a_scorecard(sink: str, text: str = "Acme") -> Action:
    """The message about an activation: it concerns no single customer."""
    event = applied(
        author=text, reason=text, crossings=crossings(red=2, green=1), pending=crossings(red=1),
        turned_red=[red("a", name=text, mrr_minor=100, currency="EUR")],
        scorecard={"name": text, "version": "2", "hash": "ab12"},
    )  # fmt: skip
    [decision] = summarise(event, [sink], NOON_MS, "https://vitals.example")
    assert decision.action is not None
    return decision.action


async def test_a_message_about_a_scorecard_is_delivered(each, server):
    sink, sent = _sink(each, server), _about_a_scorecard(each)
    assert (await _once(sink, sent)).verdict is DELIVERED
    told = sink._console.file.getvalue() if each == "console" else server.records[0].body
    assert "2 to red, 1 to green" in told
    assert "activated by Acme: Acme" in told
    if each != "console":
        assert server.ledger()["distinct"] == {each: 1}
        assert "the customer" not in told


async def test_a_message_about_a_source_is_delivered(each, server):
    [decision] = notify(stopped(reason="bad " * 9000), [each], NOON_MS)
    assert decision.action is not None
    sink = _sink(each, server)
    assert (await _once(sink, decision.action)).verdict is DELIVERED
    told = sink._console.file.getvalue() if each == "console" else server.records[0].body
    assert "usage/3 is paused" in told
    if each != "console":
        assert server.ledger()["distinct"] == {each: 1}
        assert len(told) < 20_000


async def test_d1_its_body_is_the_same_at_every_attempt(http, server):
    server.script = ("503", "200")
    sink, sent = _sink(http, server), _about_a_scorecard(http)
    again = Action.model_validate_json(sent.model_dump_json())  # as after a restart
    verdicts = [(await sink.deliver(a, n, _now_ms())).verdict for n, a in ((1, sent), (2, again))]
    await sink.close()
    assert verdicts == [RETRYABLE, DELIVERED]
    [counts] = server.ledger()["ids"][http].values()
    assert counts == {"attempts": 2, "accepted": 1, "bodies": 1}


async def test_a_message_is_delivered(each, server):
    sink = _sink(each, server)
    result = await _once(sink, action(each))
    assert (result.verdict, sink.name, "/" in sink.name) == (DELIVERED, each, False)


async def test_a_closed_sink_may_be_closed_again_and_used_again(each, server):
    sink = _sink(each, server)
    for _ in range(2):
        await sink.close()
        assert (await sink.deliver(action(each), 1, _now_ms())).verdict is DELIVERED
        await sink.close()


@pytest.mark.parametrize(
    "name", ["<!channel> & co", "[red]x[/red] [/]", "\x1b[2J\x07bell", "名前 🟥 é", "x" * 5000, " "]
)
async def test_no_name_breaks_a_sink(each, server, name):
    result = await _once(_sink(each, server), action(each, customer_name=name, because=name))
    assert result.verdict is DELIVERED
    result = await _once(_sink(each, server), _about_a_scorecard(each, name or "x"))
    assert result.verdict is DELIVERED


async def test_d1_the_body_is_the_same_at_every_attempt(http, server):
    server.script = ("503", "503", "200")
    sink, sent = _sink(http, server), action(http)
    verdicts = [(await sink.deliver(sent, n, _now_ms())).verdict for n in (1, 2, 3)]
    await sink.close()
    assert verdicts == [RETRYABLE, RETRYABLE, DELIVERED]
    assert server.ledger()["ids"][http] == {
        server.records[0].id: {"attempts": 3, "accepted": 1, "bodies": 1}
    }
    assert server.ledger()["distinct"] == {http: 1}


async def test_d3_every_status_has_its_verdict(http, server):
    """200 to 599 one by one, on one connection pool."""
    sink = _sink(http, server)
    got = {}
    for status in range(200, 600):
        server.script = (str(status),)
        got[status] = (await sink.deliver(action(http, f"c{status}"), 1, _now_ms())).verdict
    await sink.close()
    expected = dict.fromkeys(range(200, 600), REJECTED)
    expected |= dict.fromkeys(range(200, 300), DELIVERED)
    expected |= dict.fromkeys([408, 425, 429, *range(500, 600)], RETRYABLE)
    if http == "slack":  # it has no body, so it cannot say Slack's ok
        expected[204] = RETRYABLE
    assert got == expected
    assert len(server.records) == 400


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
async def test_d3_an_interim_answer_delivers_nothing(http, server, status):
    server.script = (str(status),)
    assert (await _once(_sink(http, server, 0.3), action(http))).verdict is not DELIVERED


@pytest.mark.parametrize(
    ("step", "verdict"),
    [("reset", RETRYABLE), ("slow", RETRYABLE), ("trickle", RETRYABLE), ("redirect", REJECTED)],
)
async def test_d3_a_bad_connection_is_a_verdict(http, server, step, verdict):
    server.script = (step,)
    timeout_s = 0.3 if step in ("slow", "trickle") else 30  # the others end by themselves
    result = await asyncio.wait_for(_once(_sink(http, server, timeout_s), action(http)), 60)
    assert result.verdict is verdict
    assert len(server.records) == 1  # the redirect leads here: it was not followed


async def test_d3_an_answer_that_never_ends_ends_in_time(http, server):
    """The webhook has its 200 by then; Slack's says ok in the body, which never comes."""
    server.script = ("drip",)
    result = await asyncio.wait_for(_once(_sink(http, server, 0.3), action(http)), 5)
    assert result.verdict is (DELIVERED if http == "webhook" else RETRYABLE)


async def test_d3_a_refused_connection_is_retryable(http, server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        server.port = taken.getsockname()[1]
        assert (await _once(_sink(http, server), action(http))).verdict is RETRYABLE


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("header", "after_s"),
    [("30", 30.0), ("0", 0.0), ("1.2", 2.0), ("-5", 0.0), ("soon", None), ("nan", None)],
)
async def test_d3_retry_after_in_seconds(http, server, status, header, after_s):
    server.script = (f"{status}:{header}",)
    result = await _once(_sink(http, server), action(http))
    assert (result.verdict, result.after_s) == (RETRYABLE, after_s)


@pytest.mark.parametrize(("offset_s", "after_s"), [(90, 90.0), (-90, 0.0)])
async def test_d3_retry_after_as_a_date(http, server, offset_s, after_s):
    now_ms = _now_ms() // 1000 * 1000
    at = from_ms(now_ms + offset_s * 1000)
    server.script = (f"503:{format_datetime(at, usegmt=True)}",)
    result = await _once(_sink(http, server), action(http), now_ms)
    assert (result.verdict, result.after_s) == (RETRYABLE, after_s)


async def test_no_secret_is_in_what_a_sink_says(http, server):
    server.port = 1  # nobody listens there
    sink = _sink(http, server, 0.5)
    result = await _once(sink, action(http))
    said = f"{result} {sink!r}"
    assert "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" not in said
    assert server.slack_url not in said
