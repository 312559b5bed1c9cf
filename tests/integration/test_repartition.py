"""From 8 partitions to 12 on a real Kafka, killed at every step: as if it had always been 12."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from changelog import folds_of, rows_of
from event_time import AS_OF, AS_OF_MS, CUSTOMERS, EventTime
from records import records_of
from schemas import signals
from schemas.signals import ROLLUP, Block, Tick
from scoring.row import is_customer
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.exits import Exit
from streams.intake.routing import partition_of
from streams.replay import Replay, event_in

pytestmark = pytest.mark.soak

LAUNCH = Path(__file__).resolve().parents[1] / "chaos" / "launch.py"
OLD, NEW = 8, 12
DAY_MS = 86_400_000
#: The first are parents of the others. The last are not heard of after a while.
PARENTS, SILENT = CUSTOMERS[:4], CUSTOMERS[16:]
FIRST_MS = AS_OF_MS - 60 * DAY_MS
CARD = """
scorecard: moved
version: "1"
objective: A score that moves by itself
owner: test
emit: {at_least: 0.01}
hierarchy: {parent: mean, own: 50%}
weights: {use: 100}
groups:
  use:
    last: {share: 50, metric: days_since(human_use), curve: {1: 100, 30: 0}, says: "{value} ago"}
    uses: {share: 50, metric: "count(use, 28d)", curve: {0: 0, 28: 100}, says: "{value} uses"}
bands:
  green: {enter: ">= 75", leave: "< 75"}
  red: {enter: "< 50", leave: ">= 50"}
letters: {A: 85, D: 0}
"""


class Moved(EventTime):
    """Forty days were folded in 8 partitions; ten more were read, and of these a tick is unread."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given, partitions=OLD)
        card = self.directory / "card.yaml"
        card.write_text(CARD)
        self.options = (*self.options, "--scorecard", str(card), "--tick-ms", "50")
        self.oracle = Replay(CARD, step_ms=DAY_MS, disorder_ms=10**11, as_of_ms=AS_OF_MS)
        self.as_of_ms = FIRST_MS
        self.feed(range(40))
        self.work()
        self.oracle_to(FIRST_MS)
        self.feed(range(40, 50), CUSTOMERS[:16])
        self.read_only()
        self.append_ticks(FIRST_MS + 10 * DAY_MS)
        self.oracle_to(FIRST_MS + 10 * DAY_MS)

    def feed(self, days: range, customers: Sequence[str] = CUSTOMERS) -> None:
        """To the oracle as well."""
        super().feed(days, customers)
        for line in self.lines(days, customers):
            self.oracle.take(event_in(json.dumps(line).encode()), "here")

    def oracle_to(self, now_ms: int) -> None:
        """Time has come so far."""
        self.oracle._flush()
        self.oracle._advance(now_ms)

    def lines(self, days: range, customers: Sequence[str] = CUSTOMERS) -> list[dict[str, Any]]:
        """On the first day it is said who is whose parent."""
        said = [
            {
                "event_id": f"parent-{customer}", "customer_id": customer, "source": "crm",
                "occurred_at": AS_OF.replace(year=2026, month=2, day=21).isoformat(),
                "type": "account.changed", "parent": PARENTS[number % len(PARENTS)],
            }
            for number, customer in enumerate(customers) if customer not in PARENTS
        ]  # fmt: skip
        return (said if 0 in days else []) + super().lines(days, customers)

    def read_only(self) -> None:
        """Intake alone: what was fed is in the log, and in no row."""
        worker = WorkerServer(self.directory, *self.options, "--parts", "intake").launch()
        try:
            assert until(lambda: self.in_the_log() >= self.fed, 60), worker.tail()
        finally:
            worker.stop()

    def in_the_log(self) -> int:
        """How many events' signals the log holds."""
        return sum(
            len(said.signals)
            for record in records_of(self.bootstrap, self.log)
            if isinstance(said := signals.decode(record.value() or b""), Block)
            and said.topic != ROLLUP
        )

    def append_ticks(self, now_ms: int) -> None:
        """As an owner that died before it read them."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for partition in range(OLD):
            producer.produce(self.log, signals.encode(Tick(now_ms)), partition=partition)
        assert producer.flush(10) == 0

    def call(self, *arguments: str, fail_at: str | None = None) -> tuple[int, str]:
        """``vitals repartition`` on these topics, dying at a point: its code, what it says."""
        options = ("repartition", *arguments, *self.address, "--clock", "event")
        if fail_at is None:
            done = vitals(*options, stdin=subprocess.DEVNULL)
        else:
            done = subprocess.run(
                [sys.executable, str(LAUNCH), "--fail-at", fail_at, *options],
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def rows(self) -> dict[int, dict[bytes, bytes]]:
        """What a restore would have."""
        return {p: rows for p, rows in rows_of(self.bootstrap, self.changelog).items() if rows}

    def partitions_of(self, topic: str) -> int:
        """How many a topic has."""
        name = f"{self.prefix}{topic}"
        return len(self.admin.list_topics(name, timeout=10).topics[name].partitions)

    def told(self) -> dict[str, list[tuple[int, int, int]]]:
        """Of each customer's score changes epoch, sequence and partition, each id once."""
        found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        bodies: dict[str, bytes | None] = {}
        for record in records_of(self.bootstrap, f"{self.prefix}health.scores.v1"):
            event = json.loads(record.value() or b"")
            data = event["data"]
            if event["id"] in bodies:
                assert bodies[event["id"]] == record.value()
                continue
            bodies[event["id"]] = record.value()
            place = (data["epoch"], data["sequence"], record.partition() or 0)
            found[data["customer_id"]].append(place)
        return found


