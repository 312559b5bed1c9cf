"""The system under test: a real broker, a real Redis, three workers, outreach, a receiver."""

import json
import shutil
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from chaos.world import Sent
from records import records_of
from schemas.topics import Topics
from scoring.row import is_customer
from servers.kafka_server import KafkaServer
from servers.process import ServerProcess, free_port
from servers.redis_server import RedisServer
from servers.vitals import WorkerServer, vitals
from servers.waiting import until

__all__ = ["Feeder", "System", "Worker"]

PREFIX = "chaos."
PARTITIONS = 4
SOURCE_PARTITIONS = 2
SESSION_S = 3
#: The feeder at its limit looks so often whether it may go on.
WAIT_S = 0.05
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LAUNCH = str(Path(__file__).with_name("launch.py"))
CARD = str(Path(__file__).with_name("chaos.yaml"))


class BadDays(ServerProcess):
    """A ``vitals`` process that may be started on a bad day (see ``launch.py``)."""

    _plain: Sequence[str] = ()

    def begin(self, *bad_day: str) -> None:
        """Start, without waiting until it is ready."""
        self._plain = self._plain or list(self.command)
        self.command = list(self._plain)
        if bad_day:
            self.command = [sys.executable, LAUNCH, *bad_day, *self._plain[3:]]
        self.start(lambda: True)


class Worker(BadDays, WorkerServer):
    """A worker, with its disk."""

    def wipe(self) -> None:
        """A new disk."""
        shutil.rmtree(self.directory / "data", ignore_errors=True)


class Feeder(threading.Thread):
    """Sends the world's records at a steady pace while faults strike."""

    def __init__(self, bootstrap: str, topics: Topics, records: Sequence[Sent], pace: int) -> None:
        super().__init__(name="feeder", daemon=True)
        self._address, self._topics, self._records = bootstrap, topics, records
        self._pace = pace
        #: It waits with so many sent; None: it goes on to the end.
        self.limit: int | None = None
        self.sent = 0
        self.refused = 0

    @property
    def left(self) -> int:
        """Records that are not sent yet."""
        return len(self._records) - self.sent

    def run(self) -> None:
        """All of them; a broker that is away is waited for."""
        producer = Producer(
            {
                "bootstrap.servers": self._address, "enable.idempotence": True,
                "message.timeout.ms": 600_000, "linger.ms": 20, "log_level": 0,
            }
        )  # fmt: skip
        began = time.monotonic()
        for sent in self._records:
            while self.limit is not None and self.sent >= self.limit:
                began += WAIT_S
                producer.poll(WAIT_S)
            while True:
                try:
                    producer.produce(
                        self._topics.source(sent.family), sent.value, sent.key,
                        on_delivery=self._delivered,
                    )  # fmt: skip
                    break
                except BufferError:
                    producer.poll(0.5)
            self.sent += 1
            ahead = self.sent / self._pace - (time.monotonic() - began)
            producer.poll(max(ahead, 0) if ahead > 0.01 else 0)
        producer.flush(600)

    def _delivered(self, error: Any, _: Any) -> None:
        self.refused += error is not None


