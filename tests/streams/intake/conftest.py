"""Intake without a broker: its real app and agents, a recording client."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types.tuples import Message

from engine_stand import RecordingClient
from partitionlog import START_MS
from streams.clock import ManualClock
from streams.engine import fatal
from streams.engine.broker_clock import BrokerClock
from streams.intake.agents import Intake
from streams.intake.progress import ProgressPolicy
from streams.metrics import Metrics
from streams.settings import Settings


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient(stamp_ms=START_MS)


@pytest.fixture
async def make_intake(
    client: RecordingClient, monkeypatch: pytest.MonkeyPatch
) -> Callable[[ManualClock], Intake]:
    """Makes the real app without a broker; the signals log has two partitions."""

    async def nothing_decided() -> bool:
        return True

    def make(clock: ManualClock) -> Intake:
        settings = Settings(bootstrap="127.0.0.1:1")
        made = Intake(settings, clock, BrokerClock(), Metrics(), ProgressPolicy())
        made.app.producer = SimpleNamespace(client=client)
        monkeypatch.setattr(made.pausing.decisions, "caught_up", nothing_decided)
        return made

    return make


@pytest.fixture
async def intake(make_intake: Callable[[ManualClock], Intake], client: RecordingClient) -> Intake:
    """One whose clock is right, and that has asked for the broker's time."""
    made = make_intake(ManualClock(START_MS))
    await made._connect()
    client.forget()
    return made


@pytest.fixture
def acknowledged(client: RecordingClient, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    offsets: list[int] = []

    def final(self: Message, consumer: Any) -> bool:
        self.acked = True
        offsets.append(self.offset)
        client.told.append("acknowledge")
        return True

    monkeypatch.setattr(Message, "on_final_ack", final)
    return offsets


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    errors: list[BaseException] = []

    def end(error: BaseException) -> None:
        errors.append(error)
        raise asyncio.CancelledError

    monkeypatch.setattr(fatal, "end_process", end)
    return errors