@pytest.fixture(scope="module")
def moved(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """What :class:`Moved` says."""
    directory = tmp_path_factory.mktemp("moved")
    with RedisServer.start(directory / "redis") as redis:
        yield Moved(kafka.bootstrap, redis.url, "moved.", directory)


def test_it_shows_what_would_move_and_refuses_what_cannot_be(moved: Moved) -> None:
    before = moved.rows()
    code, said = moved.call("--to", str(NEW), "--dry-run", "--json")
    assert code == 0, said
    shown = json.loads(said)
    away = sum(partition_of(one, OLD) != partition_of(one, NEW) for one in CUSTOMERS)
    assert (shown["from"], shown["to"], shown["begun"], shown["done"]) == (OLD, NEW, False, False)
    assert (shown["customers"], shown["moved"]) == (len(CUSTOMERS), away)
    assert shown["unread"] == sum(one["unread"] for one in shown["partitions"])
    assert all(one["unread"] > 0 for one in shown["partitions"])
    code, said = moved.call("--to", "4", "--yes")
    assert code == Exit.USAGE
    assert "Kafka cannot take any away" in said
    code, said = moved.call("--to", str(NEW))
    assert code == Exit.USAGE
    assert "nobody is there to be asked: give --yes" in said
    assert moved.rows() == before
    assert moved.partitions_of("health.customers.v1") == OLD


def test_s1_killed_at_any_step_and_run_again_it_ends_the_same(moved: Moved) -> None:
    """In between no worker starts: its exit has a name, and says what to do."""
    sequences = {name: n for name, (_, n) in moved.healths().items()}

    for point in ("grown", "rows-written", "rows-moved"):
        code, said = moved.call("--to", str(NEW), "--yes", fail_at=point)
        assert code == -9, said
        assert moved.partitions_of("health.customers.v1") == NEW
        assert moved.partitions_of("health.signals.v1") == OLD
        keys = [key for rows in moved.rows().values() for key in rows if is_customer(key)]
        assert sorted(keys) == sorted(one.encode() for one in CUSTOMERS)
        if point == "grown":
            refused, told = moved.refused()
            assert refused is Exit.TOPIC_MISMATCH
            assert f"`vitals repartition --to {NEW}` ends it" in told
    code, said = moved.call("--to", "16", "--yes")
    assert code == Exit.USAGE
    assert f"Finish it first: `vitals repartition --to {NEW}`" in said
    code, said = moved.call("--to", str(NEW), "--yes")
    assert code == 0, said
    assert "Start the workers" in said
    done = vitals("topics", *moved.address, "--signals-partitions", str(NEW))
    assert done.returncode == 0, done.stdout

    rows = moved.rows()
    for partition, each in rows.items():
        for key in filter(is_customer, each):
            assert partition_of(key.decode(), NEW) == partition
    for fold in folds_of(moved.bootstrap, moved.changelog):
        fold.check_seal()
        assert fold.header.partitions == NEW
    # The tick that was unread was applied, once: some were told something.
    moved.partitions = NEW
    moved.as_of_ms = FIRST_MS + 10 * DAY_MS
    now = {name: n for name, (_, n) in moved.healths().items()}
    assert sum(now.values()) > sum(sequences.values())
    code, said = moved.call("--to", str(NEW), "--yes")
    assert code == 0, said
    assert "nothing to do" in said
    assert moved.rows() == rows


def test_what_comes_afterwards_is_scored_as_if_there_had_always_been_as_many(moved: Moved) -> None:
    """Also who falls silent, and the parents of both. Last."""
    moved.as_of_ms = AS_OF_MS
    moved.feed(range(50, 80), CUSTOMERS[:16])
    moved.work()
    expected = moved.oracle.finish().customers
    found = moved.healths()
    assert found.keys() == expected.keys() == set(CUSTOMERS)
    for name, health in expected.items():
        got, sequence = found[name]
        if name in PARENTS:  # the instants at which children are heard are another's
            for each in (health, got):
                each.pop("because")
        else:
            customer = moved.oracle._fold.customer(name)
            assert customer is not None
            assert sequence == customer.sequence, name
        assert json.loads(json.dumps(got)) == json.loads(json.dumps(health)), name
    assert len({found[name][0]["score"] for name in SILENT}) == 1
    for name, places in moved.told().items():
        places.sort()
        assert [sequence for _, sequence, _ in places] == list(range(1, len(places) + 1)), name
        assert len({epoch for epoch, _, _ in places}) == 1
        assert places[0][2] == partition_of(name, OLD)
        assert places[-1][2] in (partition_of(name, OLD), partition_of(name, NEW))
