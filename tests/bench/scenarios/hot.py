"""One customer has half of all events: how long the customers of other partitions wait."""

from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.contenders import PARTITIONS
from bench.latencies import Latencies, latencies, probe_accounts
from bench.load import HOT, Shape
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.scenarios.latency import rate_of
from streams.intake.routing import CustomerRouter

__all__ = ["HOT_SCENARIO"]

CUSTOMERS = 10_000
HOT_SHARE = 0.5
AIM = 2.0


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Each round both, the other one first, at the same rate, with the same customers probed."""
    even = Shape("even", asked.customers or CUSTOMERS, uniform=True)
    hot = replace(even, name="hot", hot_share=HOT_SHARE)
    router = CustomerRouter(PARTITIONS)
    probed = probe_accounts(lambda customer_id: router(customer_id) != router(HOT))
    runs: dict[str, list[Latencies]] = {even.name: [], hot.name: []}
    with opened(folder, say) as stand:
        rate, maximum = rate_of(stand, asked)
        for number in range(1, asked.rounds + 1):
            say(f"round {number} of {asked.rounds}")
            for shape in (even, hot) if number % 2 else (hot, even):
                say(f"  {shape.name}")
                found = latencies(stand, shape, rate, asked.seconds, probed)
                say(f"    p50 {found.quantile(0.5):.0f} ms, p99 {found.quantile(0.99):.0f} ms")
                runs[shape.name].append(found)
                stand.restart_redis()
    systems = {name: _figures(each, asked.seconds) for name, each in runs.items()}
    pairs = zip(runs[hot.name], runs[even.name], strict=True)
    ratio = round(median(a.quantile(0.99) / b.quantile(0.99) for a, b in pairs), 3)
    reach = aim(ratio, at_most=AIM)
    # Of two that do not keep up the ratio says nothing.
    reach["reached"] &= all(system["kept_up"] for system in systems.values())
    return {
        "scenario": "hot", "rounds": asked.rounds, "seconds": asked.seconds,
        "customers": even.customers, "maximum_events_per_s": maximum,
        "systems": systems,
        "ratios": {"hot/even p99": ratio},
        "reach": {"hot/even p99": reach},
    }  # fmt: skip


def _figures(each: list[Latencies], seconds: float) -> Found:
    return {
        "events_per_s": round(median(one.fed_events_per_s for one in each)),
        "cpu_share": round(median(one.cpu_share for one in each), 2),
        "kept_up": all(one.kept_up(seconds) for one in each),
        "probes": sum(len(one.ms) for one in each),
        "p50_ms": round(median(one.quantile(0.5) for one in each)),
        "p99_ms": round(median(one.quantile(0.99) for one in each)),
        "max_ms": round(max(max(one.ms) for one in each)),
    }


HOT_SCENARIO = Scenario(
    "hot", "one customer has half of all events: latency in the other partitions", run,
    seconds=60, rounds=3,
)  # fmt: skip
