"""A million customers, each as often as any other: Vitals alone, beside its own narrow figure."""

import time
from pathlib import Path

from bench.load import Shape, produce
from bench.peers.ours import Ours, create_sources
from bench.report import Measured, figures, ratio
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.two_parts import FIRST, KNOWN, WHOLE, two_parts

__all__ = ["WIDE"]

CUSTOMERS = 1_000_000
EVENTS_PER_S = 100_000
NARROW_CUSTOMERS = 10_000
AIM = 0.4


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """So many events in both, those that make the customers known among them."""
    shape = Shape("wide", asked.customers or CUSTOMERS, uniform=True)
    count = max(asked.events or int(EVENTS_PER_S * asked.seconds), shape.customers + 1)
    narrow = Shape("narrow", NARROW_CUSTOMERS)
    runs: dict[str, list[Measured]] = {"narrow": [], "wide": [], "first": [], "known": []}
    parts = {"wide": WHOLE, "first": FIRST, "known": KNOWN}
    with opened(folder, say) as stand:
        create_sources(stand.bootstrap, [narrow.prefix(count)])
        load = produce(stand.bootstrap, [count], narrow, time.time(), say)[count]
        for number in range(1, asked.rounds + 1):
            say(f"round {number} of {asked.rounds}")
            runs["narrow"].append(Ours(name="narrow", with_view=True).run(stand, load, number))
            stand.restart_redis()
            known = count - shape.customers
            measured = two_parts(stand, Ours(name="wide"), shape, known, number)
            for name, part in parts.items():
                runs[name].append(measured[part])
            stand.restart_redis()
    ratios = {f"{name}/narrow": ratio(runs[name], runs["narrow"]) for name in ("wide", "known")}
    return {
        "scenario": "wide", "rounds": asked.rounds, "customers": shape.customers,
        "events": count, "systems": {name: figures(each) for name, each in runs.items()},
        "ratios": ratios,
        "reach": {name: aim(measured, at_least=AIM) for name, measured in ratios.items()},
    }  # fmt: skip


WIDE = Scenario(
    "wide", "1,000,000 customers, uniform, beside our own narrow figure", run, seconds=30, rounds=1
)
