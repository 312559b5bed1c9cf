"""What happened to a changelog while nobody looked: made anew exactly, or named; never silent.

One run in event time leaves a changelog and a group's offsets. Each test writes the topic
anew, damaged in its way, and starts a worker on it. No worker keeps rows on its own disk,
so a local store that is older or newer than its changelog is a kind that cannot occur.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from changelog import folds_of, healths_of, ticked_to_ms
from records import records_of
from scoring.row import is_customer
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.exits import Exit

pytestmark = pytest.mark.integration

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
AS_OF_MS = int(AS_OF.timestamp()) * 1000
CUSTOMERS = [f"c{number:02}" for number in range(24)]


@dataclass
class Damaged:
    """A log that was folded twice, by two workers one after the other, and what they left."""

    bootstrap: str
    prefix: str
    directory: Path
    options: tuple[str, ...]
    records: list[Message] = field(default_factory=list)
    #: Of each partition: the changelog's end when the first worker had stopped.
    half: dict[int, int] = field(default_factory=dict)
    healths: dict[str, Any] = field(default_factory=dict)

    @property
    def changelog(self) -> str:
        """The topic of the rows."""
        return f"{self.prefix}health.customers.v1"

    @property
    def log(self) -> str:
        """The topic that the rows are made from."""
        return f"{self.prefix}health.signals.v1"

    @cached_property
    def admin(self) -> AdminClient:
        """For what is done to topics."""
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def feed(self, days: range, customers: Sequence[str] = CUSTOMERS) -> None:
        """Events of all customers on these days."""
        path = self.directory / "events.jsonl"
        lines = [
            {
                "event_id": f"{day}-{customer}", "customer_id": customer, "source": "app",
                "occurred_at": (AS_OF - timedelta(days=100 - day)).isoformat(),
                "type": "usage.feature", "feature": f"f{day % 5}", "user": f"u{number % 3}",
            }
            for day in days for number, customer in enumerate(customers)
        ]  # fmt: skip
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        address = ("--bootstrap", self.bootstrap, "--prefix", self.prefix)
        done = vitals("import", "--mapping", "events", str(path), "--quiet", *address)
        assert done.returncode == 0, done.stderr

    def applied(self) -> int:
        """How many source records the state knows, over all partitions."""
        folds = folds_of(self.bootstrap, self.changelog)
        last = [offset for fold in folds for offset in fold.header.sources.values()]
        return max(last, default=-1) + 1

    def work(self, applied: int) -> None:
        """Run a worker until so many source records are in the state, and time has come."""
        worker = WorkerServer(self.directory, *self.options).launch()
        try:
            assert until(lambda: self._is_done(applied), 90), worker.tail()
        finally:
            worker.stop()

    def _is_done(self, applied: int) -> bool:
        folds = folds_of(self.bootstrap, self.changelog)
        return (
            self.applied() >= applied
            and len(folds) == 2
            and ticked_to_ms(self.bootstrap, self.changelog) >= AS_OF_MS
        )

    def found(self) -> dict[str, Any]:
        """Each customer's exact health, with how many outputs it has had."""
        sequences = {
            customer_id: customer.sequence
            for fold in folds_of(self.bootstrap, self.changelog)
            for customer_id in fold.customers()
            if (customer := fold.customer(customer_id)) is not None
        }
        healths = healths_of(self.bootstrap, self.changelog, AS_OF_MS)
        return {key: (health, sequences[key]) for key, health in healths.items()}

    def create_anew(self, name: str, partitions: int, **config: str) -> None:
        """Delete a topic, and create an empty one under its name."""
        self.admin.delete_topics([name])[name].result()
        assert until(lambda: name not in self.admin.list_topics(timeout=10).topics)
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result()

    def rewrite(self, records: Sequence[Message]) -> None:
        """The changelog, created anew with these records."""
        self.create_anew(self.changelog, 2, cleanup_policy="compact")
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})
        for each in records:
            producer.produce(self.changelog, each.value(), each.key(), partition=each.partition())
        assert producer.flush(30) == 0

    def refused(self) -> tuple[Exit, str]:
        """How a worker ends that is started now, and what it says."""
        done = vitals("worker", *self.options, "--data-dir", str(self.directory), timeout_s=60)
        return Exit(done.returncode), done.stderr + done.stdout


