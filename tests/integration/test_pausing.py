"""S11 on a real Kafka: a bad deploy of one source partition, from the first bad record to the fix.

The whole loop with a real worker: the partition is paused and the others go on, a
killed worker's successor keeps to it, and after the fix the result equals that of the good input.
"""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from changelog import folds_of, healths_of
from records import records_of
from schemas.control import SourceResumed, SourceStalled, decision_in
from schemas.dead_letters import DeadLetter
from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.clock import SystemClock, from_ms
from streams.reading.sources import SourcePartition, sources
from streams.settings import Settings

pytestmark = pytest.mark.integration

REPO = Path(__file__).resolve().parents[2]
CARD = str(REPO / "tests" / "cards" / "b2b-saas.yaml")
BAD, GOOD = 1, 0
GARBAGE = b'{"event_id": "cut off'
#: With 5 good records before: at the hundredth more than half are bad.
PAUSED_AT = 100


class Deploy:
    """Topics, a worker, and a producer that was deployed wrong."""

    def __init__(self, bootstrap: str, prefix: str, redis_url: str, folder: Path) -> None:
        self.options = (
            "--redis", redis_url, "--scorecard", CARD, "--stalled-after", "tickets=2s",
            "--session-timeout-s", "2", "--checkpoint-ms", "200", "--progress-ms", "100",
        )  # fmt: skip
        self.bootstrap, self.topics = bootstrap, Topics(prefix)
        self.settings = Settings(bootstrap=bootstrap, prefix=prefix)
        self.kafka = ("--bootstrap", bootstrap, "--prefix", prefix)
        shape = ("--signals-partitions", "2", "--source-partitions", "2")
        done = vitals("topics", "--create", *shape, *self.kafka)
        assert done.returncode == 0, done.stderr
        self.worker = WorkerServer(folder, *self.kafka, *self.options)
        self.events: list[dict[str, Any]] = []
        self.now_ms = SystemClock().now_ms()

    def event(self, customer: str) -> bytes:
        """A good one, kept for the comparison."""
        number = len(self.events)
        body = {
            "event_id": f"e{number}", "customer_id": customer, "source": "app", "user": "u",
            "occurred_at": from_ms(self.now_ms - 3_600_000 + number).isoformat(),
            "type": "usage.feature", "feature": f"f{number % 5}",
        }  # fmt: skip
        self.events.append(body)
        return json.dumps(body).encode()

    def send(self, partition: int, *values: bytes) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for value in values:
            producer.produce(self.topics.source("usage"), value, partition=partition)
        assert producer.flush(30) == 0

    def ticket(self, number: int) -> None:
        """An event of another source."""
        body = {
            "event_id": f"t{number}", "customer_id": "asks", "source": "desk", "ticket_id": "1",
            "occurred_at": from_ms(self.now_ms).isoformat(), "type": "ticket.changed",
            "change": "opened",
        }  # fmt: skip
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(self.topics.source("tickets"), json.dumps(body).encode())
        assert producer.flush(30) == 0

    def declared(self, family: str) -> list[str]:
        """What the control topic says of a source, in order."""
        found = [decision_in(r.value()) for r in records_of(self.bootstrap, self._control)]
        return [
            one.type for one in found
            if isinstance(one, SourceStalled | SourceResumed)
            and one.topic == self.topics.source(family)
        ]  # fmt: skip

    def status(self) -> dict[tuple[str, int], SourcePartition]:
        """What ``vitals intake status`` shows."""
        found = asyncio.run(sources(self.settings)).partitions
        return {(one.family, one.partition): one for one in found}

    def is_paused(self) -> bool:
        """Whether the bad partition is, and up to where it was read is committed."""
        one = self.status()["usage", BAD]
        return one.state == "paused" and one.next_offset == PAUSED_AT

    def folded(self, customer: str) -> bool:
        """Whether something of a customer is in the rows."""
        return any(
            customer in fold.customers() for fold in folds_of(self.bootstrap, self._customers)
        )

    def stalled(self) -> list[set[str]]:
        """The topics that each partition of customers holds for stalled."""
        return [set(f.header.stalled) for f in folds_of(self.bootstrap, self._customers)]

    def dead_letters(self) -> list[int]:
        """The source offsets of what was refused, all of the bad partition."""
        found = records_of(self.bootstrap, self.topics.name("dead_letters"))
        letters = [DeadLetter.model_validate_json(message.value() or b"") for message in found]
        assert {(x.topic, x.partition) for x in letters} <= {(self.topics.source("usage"), BAD)}
        return sorted(letter.offset for letter in letters)

    def healths(self) -> dict[str, Any]:
        return healths_of(self.bootstrap, self._customers, self.now_ms)

    @property
    def _control(self) -> str:
        return self.topics.name("control")

    @property
    def _customers(self) -> str:
        return self.topics.name("customers")


@pytest.fixture
def deploy(kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Deploy]:
    made = Deploy(kafka.bootstrap, topic_prefix, redis_url, tmp_path)
    yield made
    made.worker.kill()


