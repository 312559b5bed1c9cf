"""A start from an empty disk, one from snapshots, and what a rebalance restores.

The changelog is the one that a long run over all these customers leaves (``bench.settled``): its
rows and their seal are the product's own, written in transactions.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.contenders import PARTITIONS, Failed, Stand
from bench.job import CARD
from bench.load import Shape
from bench.load import events as load_events
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.settled import Settled, settle
from schemas.inbound import AnyEvent, InboundEvent
from servers.vitals import WorkerServer
from servers.waiting import until

__all__ = ["RESTORE"]

CUSTOMERS = 1_000_000
#: So many different ones are folded, each with what 10 minutes at 30,000 events/s bring it.
DIFFERENT, EVENTS_EACH = 2_000, 18
ROWS_PER_S, WARM_S = 100_000, 5
READY_S_MAX = 300.0
PREFIX = "restore."


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Cold and warm, so many times; then a second worker comes and goes."""
    customers = asked.customers or CUSTOMERS
    cold_s, warm_s, until_ready_s = [], [], []
    with opened(folder, say) as stand:
        made = asyncio.run(
            settle(stand.bootstrap, PREFIX, CARD.read_text(), customers, _events(customers), say)
        )
        for number in range(1, asked.rounds + 1):
            directory = folder / f"worker{number}"
            seconds, _ = _start(stand, directory, made)
            cold_s.append(seconds)
            seconds, ready_s = _start(stand, directory, made)
            warm_s.append(seconds)
            until_ready_s.append(ready_s)
            say(
                f"round {number} of {asked.rounds}: cold {cold_s[-1]:.1f} s,"
                f" {made.rows / cold_s[-1]:,.0f} rows/s; with snapshots {seconds:.1f} s,"
                f" {ready_s:.1f} s from the command to ready"
            )
        stayed, came = _rebalanced(stand, directory, folder / "second", made, say)
    rows_per_s = round(made.rows / median(cold_s))
    return {
        "scenario": "restore", "rounds": asked.rounds, "customers": made.customers,
        "rows": made.rows, "row_bytes": made.row_bytes // made.customers,
        "cold_s": round(median(cold_s), 2), "cold_rows_per_s": rows_per_s,
        "warm_s": round(median(warm_s), 2),
        "warm_command_to_ready_s": round(median(until_ready_s), 2),
        "rebalance": {"restored_of_those_that_stay": stayed, "restored_of_those_that_came": came},
        "reach": {
            "cold_rows_per_s": aim(rows_per_s, at_least=ROWS_PER_S),
            "warm_s": aim(round(median(warm_s), 2), at_most=WARM_S),
            "restored_of_those_that_stay": aim(stayed, at_most=0),
        },
    }  # fmt: skip


def _events(customers: int) -> Iterator[InboundEvent]:
    different = min(DIFFERENT, customers)
    shape = Shape(customers=different, uniform=True)
    for _, _, event in load_events(different * EVENTS_EACH, shape, time.time()):
        if "occurred_at" in event:
            yield AnyEvent.validate_json(json.dumps(event))


def _worker(stand: Stand, directory: Path) -> WorkerServer:
    return WorkerServer(
        directory, "--bootstrap", stand.bootstrap, "--prefix", PREFIX, "--redis", stand.redis,
        "--scorecard", str(CARD),
    )  # fmt: skip


def _start(stand: Stand, directory: Path, made: Settled) -> tuple[float, float]:
    """Seconds of the restore, and from the command to ready; then it is stopped in order."""
    worker = _worker(stand, directory)
    begun = time.monotonic()
    worker.start(lambda: worker.get("/readyz") is not None, READY_S_MAX)
    ready_s = time.monotonic() - begun
    try:
        if f": {made.rows} rows" not in worker.log_path.read_text():
            raise Failed(f"it was ready before it had all rows\n{worker.tail()}")
        restore_s = worker.metric("health_restore_seconds") / PARTITIONS  # of all of them the same
        if not until(lambda: worker.metric("health_checkpoints_total") > 0):
            raise Failed(f"no checkpoint\n{worker.tail()}")
    finally:
        worker.stop()
    return restore_s, ready_s


def _restored(worker: WorkerServer) -> float:
    return worker.metric("health_restored_records_total") + worker.metric(
        "health_snapshot_rows_total"
    )


def _rebalanced(
    stand: Stand, directory: Path, other: Path, made: Settled, say: Say
) -> tuple[float, float]:
    """What a worker restores when another comes, and when that one goes again."""
    first, second = _worker(stand, directory), _worker(stand, other)
    try:
        first.start(lambda: first.get("/readyz") is not None, READY_S_MAX)
        before = _restored(first)
        second.start(lambda: second.get("/readyz") is not None, READY_S_MAX)
        half = PARTITIONS // 2
        if not until(lambda: first.metric("health_partitions_owned") == half, READY_S_MAX):
            raise Failed(f"the second worker got nothing\n{first.tail()}")
        stayed = _restored(first) - before
        second.stop()
        if not until(lambda: first.metric("health_partitions_owned") == PARTITIONS, READY_S_MAX):
            raise Failed(f"the first worker got nothing back\n{first.tail()}")
        came = _restored(first) - before - stayed
    finally:
        first.kill()
        second.kill()
    say(f"a second worker came and went: {stayed:,.0f} restored where partitions stayed,")
    say(f"  {came:,.0f} rows and records of {made.rows:,} for the half that came back")
    return stayed, came


RESTORE = Scenario(
    "restore", "1,000,000 customers: from an empty disk, from snapshots, and in a rebalance", run,
    rounds=3,
)  # fmt: skip
