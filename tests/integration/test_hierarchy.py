"""A parent account on a real Kafka: its child lives in another partition, its worker dies."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from changelog import folds_of
from records import records_of
from relatives import tree_card
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.intake.routing import partition_of

pytestmark = pytest.mark.integration

NAMES = [f"account-{n}" for n in range(20)]
CHILD = next(name for name in NAMES if partition_of(name, 2) == 0)
TOP = next(name for name in NAMES if partition_of(name, 2) == 1)


class Company:
    """A worker on two partitions, and what it says."""

    def __init__(self, kafka: Any, redis_url: str, prefix: str, directory: Path) -> None:
        self.bootstrap, self.prefix, self.directory = kafka.bootstrap, prefix, directory
        self.common = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
        card = directory / "tree.yaml"
        card.write_text(tree_card("mean"))
        self.worker = WorkerServer(
            directory, *self.common, "--redis", redis_url, "--scorecard", str(card),
            "--session-timeout-s", "2", "--checkpoint-ms", "200",
        )  # fmt: skip
        shape = ("--signals-partitions", "2", "--source-partitions", "2")
        done = vitals("topics", "--create", *shape, *self.common)
        assert done.returncode == 0, done.stderr

    def say(self, account: str, **fields: Any) -> None:
        """An account event, a moment ago."""
        now = datetime.now(UTC) - timedelta(seconds=1)
        body = {
            "event_id": f"{account}-{now.timestamp()}", "customer_id": account, "source": "crm",
            "occurred_at": now.isoformat(), "type": "account.changed", **fields,
        }  # fmt: skip
        path = self.directory / "events.jsonl"
        path.write_text(json.dumps(body) + "\n")
        done = vitals("import", "--mapping", "events", str(path), "--quiet", *self.common)
        assert done.returncode == 0, done.stderr

    def read(self, topic: str) -> list[dict[str, Any]]:
        """All records of one of our topics."""
        found = records_of(self.bootstrap, f"{self.prefix}{topic}")
        return [json.loads(each.value()) for each in found]

    def crossings(self, account: str) -> list[tuple[str, str]]:
        """The bands that an account entered, each crossing once, and why."""
        told = {one["id"]: one["data"] for one in self.read("health.transitions.v1")}
        return [
            (data["after"], data["cause"])
            for data in told.values()
            if data["customer_id"] == account
        ]


def test_a_childs_red_turns_the_parent_red_over_two_partitions(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Also when the worker was killed between; the parent has one child then as before."""
    company = Company(kafka, redis_url, topic_prefix, tmp_path)
    company.worker.launch()
    try:
        company.say(CHILD, seats=90, parent=TOP)
        assert until(lambda: ("green", "first") in company.crossings(TOP), 60), (
            company.worker.tail()
        )
        company.worker.kill()
        company.worker.launch()
        company.say(CHILD, seats=10)
        assert until(lambda: ("red", "event") in company.crossings(TOP), 60), company.worker.tail()
        assert company.crossings(CHILD) == [("green", "first"), ("red", "event")]
        assert company.crossings(TOP) == [("green", "first"), ("red", "event")]
        company.say(TOP, parent=CHILD)
        assert until(lambda: len(company.read("health.dead-letters.v1")) == 1, 60), (
            company.worker.tail()
        )
    finally:
        company.worker.stop()
    letter = company.read("health.dead-letters.v1")[0]
    assert letter["reason"] == "hierarchy_cycle"
    assert letter["detail"].startswith(f"{TOP}: parent {CHILD} is refused: a cycle: ")
    top = next(
        customer
        for fold in folds_of(company.bootstrap, f"{topic_prefix}health.customers.v1")
        if (customer := fold.customer(TOP)) is not None
    )
    assert top.sums is not None
    assert (top.sums.count, top.sums.spread) == (1, {1000: 1})