@pytest.fixture(scope="module")
def damaged(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    """Two halves of a history, folded."""
    directory = tmp_path_factory.mktemp("damage")
    prefix = "damage."
    address = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
    with RedisServer.start(directory / "redis") as redis:
        options = (
            *address, "--redis", redis.url, "--clock", "event", "--as-of", AS_OF.isoformat(),
            "--disorder-s", "100000000", "--checkpoint-ms", "100", "--session-timeout-s", "2",
        )  # fmt: skip
        made = Damaged(kafka.bootstrap, prefix, directory, options)
        shape = ("--signals-partitions", "2", "--source-partitions", "1")
        done = vitals("topics", "--create", *shape, *address)
        assert done.returncode == 0, done.stderr
        made.feed(range(50))
        made.work(50 * len(CUSTOMERS))
        for record in records_of(made.bootstrap, made.changelog):
            made.half[record.partition() or 0] = (record.offset() or 0) + 1
        made.feed(range(50, 100))
        made.work(100 * len(CUSTOMERS))
        made.records = list(records_of(made.bootstrap, made.changelog))
        made.healths = made.found()
        assert len(made.healths) == len(CUSTOMERS)
        yield made


def last_of_each(records: Sequence[Message]) -> list[Message]:
    """What compaction leaves, in order."""
    last = {(each.partition(), each.key()): each for each in records}
    return [each for each in records if last[each.partition(), each.key()] is each]


def test_s7_a_compacted_changelog_is_the_same_state(damaged: Damaged) -> None:
    damaged.rewrite(last_of_each(damaged.records))
    damaged.work(100 * len(CUSTOMERS))
    assert damaged.found() == damaged.healths


def test_s7_a_lost_tail_is_made_anew_from_the_log(damaged: Damaged) -> None:
    """The group committed beyond what the rows know: the state goes on where it stands."""
    early = [
        each for each in damaged.records if (each.offset() or 0) < damaged.half[each.partition()]
    ]
    assert len(early) < len(damaged.records)
    damaged.rewrite(early)
    assert damaged.found() != damaged.healths
    damaged.work(100 * len(CUSTOMERS))
    assert damaged.found() == damaged.healths


@pytest.mark.parametrize("lost", ["head", "one row", "all"])
def test_s7_lost_rows_are_named(damaged: Damaged, lost: str) -> None:
    """With topic and partition, within the time that a start takes."""
    kept = last_of_each(damaged.records)
    customer = next(each for each in kept if is_customer(each.key() or b""))
    kept = {
        "head": kept[len(kept) // 3 :],
        "one row": [each for each in kept if each is not customer],
        "all": [],
    }[lost]
    damaged.rewrite(kept)
    code, said = damaged.refused()
    assert code is Exit.CHANGELOG_DAMAGED, said
    assert re.search(r"partition [01]", said)
    assert damaged.prefix in said


def test_s7_another_partition_count_is_named(damaged: Damaged) -> None:
    damaged.rewrite(damaged.records)
    damaged.admin.create_partitions([NewPartitions(damaged.changelog, 3)])[
        damaged.changelog
    ].result()
    code, said = damaged.refused()
    assert code is Exit.TOPIC_MISMATCH, said
    assert f"{damaged.changelog}: has 3 partitions, expected 2" in said


@pytest.mark.parametrize("days", [3, 150], ids=["shorter", "longer"])
def test_s7_a_source_that_was_created_anew_is_read_whole(damaged: Damaged, days: int) -> None:
    """Its offsets start over: they are neither duplicates of the old ones, nor read already."""
    damaged.rewrite(damaged.records)
    source, customer = f"{damaged.prefix}health.usage.v1", f"new{days}"
    damaged.create_anew(source, 1)
    damaged.feed(range(days), [customer])
    worker = WorkerServer(damaged.directory, *damaged.options).launch()
    try:
        assert until(lambda: read_of_new(damaged, days), 60), worker.tail()
    finally:
        worker.stop()


def read_of_new(damaged: Damaged, records: int) -> bool:
    """Whether the last record of the topic that was created last is in the state."""
    folds = folds_of(damaged.bootstrap, damaged.changelog)
    return any(
        fold.customer(f"new{records}") is not None
        and records - 1 in [*fold.header.sources.values()][1:]
        for fold in folds
    )


def test_s7_records_that_are_gone_from_the_log_are_named(damaged: Damaged) -> None:
    """The tail of the changelog is lost, and retention took what it was made of. Last but one."""
    early = [
        each for each in damaged.records if (each.offset() or 0) < damaged.half[each.partition()]
    ]
    damaged.rewrite(early)
    ends = [TopicPartition(damaged.log, partition, -1) for partition in range(2)]
    for deleted in damaged.admin.delete_records(ends).values():
        deleted.result()
    code, said = damaged.refused()
    assert code is Exit.GAP, said
    assert f"{damaged.log} partition" in said
    assert "--accept-gap" in said


def test_s7_a_log_that_was_created_anew_is_named(damaged: Damaged) -> None:
    """The state was not made from it. Runs last."""
    damaged.rewrite(damaged.records)
    damaged.create_anew(damaged.log, 2, message_timestamp_type="LogAppendTime")
    code, said = damaged.refused()
    assert code is Exit.TOPIC_MISMATCH, said
    assert f"{damaged.log} partition" in said
    assert "Restore the topic" in said
