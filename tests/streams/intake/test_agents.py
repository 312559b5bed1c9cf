"""The intake agents in Faust's own test context: blocks and dead letters durable, then the ack."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NotEnoughReplicasError
from faust.types.tuples import Message

from engine_stand import RecordingClient, record
from partitionlog import START_MS, at
from schemas import signals
from schemas.dead_letters import RAW_BYTES_MAX, DeadLetter
from schemas.signals import Block
from streams.clock import ManualClock
from streams.engine import fatal
from streams.engine.broker_clock import BrokerClock
from streams.intake.agents import Intake
from streams.intake.progress import ProgressPolicy
from streams.intake.routing import partition_of
from streams.metrics import Metrics
from streams.settings import Settings

LOG, DEAD, SOURCE = "health.signals.v1", "health.dead-letters.v1", "health.usage.v1"


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient()


@pytest.fixture
async def intake(client: RecordingClient) -> Intake:
    """The real app without a broker; the signals log has two partitions."""
    settings = Settings(bootstrap="127.0.0.1:1")
    made = Intake(settings, ManualClock(START_MS), BrokerClock(), Metrics(), ProgressPolicy())
    made.app.producer = SimpleNamespace(client=client)
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


def usage(customer: str, number: int, **fields: Any) -> bytes:
    body = {
        "event_id": f"e{number}",
        "customer_id": customer,
        "occurred_at": at(START_MS),
        "source": "app",
        "type": "usage.feature",
        "feature": "export",
        "user": "u",
        **fields,
    }
    return json.dumps(body).encode()


async def put(intake: Intake, values: list[bytes | None], first: int = 0) -> None:
    """Give the usage agent one chunk, and let it finish."""
    agent = next(a for name, a in intake.app.agents.items() if "intake-usage" in name)
    chunk = [record(first + n, value, timestamp=START_MS) for n, value in enumerate(values)]
    async with agent.test_context() as running:
        await running.put(chunk, partition=1, wait=False)
        for _ in range(100):
            await asyncio.sleep(0)


def blocks(client: RecordingClient) -> dict[int, list[Block]]:
    found: dict[int, list[Block]] = {}
    for sent in client.sent:
        if sent.topic == LOG:
            for _, value in sent.records:
                block = signals.decode(value or b"")
                assert isinstance(block, Block)
                found.setdefault(sent.partition, []).append(block)
    return found


async def test_blocks_are_durable_before_the_chunk_is_acknowledged(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    customers = [f"c{n}" for n in range(10)]
    await put(intake, [usage(customer, n) for n, customer in enumerate(customers)])
    assert client.told[-1] == "acknowledge"
    assert sum(step.startswith("durable") for step in client.told) == len(client.sent) == 2
    for partition, found in blocks(client).items():
        (block,) = found
        assert (block.topic, block.partition) == (SOURCE, 1)
        assert {partition_of(signal[2], 2) for signal in block.signals} == {partition}
    everybody = [s[2] for found in blocks(client).values() for b in found for s in b.signals]
    assert sorted(everybody) == sorted(customers)


async def test_s12_a_dead_letter_that_is_not_durable_holds_the_chunk_back(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    client.hold = True
    await put(intake, [b"not json"])
    assert [sent.topic for sent in client.sent] == [DEAD]
    assert acknowledged == []


async def test_s12_a_refused_write_ends_the_process_unacknowledged(
    intake: Intake, client: RecordingClient, acknowledged: list[int], ended: list[BaseException]
) -> None:
    client.refuse = NotEnoughReplicasError()
    await put(intake, [usage("acme", 1), b"not json"])
    assert [type(error) for error in ended] == [NotEnoughReplicasError]
    assert acknowledged == []


async def test_s10_each_bad_record_is_one_dead_letter_and_nothing_valid_is_lost(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    huge = b"x" * (RAW_BYTES_MAX * 5)
    values = [usage("acme", 1), b"not json", usage("acme", 2), None, huge, usage("acme", 3)]
    await put(intake, values, first=40)
    letters = [DeadLetter.model_validate_json(value or b"") for value in client.values(DEAD)]
    assert [(x.offset, x.reason) for x in letters] == [
        (41, "not_json"),
        (43, "empty"),
        (44, "too_large"),
    ]
    assert all((x.topic, x.partition) == (SOURCE, 1) for x in letters)
    keys = [key for sent in client.sent if sent.topic == DEAD for key, _ in sent.records]
    assert keys == [f"{SOURCE}/1/{offset}".encode() for offset in (41, 43, 44)]
    assert [x.raw for x in letters] == [b"not json", b"", huge[:RAW_BYTES_MAX]]
    assert letters[2].raw_bytes == len(huge)
    ((block,),) = blocks(client).values()
    assert [signal[0] for signal in block.signals] == [40, 42, 45]
    assert acknowledged == [0]


async def test_a_chunk_that_comes_again_makes_the_same_blocks(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    """The score agent knows them by their source offsets, dead letters by their key."""
    values = [usage("acme", 1), b"not json"]
    await put(intake, values)
    once = [(sent.topic, sent.partition, sent.records) for sent in client.sent]
    await put(intake, values)
    again = [(sent.topic, sent.partition, sent.records) for sent in client.sent[len(once) :]]
    assert again == once
