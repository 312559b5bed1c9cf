"""Many customers that are known already: a state as a long run leaves it, made in a short time.

Some hundred different customers are folded and evaluated by the product's own fold, of events like
those of a run. Their rows are then written under the ids of all the others, by the product's own
encoders and in transactions as a worker writes them, with the header and its seal. The signals
log holds the records that were folded, so that a worker goes on behind them.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiokafka

from bench.contenders import PARTITIONS
from bench.peers.ours import create_topics
from partitionlog import activation, block_of
from schemas import signals
from schemas.inbound import InboundEvent, family_of
from schemas.signals import LogRecord, Tick
from schemas.topics import Topics
from scoring.header import encode_header
from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import HEADER_KEY, is_customer
from scoring.seal import seal_of
from streams.engine.batches import BatchWriter, OwnClient
from streams.engine.fencing import Fence, connector
from streams.scorecards import load_card

__all__ = ["Settled", "fold_of", "settle"]

#: Rows of one transaction, as a worker has it after a second of many events.
ROWS = 25_000
BLOCK_EVENTS = 500
BATCH_BYTES, REQUEST_BYTES = 512 * 1024, 4 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True)
class Settled:
    """What was written."""

    customers: int
    #: All rows, those of the partitions among them.
    rows: int
    #: Keys and values of customers, in bytes.
    row_bytes: int


async def settle(
    bootstrap: str, prefix: str, card_text: str, customers: int, events: Iterable[InboundEvent],
    say: Callable[[str], None], copied: str = "",
) -> Settled:  # fmt: skip
    """Create the topics, and have a worker's next start find so many customers in them.

    ``events`` are those of the different ones; of those whose ids begin with ``copied`` the
    others have their rows.
    """
    create_topics(bootstrap, prefix)
    topics, options = Topics(prefix), {"bootstrap_servers": bootstrap}
    plain = aiokafka.AIOKafkaProducer(acks="all", **options)
    fence = Fence(topics.name("customers"), connector(options, BATCH_BYTES, REQUEST_BYTES))
    by_customer: dict[str, list[InboundEvent]] = defaultdict(list)
    for event in events:
        by_customer[event.customer_id].append(event)
    say(f"folding {len(by_customer):,} different customers")
    histories = list(by_customer.values())
    folded = [fold_of(p, card_text, histories[p::PARTITIONS]) for p in range(PARTITIONS)]
    say(f"writing {customers:,} rows")
    await plain.start()
    try:
        await plain.send_and_wait(topics.name("control"), activation(card_text).body, partition=0)
        await fence.take(range(PARTITIONS), set(), plain)
        found = Settled(0, 0, 0)
        for partition, (fold, log) in enumerate(folded):
            await _append(plain, topics.name("signals"), partition, log)
            wanted = range(partition, customers, PARTITIONS)
            found = await _write(fence, partition, fold, wanted, copied.encode(), found)
            say(f"  {found.customers:,} of {customers:,} written")
    finally:
        await fence.close()
        await plain.stop()
    return found


def fold_of(
    partition: int, card_text: str, histories: Sequence[list[InboundEvent]]
) -> tuple[PartitionFold, list[bytes]]:
    """The fold after all that is known of these customers was read and judged, and its log."""
    fold = PartitionFold(partition, {}, FoldPolicy(load_card))
    fold.header.partitions = PARTITIONS
    now_ms = time.time_ns() // 1_000_000
    log: list[bytes] = []

    def add(record: LogRecord) -> None:
        # Through its bytes, as on a broker.
        log.append(signals.encode(record))
        fold.apply(len(log) - 1, now_ms, signals.decode(log[-1]))

    add(activation(card_text))
    by_family: dict[str, list[InboundEvent]] = defaultdict(list)
    for history in histories:
        for event in history:
            by_family[family_of(event)].append(event)
    for family, found in by_family.items():
        first = 0
        for some in _batched(found, BLOCK_EVENTS):
            # As if of topics that nobody reads: of the sources nothing was read yet.
            add(block_of(some, first, f"settled.{family}", partition))
            first += len(some)
    add(Tick(now_ms))
    fold.checkpoint()
    return fold, log


def _batched(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (all_of_them[begin : begin + size] for begin in range(0, len(all_of_them), size))


async def _append(plain: Any, topic: str, partition: int, log: list[bytes]) -> None:
    writer = BatchWriter(OwnClient(plain))
    for value in log:
        await writer.add(topic, partition, None, value)
    await writer.flush()


async def _write(
    fence: Fence, partition: int, fold: PartitionFold, wanted: range, copied: bytes, before: Settled
) -> Settled:
    """A partition's rows, and those of all others that it is to have; the header last."""
    rows = {key: value for key, value in fold.rows.items() if key != HEADER_KEY}
    known = [key for key in rows if is_customer(key)]
    seen = [rows[key] for key in known if key.startswith(copied)]
    rows |= {b"other-%07d" % n: seen[n % len(seen)] for n in wanted[len(known) :]}
    for some in _batched(list(rows.items()), ROWS):
        await fence.write({partition: some})
    fold.header.seal = seal_of(rows, HEADER_KEY)
    await fence.write({partition: [(HEADER_KEY, encode_header(fold.header))]})
    sizes = [len(key) + len(value) for key, value in rows.items() if is_customer(key)]
    return Settled(
        before.customers + len(sizes), before.rows + len(rows) + 1, before.row_bytes + sum(sizes)
    )
