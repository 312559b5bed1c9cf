"""What a topic on a real broker holds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

__all__ = ["records_of", "topic_bytes"]


def topic_bytes(broker: Path, topic: str) -> int:
    """What a topic takes on the disk of our own broker, whose folder this is."""
    return sum(
        segment.stat().st_size
        for segment in (broker / "logs").glob(f"{topic}-*/*.log")
        if segment.parent.name.rpartition("-")[0] == topic
    )


def records_of(
    bootstrap: str, topic: str, begins: Mapping[int, int] | None = None
) -> Iterator[Message]:
    """The committed records, up to the present end; in order by partition.

    ``begins`` has the offset to begin with of a partition; of the others it is their beginning.
    """
    begins = begins or {}
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "enable.auto.commit": False,
            # The last offset may be a transaction's marker, which no record has.
            "enable.partition.eof": True,
        }
    )
    try:
        left = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, p, begins.get(p, OFFSET_BEGINNING)) for p in left])
        while left:
            for message in consumer.consume(5000, timeout=0.2):
                error = message.error()
                if error is None:
                    yield message
                    continue
                assert error.code() == KafkaError._PARTITION_EOF, error
                left.discard(message.partition())
    finally:
        consumer.close()
