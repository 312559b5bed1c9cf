"""The benchmark: a scenario on a real broker, its figures as JSON.

make bench SCENARIO=narrow SECONDS=20 ROUNDS=3 OUT=bench.json

Exit codes: 0 measured; 1 outputs are not what they must be, or a ratio is below its floor; 2 it
could not run; 3 a part is missing (Java, Maven, Redis). An aim that is not reached is told, and is
no failure.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.contenders import Failed
from bench.floors import below, floor_in
from bench.scenario import Asked, Found
from bench.scenarios.growth import GROWTH
from bench.scenarios.hot import HOT_SCENARIO
from bench.scenarios.latency import LATENCY
from bench.scenarios.limits import LIMITS
from bench.scenarios.memory import MEMORY
from bench.scenarios.narrow import NARROW
from bench.scenarios.replay import REPLAY
from bench.scenarios.restore import RESTORE
from bench.scenarios.sizes import SIZES
from bench.scenarios.sweep import SWEEP
from bench.scenarios.view import VIEW
from bench.scenarios.wide import WIDE
from servers.process import MissingPart, ServerFailed

__all__ = ["SCENARIOS", "main"]

#: A scenario is a file in ``scenarios/`` and a line here.
SCENARIOS = {
    one.name: one
    for one in (
        GROWTH,
        HOT_SCENARIO,
        LATENCY,
        MEMORY,
        NARROW,
        REPLAY,
        RESTORE,
        SWEEP,
        VIEW,
        WIDE,
        LIMITS,
        SIZES,
    )
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _options(arguments)
    scenario = SCENARIOS[options.scenario]
    asked = Asked(
        options.seconds or scenario.seconds, options.rounds or scenario.rounds,
        options.events, options.customers, options.rate, tuple(options.only),
    )  # fmt: skip
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            found = scenario.run(Path(folder), asked, say)
        except MissingPart as missing:
            print(missing, file=sys.stderr)
            return 3
        except (ServerFailed, Failed) as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("ended before there was a report", file=sys.stderr)
            return 130
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(scenario.table(found))
    print(f"written to {options.out}")
    broken = below(found, options.floor)
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken or not _outputs_equal(found) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    kinds = "\n".join(f"  {one.name:9} {one.says}" for one in SCENARIOS.values())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\nScenarios:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scenario", choices=list(SCENARIOS), default="narrow", help="default: narrow"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S",
        help="about how long a run of a fast system is: so many events are made; slow peers take"
        " the first few of them (default: what fits the scenario, 20 for narrow)",
    )  # fmt: skip
    parser.add_argument("--events", type=int, help="the size itself; slow peers as with --seconds")
    parser.add_argument("--rounds", type=int, help="how often each runs (default: 3 for narrow)")
    parser.add_argument("--customers", type=int, help="how many (default: the scenario's)")
    parser.add_argument(
        "--rate", type=float, help="events a second where the load comes at a rate"
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="default: bench.json")
    systems = sorted({name for one in SCENARIOS.values() for name in one.systems})
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", choices=systems,
        help="these systems alone: " + ", ".join(systems),
    )  # fmt: skip
    parser.add_argument(
        "--floor", type=floor_in, nargs="*", default=[], metavar="RATIO=LEAST",
        help="fail when a ratio of events/s is below this, as vitals/faust=20",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    for name in ("seconds", "events", "rounds", "customers", "rate"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            parser.error(f"--{name} {value}: more than nothing, please")
    return options


def _outputs_equal(found: Found) -> bool:
    each = [system.get("outputs_equal", True) for system in found.get("systems", {}).values()]
    return all(each) and found.get("outputs_equal", True)


if __name__ == "__main__":
    sys.exit(main())
