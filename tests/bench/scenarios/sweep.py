"""A million customers and no events: what waiting costs, and what falls due at one instant.

Each customer was there once, exactly a week before the instant at which it is to turn red. First
nothing is due; then some are, one after the other; at last all the others at one instant.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import median

from bench.contenders import PARTITIONS, Failed, Stand, cpu_s
from bench.scenario import Asked, Found, Say, Scenario, aim, opened
from bench.settled import settle
from records import records_of
from schemas import signals
from schemas.inbound import AnyEvent, InboundEvent
from schemas.signals import Tick
from schemas.topics import Topics
from servers.vitals import WorkerServer
from servers.waiting import until

__all__ = ["SWEEP"]

CUSTOMERS, SOME = 1_000_000, 100
CARD = Path(__file__).resolve().parents[2] / "cards" / "sweep.yaml"
PREFIX = "sweep."
WEEK_S = 7 * 86_400
#: Until it is quiet: to write the rows, start and restore.
SET_UP_S, SET_UP_CUSTOMERS_PER_S, CALM_S = 40, 12_000, 10
IDLE_SHARE, READY_S_MAX, WORKED_OFF_S_MAX = 0.02, 300.0, 1800.0


def run(folder: Path, asked: Asked, say: Say) -> Found:
    """Quiet, some due, all due."""
    customers = asked.customers or CUSTOMERS
    begin_s = time.time() + SET_UP_S + customers / SET_UP_CUSTOMERS_PER_S
    half_s = asked.seconds / 2
    # A measure in days is looked at once an hour: the instant must be the next of these.
    if begin_s + asked.seconds - time.time() > 3_500:
        raise Failed("the quiet time and what comes before it must be less than an hour")
    instant_s = float(int(begin_s + asked.seconds))
    some = {f"some-{n}": int(begin_s + half_s + half_s * n / SOME) for n in range(SOME)}
    with opened(folder, say) as stand:
        made = asyncio.run(
            settle(
                stand.bootstrap, PREFIX, CARD.read_text(), customers, _events(some, instant_s), say,
                copied="all-",
            )
        )  # fmt: skip
        worker = WorkerServer(
            folder / "worker", "--bootstrap", stand.bootstrap, "--prefix", PREFIX,
            "--redis", stand.redis, "--scorecard", str(CARD),
        )  # fmt: skip
        worker.start(lambda: worker.get("/readyz") is not None, READY_S_MAX)
        try:
            if time.time() + CALM_S > begin_s + half_s / 2:
                raise Failed("set up too slowly for so short a time: give SECONDS more")
            idle = _share(worker, begin_s + CALM_S, begin_s + half_s)
            say(f"nothing due: {idle:.1%} of a core")
            evaluated = worker.metric("health_evaluations_total")
            until(lambda: time.time() >= instant_s, asked.seconds)
            some_evaluated = worker.metric("health_evaluations_total") - evaluated
            say(f"{some_evaluated:,.0f} were due one by one; now all are")
            wanted, used = evaluated + customers, cpu_s(worker.pid)
            _awaited(worker, wanted, say, instant_s)
            worked_s, used = time.time() - instant_s, cpu_s(worker.pid) - used
            until(lambda: worker.metric("health_view_lag_records") == 0, 600)
            taken_over = worker.log_path.read_text().count("own signals partitions")
        finally:
            worker.stop()
        late = _late(stand, some, say)
    missed = sum(ticks for _, ticks in late)
    return {
        "scenario": "sweep", "rounds": 1, "customers": made.customers, "seconds": asked.seconds,
        "idle_share_of_a_core": round(idle, 4),
        "due_one_by_one": {
            "customers": len(late), "ticks_missed": missed,
            "out_after_s": round(median(s for s, _ in late), 3),
            "out_after_s_max": round(max(s for s, _ in late), 3),
        },
        "all_at_once": {
            "seconds": round(worked_s, 1), "evaluations_per_s": round(customers / worked_s),
            "cpu_us_per_evaluation": round(used / customers * 1e6, 1),
            "restores": taken_over,
        },
        "reach": {
            "idle_share_of_a_core": aim(round(idle, 4), at_most=IDLE_SHARE),
            "ticks_missed": aim(missed, at_most=0),
            "told": aim(len(late), at_least=SOME),
            "restores": aim(taken_over, at_most=1),
        },
    }  # fmt: skip


def _events(some: dict[str, int], instant_s: float) -> Iterator[InboundEvent]:
    """One use of each, a week before its instant."""
    others = {f"all-{n}": int(instant_s) for n in range(PARTITIONS)}
    for name, at_s in (*others.items(), *some.items()):
        at = datetime.fromtimestamp(at_s - WEEK_S, UTC).isoformat()
        body = {
            "event_id": name, "customer_id": name, "source": "app", "occurred_at": at,
            "type": "usage.feature", "feature": "f", "user": "u",
        }  # fmt: skip
        yield AnyEvent.validate_json(json.dumps(body))


def _share(worker: WorkerServer, from_s: float, to_s: float) -> float:
    """Of a core, between two instants. Nobody asks the worker meanwhile."""
    until(lambda: time.time() >= from_s, max(from_s - time.time(), 0) + 5)
    begun, before = time.monotonic(), cpu_s(worker.pid)
    until(lambda: time.time() >= to_s, max(to_s - time.time(), 0) + 5)
    return (cpu_s(worker.pid) - before) / (time.monotonic() - begun)


def _awaited(worker: WorkerServer, wanted: float, say: Say, instant_s: float) -> None:
    told_s = time.time()

    def done() -> bool:
        nonlocal told_s
        if not worker.is_running:
            raise Failed(f"the worker ended: {worker.last_words()}")
        found = worker.metric("health_evaluations_total")
        if time.time() - told_s > 10:
            told_s = time.time()
            say(f"  {told_s - instant_s:.0f} s after the instant {wanted - found:,.0f} are left")
        return found >= wanted

    if not until(done, WORKED_OFF_S_MAX):
        raise Failed(f"not worked off in {WORKED_OFF_S_MAX:g} s\n{worker.tail()}")


def _late(stand: Stand, some: dict[str, int], say: Say) -> list[tuple[float, int]]:
    """Of each that was due by itself: seconds until it was out, and the ticks that passed it."""
    topics = Topics(PREFIX)
    ticks: dict[int, list[Tick]] = {}
    log = records_of(stand.bootstrap, topics.name("signals"))
    for partition, records in groupby(log, key=lambda record: record.partition() or 0):
        said = (signals.decode(record.value() or b"") for record in records)
        ticks.setdefault(partition, []).extend(one for one in said if isinstance(one, Tick))
    found = {}
    for record in records_of(stand.bootstrap, topics.name("scores")):
        name = (record.key() or b"").decode()
        if name in some and record.timestamp()[1] >= some[name] * 1000:
            at = json.loads(record.value() or b"")["time"]
            at_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
            due_ms = some[name] * 1000
            # It may be out in any partition: that of the customer's place in this state.
            own = ticks.get(_partition(name), [])
            missed = sum(due_ms <= one.now_ms < at_ms and one.concerns(name) for one in own)
            found.setdefault(name, ((record.timestamp()[1] - due_ms) / 1000, missed))
    if not found:
        raise Failed("nothing of those that were due one by one is out")
    say(f"{len(found)} of {len(some)} that were due one by one are out")
    return list(found.values())


def _partition(name: str) -> int:
    """Where ``settle`` puts the customers, in the order of their first events."""
    return (PARTITIONS + int(name.removeprefix("some-"))) % PARTITIONS


SWEEP = Scenario(
    "sweep", "1,000,000 customers, no events: nothing due, some due, all due at one instant", run,
    seconds=600, rounds=1,
)  # fmt: skip
