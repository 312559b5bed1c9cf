"""A scorer without a broker: its real app and agent, a recording client."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust.types.tuples import Message

from engine_stand import RecordingClient
from partitionlog import SAAS, START_MS
from streams.clock import ManualClock
from streams.engine import fatal
from streams.engine.broker_clock import BrokerClock
from streams.metrics import Metrics
from streams.scorer.agent import Scorer
from streams.settings import Settings
from streams.worker import fold_policy

SETTINGS = Settings(bootstrap="127.0.0.1:1", session_timeout_s=10, snapshot_s=0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What would have ended the process. Nothing after it runs, as in a process that is gone."""
    errors: list[BaseException] = []

    def end(error: BaseException) -> None:
        errors.append(error)
        raise asyncio.CancelledError

    monkeypatch.setattr(fatal, "end_process", end)
    return errors


@pytest.fixture
def acknowledged(client: RecordingClient, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets of acknowledged chunks; told among what the client was given."""
    offsets: list[int] = []

    def final(self: Message, consumer: Any) -> bool:
        self.acked = True
        offsets.append(self.offset)
        client.told.append(f"acknowledge {self.offset}")
        return True

    monkeypatch.setattr(Message, "on_final_ack", final)
    return offsets


@pytest.fixture
async def scorer(client: RecordingClient, clock: ManualClock) -> Scorer:
    """Owns partition 0 of two; nothing was ever checkpointed."""
    made = Scorer(
        SETTINGS,
        clock,
        BrokerClock(),
        Metrics(),
        policy=fold_policy(SETTINGS),
        partitions=2,
        first_card=SAAS,
    )
    made.app.producer = SimpleNamespace(client=client)
    held = {TP(SETTINGS.topics.name("signals"), 0)}
    made.app.consumer.assignment = lambda: held

    async def connect(_: str) -> RecordingClient:
        return client

    made.app.connect = connect
    await made.app.own({TP(made.table.changelog, partition) for partition in range(2)})
    client.forget()
    made.table.active = {0}
    made._rebuild()
    return made
