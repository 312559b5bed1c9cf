"""The state copied to a file, lost, and brought back: workers go on, and the result is exact."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic

from changelog import folds_of, healths_of, healths_of_log, rows_of, ticked_to_ms
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.engine.fencing import Fence, connector
from streams.exits import Exit, NamedExit
from streams.state_copies.file import StateReader

pytestmark = pytest.mark.integration

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
AS_OF_MS = int(AS_OF.timestamp()) * 1000
CUSTOMERS = [f"c{number:02}" for number in range(24)]


@dataclass
class Copied:
    """Two partitions, a source, and a file beside them."""

    bootstrap: str
    prefix: str
    directory: Path
    options: tuple[str, ...]
    fed: int = 0

    @property
    def changelog(self) -> str:
        """The topic of the rows."""
        return f"{self.prefix}health.customers.v1"

    @property
    def file(self) -> Path:
        """The copy."""
        return self.directory / "state.vitals"

    def call(self, *arguments: str, prefix: str | None = None) -> tuple[int, str]:
        """A command on these topics, or on others: its code, and what it says."""
        address = ("--bootstrap", self.bootstrap, "--prefix", prefix or self.prefix)
        done = vitals(*arguments, *address)
        return done.returncode, done.stdout + done.stderr

    def feed(self) -> None:
        """Forty more days of all customers."""
        path = self.directory / "events.jsonl"
        lines = [
            {
                "event_id": f"{day}-{customer}", "customer_id": customer, "source": "app",
                "occurred_at": (AS_OF - timedelta(days=100 - day)).isoformat(),
                "type": "usage.feature", "feature": f"f{day % 5}", "user": f"u{number % 3}",
            }
            for day in range(self.fed, self.fed + 40)
            for number, customer in enumerate(CUSTOMERS)
        ]  # fmt: skip
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code, said = self.call("import", "--mapping", "events", str(path), "--quiet")
        assert code == 0, said
        self.fed += 40

    def work(self) -> None:
        """Run a worker until all that was fed is in the state, and time has come."""
        worker = WorkerServer(self.directory, *self.options).launch()
        try:
            assert until(self._is_done, 90), worker.tail()
        finally:
            worker.stop()

    def _is_done(self) -> bool:
        folds = folds_of(self.bootstrap, self.changelog)
        read = [last + 1 for fold in folds for last in fold.header.sources.values()]
        return (
            len(folds) == 2
            and max(read, default=0) >= self.fed * len(CUSTOMERS)
            and ticked_to_ms(self.bootstrap, self.changelog) >= AS_OF_MS
        )

    def lose(self) -> None:
        """The changelog is created anew, empty."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.delete_topics([self.changelog])[self.changelog].result()
        assert until(lambda: self.changelog not in admin.list_topics(timeout=10).topics)
        topic = NewTopic(self.changelog, 2, 1, config={"cleanup.policy": "compact"})
        admin.create_topics([topic])[self.changelog].result()

    def rows(self) -> dict[int, dict[bytes, bytes]]:
        """What a restore would have."""
        return {p: rows for p, rows in rows_of(self.bootstrap, self.changelog).items() if rows}

    def copy(self) -> dict[int, dict[bytes, bytes]]:
        """What the file holds."""
        with self.file.open("rb") as source:
            return {piece.partition: piece.rows for piece in StateReader(source).pieces()}


