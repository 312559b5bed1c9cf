"""The state copied to a file, lost, and brought back: workers go on, and the result is exact."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from changelog import folds_of, healths_of, healths_of_log, rows_of
from chaos.system import LAUNCH
from event_time import AS_OF_MS, CUSTOMERS, EventTime
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals
from servers.waiting import until
from streams.engine.fencing import Fence, connector
from streams.exits import Exit, NamedExit
from streams.state_copies.file import StateReader

pytestmark = pytest.mark.integration


class Copied(EventTime):
    """Forty days were folded and copied to a file."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.file = self.directory / "state.vitals"
        self.feed(range(40))
        self.work()
        code, said = self.call("state", "export", str(self.file))
        assert code == 0, said

    def call(self, *arguments: str, prefix: str | None = None) -> tuple[int, str]:
        """A command on these topics, or on others: its code, and what it says."""
        address = ("--bootstrap", self.bootstrap, "--prefix", prefix or self.prefix)
        done = vitals(*arguments, *address)
        return done.returncode, done.stdout + done.stderr

    def rows(self) -> dict[int, dict[bytes, bytes]]:
        """What a restore would have."""
        return {p: rows for p, rows in rows_of(self.bootstrap, self.changelog).items() if rows}

    def copy(self) -> dict[int, dict[bytes, bytes]]:
        """What the file holds."""
        with self.file.open("rb") as source:
            return {piece.partition: piece.rows for piece in StateReader(source).pieces()}


@pytest.fixture(scope="module")
def copied(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Forty days, folded and copied."""
    directory = tmp_path_factory.mktemp("copied")
    with RedisServer.start(directory / "redis") as redis:
        yield Copied(kafka.bootstrap, redis.url, "copied.", directory)


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


@pytest.mark.parametrize("point", ["rows", pytest.param("transaction", marks=pytest.mark.soak)])
def test_an_import_that_is_killed_is_done_again(copied: Copied, point: str) -> None:
    """In the middle of a partition nothing of it counts; after the first, both say what is there.

    Its transaction is open still: whoever comes next must not wait until the broker ends it.
    """
    copied.lose()
    again = ("state", "import", str(copied.file))
    address = ("--bootstrap", copied.bootstrap, "--prefix", copied.prefix)
    died = subprocess.run(
        [sys.executable, LAUNCH, "--fail-at", point, *again, *address],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    half = copied.rows()
    assert len(half) == (1 if point == "transaction" else 0)
    if half:
        code, said = copied.refused()
        assert code is Exit.CHANGELOG_DAMAGED, said
        dry = (*again, "--force", "--dry-run")
        assert until(lambda: copied.call(*dry)[0] == 0, 30), copied.call(*dry)
        code, said = copied.call(*again)
        assert code == Exit.FAILED
        assert f"holds {len(next(iter(half.values())))} rows. --force puts those" in said
        again = (*again, "--force")
    code, said = copied.call(*again)
    assert code == 0, said
    assert copied.rows() == copied.copy()


def test_s7_a_lost_state_is_brought_back_from_its_copy(copied: Copied) -> None:
    """What came after the copy is folded again: as one process makes it of the whole log. Last."""
    assert copied.file.stat().st_mode & 0o077 == 0
    copied.feed(range(40, 80))
    copied.work()
    later = copied.rows()
    copied.lose()
    code, said = copied.refused()
    assert code is Exit.CHANGELOG_DAMAGED, said
    assert "vitals state import" in said

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
    assert found == healths_of_log(copied.bootstrap, copied.log, AS_OF_MS)
    assert len(found) == len(CUSTOMERS)
    assert later.keys() == copied.rows().keys()

    code, said = copied.call("state", "import", str(copied.file), "--force")
    assert code == 0, said
    assert copied.rows() == copied.copy()
