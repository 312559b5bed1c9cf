"""Generic webhook: a signed POST as Standard Webhooks 1.0 describes it.

The body is the CloudEvent of the transition, of the scorecard's activation or of the source, with
the message's text as ``data.text``, the same bytes at every attempt. ``webhook-id``
is the action's id, so a receiver that drops a known id sees each message once,
however often it was sent.
"""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from standardwebhooks import Webhook

from schemas.actions import Action
from streams.clock import from_ms
from streams.sinks.base import Pace, Result, read_status, retryable

__all__ = ["BODY_BYTES_MAX", "WebhookSink", "body_of", "webhook_id"]

TIMEOUT_S = 15.0
#: Standard Webhooks asks for payloads below 20 kB.
BODY_BYTES_MAX = 20_000


class WebhookSink:
    """POSTs to one address, signed with every secret given (two while one is being replaced).

    An attempt takes at most 15 s. Redirects are not followed. The answer's status
    decides; its body is not read.

    Raises:
        ValueError: the address or a secret is unusable; the message never holds the secret.
    """

    name = "webhook"
    pace = Pace(concurrency=4)

    def __init__(self, url: str, secrets: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a webhook address such as https://example.com/hooks/vitals")
        if not secrets:
            raise ValueError("expected at least one webhook signing secret, whsec_...")
        self._signers = [Webhook(_key(secret)) for secret in secrets]
        # It tells the address, which may hold a token, at the level of information.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._url = url
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def deliver(self, action: Action, attempt: int, now_ms: int) -> Result:
        """POST the message and read the status."""
        body = body_of(action)
        headers = self._headers(webhook_id(action.id), body, now_ms)
        if self._client is None:  # made here: it belongs to the loop that sends
            self._client = httpx.AsyncClient(follow_redirects=False, timeout=self._timeout_s)
        try:
            async with (
                # httpx limits each read; a receiver that drips would hold the slot for ever.
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                return read_status(
                    response.status_code, response.headers.get("retry-after"), now_ms
                )
        except TimeoutError:
            return retryable(f"no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return retryable(f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _headers(self, id_: str, body: bytes, now_ms: int) -> dict[str, str]:
        # UTC and whole seconds: the library drops the zone it is given.
        at = from_ms(now_ms // 1000 * 1000)
        signatures = [signer.sign(id_, at, body.decode()) for signer in self._signers]
        return {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "vitals-webhooks/1",
            "webhook-id": id_,
            "webhook-timestamp": str(now_ms // 1000),
            "webhook-signature": " ".join(signatures),
        }


def webhook_id(action_id: str) -> str:
    """The action's id as a header: percent-encoded, dots too.

    A customer id may hold any character. A dot separates the signed parts, so none
    may be inside.
    """
    return quote(action_id, safe="/").replace(".", "%2E")


def body_of(action: Action) -> bytes:
    """The CloudEvent with ``data.text`` and ``data.severity``, below 20 kB.

    What does not fit is left out from the end of the contributions, then of the
    movers and events, and ``data.truncated`` says so.
    """
    event: dict[str, Any] = action.event.model_dump(mode="json")
    data = event["data"]
    data["severity"] = action.message.severity.value
    data["text"] = action.message.text
    data["truncated"] = False
    body = _dump(event)
    for field in ("contributions", "movers", "events", "turned_red"):
        while len(body) >= BODY_BYTES_MAX and data.get(field):
            data["truncated"] = True
            # Half at a time: few rounds also for a list of thousands.
            data[field] = data[field][: len(data[field]) // 2]
            body = _dump(event)
    if len(body) >= BODY_BYTES_MAX:
        data.update(truncated=True, **_shortened(action))
        body = _dump(event)
    return body


def _shortened(action: Action) -> dict[str, Any]:
    """In place of the texts that people wrote at length: what the message says of them."""
    if action.transition is not None:
        return {"attributes": {}, "because": action.message.because}
    if action.stopped is not None:
        return {"reason": action.message.because, "author": ""}
    return {"reason": action.message.because, "author": "", "problem": ""}


def _dump(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _key(secret: str) -> bytes:
    """The key of ``whsec_<base64>``, 24 to 64 bytes as the specification asks."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError(
            "expected a webhook signing secret of the form whsec_<base64 of 24 to 64 bytes>,"
            " such as `openssl rand -base64 32` makes"
        )
    return key
