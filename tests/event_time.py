"""A short history in event time, folded by real workers on a real broker: to test the state."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient, NewTopic

from changelog import folds_of, healths_of
from scoring.partition import PartitionFold
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.exits import Exit

__all__ = ["AS_OF_MS", "CUSTOMERS", "EventTime"]

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
AS_OF_MS = int(AS_OF.timestamp()) * 1000
CUSTOMERS = [f"c{number:02}" for number in range(24)]
DAYS = 100


class EventTime:
    """Topics under a prefix, a few partitions of customers, and what is fed to them."""

    def __init__(
        self,
        bootstrap: str,
        redis_url: str,
        prefix: str,
        directory: Path,
        sources: int = 1,
        partitions: int = 2,
    ) -> None:
        self.bootstrap, self.prefix, self.directory = bootstrap, prefix, directory
        self.address = ("--bootstrap", bootstrap, "--prefix", prefix)
        self.options = (
            *self.address, "--redis", redis_url, "--clock", "event", "--as-of", AS_OF.isoformat(),
            "--disorder-s", "100000000", "--checkpoint-ms", "100", "--session-timeout-s", "2",
        )  # fmt: skip
        self.changelog = f"{prefix}health.customers.v1"
        self.log = f"{prefix}health.signals.v1"
        self.fed = 0
        self.partitions = partitions
        self.as_of_ms = AS_OF_MS
        shape = ("--signals-partitions", str(partitions), "--source-partitions", str(sources))
        done = vitals("topics", "--create", *shape, *self.address)
        assert done.returncode == 0, done.stderr

    @cached_property
    def admin(self) -> AdminClient:
        """For what is done to topics."""
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def feed(self, days: range, customers: Sequence[str] = CUSTOMERS) -> None:
        """An event of each customer on each of these days; nobody waits until they are read."""
        path = self.directory / "events.jsonl"
        lines = self.lines(days, customers)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = vitals("import", "--mapping", "events", str(path), "--quiet", *self.address)
        assert done.returncode == 0, done.stderr
        self.fed += len(lines)

    def lines(self, days: range, customers: Sequence[str] = CUSTOMERS) -> list[dict[str, Any]]:
        """The events of these days."""
        return [
            {
                "event_id": f"{day}-{customer}", "customer_id": customer, "source": "app",
                "occurred_at": (AS_OF - timedelta(days=DAYS - day)).isoformat(),
                "type": "usage.feature", "feature": f"f{day % 5}", "user": f"u{number % 3}",
            }
            for day in days for number, customer in enumerate(customers)
        ]  # fmt: skip

    def work(self) -> None:
        """Run a worker until all that was fed is in the state, and time has come to its end."""
        as_of = datetime.fromtimestamp(self.as_of_ms / 1000, UTC).isoformat()
        worker = WorkerServer(self.directory, *self.options, "--as-of", as_of).launch()
        try:
            assert until(self.is_settled, 90), worker.tail()
        finally:
            worker.stop()

    def is_settled(self) -> bool:
        """Whether all that was fed is in the state, and time has come to its end."""
        folds = folds_of(self.bootstrap, self.changelog)
        read: Counter[str] = Counter()
        for fold in folds:
            for source, last in fold.header.sources.items():
                read[source] = max(read[source], last + 1)
        return (
            read.total() >= self.fed
            and len(folds) == self.partitions
            and all(map(self._has_come_to_the_end, folds))
        )

    def _has_come_to_the_end(self, fold: PartitionFold) -> bool:
        """Time does not go on by itself where nobody waits for it."""
        if fold.header.tick_ms >= self.as_of_ms:
            return True
        read_to_ms = fold.read_to_ms(()) or 0
        return read_to_ms >= self.as_of_ms and not fold.ticks(self.as_of_ms, 10**9)

    def healths(self) -> dict[str, Any]:
        """Each customer's exact health in the end, with how many outputs it has had."""
        sequences = {
            customer_id: customer.sequence
            for fold in folds_of(self.bootstrap, self.changelog)
            for customer_id in fold.customers()
            if (customer := fold.customer(customer_id)) is not None
        }
        healths = healths_of(self.bootstrap, self.changelog, self.as_of_ms)
        return {key: (health, sequences[key]) for key, health in healths.items()}

    def create_anew(self, name: str, partitions: int, **config: str) -> None:
        """Delete a topic, and create an empty one under its name."""
        self.admin.delete_topics([name])[name].result()
        assert until(lambda: name not in self.admin.list_topics(timeout=10).topics)
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result()

    def lose(self) -> None:
        """The changelog is created anew, empty."""
        self.create_anew(self.changelog, 2, cleanup_policy="compact")

    def refused(self) -> tuple[Exit, str]:
        """How a worker ends that is started now, and what it says."""
        done = vitals("worker", *self.options, "--data-dir", str(self.directory), timeout_s=60)
        return Exit(done.returncode), done.stderr + done.stdout
