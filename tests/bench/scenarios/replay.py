"""``vitals replay`` of a large file, run as a person runs it: a terminal, a progress bar, JSON out.

One core, from the start of the command to its end: reading, checking, folding, every midnight's
evaluations, the last one, and the result as JSON. Its last scores are compared with the oracle's.
"""

import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench.contenders import Failed
from bench.job import CARD, DAY_S, Oracle, Scores
from bench.load import Shape, encoded, events
from bench.report import differences
from bench.scenario import Asked, Found, Say, Scenario, aim

__all__ = ["REPLAY"]

EVENTS_PER_S = 100_000
CUSTOMERS = 10_000


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Write the lines, then replay them, so many times."""
    count = asked.events or int(EVENTS_PER_S * asked.seconds)
    shape = Shape(customers=asked.customers or CUSTOMERS)
    now_s = (time.time() // DAY_S + 0.5) * DAY_S
    lines, expected = _write(folder / "events.jsonl", count, shape, now_s, say)
    rates, cpu_us, equal = [], [], True
    for number in range(1, asked.rounds + 1):
        seconds, cpu_s, scores = _replay(lines, now_s)
        wrong = differences(scores, expected)
        rates.append(count / seconds)
        cpu_us.append(cpu_s / count * 1e6)
        equal = equal and not wrong
        say(
            f"round {number} of {asked.rounds}: {rates[-1]:,.0f} events/s,"
            f" {cpu_us[-1]:.1f} µs of CPU an event, outputs {'DIFFER' if wrong else 'equal'}"
        )
        for line in wrong[:5]:
            say(f"    {line}")
    return {
        "scenario": "replay",
        "rounds": asked.rounds,
        "events": count,
        "customers": shape.customers,
        "megabytes": round(lines.stat().st_size / 1e6),
        "events_per_s": {
            "median": round(median(rates)), "min": round(min(rates)), "max": round(max(rates)),
        },
        "cpu_us_per_event": round(median(cpu_us), 1),
        "outputs_equal": equal,
        "reach": {"events_per_s": aim(round(median(rates)), at_least=EVENTS_PER_S)},
    }  # fmt: skip


def _write(path: Path, count: int, shape: Shape, now_s: float, say: Say) -> tuple[Path, Scores]:
    oracle = Oracle(int(now_s) // DAY_S, shape.window_days)
    say(f"writing {count:,} events of {shape.customers:,} customers")
    with path.open("wb", buffering=1 << 20) as out:
        for number, (family, _, event) in enumerate(events(count, shape, now_s), 1):
            raw = encoded(event)
            oracle.take(family, raw)
            out.write(raw + b"\n")
            if number % 500_000 == 0:
                say(f"  {number:,} of {count:,}")
    return path, oracle.scores()


def _replay(lines: Path, now_s: float) -> tuple[float, float, Scores]:
    """Seconds, CPU seconds, and the scores; both of the whole process."""
    out = lines.with_suffix(".json")
    command = [
        sys.executable, "-m", "streams", "replay", str(lines), "--scorecard", str(CARD),
        "--as-of", datetime.fromtimestamp(now_s, UTC).isoformat(), "--json", str(out),
    ]  # fmt: skip
    with _terminal() as (terminal, shown):
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"vitals replay ended with {process.returncode}: {b''.join(shown)[-500:]!r}")
    if b"replaying" not in b"".join(shown):
        raise Failed("vitals replay showed no progress on a terminal")
    found: Any = msgspec.json.decode(out.read_bytes())
    scores = {c: (health["score"], health["band"]) for c, health in found["customers"].items()}
    return seconds, used.ru_utime + used.ru_stime, scores


@contextmanager
def _terminal() -> Iterator[tuple[int, list[bytes]]]:
    """A terminal, and what was shown on it once it is closed."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                found = os.read(ours, 65_536)
            except OSError:  # nobody holds the other end any more
                return
            if not found:
                return
            shown.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield theirs, shown
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


REPLAY = Scenario(
    "replay", "`vitals replay` of 5,000,000 JSON lines on one core, with its progress bar", run,
    seconds=50, rounds=1,
)  # fmt: skip
