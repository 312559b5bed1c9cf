"""The control topic: which decisions were made, and adding one."""

from contextlib import aclosing

import aiokafka
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.control import CONTROL, ControlRecord, ScorecardActivated
from streams.engine.kafka import client_options
from streams.exits import Exit, NamedExit
from streams.reading.topic import REQUEST_MS_MAX, open_topic
from streams.settings import Settings

__all__ = ["activations", "append", "decisions"]


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
                    try:
                        found.append((record.offset, CONTROL.validate_json(record.value or b"")))
                    except ValidationError:
                        continue
    return found


async def activations(settings: Settings) -> list[ScorecardActivated]:
    """The scorecards that were activated, oldest first: the last one is active.

    Raises:
        NamedExit: see :func:`decisions`.
    """
    found = await decisions(settings)
    return [decision for _, decision in found if isinstance(decision, ScorecardActivated)]


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
