"""How many events a second one worker process takes, on a real Kafka, state and scores durable.

``make throughput`` (EVENTS=600000 CUSTOMERS=10000): produces usage, ticket and billing events,
then starts one ``vitals worker`` and stock Faust (one agent, one table write for each event)
after each other on the same broker, and prints the figures and their ratio. The worker's time
runs from the first record read until the last signal is folded and checkpointed; validation,
routing, folding, scoring, the changelog, the score changes and the view are all in it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.kafka_server import KafkaServer
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals

PARTITIONS = 4
#: A small card: stock Faust beside it scores nothing. The shipped one costs more.
CARD = Path(__file__).resolve().parents[1] / "cards" / "b2b-saas.yaml"
HOUR_S = 3600


def events(count: int, customers: int, now_s: float) -> Iterator[tuple[str, str, dict]]:
    """(topic, customer, event): skewed towards some customers, the last five hours, seeded."""
    rng = random.Random(7)

    def at(second: float) -> str:
        return datetime.fromtimestamp(second, UTC).isoformat()

    for number in range(count):
        customer = f"c{int(customers * rng.random() ** 2)}"
        common = {"event_id": f"e{number}", "customer_id": customer, "source": "bench"}
        common["occurred_at"] = at(now_s - rng.random() * 5 * HOUR_S)
        kind = rng.random()
        if kind < 0.9:
            rest = {"feature": f"f{rng.randrange(12)}", "user": f"{customer}-{rng.randrange(8)}"}
            yield "usage", customer, common | {"type": "usage.feature", "duration_s": 60} | rest
        elif kind < 0.95:
            change = rng.choice(["opened", "answered", "solved"])
            rest = {"ticket_id": f"t{number % 5000}", "change": change, "priority": "normal"}
            yield "tickets", customer, common | {"type": "ticket.changed"} | rest
        else:
            change = rng.choice(["invoice_issued", "invoice_paid"])
            rest = {"invoice_id": f"i{number % 3000}", "change": change}
            yield "billing", customer, common | {"type": "billing.changed"} | rest


def produce(bootstrap: str, prefix: str, count: int, customers: int) -> None:
    """Put all events on the broker."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 500_000}
    )
    for number, (family, key, event) in enumerate(events(count, customers, time.time())):
        producer.produce(f"{prefix}health.{family}.v1", json.dumps(event), key)
        if number % 5000 == 0:
            producer.poll(0)
    producer.flush(120)


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(workers: list[WorkerServer], count: int) -> tuple[float, float]:
    """Events per second, and CPU microseconds per event of all processes."""

    def total(metric: str) -> float:
        return sum(worker.metric(metric) for worker in workers)

    def cpu() -> float:
        return sum(cpu_s(worker.pid) for worker in workers)

    started, cpu_before_s = 0.0, 0.0
    while True:
        if not started and total("health_intake_records_total") > 0:
            started, cpu_before_s = time.monotonic(), cpu()
        if total("health_signals_total") >= count:
            seconds = time.monotonic() - started
            return count / seconds, (cpu() - cpu_before_s) / count * 1e6
        time.sleep(0.2)


def main() -> None:
    """Measure, print a line each, and JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--scorecard", type=Path, default=CARD, help="default: a small one")
    parser.add_argument("--split", action="store_true", help="intake and scoring each a process")
    parser.add_argument("--faust-seconds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = stack.enter_context(KafkaServer.start(folder / "kafka"))
        redis = stack.enter_context(RedisServer.start(folder / "redis"))
        common = ("--bootstrap", kafka.bootstrap, "--prefix", "bench.")
        redis_options = ("--redis", redis.url)
        shape = ("--signals-partitions", str(PARTITIONS), "--source-partitions", str(PARTITIONS))
        done = vitals("topics", "--create", *shape, *common)
        assert done.returncode == 0, done.stderr
        print(f"producing {options.events} events for {options.customers} customers", flush=True)
        produce(kafka.bootstrap, "bench.", options.events, options.customers)
        card = ("--scorecard", str(options.scorecard))
        split = [("--parts", "intake"), ("--parts", "score")] if options.split else [()]
        workers = [
            WorkerServer(folder / f"worker{number}", *common, *redis_options, *card, *parts)
            for number, parts in enumerate(split)
        ]
        for worker in workers:
            worker.start(lambda: True)
        rate, cpu_us = measure(workers, options.events)
        for worker in workers:
            worker.stop()
        stock = Path(__file__).with_name("stock_faust.py")
        command = [sys.executable, str(stock), kafka.bootstrap, "bench.health.usage.v1"]
        command += [str(PARTITIONS), str(options.faust_seconds)]
        faust = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    found = {
        "events": options.events, "customers": options.customers, "processes": len(workers),
        "vitals_events_per_s": round(rate), "vitals_cpu_us_per_event": round(cpu_us, 1),
        "faust_events_per_s": round(faust), "ratio": round(rate / faust, 1),
    }  # fmt: skip
    for name, value in found.items():
        print(f"{name:26} {value}")
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
