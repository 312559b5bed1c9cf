"""Half of what a worker can do, for minutes: how long until a score change can be read."""

import time
from pathlib import Path

from bench.contenders import Stand
from bench.latencies import latencies, probe_accounts
from bench.load import Shape, produce
from bench.peers.ours import Ours, create_sources
from bench.scenario import Asked, Found, Say, Scenario, aim, opened

__all__ = ["LATENCY", "SHARE", "rate_of"]

#: Of the most that a worker can do.
SHARE = 0.5
MAXIMUM_EVENTS = 400_000
CUSTOMERS = 10_000
P50_MS, P99_MS = 200, 500


def rate_of(stand: Stand, asked: Asked) -> tuple[float, float | None]:
    """The rate of the load, and the maximum that it is half of, measured unless RATE says it."""
    if asked.rate is not None:
        return asked.rate, None
    shape, count = Shape("maximum"), asked.events or MAXIMUM_EVENTS
    create_sources(stand.bootstrap, [shape.prefix(count)])
    load = produce(stand.bootstrap, [count], shape, time.time(), stand.say)[count]
    maximum = Ours(name="maximum").run(stand, load, 1).events_per_s
    stand.restart_redis()
    return SHARE * maximum, round(maximum)


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """One run; ROUNDS has no meaning here."""
    shape = Shape("latency", asked.customers or CUSTOMERS)
    with opened(folder, say) as stand:
        rate, maximum = rate_of(stand, asked)
        found = latencies(stand, shape, rate, asked.seconds, probe_accounts())
    p50, p99 = round(found.quantile(0.5)), round(found.quantile(0.99))
    return {
        "scenario": "latency", "rounds": 1, "seconds": asked.seconds, "customers": shape.customers,
        "maximum_events_per_s": maximum, "events_per_s": round(found.fed_events_per_s),
        "cpu_share": round(found.cpu_share, 2), "kept_up": found.kept_up(asked.seconds),
        "probes": len(found.ms), "p50_ms": p50, "p99_ms": p99, "max_ms": round(max(found.ms)),
        "reach": {"p50_ms": aim(p50, at_most=P50_MS), "p99_ms": aim(p99, at_most=P99_MS)},
    }  # fmt: skip


LATENCY = Scenario(
    "latency", "half of the maximum: from an event to its score change being readable", run,
    seconds=300, rounds=1,
)  # fmt: skip
