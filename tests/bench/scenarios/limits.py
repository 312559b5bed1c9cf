"""What this machine, its broker and one core of it can do at most: the other figures' background.

- *read*: our chunked consumer, as a process of its own, whose agent does nothing with a record, or
  decodes it, or makes it a signal.
- *decode*: one core over values in memory, in four ways. ``pydantic`` is the contract, ``plain`` is
  how intake reads a plain usage event.
- *disk*: a file written and synced; a producer with large batches and acks from all replicas.
- *transaction*: rows of a checkpoint, 2,000 of 400 bytes, to one partition and to four at once.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from confluent_kafka import Producer

from bench.contenders import PARTITIONS, Stand, child, create_topics
from bench.load import Shape, encoded, events, send
from bench.peers.children import HERE
from bench.scenario import Asked, Found, Say, Scenario, opened
from schemas.inbound import parse
from streams.engine.app import PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX
from streams.engine.fencing import Fence, Written, connector
from streams.intake.plain_usage import PlainUsage

__all__ = ["LIMITS"]

EVENTS_PER_S = 50_000
SAMPLE = 100_000
DISK_BYTES = 512 * 1024 * 1024
RECORD_BYTES = 16 * 1024
ROWS, ROW_BYTES, TRANSACTIONS = 2_000, 400, 30
START_S_MAX = 60.0
TOPIC = "limits.usage"


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """All of them; the broker is gone afterwards."""
    count = asked.events or int(EVENTS_PER_S * asked.seconds)
    with opened(folder, say) as stand:
        sample = _produce(stand, count)
        say("decoding on one core")
        found: Found = {
            "scenario": "limits",
            "events": count,
            "event_bytes": round(sum(map(len, sample)) / len(sample)),
            "decode_events_per_s": _decoded(sample),
            "read": {mode: _read(stand, count, mode) for mode in ("nothing", "msgspec", "plain")},
        }
        say("writing to the disk, and to the broker")
        found["disk_mb_per_s"] = round(_file(folder / "written"))
        found["broker_mb_per_s"] = round(_written(stand))
        say("committing transactions")
        found["transaction_ms"] = asyncio.run(_transactions(stand))
    return found


def _produce(stand: Stand, count: int) -> list[bytes]:
    """Usage events on the broker; the first of them."""
    create_topics(stand.bootstrap, [TOPIC])
    stand.say(f"producing {count:,} usage events")
    producer = Producer(
        {"bootstrap.servers": stand.bootstrap, "linger.ms": 20,
         "queue.buffering.max.messages": 500_000}
    )  # fmt: skip
    sample: list[bytes] = []
    written = 0
    for family, key, event in events(count * 2, Shape(), time.time()):
        if family != "usage" or "occurred_at" not in event:
            continue
        raw = encoded(event)
        if len(sample) < SAMPLE:
            sample.append(raw)
        send(producer, TOPIC, raw, key)
        written += 1
        if written == count:
            break
    producer.flush(120)
    return sample


def _decoded(sample: Sequence[bytes]) -> dict[str, int]:
    plain = PlainUsage().read
    ways: dict[str, Callable[[bytes], Any]] = {
        "json": json.loads,
        "msgspec": msgspec.json.Decoder().decode,
        "plain": lambda raw: plain(raw, 0),
        "pydantic": lambda raw: parse("usage", raw),
    }
    return {name: round(max(_rate(way, sample) for _ in range(3))) for name, way in ways.items()}


def _rate(way: Callable[[bytes], Any], sample: Sequence[bytes]) -> float:
    """Values a second of CPU time: what else the machine does counts for little."""
    begun = time.process_time()
    for raw in sample:
        way(raw)
    return len(sample) / (time.process_time() - begun)


def _read(stand: Stand, count: int, mode: str) -> dict[str, float]:
    command = [
        sys.executable, str(HERE / "bare_reader.py"), "--bootstrap", stand.bootstrap,
        "--topic", TOPIC, "--events", str(count), "--mode", mode,
    ]  # fmt: skip
    with child(command, stand.folder / mode) as reader:
        seconds, cpu = reader.measure(START_S_MAX)
    found = {
        "events_per_s": round(count / seconds),
        "cpu_us_per_event": round(cpu / count * 1e6, 2),
    }
    stand.say(f"  reading, {mode}: {found['events_per_s']:,} events/s")
    return found


def _file(path: Path) -> float:
    """MB/s of a file until it is on the disk."""
    block = os.urandom(1024 * 1024)
    begun = time.monotonic()
    with path.open("wb") as out:
        for _ in range(DISK_BYTES // len(block)):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    seconds = time.monotonic() - begun
    path.unlink()
    return DISK_BYTES / 1e6 / seconds


def _written(stand: Stand) -> float:
    """MB/s of a producer until all replicas have acknowledged."""
    create_topics(stand.bootstrap, ["limits.bytes"])
    value = os.urandom(RECORD_BYTES)
    producer = Producer(
        {"bootstrap.servers": stand.bootstrap, "acks": "all", "linger.ms": 20,
         "batch.size": 900_000, "queue.buffering.max.kbytes": 128 * 1024}
    )  # fmt: skip
    begun = time.monotonic()
    for number in range(DISK_BYTES // RECORD_BYTES):
        send(producer, "limits.bytes", value, str(number))
    producer.flush(120)
    return DISK_BYTES / 1e6 / (time.monotonic() - begun)


async def _transactions(stand: Stand) -> dict[str, float]:
    """Milliseconds of a checkpoint's rows, of one partition and of several side by side."""
    topic = "limits.rows"
    create_topics(stand.bootstrap, [topic])
    rows: Written = [(b"customer-%d" % n, os.urandom(ROW_BYTES)) for n in range(ROWS)]
    options = {"bootstrap_servers": stand.bootstrap}
    fence = Fence(topic, connector(options, PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX))
    claims = await connector(options, PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX)("limits-claims")
    found = {}
    try:
        await claims.begin_transaction()
        await fence.take(range(PARTITIONS), set(), claims)
        await claims.commit_transaction()
        for partitions in (1, PARTITIONS):
            took = []
            for _ in range(TRANSACTIONS):
                begun = time.monotonic()
                await fence.write(dict.fromkeys(range(partitions), rows))
                took.append((time.monotonic() - begun) * 1000)
            found[f"{partitions}_partitions_of_{ROWS}_rows"] = round(median(took), 1)
    finally:
        await fence.close()
        await claims.stop()
    return found


LIMITS = Scenario(
    "limits", "what reading, decoding, the disk and a transaction take by themselves", run,
    seconds=20, rounds=1,
)  # fmt: skip
