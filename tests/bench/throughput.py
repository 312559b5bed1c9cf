"""One worker alone, with any card, in one process or two: to see what a change of the code does.

``make throughput`` (EVENTS=600000). Beside others it stands in ``make bench``, with the same load
and the same clock.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.load import Shape, produce
from bench.peers.ours import create_sources, measure
from servers.kafka_server import KafkaServer
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer

#: A small card; the shipped one costs more.
CARD = Path(__file__).resolve().parents[1] / "cards" / "b2b-saas.yaml"


def main() -> None:
    """Measure, print a line each, and JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--scorecard", type=Path, default=CARD, help="default: a small one")
    parser.add_argument("--split", action="store_true", help="intake and scoring each a process")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    shape = Shape(customers=options.customers)
    prefix = shape.prefix(options.events)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = stack.enter_context(KafkaServer.start(folder / "kafka", brief=False))
        redis = stack.enter_context(RedisServer.start(folder / "redis"))
        create_sources(kafka.bootstrap, [prefix])
        load = produce(kafka.bootstrap, [options.events], shape, time.time(), print)
        common = ("--bootstrap", kafka.bootstrap, "--prefix", prefix, "--redis", redis.url)
        card = ("--scorecard", str(options.scorecard.resolve()))
        split = [("--parts", "intake"), ("--parts", "score")] if options.split else [()]
        workers = [
            WorkerServer(folder / f"worker{number}", *common, *card, *parts)
            for number, parts in enumerate(split)
        ]
        for worker in workers:
            worker.start(lambda: True)
        seconds, cpu_s = measure(workers, load[options.events].good)
        for worker in workers:
            worker.stop()
    found = {
        "events": options.events, "customers": options.customers, "processes": len(workers),
        "vitals_events_per_s": round(options.events / seconds),
        "vitals_cpu_us_per_event": round(cpu_s / options.events * 1e6, 1),
    }  # fmt: skip
    for name, value in found.items():
        print(f"{name:26} {value}")
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
