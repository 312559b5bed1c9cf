"""The receiver that remembers, as a process of its own."""

import json
import signal
import subprocess
import sys
import urllib.request

from samples.transitions import action
from streams.clock import SystemClock
from streams.sinks.base import Verdict
from streams.sinks.recording import RecordingServer
from streams.sinks.webhook import WebhookSink

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="


async def test_it_prints_its_address_tells_what_arrived_and_ends_when_told():
    command = [sys.executable, "-m", "streams.sinks.recording", "--secret", SECRET]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        sink = WebhookSink(f"{address}/webhook", [SECRET])
        for _ in range(3):
            result = await sink.deliver(action(), 1, SystemClock().now_ms())
            assert result.verdict is Verdict.DELIVERED
        await sink.close()
        with urllib.request.urlopen(f"{address}/ledger") as answer:
            ledger = json.load(answer)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)
        process.stdout.close()
    assert code == 0
    assert (ledger["requests"], ledger["refused"]) == (3, 0)
    assert ledger["distinct"] == {"webhook": 1}
    [counts] = ledger["ids"]["webhook"].values()
    assert counts == {"attempts": 3, "accepted": 3, "bodies": 1}
    assert [record["answer"] for record in ledger["records"]] == ["200", "200", "200"]


async def test_a_wrong_signature_is_refused_and_counted():
    async with RecordingServer(secret=SECRET) as server:
        sink = WebhookSink(server.webhook_url, [OTHER])
        await sink.deliver(action(), 1, SystemClock().now_ms())
        await sink.close()
        ledger = server.ledger()
    assert (ledger["refused"], ledger["distinct"]) == (1, {"webhook": 0})
    assert server.records[0].problem == "No matching signature found"
