"""What the broker knows of a consumer group: who is in it, and where it goes on."""

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError
from confluent_kafka import KafkaError as RdKafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.engine.kafka import client_options, rdkafka_options, silent
from streams.engine.topics import unreachable
from streams.exits import Exit, NamedExit
from streams.reading.topic import REQUEST_MS_MAX
from streams.settings import Settings

__all__ = ["Committed", "committed_of", "members_of"]

#: Coordinators move, after a broker's start above all: then they are asked again after this.
_AGAIN_MS = 250
_MOVING = (
    RdKafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    RdKafkaError.COORDINATOR_NOT_AVAILABLE,
    RdKafkaError.NOT_COORDINATOR,
)


class Committed(NamedTuple):
    """Where a group goes on in a partition, and the id that the topic had then, if it is known."""

    offset: int
    topic_id: str


def members_of(settings: Settings, group: str) -> list[str]:
    """What the members of a group call themselves; see :func:`streams.engine.app.client_id`.

    Raises:
        NamedExit: exit code 2 if no broker answers.
    """
    admin = AdminClient(rdkafka_options(settings), logger=silent())
    for left in reversed(range(REQUEST_MS_MAX // _AGAIN_MS)):
        asked = admin.describe_consumer_groups([group], request_timeout=REQUEST_MS_MAX / 1000)
        try:
            return [each.client_id for each in asked[group].result().members]
        except KafkaException as error:
            if left and error.args[0].code() in _MOVING:
                admin.poll(_AGAIN_MS / 1000)
                continue
            raise NamedExit(
                Exit.USAGE,
                f"Kafka at {settings.bootstrap} says nothing about {group}: {error.args[0].str()}",
            ) from None
    raise AssertionError("the last try returns or raises")


async def committed_of(settings: Settings, group: str) -> dict[tuple[str, int], Committed]:
    """Where a group goes on; a partition that it never read is left out.

    Not by librdkafka's admin client: its process dies in the answer when a coordinator moves.

    Raises:
        NamedExit: exit code 2 if no broker answers.
    """
    admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_MS_MAX, **client_options(settings))
    try:
        await admin.start()
        offsets = await _offsets(admin, group)
    except KafkaConnectionError as error:
        raise unreachable(settings, error) from None
    except KafkaError as error:
        raise NamedExit(
            Exit.USAGE, f"Kafka at {settings.bootstrap} does not tell about group {group}: {error}"
        ) from None
    finally:
        with suppress(KafkaError):
            await admin.close()
    return {
        (tp.topic, tp.partition): Committed(found.offset, found.metadata or "")
        for tp, found in offsets.items()
        if found.offset >= 0
    }


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> Any:
    """A broker that nobody has asked about a group before needs a moment for it."""
    for _ in range(REQUEST_MS_MAX // _AGAIN_MS):
        try:
            return await admin.list_consumer_group_offsets(group)
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(_AGAIN_MS / 1000)
    return await admin.list_consumer_group_offsets(group)
