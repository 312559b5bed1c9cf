"""What one of each takes: the figures that docs/capacity.md reckons with.

One worker with the shipped scorecard: how large it is without customers; then, of a load, bytes of
a signal, a row, a score change, a crossed line and a customer in Redis; then, of events that come
as they happen, one of each customer at a time, the CPU time of an event with its evaluation and
its row.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from redis import Redis

from bench.contenders import Failed, Stand, cpu_s
from bench.load import Shape, encoded, produce, send, source
from bench.peers.ours import create_sources, measure
from bench.scenario import Asked, Found, Say, Scenario, opened
from records import records_of, topic_bytes
from schemas.topics import Topics
from servers.vitals import WorkerServer
from servers.waiting import until

__all__ = ["SIZES"]

CUSTOMERS = 5_000
#: Of each customer in the load.
EVENTS_EACH = 20
LIVE_S_MAX = 120.0
_SIGNALS, _EVALUATIONS = "health_signals_total", "health_evaluations_total"


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """One worker over one load, then rounds of one event of each customer."""
    customers = asked.customers or CUSTOMERS
    count = asked.events or customers * EVENTS_EACH
    shape = Shape(customers=customers, uniform=True)
    with opened(folder, say) as stand:
        topics = Topics(shape.prefix(count))
        create_sources(stand.bootstrap, [topics.prefix])
        worker = WorkerServer(
            folder / "worker", "--bootstrap", stand.bootstrap, "--prefix", topics.prefix,
            "--redis", stand.redis, "--log-level", "warning",
        )  # fmt: skip
        empty_bytes = _empty(worker)
        load = produce(stand.bootstrap, [count], shape, time.time(), say)[count]
        worker.start(lambda: True)
        try:
            measure([worker], load.good)
            say(f"{asked.rounds} rounds of one event of each customer")
            used_us = _live(stand, worker, topics.prefix, asked)
        finally:
            worker.stop()
        changelog = topics.name("customers")
        rows, row_bytes = _bytes(stand, changelog)[0], _mean(stand, changelog)
        on_disk = topic_bytes(stand.folder / "kafka", changelog)
        found: Found = {
            "scenario": "sizes",
            "customers": customers,
            "events": count,
            "process_bytes": round(empty_bytes),
            "event_and_evaluation_us": round(used_us, 1),
            "event_bytes": _mean(stand, topics.source("usage")),
            "signal_bytes": round(_bytes(stand, topics.name("signals"))[1] / count, 1),
            "row_bytes": row_bytes,
            # Compressed, in batches as the worker wrote them.
            "row_share": round(on_disk / (rows * row_bytes), 2),
            "change_bytes": _mean(stand, topics.name("scores")),
            "transition_bytes": _mean(stand, topics.name("transitions")),
        }
        with Redis.from_url(stand.redis) as redis:
            found["redis_bytes"] = round(redis.info("memory")["used_memory"] / customers)
    return found


def _empty(worker: WorkerServer) -> float:
    """Resident bytes of a worker without a customer."""
    worker.launch()
    try:
        return worker.metric("process_resident_memory_bytes")
    finally:
        worker.stop()


def _live(stand: Stand, worker: WorkerServer, prefix: str, asked: Asked) -> float:
    """µs of CPU of an event that is evaluated by itself, with its row."""
    customers = asked.customers or CUSTOMERS
    producer = Producer({"bootstrap.servers": stand.bootstrap, "linger.ms": 5})
    read, evaluated = (worker.metric(name) for name in (_SIGNALS, _EVALUATIONS))
    begun = cpu_s(worker.pid)
    for number in range(1, asked.rounds + 1):
        for customer in range(customers):
            event = {
                "event_id": f"live{number}-{customer}", "customer_id": f"c{customer}",
                "source": "bench", "type": "usage.feature", "feature": "live",
                "user": f"u{number}", "occurred_at": datetime.now(UTC).isoformat(),
            }  # fmt: skip
            send(producer, source(prefix, "usage"), encoded(event), f"c{customer}")
        producer.flush(60)
        _wait(worker, _SIGNALS, read + number * customers)
        # A little less: two events of a customer may be evaluated as one.
        _wait(worker, _EVALUATIONS, evaluated + number * customers * 0.99)
    return (cpu_s(worker.pid) - begun) / (worker.metric(_EVALUATIONS) - evaluated) * 1e6


def _wait(worker: WorkerServer, metric: str, wanted: float) -> None:
    if not until(lambda: worker.metric(metric) >= wanted, LIVE_S_MAX):
        raise Failed(f"{metric} is {worker.metric(metric):,.0f}, and was to be {wanted:,.0f}")


def _bytes(stand: Stand, topic: str) -> tuple[int, int]:
    """Records of a topic, and their bytes."""
    found = [
        len(record.key() or b"") + len(record.value() or b"")
        for record in records_of(stand.bootstrap, topic)
    ]
    return len(found), sum(found)


def _mean(stand: Stand, topic: str) -> int:
    count, size = _bytes(stand, topic)
    return round(size / max(count, 1))


SIZES = Scenario(
    "sizes", "bytes of a signal, a row, a score change, a customer in Redis; for docs/capacity.md",
    run, rounds=4,
)  # fmt: skip
