"""No worker ran for six hours, and events came all the time: nobody was silent in that time.

The first life of the worker is led six hours ago, by its own clock and by the broker's as it
sees it. Kafka keeps what came since then under the time at which it came. The second life
begins now.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from changelog import rows_of
from chaos.checkers import Histories, compare
from chaos.system import BadDays
from records import records_of
from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until

pytestmark = pytest.mark.soak

NOW = datetime.now(UTC).replace(microsecond=0)
HOURS = 6
CUSTOMERS = [f"c{number:02}" for number in range(30)]
#: They used something before the workers were down, and nothing since.
SILENT = CUSTOMERS[:5]
EVERY = timedelta(minutes=5)
CARD = """
scorecard: silence
version: "1"
objective: Notice who is silent, and nobody else.
owner: reliability
weights: {used: 100}
groups:
  used:
    lately: {share: 100, metric: days_since(use), curve: {0: 100, 4h: 100, 5h: 0}, says: "{value}"}
bands:
  green: {enter: ">= 60", leave: "< 55"}
  yellow: otherwise
  red: {enter: "< 35", leave: ">= 40"}
letters: {A: 85, B: 70, C: 50, D: 0}
"""


class Worker(BadDays, WorkerServer):
    """A worker whose life may lie in the past."""


class Down:
    """The topics of one installation, and the worker that is down for hours."""

    def __init__(self, bootstrap: str, redis_url: str, prefix: str, directory: Path) -> None:
        self.bootstrap, self.topics = bootstrap, Topics(prefix)
        address = ("--bootstrap", bootstrap, "--prefix", prefix)
        shape = ("--signals-partitions", "2", "--source-partitions", "1")
        done = vitals("topics", "--create", *shape, *address)
        assert done.returncode == 0, done.stderr
        card = directory / "silence.yaml"
        card.write_text(CARD)
        # In small chunks: there are many moments at which some has been read and some has not.
        self.worker = Worker(
            directory, *address, "--redis", redis_url, "--scorecard", str(card),
            "--chunk-records", "5", "--tick-ms", "50", "--progress-ms", "50",
            "--checkpoint-ms", "100", "--session-timeout-s", "2",
        )  # fmt: skip
        self.number = 0

    def feed(self, begin: datetime, end: datetime, customers: list[str]) -> None:
        """Each of them uses something every few minutes; it comes as soon as it happens."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        while begin < end:
            for customer in customers:
                self.number += 1
                body = {
                    "event_id": str(self.number), "customer_id": customer, "source": "app",
                    "occurred_at": begin.isoformat(), "type": "usage.feature", "feature": "f",
                    "user": "u",
                }  # fmt: skip
                producer.produce(
                    self.topics.source("usage"), json.dumps(body), customer,
                    timestamp=int(begin.timestamp() * 1000),
                )  # fmt: skip
            begin += EVERY
        assert producer.flush(30) == 0

    def bands(self) -> dict[str, list[str]]:
        """Of each customer, the bands in the order in which they were told."""
        found: dict[str, list[str]] = {}
        seen = set()
        for message in records_of(self.bootstrap, self.topics.name("transitions")):
            told: dict[str, Any] = json.loads(message.value() or b"")
            if told["id"] not in seen:
                seen.add(told["id"])
                found.setdefault(told["subject"], []).append(told["data"]["after"])
        return found


def test_six_hours_without_a_worker_make_nobody_silent(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Only those are told of who did nothing; all is as one process makes it of the log."""
    down = Down(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    went, worker = NOW - timedelta(hours=HOURS), down.worker
    down.feed(went - timedelta(minutes=20), went, CUSTOMERS)
    worker.begin("--ago-s", str(HOURS * 3600))
    assert until(lambda: down.bands().keys() == set(CUSTOMERS), 60), worker.tail()
    worker.kill()
    down.feed(went, NOW, [each for each in CUSTOMERS if each not in SILENT])

    worker.begin()
    expected = {each: ["green", "red"] if each in SILENT else ["green"] for each in CUSTOMERS}
    reached = until(lambda: set(SILENT) <= {c for c, b in down.bands().items() if len(b) > 1}, 60)
    worker.stop()
    assert reached, worker.tail()
    assert down.bands() == expected
    histories = Histories(down.bootstrap, down.topics)
    rows = rows_of(down.bootstrap, down.topics.name("customers"))
    assert compare(rows, {p: dict(fold.rows) for p, fold in histories.oracle.items()}) == []
