"""The control topic: which decisions were made, and adding one."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import NamedTuple

import aiokafka
from aiokafka.errors import KafkaError

from schemas.control import ControlRecord, ScorecardActivated, Undecided, decision_in
from streams.engine.kafka import client_options
from streams.exits import Exit, NamedExit
from streams.reading.topic import REQUEST_MS_MAX, open_topic
from streams.settings import Settings

__all__ = ["Entry", "append", "decisions", "history", "replaced"]


class Entry(NamedTuple):
    """An activation in the history: whether it acts now, and whether it went back.

    A rollback activates a text that was active earlier and was replaced since.
    """

    activation: ScorecardActivated
    active: bool
    rollback: bool


def history(activations: Sequence[ScorecardActivated]) -> list[Entry]:
    """The activations, oldest first, each with what it was; the last one is active."""
    entries: list[Entry] = []
    earlier: set[str] = set()
    for number, each in enumerate(activations, 1):
        again = number > 1 and activations[number - 2].hash == each.hash
        entries.append(
            Entry(
                each,
                active=number == len(activations),
                rollback=each.hash in earlier and not again,
            )
        )
        earlier.add(each.hash)
    return entries


def replaced(activations: Sequence[ScorecardActivated]) -> ScorecardActivated | None:
    """The activation whose text was active before the present one; None if there was no other."""
    if not activations:
        return None
    active = activations[-1].hash
    return next((each for each in reversed(activations) if each.hash != active), None)


async def decisions(settings: Settings) -> list[tuple[int, ControlRecord]]:
    """All decisions with their offsets, oldest first; a record that is none is left out.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if there is no control topic.
    """
    found: list[tuple[int, ControlRecord]] = []
    async with open_topic(settings, settings.topics.name("control")) as reader:
        span = (await reader.spans([0]))[0]
        async with aclosing(reader.read({0: span.first}, {0: span.end})) as chunks:
            async for records in chunks:
                for record in records:
                    decision = decision_in(record.value)
                    if not isinstance(decision, Undecided):
                        found.append((record.offset, decision))
    return found


async def append(settings: Settings, decision: ControlRecord) -> int:
    """Append a decision, durably; its offset. The topic must exist.

    Raises:
        NamedExit: exit code 2 if the broker does not take it.
    """
    topic = settings.topics.name("control")
    producer = aiokafka.AIOKafkaProducer(
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=REQUEST_MS_MAX,
        **client_options(settings),
    )
    try:
        await producer.start()
        value = decision.model_dump_json().encode()
        metadata = await producer.send_and_wait(topic, value, partition=0)
    except KafkaError as error:
        raise NamedExit(
            Exit.USAGE, f"Kafka at {settings.bootstrap} did not take it into {topic}: {error}"
        ) from None
    finally:
        await producer.stop()
    return int(metadata.offset)
