"""Produces the simulated company's events to the source topics."""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import islice

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.topics import Topics
from streams.demo.company import Event
from streams.demo.tally import Tally

__all__ = ["UNREAD_MAX", "Feed"]

#: History stops for breath at so many records that intake has not acknowledged. The embedded
#: broker drops what exceeds 5 MB a partition, read or not: about 60,000 records over four.
UNREAD_MAX = 24_000

_FAMILIES = {
    "account": "accounts", "usage": "usage", "ticket": "tickets", "billing": "billing",
    "engagement": "engagement",
}  # fmt: skip
_SLICE = 500
_SLICES_PER_LOOK = 8
_BREATH_S = 0.05
_FLUSH_S = 5.0


class Feed:
    """One producer; ``tally.events_in`` counts what the broker has acknowledged."""

    def __init__(self, bootstrap: str, topics: Topics, tally: Tally, *, linger_ms: int) -> None:
        self._topics, self._tally = topics, tally
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "linger.ms": linger_ms,
                "batch.num.messages": 2000,  # the embedded broker answers one batch per fetch
                "acks": "all",
                "log_level": 2,  # that the broker has gone is no news at the end
            }
        )

    def event(self, event: Event) -> None:
        """Send one event to its family's topic, keyed by customer."""
        family = _FAMILIES[event["type"].partition(".")[0]]
        value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        self.record(family, value, event["customer_id"])

    def record(self, family: str, value: bytes, key: str | None = None) -> None:
        """Send any bytes to a family's topic.

        Raises:
            KafkaException: an earlier record could not be delivered.
        """
        if self._failure is not None:
            raise KafkaException(self._failure)
        topic = self._topics.source(family)
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.05)
        self._producer.poll(0)

    async def all(self, events: Iterator[Event], unread: Callable[[], int]) -> None:
        """Send events as fast as intake reads them, leaving room for other tasks."""
        for number, part in enumerate(iter(lambda: list(islice(events, _SLICE)), [])):
            for event in part:
                self.event(event)
            if number % _SLICES_PER_LOOK:
                await asyncio.sleep(0)
                continue
            while await asyncio.to_thread(unread) > UNREAD_MAX:  # noqa: ASYNC110 - Kafka tells no one
                await asyncio.sleep(_BREATH_S)
        await asyncio.to_thread(self._producer.flush, _FLUSH_S)

    def flush(self, timeout_s: float = _FLUSH_S) -> int:
        """Wait for what is under way; returns how many records remain unsent."""
        return self._producer.flush(timeout_s)

    def poll(self) -> None:
        """Take in acknowledgements."""
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error
        else:
            self._tally.events_in += 1