class System:
    """All processes of one run, each in a folder of its own. A context manager."""

    def __init__(
        self,
        directory: Path,
        workers: int = 3,
        bad_builds: Sequence[str] = (),
        answer: str = "200",
    ) -> None:
        self.directory = directory
        self.topics = Topics(PREFIX)
        self._count, self._bad_builds, self._answer = workers, tuple(bad_builds), answer
        self.workers: list[Worker] = []
        self.exits: list[str] = []
        self.stopped: set[Worker] = set()

    def __enter__(self) -> Self:
        self.kafka = KafkaServer.start(self.directory / "kafka")
        self.redis = RedisServer.start(self.directory / "redis")
        self.admin = self.new_admin()
        address = ("--bootstrap", self.kafka.bootstrap, "--prefix", PREFIX)
        done = vitals(
            "topics", "--create", "--signals-partitions", str(PARTITIONS),
            "--source-partitions", str(SOURCE_PARTITIONS), *address,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self._options = (
            *address, "--redis", self.redis.url, "--scorecard", CARD,
            "--session-timeout-s", str(SESSION_S), "--checkpoint-ms", "200",
            "--chunk-records", "500", "--log-format", "json",
        )  # fmt: skip
        self.receiver, url = self._receiver()
        self.outreach = self._outreach(address, url)
        for _ in range(self._count):
            self.join()
        self.outreach.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (*self.workers, self.outreach, self.receiver):
            process.kill()
        self.redis.stop()
        self.kafka.__exit__()

    def new_admin(self) -> AdminClient:
        """A client that knows nothing of the broker yet."""
        return AdminClient({"bootstrap.servers": self.kafka.bootstrap, "log_level": 0})

    # -- processes ---------------------------------------------------------------------------

    def join(self) -> Worker:
        """One more worker."""
        worker = Worker(self.directory / f"worker{len(self.workers)}", *self._options)
        self.workers.append(worker)
        worker.begin(*self._bad_builds)
        return worker

    def leave(self, worker: Worker) -> None:
        """Stop one in order, for good."""
        self.stopped.add(worker)
        worker.stop()

    @property
    def alive(self) -> list[Worker]:
        """The workers that should run."""
        return [worker for worker in self.workers if worker not in self.stopped]

    def tend(self) -> None:
        """Start again whoever has ended, as a supervisor does; remember how it ended."""
        for process in (*self.alive, self.outreach):
            if process.is_running:
                continue
            self.exits.append(f"{process.name}: {process.last_words()}")
            process.forget()
            process.begin(*(self._bad_builds if isinstance(process, Worker) else ()))

    def ready(self, deadline_s: float = 120) -> bool:
        """Wait until all workers are ready; those that end meanwhile are started again."""
        ended = len(self.exits)

        def all_ready() -> bool:
            self.tend()
            assert len(self.exits) - ended < 20, self.exits[-1]
            return all(worker.get("/readyz") is not None for worker in self.alive)

        return until(all_ready, deadline_s)

    def compact(self, deadline_s: float = 120) -> bool:
        """Whether the broker left one row of each customer; workers must run, who write on."""
        wanted = {"segment.ms": "200", "min.compaction.lag.ms": "0",
                  "min.cleanable.dirty.ratio": "0.001"}  # fmt: skip
        changelog = self.topics.name("customers")
        self.configure(changelog, wanted)

        def compacted() -> bool:
            found = Counter(each.key() for each in records_of(self.kafka.bootstrap, changelog))
            return all(n == 1 for key, n in found.items() if key is not None and is_customer(key))

        return until(compacted, deadline_s)

    def configure(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change what the broker does with a topic."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        self.admin.incremental_alter_configs([resource])[resource].result()

    def _receiver(self) -> tuple[ServerProcess, str]:
        port = free_port()
        folder = self.directory / "receiver"
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "streams.sinks.recording", "--port", str(port),
                   "--secret", SECRET, "--script", self._answer]  # fmt: skip
        receiver = ServerProcess("receiver", command, folder)
        url = f"http://127.0.0.1:{port}"
        receiver.start(lambda: _get(f"{url}/ledger") is not None)
        self._ledger_url = f"{url}/ledger"
        return receiver, f"{url}/webhook"

    def _outreach(self, address: Sequence[str], url: str) -> BadDays:
        folder = self.directory / "outreach"
        folder.mkdir(parents=True)
        options = (*address, "--session-timeout-s", str(SESSION_S), "--no-console-sink",
                   "--webhook-url", url, "--webhook-secret", SECRET,
                   "--data-dir", str(folder / "data"))  # fmt: skip
        return BadDays("outreach", [sys.executable, "-m", "streams", "outreach", *options], folder)

    # -- what can be known from outside -------------------------------------------------------

    def ledger(self) -> dict[str, Any]:
        """What the receiver has seen: action id -> counts."""
        found = json.loads(_get(self._ledger_url) or "{}")
        ids: dict[str, Any] = found.get("ids", {}).get("webhook", {})
        return ids

    def rows_written(self) -> int:
        """How many offsets the changelog has had; -1 while the broker is away."""
        with suppress(KafkaException):
            return sum(self._ends(self.topics.name("customers")))
        return -1

    def _ends(self, topic: str) -> Iterator[int]:
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import OffsetSpec

        asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(PARTITIONS)}
        for future in self.admin.list_offsets(asked, request_timeout=5).values():
            yield future.result().offset


def _get(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None
