"""The customers table as its changelog on a real broker holds it."""

from typing import Any

from confluent_kafka import Consumer, TopicPartition

from scoring.partition import FoldPolicy, PartitionFold, TickMode
from scoring.row import newer
from streams.replay import final_health
from streams.scorecards import load_card

__all__ = ["folds_of", "healths_of", "ticked_to_ms"]


def rows_of(bootstrap: str, topic: str) -> dict[int, dict[bytes, bytes]]:
    """The rows of each partition, read from the beginning to the present end."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        spans = {p: consumer.get_watermark_offsets(TopicPartition(topic, p)) for p in partitions}
        consumer.assign([TopicPartition(topic, p, first) for p, (first, _) in spans.items()])
        left = {p for p, (first, end) in spans.items() if end > first}
        rows: dict[int, dict[bytes, bytes]] = {p: {} for p in partitions}
        while left:
            for message in consumer.consume(5000, timeout=0.2):
                assert message.error() is None, message.error()
                known, key, value = rows[message.partition()], message.key(), message.value()
                if value is None:
                    known.pop(key, None)
                elif newer(key, value, known.get(key)):
                    known[key] = value
                if message.offset() >= spans[message.partition()][1] - 1:
                    left.discard(message.partition())
        return rows
    finally:
        consumer.close()


def folds_of(bootstrap: str, topic: str) -> list[PartitionFold]:
    """The folds that a worker would restore right now."""
    policy = FoldPolicy(load_card, TickMode.EVENT)
    return [PartitionFold(p, rows, policy) for p, rows in rows_of(bootstrap, topic).items()]


def ticked_to_ms(bootstrap: str, topic: str) -> int:
    """How far time has passed in all partitions."""
    return min(fold.header.tick_ms for fold in folds_of(bootstrap, topic))


def healths_of(bootstrap: str, topic: str, now_ms: int) -> dict[str, dict[str, Any]]:
    """Each customer's exact health at an instant, from the rows alone."""
    found = {}
    for fold in folds_of(bootstrap, topic):
        assert fold.card is not None
        for customer_id in fold.customers():
            health = final_health(fold, customer_id, now_ms)
            if health is not None:
                found[customer_id] = health
    return found
