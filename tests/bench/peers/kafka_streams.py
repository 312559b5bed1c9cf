"""Kafka Streams (``TwoHops.java``): exactly-once, which is what Vitals gives, and at-least-once."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.contenders import Failed, Stand, last_values
from bench.load import Input
from bench.peers.children import HERE, Peer, Rows
from servers.kafka_server import KAFKA_VERSION
from servers.maven import fetched_jars
from servers.process import require_program

__all__ = ["at_least_once", "exactly_once"]

ARTIFACTS = (
    f"org.apache.kafka:kafka-streams:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)
HOW = "Install a JDK, 17 or newer, and Maven (Debian, Ubuntu: apt-get install maven default-jdk)."
BANDS = ("", "red", "yellow", "green")
#: A JVM that has seen so many events is warm.
WARM_EVENTS = 1_000_000
COMMIT_MS = 1000


def exactly_once() -> Peer:
    """With the guarantee of Vitals, committing as often as a checkpoint is made."""
    return _peer("kafka_streams_eos", "exactly_once_v2")


def at_least_once() -> Peer:
    """With duplicates after a crash."""
    return _peer("kafka_streams_alo", "at_least_once")


def _peer(name: str, guarantee: str) -> Peer:
    command: list[str] = []

    def build(stand: Stand) -> None:
        javac = require_program("javac", "A JDK", HOW)
        classpath = f"{fetched_jars(f'kafka-streams-{KAFKA_VERSION}', ARTIFACTS, HOW)}/*"
        classes = stand.folder / "classes"
        built = subprocess.run(
            [javac, "-cp", classpath, "-d", str(classes), str(HERE / "TwoHops.java")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if built.returncode != 0:
            raise Failed(f"javac: {built.stderr.strip()}")
        command[:] = [
            require_program("java", "Java", HOW), "-Xmx1g",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{classes}:{classpath}",
            "TwoHops", "--guarantee", guarantee, "--commit-interval-ms", str(COMMIT_MS),
        ]  # fmt: skip

    def warm_ups(load: Input) -> int:
        return 1 if load.events >= WARM_EVENTS else 2

    def rows(stand: Stand, run: str, folder: Path) -> Rows:
        return _rows(last_values(stand.bootstrap, f"{run}-customers-changelog"))

    return Peer(name, 0, command, rows, build, warm_ups)


def _rows(values: Iterator[tuple[bytes, bytes]]) -> Rows:
    for key, value in values:
        score, band = struct.unpack_from(">ii", value)
        yield key.decode(), score, BANDS[band]
