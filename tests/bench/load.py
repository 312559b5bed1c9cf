"""The load: usage, ticket and billing events of many customers; skewed, seeded, in order."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import Producer

from bench.job import DAY_S, FAMILIES, Oracle, Scores

__all__ = ["Input", "events", "produce", "source"]

#: The events lie in so many days before now: well inside the window of 30, whose edge moves.
SPAN_DAYS = 20
#: One in so many is older than the window, and must not count.
LATE_EVERY = 50
LATE_DAYS = 40
#: One in so many is no event, and must go to the dead letters.
BAD_EVERY = 1000


def events(count: int, customers: int, now_s: float) -> Iterator[tuple[str, str, dict]]:
    """(family, customer, event), skewed towards some customers; the same for the same arguments.

    Nine in ten are use, the rest tickets and billing in equal parts.
    """
    rng = random.Random(7)
    open_tickets: dict[str, list[str]] = defaultdict(list)
    for number in range(count):
        customer = f"c{int(customers * rng.random() ** 2)}"
        at_s = now_s - SPAN_DAYS * DAY_S * (1 - number / count)
        common = {"event_id": f"e{number}", "customer_id": customer, "source": "bench"}
        kind = rng.random()
        if kind < 0.9:
            if number % LATE_EVERY == 0:
                at_s -= LATE_DAYS * DAY_S
            family, rest = "usage", {
                "type": "usage.feature", "duration_s": 60, "feature": f"f{rng.randrange(12)}",
                "user": f"{customer}-{rng.randrange(8)}",
            }  # fmt: skip
        elif kind < 0.95:
            ticket, change = _ticket(rng, open_tickets[customer], number)
            family, rest = "tickets", {
                "type": "ticket.changed", "ticket_id": ticket, "change": change,
                "priority": "normal",
            }  # fmt: skip
        else:
            change = rng.choice(["invoice_issued", "invoice_paid", "payment_failed"])
            family, rest = "billing", {
                "type": "billing.changed", "invoice_id": f"i{number % 3000}", "change": change,
            }  # fmt: skip
        if number % BAD_EVERY != BAD_EVERY - 1:
            common["occurred_at"] = datetime.fromtimestamp(at_s, UTC).isoformat()
        yield family, customer, common | rest


def _ticket(rng: random.Random, known: list[str], number: int) -> tuple[str, str]:
    """A ticket and what happens to it; at most eight of a customer are open."""
    if known and (len(known) >= 8 or rng.random() < 0.5):
        return known.pop(0), "solved"
    if known and rng.random() < 0.2:
        return known[0], "answered"
    known.append(f"t{number}")
    return known[-1], "opened"


@dataclass(frozen=True)
class Input:
    """So many events, in source topics of their own, and what everybody must make of them."""

    events: int
    good: int
    expected: Scores

    @property
    def prefix(self) -> str:
        """Of the source topics."""
        return prefix_of(self.events)


def prefix_of(size: int) -> str:
    """The prefix of the topics that hold the first so many events."""
    return f"bench{size}."


def source(prefix: str, family: str) -> str:
    """The name of a source topic."""
    return f"{prefix}health.{family}.v1"


def produce(
    bootstrap: str, sizes: Sequence[int], customers: int, now_s: float, say: Callable[[str], None]
) -> dict[int, Input]:
    """Put the load on the broker: for each size its first so many events in topics of their own."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 500_000}
    )
    oracle, found, waiting = Oracle(int(now_s) // DAY_S), {}, sorted(set(sizes))
    topics = {f: [source(prefix_of(size), f) for size in waiting] for f in FAMILIES}
    count = waiting[-1]
    for number, (family, key, event) in enumerate(events(count, customers, now_s), 1):
        raw = json.dumps(event).encode()
        oracle.take(family, raw)
        for topic in topics[family]:
            _send(producer, topic, raw, key)
        if number == waiting[0]:
            size = waiting.pop(0)
            found[size] = Input(size, oracle.good, oracle.scores())
            topics = {f: topics[f][1:] for f in FAMILIES}
        if number % 250_000 == 0:
            say(f"  {number:,} of {count:,} events produced")
    producer.flush(120)
    return found


def _send(producer: Producer, topic: str, raw: bytes, key: str) -> None:
    while True:
        try:
            producer.produce(topic, raw, key)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
