"""What the broker knows of a consumer group: who is in it, and where it goes on."""

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.engine.kafka import rdkafka_options, silent
from streams.engine.topics import partition_counts
from streams.exits import Exit, NamedExit
from streams.settings import Settings

__all__ = ["committed_of", "members_of"]

ANSWER_S_MAX = 10.0
#: Coordinators move, after a broker's start above all: then they are asked again, so often.
_TRIES, _AGAIN_S = 50, 0.2
_MOVING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._WAIT_COORD,  # noqa: SLF001
)

T = TypeVar("T")


def members_of(settings: Settings, group: str) -> list[str]:
    """What the members of a group call themselves; see :func:`streams.engine.app.client_id`.

    Raises:
        NamedExit: exit code 2 if no broker answers.
    """
    admin = AdminClient(rdkafka_options(settings), logger=silent())

    def ask() -> list[str]:
        asked = admin.describe_consumer_groups([group], request_timeout=ANSWER_S_MAX)
        return [each.client_id for each in asked[group].result().members]

    return _patiently(settings, lambda: admin.poll(_AGAIN_S), group, ask)


def committed_of(settings: Settings, group: str, topic: str, topic_id: str = "") -> dict[int, int]:
    """Where a group goes on in each partition of a topic, of those that it has read.

    What it said of a topic that had another id is left out.

    Raises:
        NamedExit: exit code 2 if no broker answers.
    """
    parts = [TopicPartition(topic, p) for p in range(partition_counts(settings).get(topic, 0))]
    if not parts:
        return {}
    # Not the admin client's call: librdkafka's process dies in it when the coordinator moves.
    # Asking joins no group.
    consumer = Consumer(rdkafka_options(settings) | {"group.id": group}, logger=silent())

    def ask() -> dict[int, int]:
        return {
            part.partition: part.offset
            for part in consumer.committed(parts, timeout=ANSWER_S_MAX)
            if part.offset >= 0 and (not topic_id or part.metadata in (None, "", topic_id))
        }

    try:
        return _patiently(settings, lambda: consumer.poll(_AGAIN_S), group, ask)
    finally:
        consumer.close()


def _patiently(
    settings: Settings, wait: Callable[[], object], group: str, ask: Callable[[], T]
) -> T:
    for left in reversed(range(_TRIES)):
        try:
            return ask()
        except KafkaException as error:
            if left and error.args[0].code() in _MOVING:
                wait()
                continue
            raise NamedExit(
                Exit.USAGE,
                f"Kafka at {settings.bootstrap} says nothing about {group}: {error.args[0].str()}",
            ) from None
    raise AssertionError("the last try returns or raises")
