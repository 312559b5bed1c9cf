"""Slack incoming webhook: a Block Kit message, within Slack's limits.

Slack has no idempotency key here: a crash between its answer and our record
repeats the one message in hand. The action's id travels as message metadata, so
that an app which can read the channel may recognise a repeat.
"""

import logging
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.webhook.async_client import AsyncWebhookClient

from schemas.actions import Action, Message, Severity
from streams.sinks.base import Pace, Result, Verdict, read_status, rejected, retryable

__all__ = ["SlackWebhookSink", "blocks_of", "fit"]

TIMEOUT_S = 15.0
HEADER_CHARS_MAX = 150
SECTION_CHARS_MAX = 3000
#: Not documented by Slack; messages above about 13,000 characters are refused.
MESSAGE_CHARS_MAX = 12_000

_MARK = {Severity.HIGH: "🔴", Severity.LOW: "🟡", Severity.RECOVERED: "🟢",
         Severity.NOTICE: "📋"}  # fmt: skip
#: What the message's metadata is called: about a scorecard, about a customer.
_EVENT_TYPES = {
    "customer.health_band_changed": "vitals_transition",
    "scorecard.applied": "vitals_scorecard",
    "source.stopped": "vitals_source",
}
# The SDK prints the address, which is a secret, at debug level.
_quiet = logging.getLogger("streams.sinks.slack_sdk")


class SlackWebhookSink:
    """Posts to one incoming webhook, at most one message a second, as Slack asks.

    Raises:
        ValueError: the address is none; the message never holds it.
    """

    name = "slack"
    pace = Pace(concurrency=1, spacing_ms=1000)

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                "expected a Slack incoming webhook such as https://hooks.slack.com/services/..."
            )
        _quiet.setLevel(logging.WARNING)
        self._url = url
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, action: Action, attempt: int, now_ms: int) -> Result:
        """POST the message; Slack answers 200 and ``ok``."""
        client = AsyncWebhookClient(
            self._url,
            session=self._open(),
            logger=_quiet,
            retry_handlers=[],  # our queue retries, and survives a restart
        )
        message = action.message
        try:
            response = await client.send(
                text=fit(message.text, SECTION_CHARS_MAX),
                blocks=blocks_of(message),
                metadata={
                    "event_type": _EVENT_TYPES[action.event.type],
                    "event_payload": {"id": action.id},
                },
                unfurl_links=False,
                unfurl_media=False,
            )
        except _RedirectError:
            return rejected("redirects are not followed, set the final address")
        except TimeoutError:
            return retryable(f"no answer within {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError, UnicodeDecodeError) as error:
            return retryable(type(error).__name__)  # the text of some holds the address
        result = read_status(response.status_code, response.headers.get("Retry-After"), now_ms)
        said = response.body.strip()
        if result.verdict is Verdict.DELIVERED and said != "ok":
            return retryable(f"HTTP {response.status_code}, but not Slack's ok: {said}")
        if result.verdict is Verdict.REJECTED:
            return rejected(f"{result.detail}: {said}")
        return result

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # made here: it belongs to the loop that sends
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_refuse)
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), trace_configs=[trace]
            )
        return self._session


class _RedirectError(Exception):
    """The receiver sent us elsewhere."""


async def _refuse(*_: object) -> None:
    raise _RedirectError


def blocks_of(message: Message) -> list[Block]:
    """Headline, reason, movers, owner and link."""
    blocks: list[Block] = [
        HeaderBlock(
            text=PlainTextObject(
                text=fit(f"{_MARK[message.severity]} {message.headline}", HEADER_CHARS_MAX),
                emoji=False,
            )
        )
    ]
    if message.because:
        blocks.append(_section(fit(message.because, SECTION_CHARS_MAX)))
    if message.movers:
        blocks.append(_section(fit("\n".join(f"• {m}" for m in message.movers), SECTION_CHARS_MAX)))
    last = []
    if message.owner:
        last.append(f"Owner: {fit(message.owner, 500)}")
    if message.link:
        page = "the page" if message.severity is Severity.NOTICE else "the customer's page"
        last.append(f"<{fit(message.link, 2500)}|Open {page}>")
    if last:
        blocks.append(ContextBlock(elements=[_text("  ·  ".join(last))]))
    return blocks


def fit(text: str, chars_max: int) -> str:
    """``text`` with Slack's control characters escaped, cut to at most ``chars_max`` characters.

    The cut never falls inside an escape. Without it ``<!channel>`` in a customer's name
    would call everybody.
    """
    escapes = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    parts = [escapes.get(c, c) for c in text]
    if sum(map(len, parts)) <= chars_max:
        return "".join(parts)
    kept, length = [], 1  # the ellipsis
    for part in parts:
        length += len(part)
        if length > chars_max:
            break
        kept.append(part)
    return "".join(kept) + "…"


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=_text(text))


def _text(text: str) -> MarkdownTextObject:
    # verbatim: Slack must not turn words of a customer's name into links and mentions.
    return MarkdownTextObject(text=text, verbatim=True)
