"""A rolling upgrade and a roll-back under load, both exact; none after `finalize`."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import next_release
from changelog import folds_of, healths_of, healths_of_log, rows_of
from scoring import row
from scoring.row import is_customer, prefix_of
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.exits import Exit

pytestmark = pytest.mark.integration

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
AS_OF_MS = int(AS_OF.timestamp()) * 1000
CUSTOMERS = [f"c{number:02}" for number in range(30)]
NEXT_RELEASE = [sys.executable, str(Path(next_release.__file__))]


@dataclass
class Upgraded:
    """Two workers of two releases, and a source that goes on."""

    address: tuple[str, ...]
    bootstrap: str
    prefix: str
    directory: Path
    options: tuple[str, ...]
    fed: int = 0
    running: list[WorkerServer] = field(default_factory=list)

    @property
    def changelog(self) -> str:
        """The topic of the rows."""
        return f"{self.prefix}health.customers.v1"

    def feed(self) -> None:
        """Ten more days of all customers; nobody waits until they are read."""
        path = self.directory / "events.jsonl"
        lines = [
            {
                "event_id": f"{day}-{customer}", "customer_id": customer, "source": "app",
                "occurred_at": (AS_OF - timedelta(days=100 - day)).isoformat(),
                "type": "usage.feature", "feature": f"f{day % 5}", "user": f"u{number % 3}",
            }
            for day in range(self.fed, self.fed + 10)
            for number, customer in enumerate(CUSTOMERS)
        ]  # fmt: skip
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = vitals("import", "--mapping", "events", str(path), "--quiet", *self.address)
        assert done.returncode == 0, done.stderr
        self.fed += 10

    def start(self, *, newer: bool) -> WorkerServer:
        """One more worker, ready."""
        worker = WorkerServer(self.directory / f"w{len(self.running)}", *self.options)
        if newer:
            worker.command[:3] = NEXT_RELEASE
        self.running.append(worker.launch())
        return worker

    def replace(self, worker: WorkerServer, *, newer: bool) -> WorkerServer:
        """Stop one in order, and start one of the other release, while events come."""
        self.feed()
        worker.stop()
        return self.start(newer=newer)

    def settled(self) -> bool:
        """Whether all that was fed is in the state, and time has come to its end."""
        folds = folds_of(self.bootstrap, self.changelog)
        read: Counter[str] = Counter()
        for fold in folds:
            for source, last in fold.header.sources.items():
                read[source] = max(read[source], last + 1)
        return (
            read.total() >= self.fed * len(CUSTOMERS)
            and len(folds) == 2
            and min(fold.header.tick_ms for fold in folds) >= AS_OF_MS
        )

    def upgrade(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``vitals upgrade`` of the next release."""
        command = [*NEXT_RELEASE, "upgrade", *arguments, *self.address]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def versions(self) -> set[int]:
        """In which state versions the customers' rows are written."""
        return {
            prefix_of(value).version
            for rows in rows_of(self.bootstrap, self.changelog).values()
            for key, value in rows.items()
            if is_customer(key)
        }

    def exact(self) -> bool:
        """Whether the rows say what one process makes of the whole log."""
        found = healths_of(self.bootstrap, self.changelog, AS_OF_MS)
        log = f"{self.prefix}health.signals.v1"
        return found == healths_of_log(self.bootstrap, log, AS_OF_MS) and len(found) == 30


@pytest.fixture
def upgraded(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Upgraded]:
    """Topics of two partitions; this process reads what the next release writes."""
    monkeypatch.setitem(row.CODECS, next_release.NEXT, next_release.codec())
    address = ("--bootstrap", kafka.bootstrap, "--prefix", topic_prefix)
    options = (
        *address, "--redis", redis_url, "--clock", "event", "--as-of", AS_OF.isoformat(),
        "--disorder-s", "100000000", "--checkpoint-ms", "100", "--session-timeout-s", "2",
    )  # fmt: skip
    shape = ("--signals-partitions", "2", "--source-partitions", "2")
    done = vitals("topics", "--create", *shape, *address)
    assert done.returncode == 0, done.stderr
    made = Upgraded(address, kafka.bootstrap, topic_prefix, tmp_path, options)
    yield made
    for worker in made.running:
        worker.kill()


def test_s16_a_rolling_upgrade_and_a_roll_back_under_load_are_exact(upgraded: Upgraded) -> None:
    """Both releases side by side; then one back; then all forward, and finalized."""
    first, second = upgraded.start(newer=False), upgraded.start(newer=False)
    first = upgraded.replace(first, newer=True)
    first = upgraded.replace(first, newer=False)
    assert until(upgraded.settled, 60), first.tail() + second.tail()
    assert upgraded.exact()
    assert upgraded.versions() == {row.STATE_VERSION}

    first = upgraded.replace(first, newer=True)
    refused = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert refused.returncode == Exit.FAILED, refused.stdout + refused.stderr
    assert "workers of other releases run: 1 of release 0.1.0" in refused.stderr
    second = upgraded.replace(second, newer=True)
    assert until(upgraded.settled, 60), first.tail() + second.tail()
    status = upgraded.upgrade("status")
    assert f"2 written in state version {row.STATE_VERSION}" in status.stdout
    assert "2 of release 9.9.9" in status.stdout

    final = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert final.returncode == 0, final.stderr + first.tail()
    again = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert "nothing to finalize" in again.stdout
    upgraded.feed()
    assert until(upgraded.settled, 60), first.tail() + second.tail()
    assert upgraded.exact()
    assert next_release.NEXT in upgraded.versions()
    first.stop()
    second.stop()
    old = vitals("worker", *upgraded.options, "--data-dir", str(upgraded.directory / "old"))
    assert old.returncode == Exit.STATE_VERSION, old.stderr
    assert f"{upgraded.changelog} partition" in old.stderr
    assert (
        f"state version {next_release.NEXT}; this release reads {row.STATE_VERSION}" in old.stderr
    )
