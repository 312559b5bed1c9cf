"""Slack's incoming webhook: layout, escaping, limits."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.transitions import action
from schemas.actions import Message, Severity
from streams.clock import SystemClock
from streams.sinks.base import Verdict
from streams.sinks.recording import RecordingServer
from streams.sinks.slack_webhook import (
    HEADER_CHARS_MAX,
    MESSAGE_CHARS_MAX,
    SECTION_CHARS_MAX,
    SlackWebhookSink,
    blocks_of,
    fit,
)


def _dicts(message):
    return [block.to_dict() for block in blocks_of(message)]  # to_dict validates Slack's limits


def _texts(blocks):
    for block in blocks:
        for part in [block.get("text"), *block.get("elements", [])]:
            if part is not None:
                yield part["text"]


async def test_the_message_on_the_wire():
    sent = action("slack", customer_name="A&B <!here>")
    async with RecordingServer() as server:
        sink = SlackWebhookSink(server.slack_url)
        result = await sink.deliver(sent, 1, SystemClock().now_ms())
        await sink.close()
    payload = json.loads(server.records[0].body)
    assert result.verdict is Verdict.DELIVERED
    assert [block["type"] for block in payload["blocks"]] == [
        "header", "section", "section", "context",
    ]  # fmt: skip
    assert list(_texts(payload["blocks"])) == [
        "🔴 A&amp;B &lt;!here&gt; went from yellow to red: 58 → 41",
        "Nobody has logged in for 12 days, and an invoice is overdue.",
        (
            "• -11 days since last use (last used 12 days ago)\n"
            "• -8 days overdue (9 days overdue)\n• +2 satisfaction"
        ),
        "Owner: dana  ·  <https://vitals.example/customers/acme|Open the customer's page>",
    ]
    assert payload["text"].startswith(
        "A&amp;B &lt;!here&gt; went from yellow to red: 58 → 41\nWhy:"
    )
    assert server.records[0].id == sent.id


@given(
    st.text(min_size=1, max_size=5000),
    st.text(max_size=5000),
    st.lists(st.text(min_size=1, max_size=2000), max_size=3),
    st.text(max_size=5000),
    st.text(max_size=3000),
)
def test_any_message_keeps_slacks_limits(headline, because, movers, owner, link):
    message = Message(
        severity=Severity.HIGH,
        headline=headline,
        because=because,
        movers=tuple(movers),
        owner=owner,
        link=f"https://vitals.example/{link}",
    )
    blocks = _dicts(message)
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= HEADER_CHARS_MAX
    assert all(len(text) <= SECTION_CHARS_MAX + 600 for text in _texts(blocks))
    assert sum(map(len, _texts(blocks))) <= MESSAGE_CHARS_MAX


@given(st.text(alphabet="&<>a!@#é", max_size=400), st.integers(1, 300))
def test_nothing_that_slack_would_parse_gets_through(text, chars_max):
    fitted = fit(text, chars_max)
    assert len(fitted) <= chars_max
    assert "<" not in fitted
    assert ">" not in fitted
    rest = fitted.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest  # no escape is cut in two


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, "ok", Verdict.DELIVERED),
        (200, "<html>sign in</html>", Verdict.RETRYABLE),
        (200, "", Verdict.RETRYABLE),
        (400, "invalid_payload", Verdict.REJECTED),
        (403, "action_prohibited", Verdict.REJECTED),
        (404, "no_service", Verdict.REJECTED),
        (410, "channel_is_archived", Verdict.REJECTED),
        (500, "rollup_error", Verdict.RETRYABLE),
    ],
)
async def test_d3_slack_means_what_it_says_in_the_body(unused_tcp_port, status, body, verdict):
    """A 200 that does not say ok comes from something in between."""
    from aiohttp import web

    async def answer(_request):
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_post("/services/T0/B0/secret", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    sink = SlackWebhookSink(f"http://127.0.0.1:{unused_tcp_port}/services/T0/B0/secret")
    result = await sink.deliver(action("slack"), 1, SystemClock().now_ms())
    await sink.close()
    await runner.cleanup()
    assert result.verdict is verdict
    if verdict is Verdict.REJECTED:
        assert body in result.detail


async def test_the_address_is_never_logged(caplog):
    caplog.set_level(logging.DEBUG)
    async with RecordingServer() as server:
        sink = SlackWebhookSink(server.slack_url + "?token=hunter2")
        await sink.deliver(action("slack"), 1, SystemClock().now_ms())
        await sink.close()
    assert len(server.records) == 1
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("url", ["hooks.slack.com/services/T0/B0/x", "", "file:///etc/passwd"])
def test_an_unusable_address_is_refused(url):
    with pytest.raises(ValueError, match="expected a Slack incoming webhook"):
        SlackWebhookSink(url)