@pytest.fixture(scope="module")
def copied(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Forty days were folded and copied."""
    directory, prefix = tmp_path_factory.mktemp("copied"), "copied."
    address = ("--bootstrap", kafka.bootstrap, "--prefix", prefix)
    with RedisServer.start(directory / "redis") as redis:
        options = (
            *address, "--redis", redis.url, "--clock", "event", "--as-of", AS_OF.isoformat(),
            "--disorder-s", "100000000", "--checkpoint-ms", "100", "--session-timeout-s", "2",
        )  # fmt: skip
        made = Copied(kafka.bootstrap, prefix, directory, options)
        shape = ("--signals-partitions", "2", "--source-partitions", "1")
        code, said = made.call("topics", "--create", *shape)
        assert code == 0, said
        made.feed()
        made.work()
        code, said = made.call("state", "export", str(made.file))
        assert code == 0, said
        yield made


def test_the_state_is_shown(copied: Copied) -> None:
    """Of a customer and of a partition, the same for people and machines."""
    folds = {fold.partition: fold for fold in folds_of(copied.bootstrap, copied.changelog)}
    code, said = copied.call("state", "show", "c07", "--json")
    assert code == 0, said
    shown = json.loads(said)
    fold = folds[shown["partition"]]
    customer = fold.customer("c07")
    assert customer is not None
    assert customer.emitted is not None
    assert (shown["position"], shown["sequence"]) == (customer.position, customer.sequence)
    assert shown["told"]["band"] == customer.emitted.band

    code, said = copied.call("state", "show", "--partition", "1")
    assert code == 0, said
    assert f"position                {folds[1].header.position}\n" in said
    assert "sealed                  yes\n" in said
    assert "bands                   " in said

    assert copied.call("state", "show", "nobody")[0] == Exit.FAILED


async def test_s6_who_is_alive_by_mistake_cannot_write_after_an_import(copied: Copied) -> None:
    """Its partitions were taken over."""
    options = {"bootstrap_servers": copied.bootstrap}
    claims = AIOKafkaProducer(**options)
    await claims.start()
    owner = Fence(copied.changelog, connector(options, 100_000, 100_000))
    await owner.take([0, 1], [], claims)
    try:
        code, said = copied.call("state", "import", str(copied.file), "--force")
        assert code == 0, said
        before = copied.rows()
        with pytest.raises(NamedExit) as lost:
            await owner.write({0: [(b"stale", b"row")]})
        assert lost.value.code is Exit.OWNERSHIP_LOST
        assert copied.rows() == before
    finally:
        await owner.close()
        await claims.stop()


def test_an_import_is_refused_while_workers_run_and_into_another_shape(copied: Copied) -> None:
    code, said = copied.call("state", "export", str(copied.file))
    assert code == Exit.USAGE
    assert "is there already" in said
    worker = WorkerServer(copied.directory, *copied.options).launch()
    try:
        code, said = copied.call("state", "import", str(copied.file), "--force")
        assert code == Exit.FAILED
        assert "1 workers run. Stop them first" in said
    finally:
        worker.stop()
    other = f"{copied.prefix}other."
    code, said = copied.call("topics", "--create", "--signals-partitions", "3", prefix=other)
    assert code == 0, said
    code, said = copied.call("state", "import", str(copied.file), prefix=other)
    assert code == Exit.TOPIC_MISMATCH
    assert "has 3 partitions" in said


def test_s7_a_lost_state_is_brought_back_from_its_copy(copied: Copied) -> None:
    """What came after the copy is folded again: as one process makes it of the whole log. Last."""
    assert copied.file.stat().st_mode & 0o077 == 0
    copied.feed()
    copied.work()
    later = copied.rows()
    copied.lose()
    refused = vitals("worker", *copied.options, "--data-dir", str(copied.directory))
    assert refused.returncode == Exit.CHANGELOG_DAMAGED, refused.stderr
    assert "vitals state import" in refused.stderr

    # Who ended by an error counts as running until the session times out.
    dry = ("state", "import", str(copied.file), "--dry-run")
    assert until(lambda: copied.call(*dry)[0] == 0, 30), copied.call(*dry)
    assert copied.rows() == {}
    code, said = copied.call("state", "import", str(copied.file))
    assert code == 0, said
    assert copied.rows() == copied.copy()
    code, said = copied.call("state", "import", str(copied.file))
    assert code == Exit.FAILED
    assert "--force puts those" in said

    copied.work()
    found = healths_of(copied.bootstrap, copied.changelog, AS_OF_MS)
    log = f"{copied.prefix}health.signals.v1"
    assert found == healths_of_log(copied.bootstrap, log, AS_OF_MS)
    assert len(found) == len(CUSTOMERS)
    assert later.keys() == copied.rows().keys()

    code, said = copied.call("state", "import", str(copied.file), "--force")
    assert code == 0, said
    assert copied.rows() == copied.copy()
