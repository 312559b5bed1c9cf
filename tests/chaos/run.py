"""One chaos run: the world is fed, faults strike, everything comes to rest, the checkers judge.

make chaos EVENTS=100000 KILLS=8 SEED=7 OUT=chaos.json
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from changelog import folds_of
from chaos.checkers import Findings, Histories, judge
from chaos.nemeses import NEMESES, Struck, plan
from chaos.system import Feeder, System
from chaos.world import World
from records import records_of
from schemas import signals
from schemas.signals import Block
from schemas.topics import SOURCES
from servers.waiting import until

__all__ = ["Outcome", "at_rest", "chaos", "lag_of", "main"]

REST_S = 300
EVENTS_PER_CUSTOMER = 100
CUSTOMERS_MAX = 2_000

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What a run found, and how it went."""

    seed: int
    events: int
    seconds: float
    findings: Findings
    planned: list[str]
    landed: list[str]
    exits: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the promise held."""
        return self.findings.good

    def as_json(self) -> dict[str, Any]:
        """What ``chaos.json`` holds."""
        found = self.findings
        return {
            "lost": found.lost,
            "double_counted": found.double_counted,
            "duplicate_effects": found.duplicate_effects,
            "repeat_attempts": found.repeat_attempts,
            "out_of_order": found.out_of_order,
            "late": found.late,
            "dead_letters": found.dead_letters,
            "faults": {"planned": len(self.planned), "landed": len(self.landed)},
            "dump_equal": found.dump_equal,
            "oracle_sha256": found.oracle_sha256,
            "seed": self.seed,
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "fault_names": {"planned": self.planned, "landed": self.landed},
            "worker_exits": self.exits,
            "said": found.said[:50],
        }


def chaos(
    directory: Path,
    *,
    events: int,
    faults: Sequence[str],
    seed: int,
    seconds: float,
    workers: int = 3,
    bad_builds: Sequence[str] = (),
    compacted: bool = False,
    say: Say = lambda _: None,
) -> Outcome:
    """Feed ``events`` events in about ``seconds``, have the faults strike meanwhile, and judge.

    With ``compacted`` the changelog is judged after the broker compacted it and a new worker
    restored from it.
    """
    began = time.monotonic()
    rng = random.Random(seed)
    customers = min(max(events // EVENTS_PER_CUSTOMER, 10), CUSTOMERS_MAX)
    world = World(seed, events, customers, datetime.now(UTC))
    records = list(world.records())
    say(
        f"seed {seed}: {len(records)} records of {customers} customers, faults: {', '.join(faults)}"
    )
    with System(directory, workers, bad_builds) as system:
        assert system.ready(), system.workers[0].tail()
        feeder = Feeder(
            system.kafka.bootstrap, system.topics, records, max(int(len(records) / seconds), 1)
        )
        struck = Struck(system, rng, lambda: feeder.left)
        count = len(faults)
        dues = [int((number + 0.5) / count * len(records) * 0.9) for number in range(count)]
        feeder.limit = dues[0] if dues else None
        feeder.start()
        for name, due, limit in zip(faults, dues, [*dues[1:], None], strict=True):
            until(lambda due=due: feeder.sent >= due, seconds * 4)
            feeder.limit = limit  # however slow the machine: what is to strike next has work left
            struck.by(name)
            say(f"  {feeder.sent:>9} sent, {name} {'landed' if name in struck.landed else 'late'}")
        until(lambda: not feeder.is_alive(), seconds * 10)
        assert not feeder.is_alive(), "the feeder did not come to an end"
        assert not feeder.refused, "the broker refused records of the world"
        say("  all sent; coming to rest")
        rested = until(lambda: at_rest(system), REST_S)
        say("  at rest" if rested else "  NOT at rest")
        ledger = _told(system)
        if compacted:
            assert system.compact(), "the broker did not compact the changelog"
            say("  compacted")
        for worker in system.alive:
            worker.stop()
        if compacted:
            restored = system.join()
            assert until(lambda: restored.get("/readyz") is not None), restored.tail()
            restored.stop()
            say("  restored from what compaction left")
        findings = judge(world, Histories(system.kafka.bootstrap, system.topics), ledger)
        if not rested:
            findings.rested = False
            findings.said.append(f"not at rest after {REST_S} s")
        return Outcome(
            seed, len(records), time.monotonic() - began, findings, list(faults), struck.landed,
            system.exits,
        )  # fmt: skip


def at_rest(system: System) -> bool:
    """Whether every record was read, and each partition has applied what was there by then."""
    system.tend()
    topics = system.topics
    try:
        sources = [topics.source(family) for family in SOURCES]
        if any(lag_of(system, topics.group_intake, name, 2) for name in sources):
            return False
        folds = folds_of(system.kafka.bootstrap, topics.name("customers"))
        reached = {fold.partition: fold.header.position for fold in folds}
        # Progress and ticks come for ever; whoever stands still leaves blocks behind.
        left = records_of(system.kafka.bootstrap, topics.name("signals"), reached)
        if any(type(signals.decode(each.value() or b"")) is Block for each in left):
            return False
    except KafkaException:
        return False
    return not _dirty(folds)


def _dirty(folds: Sequence[Any]) -> bool:
    from scoring.row import is_customer, prefix_of

    return any(
        prefix_of(row).dirty for fold in folds for key, row in fold.rows.items() if is_customer(key)
    )


def _told(system: System) -> dict[str, Any]:
    """The receiver's ledger, once it has all actions."""

    def complete() -> bool:
        system.tend()
        transitions, actions = system.topics.name("transitions"), system.topics.name("actions")
        if lag_of(system, system.topics.group_outreach, transitions, 4):
            return False
        wanted = {json.loads(each.value())["id"] for each in records_of(_at(system), actions)}
        return wanted <= system.ledger().keys()

    until(complete, 120)
    return system.ledger()