def replayed(deploy: Deploy, folder: Path) -> dict[str, Any]:
    """What ``vitals replay`` makes of the good events alone."""
    events, out = folder / "events.jsonl", folder / "scores.json"
    events.write_text("".join(json.dumps(event) + "\n" for event in deploy.events))
    as_of = from_ms(deploy.now_ms).isoformat()
    arguments = ("--scorecard", CARD, "--as-of", as_of, "--json", str(out), "--quiet")
    done = vitals("replay", str(events), *arguments)
    assert done.returncode == 0, done.stderr
    customers: dict[str, Any] = json.loads(out.read_text())["customers"]
    return customers


def test_s11_a_bad_deploy_pauses_one_partition_and_after_the_fix_all_is_equal(
    deploy: Deploy, tmp_path: Path
) -> None:
    worker, topic = deploy.worker, deploy.topics.source("usage")
    worker.launch()
    deploy.send(GOOD, *(deploy.event(f"good{n}") for n in range(5)))
    deploy.send(BAD, *(deploy.event(f"early{n}") for n in range(5)), *[GARBAGE] * 250)

    assert until(deploy.is_paused, 60), worker.tail()
    refused = list(range(5, PAUSED_AT))
    assert deploy.dead_letters() == refused
    assert until(lambda: deploy.stalled() == [{topic}] * 2, 60), worker.tail()
    done = vitals("intake", "status", "--json", *deploy.kafka)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (row,) = [row for row in rows if row["state"] == "paused"]
    assert (row["source"], row["partition"], row["lag"]) == ("usage", BAD, 155)
    assert row["reason"] == "more than half of the records of 60 s are bad"
    assert [row["partition"] for row in rows if row["state"] == "stalled"] == [GOOD]

    # The others go on, time too, and what the source feeds is frozen.
    deploy.send(GOOD, deploy.event("meanwhile"))
    assert until(lambda: deploy.folded("meanwhile"), 60), worker.tail()
    assert worker.metric("health_sources_stalled") == 1
    assert worker.metric("health_intake_partitions_paused") == 1

    # Whoever comes next keeps to it.
    worker.kill()
    worker.launch()
    assert until(lambda: worker.metric("health_intake_partitions_paused") == 1, 60), worker.tail()
    assert deploy.dead_letters() == refused

    # The producer is fixed and sends again what was garbage.
    deploy.send(BAD, *(deploy.event(f"late{n}") for n in range(5)))
    done = vitals("intake", "resume", "usage/1", "--author", "dana", *deploy.kafka)
    assert done.returncode == 0, done.stderr
    assert "160 records wait" in done.stdout
    assert until(lambda: deploy.folded("late4"), 60), worker.tail()
    assert until(lambda: deploy.stalled() == [set()] * 2, 60), worker.tail()
    assert {one.state for one in deploy.status().values()} == {"running"}
    assert deploy.dead_letters() == list(range(5, 255))

    expected, found = replayed(deploy, tmp_path), deploy.healths()
    assert found.keys() == expected.keys()
    for customer, health in expected.items():
        got = {name: found[customer][name] for name in health}
        assert json.loads(json.dumps(got)) == health, customer


def test_a_source_is_paused_and_resumed_by_hand(deploy: Deploy) -> None:
    """A person's pause holds, is told as what it is, and cannot be taken back twice."""
    worker, kafka = deploy.worker, deploy.kafka
    pause = ("intake", "pause", "usage", "--reason", "moving house", "--author", "dana", *kafka)
    assert vitals(*pause).returncode == 0
    again = vitals(*pause)
    assert again.returncode == 1
    assert "usage is paused already, since" in again.stderr
    assert "(dana: moving house)" in again.stderr
    deploy.send(GOOD, deploy.event("waits"))
    worker.launch()
    assert until(lambda: worker.metric("health_intake_partitions_paused") == 2, 60), worker.tail()
    one = deploy.status()["usage", GOOD]
    assert (one.state, one.lag, one.waits_since_ms is None) == ("paused", 1, False)
    shown = vitals("intake", "status", *kafka).stdout
    assert "dana: moving house" in " ".join(shown.split())

    one_of_it = vitals("intake", "resume", "usage/1", *kafka)
    assert one_of_it.returncode == 1
    assert "usage/1 is not paused; paused is usage" in one_of_it.stderr
    missing = vitals("intake", "resume", "usage/7", *kafka)
    assert missing.returncode == 2
    assert "usage has 2 partitions, 0 to 1" in missing.stderr
    assert vitals("intake", "resume", "usage", *kafka).returncode == 0
    assert until(lambda: deploy.folded("waits"), 60), worker.tail()


def test_a_source_that_falls_silent_is_declared_stalled_once_and_back(
    deploy: Deploy, tmp_path: Path
) -> None:
    """By one of two workers, and by its successor: one stall, one end. T4: others are idle."""
    second = WorkerServer(tmp_path / "second", *deploy.kafka, *deploy.options)
    deploy.ticket(1)
    deploy.worker.launch()
    second.launch()
    try:
        assert until(lambda: deploy.declared("tickets") == ["source.stalled"], 60)
        deploy.worker.kill()
        assert until(lambda: second.metric("health_partitions_owned") == 2, 60), second.tail()
        assert second.metric("health_sources_stalled") == 1
        numbers = count(2)

        def is_back() -> bool:
            deploy.ticket(next(numbers))  # again and again: a pause of 2 s would be silence
            return deploy.declared("tickets")[:2] == ["source.stalled", "source.resumed"]

        assert until(is_back, 60), second.tail()
        assert deploy.declared("usage") == []
    finally:
        second.kill()
