"""Vitals and its peers on the same job, after each other, several rounds.

Each system reads usage, ticket and billing events, validates them, sends what they say to the
customer's partition (a second topic), folds it into 30 days of state, scores it, tells a new band,
and keeps the state in a changelog. What it ends with is compared with the expected scores.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.contenders import Contender, Failed, Stand
from bench.load import Input, Shape, produce
from bench.peers import kafka_streams, python_peers
from bench.peers.ours import Ours, create_sources
from bench.report import Measured, report, table
from bench.scenario import Asked, Found, Say, Scenario, opened
from servers.process import MissingPart, ServerFailed

__all__ = ["CONTENDERS", "EVENTS_PER_S", "NARROW"]

#: So many events for each of SECONDS, if EVENTS does not say: a fast system's second.
EVENTS_PER_S = 30_000
CUSTOMERS = 10_000
CONTENDERS: tuple[Callable[[], Contender], ...] = (
    Ours, python_peers.faust, python_peers.quix, python_peers.bytewax,
    kafka_streams.exactly_once, kafka_streams.at_least_once,
)  # fmt: skip


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """All systems, or those asked for."""
    everybody = [make() for make in CONTENDERS]
    contenders = [one for one in everybody if one.name in asked.only or not asked.only]
    runs: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
    absent = {one.name: "not asked for" for one in everybody if one not in contenders}
    whole = asked.events or max(1, int(EVENTS_PER_S * asked.seconds))
    shape = Shape(customers=asked.customers or CUSTOMERS)
    with opened(folder, say) as stand:
        for contender in contenders:
            try:
                contender.prepare(stand)
            except (MissingPart, Failed) as missing:
                absent[contender.name] = str(missing)
                say(f"{contender.name} is absent: {missing}")
        sizes = {
            c.name: min(whole, int(c.cautious_events_per_s * asked.seconds) or whole)
            for c in contenders
            if c.name not in absent
        }
        if not sizes:
            raise Failed(f"nothing that can run here: {absent}")
        create_sources(stand.bootstrap, {shape.prefix(size) for size in sizes.values()})
        loads = produce(stand.bootstrap, [*sizes.values()], shape, time.time(), say)
        for number in range(1, asked.rounds + 1):
            say(f"round {number} of {asked.rounds}")
            _round(stand, contenders, number, {n: loads[s] for n, s in sizes.items()}, runs, absent)
            stand.restart_redis()
    return report("narrow", asked.rounds, runs, absent)


def _round(
    stand: Stand, contenders: Sequence[Contender], number: int, loads: dict[str, Input],
    runs: dict[str, list[Measured]], absent: dict[str, str],
) -> None:  # fmt: skip
    """Each system once, every round another one first."""
    first = (number - 1) % len(contenders)
    for contender in (*contenders[first:], *contenders[:first]):
        name = contender.name
        if name in absent:
            continue
        load = loads[name]
        stand.say(f"  {name}: {load.events:,} events ...")
        try:
            runs[name].append(contender.run(stand, load, number))
        except (Failed, ServerFailed) as failed:
            absent[name] = str(failed)
            stand.say(f"  {name} is absent from here on: {failed}")


NARROW = Scenario(
    "narrow", "10,000 customers, skewed, one worker process; the peers beside it", run, table,
    systems=[make().name for make in CONTENDERS],
)  # fmt: skip
