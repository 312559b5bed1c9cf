"""A rolling upgrade and a roll-back under load, both exact; none after `finalize`."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import next_release
from changelog import healths_of, healths_of_log, rows_of
from event_time import AS_OF_MS, CUSTOMERS, EventTime
from scoring import row_body
from scoring.row import is_customer, prefix_of
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.exits import Exit

pytestmark = pytest.mark.integration

NEXT_RELEASE = [sys.executable, str(Path(next_release.__file__))]


class Upgraded(EventTime):
    """Two workers of two releases, and a source that goes on."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given, 2)
        self.running: list[WorkerServer] = []
        self._day = 0

    def go_on(self) -> None:
        """Ten more days of all customers."""
        self.feed(range(self._day, self._day + 10))
        self._day += 10

    def start(self, *, newer: bool) -> WorkerServer:
        """One more worker, ready."""
        worker = WorkerServer(self.directory / f"w{len(self.running)}", *self.options)
        if newer:
            worker.command[:3] = NEXT_RELEASE
        self.running.append(worker.launch())
        return worker

    def replace(self, worker: WorkerServer, *, newer: bool) -> WorkerServer:
        """Stop one in order, and start one of the other release, while events come."""
        self.go_on()
        worker.stop()
        return self.start(newer=newer)

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
        right = healths_of_log(self.bootstrap, self.log, AS_OF_MS)
        return found == right and len(found) == len(CUSTOMERS)


@pytest.fixture
def upgraded(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Upgraded]:
    """Topics of two partitions; this process reads what the next release writes."""
    monkeypatch.setitem(row_body.CODECS, next_release.NEXT, next_release.codec())
    made = Upgraded(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    yield made
    for worker in made.running:
        worker.kill()


def test_s16_a_rolling_upgrade_and_a_roll_back_under_load_are_exact(upgraded: Upgraded) -> None:
    """Both releases side by side; then one back; then all forward, and finalized."""
    first, second = upgraded.start(newer=False), upgraded.start(newer=False)
    first = upgraded.replace(first, newer=True)
    first = upgraded.replace(first, newer=False)
    assert until(upgraded.is_settled, 60), first.tail() + second.tail()
    assert upgraded.exact()
    assert upgraded.versions() == {row_body.STATE_VERSION}

    first = upgraded.replace(first, newer=True)
    refused = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert refused.returncode == Exit.FAILED, refused.stdout + refused.stderr
    assert "workers of other releases run: 1 of release 0.1.0" in refused.stderr
    second = upgraded.replace(second, newer=True)
    assert until(upgraded.is_settled, 60), first.tail() + second.tail()
    status = upgraded.upgrade("status")
    assert f"2 written in state version {row_body.STATE_VERSION}" in status.stdout
    assert "2 of release 9.9.9" in status.stdout

    final = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert final.returncode == 0, final.stderr + first.tail()
    again = upgraded.upgrade("finalize", "--reason", "test", "--yes")
    assert "nothing to finalize" in again.stdout
    upgraded.go_on()
    assert until(upgraded.is_settled, 60), first.tail() + second.tail()
    assert upgraded.exact()
    assert next_release.NEXT in upgraded.versions()
    first.stop()
    second.stop()
    old = vitals("worker", *upgraded.options, "--data-dir", str(upgraded.directory / "old"))
    assert old.returncode == Exit.STATE_VERSION, old.stderr
    assert f"{upgraded.changelog} partition" in old.stderr
    assert (
        f"state version {next_release.NEXT}; this release reads 1 and {row_body.STATE_VERSION}"
        in old.stderr
    )
