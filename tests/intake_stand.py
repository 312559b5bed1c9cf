"""Usage events for an intake without a broker: how they get in, and what came out."""

import asyncio
import json
from typing import Any

from engine_stand import RecordingClient, record
from partitionlog import START_MS, at
from schemas import signals
from schemas.signals import Block
from streams.intake.agents import Intake

LOG, DEAD, SOURCE = "health.signals.v1", "health.dead-letters.v1", "health.usage.v1"
CONTROL = "health.control.v1"

__all__ = ["CONTROL", "DEAD", "LOG", "SOURCE", "Fetched", "blocks", "put", "usage"]


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


class Fetched(list[Any]):
    """A chunk as the consumer hands it over; ``turn`` counts how often it was sent back."""

    def __init__(self, records: list[Any], turn: int = 0) -> None:
        super().__init__(records)
        self.turn = turn


async def put(
    intake: Intake, values: list[bytes | None], first: int = 0, partition: int = 1, turn: int = 0
) -> None:
    """Give the usage agent one chunk, and let it finish."""
    agent = next(a for name, a in intake.app.agents.items() if "intake-usage" in name)
    records = [record(first + n, value, timestamp=START_MS) for n, value in enumerate(values)]
    chunk = Fetched(records, turn)
    async with agent.test_context() as running:
        await running.put(chunk, partition=partition, wait=False)
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
