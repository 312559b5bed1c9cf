"""A million customers, each as often as any other: Vitals alone, beside its own narrow figure.

Whoever is new is told for the first time, which costs more than to fold its events. So the run
has two parts, without a stop between them: one event of each customer, then the events of
customers that are known. The figure is that of both together.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from bench.contenders import Stand, tell
from bench.job import DAY_S, Oracle
from bench.load import (
    Shape,
    encoded,
    events,
    first_events,
    produce,
    producer_to,
    send,
    source,
)
from bench.peers.ours import Ours, create_sources, measure, wrong_outputs
from bench.report import Measured, figures, ratio
from bench.scenario import Asked, Found, Say, Scenario, aim, opened

__all__ = ["WIDE"]

CUSTOMERS = 1_000_000
EVENTS_PER_S = 100_000
NARROW_CUSTOMERS = 10_000
AIM = 0.4

#: Family, customer, event as bytes.
Records = list[tuple[str, str, bytes]]


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """So many events in both, those that make the customers known among them."""
    shape = Shape("wide", asked.customers or CUSTOMERS, uniform=True)
    count = max(asked.events or int(EVENTS_PER_S * asked.seconds), shape.customers + 1)
    narrow = Shape("narrow", NARROW_CUSTOMERS)
    runs: dict[str, list[Measured]] = {"wide": [], "first": [], "known": [], "narrow": []}
    with opened(folder, say) as stand:
        create_sources(stand.bootstrap, [narrow.prefix(count)])
        load = produce(stand.bootstrap, [count], narrow, time.time(), say)[count]
        for number in range(1, asked.rounds + 1):
            say(f"round {number} of {asked.rounds}")
            runs["narrow"].append(Ours(name="narrow", with_view=True).run(stand, load, number))
            stand.restart_redis()
            for name, measured in _wide(stand, shape, count, number).items():
                runs[name].append(measured)
            stand.restart_redis()
    systems = {name: figures(measured) for name, measured in runs.items()}
    ratios = {f"{name}/narrow": ratio(runs[name], runs["narrow"]) for name in ("wide", "known")}
    return {
        "scenario": "wide", "rounds": asked.rounds, "customers": shape.customers,
        "events": count, "systems": systems, "ratios": ratios,
        "reach": {name: aim(measured, at_least=AIM) for name, measured in ratios.items()},
    }  # fmt: skip


def _wide(stand: Stand, shape: Shape, count: int, number: int) -> dict[str, Measured]:
    """One run: its two parts, and both together; outputs are compared at its end."""
    prefix, ours, now_s = shape.prefix(count), Ours(name="wide", with_view=True), time.time()
    oracle = Oracle(int(now_s) // DAY_S)
    stand.say(f"  making {count:,} events of {shape.customers:,} customers")
    first = _made(first_events(shape, now_s), oracle)
    good_first = oracle.good
    later = _made(events(count - len(first), shape, now_s), oracle)
    good = oracle.good - good_first
    seconds: list[float] = []
    cpu: list[float] = []
    with ours.topics(stand, prefix):
        _put(stand, prefix, first)
        with ours.running(stand, prefix, f"wide{number}") as workers:
            for records, expected in ((first, good_first), (later, good)):
                if records is later:
                    _put(stand, prefix, later)
                wall, used = measure(workers, expected, with_view=True)
                seconds.append(wall)
                cpu.append(used)
                stand.say(f"  wide: {len(records):,} events in {wall:.1f} s")
        wrong = wrong_outputs(stand.bootstrap, prefix, oracle.scores())
    found = {
        "wide": Measured(count, sum(seconds), sum(cpu), not wrong),
        "first": Measured(len(first), seconds[0], cpu[0], not wrong),
        "known": Measured(len(later), seconds[1], cpu[1], not wrong),
    }
    tell(stand, "wide", found["wide"], wrong)
    return found


def _made(these: Iterable[tuple[str, str, dict]], oracle: Oracle) -> Records:
    records = [(family, key, encoded(event)) for family, key, event in these]
    for family, _, raw in records:
        oracle.take(family, raw)
    return records


def _put(stand: Stand, prefix: str, records: Records) -> None:
    """All at once, made beforehand: what is measured is never waiting for the load."""
    producer = producer_to(stand.bootstrap)
    for family, key, raw in records:
        send(producer, source(prefix, family), raw, key)
    producer.flush(120)


WIDE = Scenario(
    "wide", "1,000,000 customers, uniform, beside our own narrow figure", run, seconds=30, rounds=1
)
