"""``vitals retention`` on a real Kafka: read from the rows that a worker keeps."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.topics import Topics
from servers.vitals import WorkerServer, vitals
from servers.waiting import until

pytestmark = pytest.mark.integration

#: Customer, days ago, MRR in cents. What went down to nothing left.
TOLD = [
    ("stays", 370, 600_000), ("stays", 20, 660_000), ("leaves", 370, 600_000), ("leaves", 5, 0),
    ("small", 370, 10_000), ("small", 20, 4_000), ("new", 20, 90_000),
]  # fmt: skip


def _produce(bootstrap: str, topic: str) -> None:
    producer, now = Producer({"bootstrap.servers": bootstrap}), datetime.now(UTC)
    for customer, days, mrr_minor in TOLD:
        body = {
            "event_id": f"{customer}-{days}", "customer_id": customer, "source": "crm",
            "occurred_at": (now - timedelta(days=days)).isoformat(), "type": "account.changed",
            "mrr_minor": mrr_minor, "currency": "EUR",
        }  # fmt: skip
        producer.produce(topic, json.dumps(body).encode())
    assert producer.flush(30) == 0


def test_a3_retention_by_segment(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Logo, gross and net, of all and of the segment in which each began; as JSON and to read."""
    address = ("--bootstrap", kafka.bootstrap, "--prefix", topic_prefix)
    done = vitals("topics", "--create", "--signals-partitions", "2", *address)
    assert done.returncode == 0, done.stderr
    early = vitals("retention", *address)
    assert (early.returncode, early.stdout) == (1, "")
    assert "no scorecard is active" in early.stderr
    _produce(kafka.bootstrap, Topics(topic_prefix).source("accounts"))
    worker = WorkerServer(
        tmp_path, *address, "--redis", redis_url, "--checkpoint-ms", "200", "--progress-ms", "200"
    )

    def groups() -> dict[str | None, dict[str, Any]]:
        done = vitals("retention", "--json", *address)
        if done.returncode:
            return {}
        return {one["segment"]: one for one in json.loads(done.stdout)["groups"]}

    worker.launch()
    try:
        assert until(lambda: groups().get(None, {}).get("won") == 1, 60), worker.tail()
        assert until(lambda: groups()[None]["lost"] == 1, 60), worker.tail()
        found = groups()
        table = vitals("retention", *address)
    finally:
        worker.kill()
    assert list(found) == [None, "enterprise", "growth", "small"]
    total = {k: found[None][k] for k in ("customers", "lost", "won", "then_mrr", "churn_mrr")}
    assert total == {"customers": 3, "lost": 1, "won": 1, "then_mrr": 12_100, "churn_mrr": -6_000}
    shares = [round(found[None][k], 4) for k in ("logo", "gross", "net")]
    assert shares == [0.6667, 0.4992, 0.5488]
    assert [found["enterprise"][k] for k in ("logo", "gross", "net")] == [0.5, 0.5, 0.55]
    assert found["small"]["net"] == 0.4
    assert found["growth"]["net"] is None
    assert table.returncode == 0, table.stderr
    assert "365 days, MRR in EUR at today's rates" in table.stdout
    assert "enterprise" in table.stdout
    assert "55.0 %" in table.stdout
