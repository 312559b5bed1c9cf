"""What a rolling restart costs: generations of the groups, and how long customers stood still."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos.rebalances import generations_of, pauses_of
from chaos.system import PARTITIONS, Feeder, System
from chaos.world import World
from servers.waiting import until

pytestmark = pytest.mark.soak

CUSTOMERS, EVENTS = 10_000, 200_000
#: So many of the events make all customers known; the others come more slowly.
FIRST, FAST, PACE = 30_000, 4_000, 500
#: A hand-over takes a second or two; on a machine that does other things it may take longer.
PAUSE_MS_MAX = 20_000


def test_s4_a_rolling_restart_takes_one_generation_for_each_leave_and_join(
    tmp_path: Path, seed: int
) -> None:
    """Three workers, each stopped in order and started again, while events come."""
    records = list(World(seed, EVENTS, CUSTOMERS, datetime.now(UTC)).records())
    with System(tmp_path) as system:
        assert system.ready(), system.workers[0].tail()
        groups = [system.topics.group_intake, system.topics.group_score]
        where = system.kafka.bootstrap, system.topics
        first, feeder = Feeder(*where, records[:FIRST], FAST), Feeder(*where, records[FIRST:], PACE)
        first.run()
        feeder.start()
        assert until(lambda: sum(w.metric("health_customers") for w in system.alive) >= CUSTOMERS)
        before, began_ms = generations_of(system.kafka.bootstrap), _now_ms()
        changes = 0
        for worker in list(system.alive):
            worker.stop()
            changes += 1
            assert until(lambda: _held(system) == PARTITIONS, 60)
            worker.begin()
            changes += 1
            assert system.ready()
        ended_ms, after = _now_ms(), generations_of(system.kafka.bootstrap)
        assert feeder.left, "the restart was over when nothing was left to do"
        changelog = system.topics.name("customers")
        pauses = pauses_of(system.kafka.bootstrap, changelog, began_ms, ended_ms)
        found = {
            "customers": CUSTOMERS,
            "leaves_and_joins": changes,
            "generations": {group: after[group] - before[group] for group in groups},
            "pauses_ms": {partition: each[: changes + 1] for partition, each in pauses.items()},
            "exits": system.exits,
        }
        print(json.dumps(found, indent=1))
    assert len(pauses) == PARTITIONS
    assert all(0 < number <= changes for number in found["generations"].values())
    assert max(each[0] for each in pauses.values()) < PAUSE_MS_MAX


def _held(system: System) -> float:
    """How many partitions those hold that run."""
    return sum(
        worker.metric("health_partitions_owned") for worker in system.alive if worker.is_running
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