def _at(system: System) -> str:
    return system.kafka.bootstrap


def _ends(system: System, topic: str, partitions: int) -> dict[int, int]:
    asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(partitions)}
    found = system.admin.list_offsets(asked, request_timeout=10)
    try:
        return {tp.partition: future.result().offset for tp, future in found.items()}
    except KafkaException:
        # A client that asked while the broker was away never hears of its leaders again.
        system.admin = system.new_admin()
        raise


def lag_of(system: System, group: str, topic: str, partitions: int) -> int:
    """Records that the group has not acknowledged."""
    ends = _ends(system, topic, partitions)
    # Not the admin client's way of asking: it ends the process when a coordinator moves.
    asking = Consumer({"bootstrap.servers": _at(system), "group.id": group, "log_level": 0})
    try:
        held = asking.committed([TopicPartition(topic, p) for p in ends], timeout=10)
    finally:
        asking.close()
    return sum(max(ends[tp.partition] - max(tp.offset, 0), 0) for tp in held)


def main() -> int:
    """The script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000, help="records (default: 100,000)")
    parser.add_argument("--kills", type=int, default=8, help="kills of workers (default: 8);"
                        " with four or more every other fault strikes once as well")  # fmt: skip
    parser.add_argument("--faults", help=f"these instead, by name: {', '.join(NEMESES)}")
    parser.add_argument("--seed", type=int, help="of world and faults (default: by chance)")
    parser.add_argument("--seconds", type=float, help="of feeding (default: by the faults)")
    parser.add_argument(
        "--out", type=Path, default=Path("chaos.json"), help="(default: chaos.json)"
    )
    parser.add_argument("--keep", type=Path, help="keep logs and topics in this empty folder")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    faults = given.faults.split(",") if given.faults else plan(random.Random(seed), given.kills)
    seconds = given.seconds or max(12.0 * len(faults), given.events / 8_000, 20)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        outcome = chaos(
            given.keep or Path(folder), events=given.events, faults=faults, seed=seed,
            seconds=seconds, say=lambda line: print(line, flush=True),
        )  # fmt: skip
    body = outcome.as_json()
    given.out.write_text(json.dumps(body, indent=1) + "\n")
    for name, value in body.items():
        if name not in ("fault_names", "worker_exits", "said"):
            print(f"{name:18} {json.dumps(value)}")
    for line in outcome.findings.said:
        print(f"! {line}")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
