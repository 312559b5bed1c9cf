"""Vitals and its peers on the same job, on the same broker, after each other, several rounds.

make bench SCENARIO=narrow SECONDS=20 OUT=bench.json ROUNDS=3

Each system reads usage, ticket and billing events, validates them, sends what they say to the
customer's partition (a second topic), folds it into 30 days of state, scores it, tells a new band,
and keeps the state in a changelog. What it ends with is compared with the expected scores.

Exit codes: 0 all outputs are equal, 1 those of a system are not, 2 it could not run.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.contenders import Contender, Failed, Stand
from bench.load import Input, prefix_of, produce
from bench.peers import kafka_streams, python_peers
from bench.peers.ours import Ours, create_sources
from bench.report import Measured, report, table
from servers.kafka_server import KafkaServer
from servers.process import MissingPart, ServerFailed
from servers.redis_server import RedisServer

__all__ = ["CONTENDERS", "SCENARIOS", "bench", "main"]

#: Scenario -> customers. narrow: skewed, one worker process.
SCENARIOS = {"narrow": 10_000}
#: So many events for each of SECONDS, if EVENTS does not say: a fast system's second.
EVENTS_PER_S = 30_000
CONTENDERS: tuple[Callable[[], Contender], ...] = (
    Ours, python_peers.faust, python_peers.quix, python_peers.bytewax,
    kafka_streams.exactly_once, kafka_streams.at_least_once,
)  # fmt: skip

Say = Callable[[str], None]


def bench(
    folder: Path, *, scenario: str, seconds: float, rounds: int, events: int | None,
    only: Sequence[str], say: Say,
) -> dict[str, Any]:  # fmt: skip
    """Run the scenario; what ``bench.json`` says."""
    everybody = [make() for make in CONTENDERS]
    contenders = [one for one in everybody if one.name in only or not only]
    runs: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
    absent = {one.name: "not asked for" for one in everybody if one not in contenders}
    whole = events or max(1, int(EVENTS_PER_S * seconds))
    with ExitStack() as stack:
        kafka = stack.enter_context(KafkaServer.start(folder / "kafka", brief=False))
        redis = stack.enter_context(RedisServer.start(folder / "redis"))
        stand = Stand(kafka.bootstrap, redis.url, folder, say)
        for contender in contenders:
            try:
                contender.prepare(stand)
            except (MissingPart, Failed) as missing:
                absent[contender.name] = str(missing)
                say(f"{contender.name} is absent: {missing}")
        sizes = {
            c.name: min(whole, int(c.cautious_events_per_s * seconds) or whole)
            for c in contenders
            if c.name not in absent
        }
        if not sizes:
            raise Failed(f"nothing that can run here: {absent}")
        customers = SCENARIOS[scenario]
        say(f"producing {max(sizes.values()):,} events of {customers:,} customers")
        create_sources(kafka.bootstrap, {prefix_of(size) for size in sizes.values()})
        loads = produce(kafka.bootstrap, [*sizes.values()], customers, time.time(), say)
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            _round(stand, contenders, number, {n: loads[s] for n, s in sizes.items()}, runs, absent)
            redis.restart()
    return report(scenario, rounds, runs, absent)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    names = [make().name for make in CONTENDERS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="narrow")
    parser.add_argument(
        "--seconds", type=float, default=20, metavar="S",
        help=f"size of a run: {EVENTS_PER_S:,} events for each; slow peers take the first few of"
        " them, so that no run takes much longer (default: 20)",
    )  # fmt: skip
    parser.add_argument("--events", type=int, help="the size itself; slow peers as with --seconds")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs (default: 3)")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="default: bench.json")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", choices=names,
        help="these systems alone: " + ", ".join(names),
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.seconds <= 0 or options.rounds < 1 or (options.events or 1) < 1:
        parser.error("--seconds, --rounds and --events: more than nothing, please")
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            found = bench(
                Path(folder), scenario=options.scenario, seconds=options.seconds,
                rounds=options.rounds, events=options.events, only=options.only, say=say,
            )  # fmt: skip
        except (MissingPart, ServerFailed, Failed) as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("ended before there was a report", file=sys.stderr)
            return 130
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(table(found))
    print(f"written to {options.out}")
    return 0 if all(s["outputs_equal"] for s in found["systems"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
