"""The load: usage, ticket and billing events of many customers; seeded, in order."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Producer

from bench.job import DAY_S, FAMILIES, WINDOW_DAYS, Oracle, Scores

__all__ = [
    "HOT",
    "Input",
    "Maker",
    "Shape",
    "encoded",
    "events",
    "first_events",
    "produce",
    "producer_to",
    "send",
    "source",
]

#: One in so many is older than the window, and must not count.
LATE_EVERY = 50
#: By so many days more than the window has.
LATE_DAYS = 10
#: The customer that has far more events than any other, where there is one.
HOT = "c0"
#: So many of all events are use.
USE_SHARE = 0.9
#: One in so many is no event, and must go to the dead letters.
BAD_EVERY = 1000

encoded = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Shape:
    """Whose events they are, and over how many days."""

    #: Prefix of the topics that hold them.
    name: str = "bench"
    customers: int = 10_000
    #: Each customer as often as any other; else some far more often.
    uniform: bool = False
    #: One customer, :data:`HOT`, has this share of all events.
    hot_share: float = 0.0
    #: The card's window. Two thirds of it are filled: its edge moves.
    window_days: int = WINDOW_DAYS

    def prefix(self, size: int) -> str:
        """The prefix of the topics that hold the first so many events."""
        return f"{self.name}{size}."

    @property
    def span_days(self) -> int:
        """The events lie in so many days before now."""
        return self.window_days * 2 // 3


class Maker:
    """Makes one event after the other; the same for the same shape.

    Nine in ten are use, the rest tickets and billing in equal parts: of any customer, since who
    uses more does not ask or pay more often. (Of one who had hundreds of tickets between two
    ticks Vitals would keep some: there is a limit to what a row holds.)
    """

    def __init__(self, shape: Shape) -> None:
        self._shape, self._rng, self._number = shape, random.Random(7), -1
        self._open: dict[str, list[str]] = defaultdict(list)

    def next(self, at_s: float) -> tuple[str, str, dict]:
        """Family, customer and event; its time, if it is not late and has one at all."""
        self._number += 1
        rng, number, shape = self._rng, self._number, self._shape
        chosen = rng.random()
        customer = f"c{int(shape.customers * (chosen if shape.uniform else chosen**2))}"
        if shape.hot_share and rng.random() < shape.hot_share / USE_SHARE:
            customer = HOT
        kind = rng.random()
        if kind >= USE_SHARE:
            customer = f"c{rng.randrange(shape.customers)}"
        common = {"event_id": f"e{number}", "customer_id": customer, "source": "bench"}
        if kind < USE_SHARE:
            if number % LATE_EVERY == 0:
                at_s -= (shape.window_days + LATE_DAYS) * DAY_S
            family, rest = "usage", {
                "type": "usage.feature", "duration_s": 60, "feature": f"f{rng.randrange(12)}",
                "user": f"{customer}-{rng.randrange(8)}",
            }  # fmt: skip
        elif kind < 0.95:
            ticket, change = self._ticket(self._open[customer])
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
        return family, customer, common | rest

    def _ticket(self, known: list[str]) -> tuple[str, str]:
        """A ticket and what happens to it; at most eight of a customer are open."""
        rng = self._rng
        if known and (len(known) >= 8 or rng.random() < 0.5):
            return known.pop(0), "solved"
        if known and rng.random() < 0.2:
            return known[0], "answered"
        known.append(f"t{self._number}")
        return known[-1], "opened"


def events(count: int, shape: Shape, now_s: float) -> Iterator[tuple[str, str, dict]]:
    """(family, customer, event), spread over the days before now."""
    maker, span_s = Maker(shape), shape.span_days * DAY_S
    for number in range(count):
        yield maker.next(now_s - span_s * (1 - number / count))


@dataclass(frozen=True)
class Input:
    """So many events, in source topics of their own, and what everybody must make of them."""

    events: int
    good: int
    expected: Scores
    shape: Shape = Shape()

    @property
    def prefix(self) -> str:
        """Of the source topics."""
        return self.shape.prefix(self.events)


def source(prefix: str, family: str) -> str:
    """The name of a source topic."""
    return f"{prefix}health.{family}.v1"


def first_events(shape: Shape, now_s: float) -> Iterator[tuple[str, str, dict]]:
    """One use by each customer: afterwards each is known."""
    at = datetime.fromtimestamp(now_s - shape.span_days * DAY_S, UTC).isoformat()
    for number in range(shape.customers):
        customer = f"c{number}"
        yield "usage", customer, {
            "event_id": f"first{number}", "customer_id": customer, "source": "bench",
            "type": "usage.feature", "duration_s": 60, "feature": "f0", "user": f"{customer}-0",
            "occurred_at": at,
        }  # fmt: skip


def produce(
    bootstrap: str, sizes: Sequence[int], shape: Shape, now_s: float, say: Callable[[str], None]
) -> dict[int, Input]:
    """Put the load on the broker: for each size its first so many events in topics of their own."""
    producer = producer_to(bootstrap)
    oracle = Oracle(int(now_s) // DAY_S, shape.window_days)
    found, waiting = {}, sorted(set(sizes))
    topics = {f: [source(shape.prefix(size), f) for size in waiting] for f in FAMILIES}
    count = waiting[-1]
    say(f"producing {count:,} events of {shape.customers:,} customers")
    for number, (family, key, event) in enumerate(events(count, shape, now_s), 1):
        raw = encoded(event)
        oracle.take(family, raw)
        for topic in topics[family]:
            send(producer, topic, raw, key)
        if number == waiting[0]:
            size = waiting.pop(0)
            found[size] = Input(size, oracle.good, oracle.scores(), shape)
            topics = {f: topics[f][1:] for f in FAMILIES}
        if number % 250_000 == 0:
            say(f"  {number:,} of {count:,} events produced")
    producer.flush(120)
    return found


def producer_to(bootstrap: str, linger_ms: int = 20) -> Producer:
    """A producer that has room and keeps the order: a send that is tried again stays in its place.

    Otherwise a ticket may be solved before it was opened, and who read that is not wrong.
    """
    return Producer(
        {
            "bootstrap.servers": bootstrap, "linger.ms": linger_ms, "log_level": 2,
            "enable.idempotence": True,
            "queue.buffering.max.messages": 500_000,
        }
    )  # fmt: skip


def send(producer: Producer, topic: str, raw: bytes, key: str) -> None:
    """Hand a record to the producer; wait while it holds too many."""
    while True:
        try:
            producer.produce(topic, raw, key)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
