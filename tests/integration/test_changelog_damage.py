"""What happened to a changelog while nobody looked: made anew exactly, or named; never silent.

One run in event time leaves a changelog and a group's offsets. Each test writes the topic
anew, damaged in its way, and starts a worker on it. No worker keeps rows on its own disk,
so a local store that is older or newer than its changelog is a kind that cannot occur.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Message, Producer, TopicPartition
from confluent_kafka.admin import NewPartitions

from changelog import folds_of
from event_time import CUSTOMERS, EventTime
from records import records_of
from scoring.row import is_customer
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer
from servers.waiting import until
from streams.exits import Exit

pytestmark = pytest.mark.integration


class Damaged(EventTime):
    """A log that was folded twice, by two workers one after the other, and what they left."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        #: Of each partition: the changelog's end when the first worker had stopped.
        self.half: dict[int, int] = {}
        self.feed(range(50))
        self.work()
        for record in records_of(self.bootstrap, self.changelog):
            self.half[record.partition() or 0] = (record.offset() or 0) + 1
        self.feed(range(50, 100))
        self.work()
        self.records = list(records_of(self.bootstrap, self.changelog))
        self.right = self.healths()
        assert len(self.right) == len(CUSTOMERS)

    def rewrite(self, records: Sequence[Message]) -> None:
        """The changelog, created anew with these records."""
        self.lose()
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})
        for each in records:
            producer.produce(self.changelog, each.value(), each.key(), partition=each.partition())
        assert producer.flush(30) == 0


@pytest.fixture(scope="module")
def damaged(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    """Two halves of a history, folded."""
    directory = tmp_path_factory.mktemp("damage")
    with RedisServer.start(directory / "redis") as redis:
        yield Damaged(kafka.bootstrap, redis.url, "damage.", directory)


def last_of_each(records: Sequence[Message]) -> list[Message]:
    """What compaction leaves, in order."""
    last = {(each.partition(), each.key()): each for each in records}
    return [each for each in records if last[each.partition(), each.key()] is each]


def test_s7_a_compacted_changelog_is_the_same_state(damaged: Damaged) -> None:
    damaged.rewrite(last_of_each(damaged.records))
    damaged.work()
    assert damaged.healths() == damaged.right


def test_s7_a_lost_tail_is_made_anew_from_the_log(damaged: Damaged) -> None:
    """The group committed beyond what the rows know: the state goes on where it stands."""
    early = [
        each for each in damaged.records if (each.offset() or 0) < damaged.half[each.partition()]
    ]
    assert len(early) < len(damaged.records)
    damaged.rewrite(early)
    assert damaged.healths() != damaged.right
    damaged.work()
    assert damaged.healths() == damaged.right


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
