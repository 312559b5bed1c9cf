"""The generic webhook: Standard Webhooks, to the letter."""

import json
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from properties import examples
from samples.transitions import NOON_MS, action
from streams.clock import SystemClock
from streams.sinks.base import Verdict
from streams.sinks.recording import RecordingServer
from streams.sinks.webhook import BODY_BYTES_MAX, WebhookSink, body_of, webhook_id

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + "bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="
URL = "http://127.0.0.1:9/hook"


def test_d1_the_published_vector():
    headers = WebhookSink(URL, [OLD])._headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1_614_265_330_999
    )
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(max_examples=examples(1000))
@given(
    st.text(min_size=1, max_size=200),
    st.text(max_size=200),
    st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.integers() | st.booleans()),
)
def test_d1_any_message_verifies_with_the_published_package(customer_id, name, attributes):
    sent = action("webhook", customer_id, customer_name=name, attributes=attributes)
    body = body_of(sent)
    headers = WebhookSink(URL, [OLD])._headers(webhook_id(sent.id), body, SystemClock().now_ms())
    event = Webhook(OLD).verify(body, headers)
    assert event["data"]["text"] == sent.message.text
    assert event["data"]["attributes"] == attributes
    assert unquote(headers["webhook-id"]) == sent.id
    assert "." not in headers["webhook-id"]
    assert headers["webhook-id"].isascii()
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body + b" ", headers)


@given(
    st.lists(
        st.text(min_size=1, max_size=200, alphabet="aé.€%/ \\"), min_size=2, max_size=5, unique=True
    )
)
def test_d1_two_actions_never_share_an_id(ids):
    assert len({webhook_id(id_) for id_ in ids}) == len(ids)


async def test_d1_the_timestamp_is_the_attempts_and_the_id_is_the_actions():
    now_ms = SystemClock().now_ms()
    async with RecordingServer(secret=OLD, script=("500", "200")) as server:
        sink, sent = WebhookSink(server.webhook_url, [OLD]), action()
        for attempt, at_ms in enumerate((now_ms - 120_000, now_ms), 1):
            await sink.deliver(sent, attempt, at_ms)
        await sink.close()
    first, second = (
        {name.lower(): value for name, value in record.headers.items()} for record in server.records
    )
    assert first["webhook-id"] == second["webhook-id"] == webhook_id(sent.id)
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 120
    assert first["webhook-signature"] != second["webhook-signature"]
    assert server.records[0].body == server.records[1].body


async def test_d2_while_a_secret_is_replaced_both_receivers_verify_and_afterwards_one():
    now_ms = SystemClock().now_ms()
    verdicts = []
    for receiver in (OLD, NEW):
        for given_secrets in ([OLD, NEW], [NEW]):
            async with RecordingServer(secret=receiver) as server:
                sink = WebhookSink(server.webhook_url, given_secrets)
                verdicts.append((await sink.deliver(action(), 1, now_ms)).verdict)
                await sink.close()
    ok, no = Verdict.DELIVERED, Verdict.REJECTED
    assert verdicts == [ok, no, ok, ok]


def test_the_body_is_the_cloudevent_with_the_text():
    sent = action()
    event = json.loads(body_of(sent))
    text, severity = event["data"].pop("text"), event["data"].pop("severity")
    assert (text, severity) == (sent.message.text, "high")
    assert event["data"].pop("truncated") is False
    assert event == sent.transition.model_dump(mode="json")


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 5000))
@settings(max_examples=examples(30))
def test_a_body_stays_below_20_kb_and_says_when_it_was_cut(contributions, movers, events, says):
    sent = action(
        contributions=[
            {"name": f"measure {n}", "points": n, "says": "é" * 50} for n in range(contributions)
        ],
        movers=[{"name": f"measure {n}", "delta": n} for n in range(movers)],
        events=[{"source": "crm" * 20, "id": f"evt-{n}"} for n in range(events)],
        because="é" * says,
        attributes={"note": "é" * says},
    )
    event = json.loads(body := body_of(sent))
    assert len(body) < BODY_BYTES_MAX
    original = sent.transition.model_dump(mode="json")
    lost = [field for field, value in original["data"].items() if event["data"][field] != value]
    assert event["data"]["truncated"] is bool(lost)
    assert event["data"]["text"] == sent.message.text
    assert event["id"] == sent.transition.id


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("ftp://example.com/x", [OLD]),
        ("example.com/x", [OLD]),
        (URL, []),
        (URL, ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]),
        (URL, ["whsec_c2hvcnQ="]),
        (URL, ["whsec_not base64 at all, but long enough for it"]),
        (URL, [OLD, "whsec_"]),
    ],
)
def test_an_unusable_address_or_secret_is_refused_without_repeating_it(url, secrets):
    with pytest.raises(ValueError, match="expected") as caught:
        WebhookSink(url, secrets)
    assert not any(secret in str(caught.value) for secret in secrets if secret != "whsec_")


def test_the_attempts_time_is_signed_in_utc():
    """The library drops the zone of what it is given: local time would sign another second."""
    headers = WebhookSink(URL, [OLD])._headers("x", b"{}", NOON_MS)
    assert headers["webhook-timestamp"] == str(NOON_MS // 1000)
