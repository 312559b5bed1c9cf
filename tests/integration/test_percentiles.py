"""Percentiles on a real Kafka: taken from the rows, picked up by the worker, seen in the points."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from partitionlog import changed_card
from records import records_of
from schemas.control import PercentilesTaken
from schemas.scores import ScoreChanged
from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from snapshots import CARD

pytestmark = pytest.mark.integration

CUSTOMERS = [f"customer-{n:02}" for n in range(25)]


@dataclass
class Stand:
    """A worker that scores 25 customers; each has one use more than the one before."""

    worker: WorkerServer
    address: tuple[str, ...]
    bootstrap: str
    prefix: str

    def vitals(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return vitals(*arguments, *self.address)

    def told(self) -> dict[str, ScoreChanged]:
        """The last score that was told of each customer."""
        found: dict[str, ScoreChanged] = {}
        for message in records_of(self.bootstrap, Topics(self.prefix).name("scores")):
            change = ScoreChanged.model_validate_json(message.value())
            found[change.data.customer_id] = change
        return found

    def depth(self) -> dict[str, int | None]:
        """The points of the ranked measure of each customer."""
        return {
            customer: line.curve_points
            for customer, change in self.told().items()
            for line in change.data.after.contributions
            if line.name == "depth"
        }


@pytest.fixture(scope="module")
def stand(
    kafka: Any, redis_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    prefix = f"t{secrets.token_hex(4)}."
    folder = tmp_path_factory.mktemp("percentiles")
    (folder / "card.yaml").write_text(CARD)
    address = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
    done = vitals("topics", "--create", "--signals-partitions", "2", *address)
    assert done.returncode == 0, done.stderr
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    now = datetime.now(UTC)
    for number, customer in enumerate(CUSTOMERS):
        for use in range(number + 1):
            body = {
                "event_id": f"{customer}-{use}", "customer_id": customer, "source": "app",
                "occurred_at": (now - timedelta(hours=1)).isoformat(),
                "type": "usage.feature", "feature": "board", "user": "ann",
            }  # fmt: skip
            producer.produce(Topics(prefix).source("usage"), json.dumps(body).encode())
    assert producer.flush(30) == 0
    redis_server.flush()
    worker = WorkerServer(
        folder, "--scorecard", str(folder / "card.yaml"), *address, "--redis", redis_server.url,
        "--progress-ms", "200", "--checkpoint-ms", "200", "--session-timeout-s", "3",
    )  # fmt: skip
    made = Stand(worker.launch(), address, kafka.bootstrap, prefix)
    try:
        assert until(lambda: len(made.told()) == len(CUSTOMERS), 60), worker.tail()
        yield made
    finally:
        worker.kill()


def test_a23_a_snapshot_is_taken_and_the_workers_compare_with_it(
    stand: Stand, tmp_path: Path
) -> None:
    """Without one no points; after it each customer's rank, quietly; and it is shown."""
    assert set(stand.depth().values()) == {None}
    none = stand.vitals("percentiles", "show")
    assert (none.returncode, none.stdout) == (1, "")
    assert "none were taken for ranks 1 (" in none.stderr

    tried = stand.vitals("percentiles", "take", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "no rank below 20" in tried.stdout  # nobody is large
    assert "nothing was decided" in tried.stderr
    assert stand.vitals("percentiles", "show").returncode == 1

    done = stand.vitals("percentiles", "take", "--reason", "to begin with", "--author", "Dana")
    assert done.returncode == 0, done.stderr
    assert "taken, decision 1" in done.stdout
    expected = {customer: 200 + 400 * n for n, customer in enumerate(CUSTOMERS)}
    assert until(lambda: stand.depth() == expected, 60), stand.depth()
    assert {str(change.data.cause) for change in stand.told().values()} == {"percentiles"}

    shown = stand.vitals("percentiles", "show")
    assert shown.returncode == 0, shown.stderr
    assert "ago, by Dana: to begin with" in shown.stdout
    lines = [line.split() for line in shown.stdout.splitlines()]
    rows = [cells for cells in lines if cells[:1] == ["depth"]]
    assert [row[:3] for row in rows] == [
        ["depth", "segment", "large"],
        ["depth", "segment", "small"],
    ]
    assert rows[1][3:] == ["25", "3", "13", "23"]
    as_json = stand.vitals("percentiles", "show", "--json")
    taken = PercentilesTaken.model_validate_json(as_json.stdout)
    assert (taken.reason, len(taken.groups)) == ("to begin with", 3)
    (tmp_path / "percentiles.json").write_text(as_json.stdout)
    listed = stand.vitals("signals", "--kind", "control", "--partition", "0")
    assert "percentiles.taken ranks 1" in listed.stdout


def test_a_worker_that_is_started_again_has_the_snapshot(stand: Stand) -> None:
    """It comes from the partition's rows; the next use moves the rank along the same cuts."""
    stand.worker.stop()
    stand.worker.launch()
    producer = Producer({"bootstrap.servers": stand.bootstrap})
    body = {
        "event_id": "one more", "customer_id": CUSTOMERS[3], "source": "app",
        "occurred_at": datetime.now(UTC).isoformat(),
        "type": "usage.feature", "feature": "board", "user": "ann",
    }  # fmt: skip
    producer.produce(Topics(stand.prefix).source("usage"), json.dumps(body).encode())
    assert producer.flush(30) == 0
    assert until(lambda: stand.depth()[CUSTOMERS[3]] == 1_800, 60), stand.depth()


def test_taken_again_and_again_until_stopped(stand: Stand, tmp_path: Path) -> None:
    """Nothing is due for the card of today; a new card wants its first snapshot at once."""
    log = tmp_path / "every.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams", "percentiles", "take", "--every", "24h",
             *stand.address],
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            other = tmp_path / "other.yaml"
            other.write_text(changed_card(('version: "1"', 'version: "2"'), text=CARD))
            done = stand.vitals(
                "scorecard", "activate", str(other), "--author", "Kim", "--reason", "a test"
            )
            assert done.returncode == 0, done.stderr
            assert until(lambda: "percentiles of ranks 2 (" in log.read_text(), 90), log.read_text()
            process.terminate()
            assert process.wait(20) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
    assert log.read_text().count("taken, decision") == 1
    assert until(lambda: None not in stand.depth().values(), 60), stand.depth()
