"""How a system of the benchmark is run: what it needs, how it starts, what it ended with."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from bench.job import Scores
from bench.load import Input
from bench.report import Measured, differences
from records import records_of
from servers.waiting import until

__all__ = [
    "PARTITIONS",
    "Contender",
    "Failed",
    "Stand",
    "cpu_s",
    "forget_groups",
    "forget_topics",
    "judged",
    "tell",
]

#: Of every topic of every system.
PARTITIONS = 4
#: A system that needs longer than this for its input is given up.
RUN_S_MAX = 600.0
END_S_MAX = 60.0


class Failed(Exception):
    """A system could not be run, or ended by itself; the message says why."""


@dataclass(frozen=True)
class Stand:
    """Where the systems run: a broker, a Redis, a folder, somebody to tell."""

    bootstrap: str
    redis: str
    folder: Path
    say: Callable[[str], None]
    #: Redis comes up empty.
    restart_redis: Callable[[], None]


class Contender(Protocol):
    """One system."""

    name: str
    #: Events a second that it takes for sure: so many times SECONDS are its input. 0: all.
    cautious_events_per_s: int

    def prepare(self, stand: Stand) -> None:
        """Fetch and build what it needs. Raises ``MissingPart``: then it is absent."""

    def run(self, stand: Stand, load: Input, number: int) -> Measured:
        """One run from the beginning; leaves nothing behind. Raises :class:`Failed`."""


def cpu_s(pid: int) -> float:
    """CPU time of a process so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judged(
    stand: Stand, name: str, load: Input, seconds: float, cpu: float, scores: Scores
) -> Measured:
    """What was measured, after the outputs were compared; the first differences are told."""
    wrong = differences(scores, load.expected)
    measured = Measured(load.events, seconds, cpu, not wrong)
    tell(stand, name, measured, wrong)
    return measured


def tell(stand: Stand, name: str, measured: Measured, wrong: Sequence[str]) -> None:
    """A run's figures, and the first of the differences between its outputs and the expected."""
    stand.say(
        f"  {name}: {measured.events_per_s:,.0f} events/s,"
        f" {measured.cpu_us_per_event:.1f} µs of CPU an event,"
        f" outputs {'DIFFER' if wrong else 'equal'}"
    )
    for line in wrong[:5]:
        stand.say(f"    {line}")
    if len(wrong) > 5:
        stand.say(f"    and {len(wrong) - 5} more")


def create_topics(bootstrap: str, names: list[str]) -> None:
    """Topics with :data:`PARTITIONS` each."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = [NewTopic(name, PARTITIONS, 1) for name in names]
    for created in admin.create_topics(new).values():
        created.result(30)


def forget_topics(bootstrap: str, is_left_over: Callable[[str], bool]) -> None:
    """Delete topics by name: the next run begins with nothing."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [name for name in admin.list_topics(timeout=30).topics if is_left_over(name)]
    for asked in (admin.delete_topics(topics) if topics else {}).values():
        asked.result(30)
    until(lambda: not set(topics) & admin.list_topics(timeout=30).topics.keys())


def forget_groups(bootstrap: str, prefix: str) -> None:
    """Delete consumer groups with their offsets; of a process that died, members time out first."""
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def gone() -> bool:
        known = [group.group_id for group in admin.list_consumer_groups().result(30).valid]
        left = [group for group in known if group.startswith(prefix)]
        for asked in (admin.delete_consumer_groups(left) if left else {}).values():
            with suppress(KafkaException):  # not empty yet
                asked.result(30)
        return not left

    if not until(gone):
        raise Failed(f"its consumer groups {prefix}... could not be deleted")


@dataclass
class Child:
    """A peer's process. It prints ``first`` at its first event and ``done`` after its last."""

    process: subprocess.Popen[str]
    log: Path

    def measure(self, begun_within_s: float) -> tuple[float, float]:
        """Seconds and CPU seconds between the two lines."""
        begun = self._await("first", begun_within_s)
        ended = self._await("done", RUN_S_MAX)
        return ended[0] - begun[0], ended[1] - begun[1]

    def end(self) -> None:
        """Let it make everything durable and end by itself."""
        try:
            self.process.wait(END_S_MAX)
        except subprocess.TimeoutExpired:
            raise Failed(f"did not end within {END_S_MAX:g} s after its last event") from None
        if self.process.returncode != 0:
            raise Failed(f"ended with code {self.process.returncode}: {self._last_line()}")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _await(self, word: str, within_s: float) -> tuple[float, float]:
        timer = threading.Timer(within_s, self.process.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.strip() == word:
                    return time.monotonic(), cpu_s(self.process.pid)
        finally:
            timer.cancel()
        code = self.process.wait()
        raise Failed(
            f"no '{word}' within {within_s:g} s; ended with code {code}: {self._last_line()}"
        )


@contextmanager
def child(command: list[str], folder: Path, **environment: str) -> Iterator[Child]:
    """A peer's process; gone afterwards, however that goes."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, env={**os.environ, **environment},
        )  # fmt: skip
        try:
            yield Child(process, log)
        finally:
            process.kill()
            process.wait()


def last_values(bootstrap: str, topic: str) -> Iterator[tuple[bytes, bytes]]:
    """The last value of each key of a topic."""
    known: dict[bytes, bytes] = {}
    for message in records_of(bootstrap, topic):
        known[message.key() or b""] = message.value() or b""
    yield from known.items()


def told_bands(bootstrap: str, topic: str) -> dict[str, str]:
    """Customer -> band, as the last score change of each says."""
    return {key.decode(): json.loads(value)["band"] for key, value in last_values(bootstrap, topic)}
