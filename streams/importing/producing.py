"""Events into their families' source topics, keyed by customer."""

from collections.abc import Collection, Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.inbound import FAMILIES, family_of
from streams.exits import Exit, NamedExit
from streams.importing.ledger import Mapped
from streams.settings import Settings

__all__ = ["produce", "producer_config"]

_CONNECT_S = 10
_FLUSH_S = 120.0


def producer_config(settings: Settings) -> dict[str, Any]:
    """Librdkafka's settings: idempotent, compressed, partitioned as Java clients do."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.kafka_security,
        "client.id": "vitals-import",
        "enable.idempotence": True,
        "compression.type": "lz4",
        "linger.ms": 50,
        "batch.num.messages": 10_000,
        "queue.buffering.max.messages": 200_000,
        "partitioner": "murmur2_random",
        "delivery.report.only.error": True,
        "log_level": 0,  # what goes wrong is reported once, as a sentence
    }
    files = {
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_cert_file,
        "ssl.key.location": settings.kafka_key_file,
    }
    config.update({name: str(path) for name, path in files.items() if path is not None})
    if settings.kafka_security.startswith("SASL"):
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username or ""
        if settings.kafka_sasl_password is not None:
            config["sasl.password"] = settings.kafka_sasl_password.get_secret_value()
    return config


def produce(events: Iterable[Mapped], settings: Settings) -> int:
    """Send all events and wait until the broker has them; how many there were.

    Nothing is read from ``events`` before the broker has answered and has all
    the topics. Order is kept per customer.

    Raises:
        NamedExit: no broker, no topic, or a record the broker did not take.
    """
    troubles: list[KafkaError] = []
    config = producer_config(settings)
    try:
        producer = Producer({**config, "error_cb": troubles.append})
    except KafkaException as error:
        raise NamedExit(Exit.USAGE, f"Kafka settings: {error.args[0].str()}") from None
    topics = {family: settings.topics.source(family) for family in FAMILIES}
    _check_broker(producer, settings, topics, troubles)

    failed: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    sent = 0
    for mapped in events:
        event = mapped.event
        topic, key = topics[family_of(event)], event.customer_id
        while not failed:
            try:
                producer.produce(topic, mapped.raw, key, on_delivery=on_delivery)
                break
            except BufferError:
                producer.poll(0.5)
        if failed:
            break
        sent += 1
        if sent % 1000 == 0:
            producer.poll(0)
    left = producer.flush(_FLUSH_S)
    if failed or left:
        why = failed[0].str() if failed else f"no answer within {_FLUSH_S:.0f} s"
        raise NamedExit(
            Exit.FAILED,
            f"Kafka at {settings.bootstrap} did not take {len(failed) + left} of {sent} records:"
            f" {why}. Run the import again when it is well:"
            " events that arrive twice are recognised by their ids.",
        )
    return sent


def _check_broker(
    producer: Producer, settings: Settings, topics: dict[str, str], troubles: list[KafkaError]
) -> None:
    known = _topics_of(producer, troubles)
    if known is None:
        why = troubles[0].str() if troubles else f"no answer within {_CONNECT_S} s"
        raise NamedExit(
            Exit.USAGE,
            f"no Kafka broker answers at {settings.bootstrap} ({why})."
            " Start it, or give another address with --bootstrap or VITALS_BOOTSTRAP;"
            " --out FILE writes the events to a file instead.",
        )
    missing = [topic for topic in topics.values() if topic not in known]
    if missing:
        raise NamedExit(
            Exit.USAGE,
            f"Kafka at {settings.bootstrap} has no topic {', '.join(missing)}."
            " Create them with `vitals topics`, with the same --prefix.",
        )


def _topics_of(producer: Producer, troubles: list[KafkaError]) -> Collection[str] | None:
    """The broker's topics; None if it does not answer, or once every address has refused."""
    for _ in range(_CONNECT_S):
        try:
            topics: Collection[str] = producer.list_topics(timeout=1).topics
            return topics
        except KafkaException:
            producer.poll(0)
        down = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001 - its public name
        if any(error.code() == down for error in troubles):
            return None
    return None
