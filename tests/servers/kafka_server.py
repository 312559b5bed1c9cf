"""A real Apache Kafka broker for the tests: KRaft, one process, loopback, no root, no Docker.

The jars come through ``mvn`` once and stay in a cache outside the work tree. Also a
script, for a broker to try things with::

    python tests/servers/kafka_server.py --port 19092 --dir FOLDER
    python tests/servers/kafka_server.py --fetch      # only fill the cache
"""

import argparse
import contextlib
import functools
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

if not __package__:  # run as a script: the tests' folder is not on the path then
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.maven import fetched_jars
from servers.process import MissingPart, ServerFailed, ServerProcess, free_port, require_program

__all__ = ["KAFKA_VERSION", "KafkaServer", "kafka_jars"]

KAFKA_VERSION = "4.1.0"
JAVA_MIN = 17
START_ATTEMPTS = 3
#: The file of a formatted folder that names the cluster.
META = "meta.properties"
HOW = (
    "Install Maven and a Java runtime, 17 or newer (Debian, Ubuntu: apt-get install maven"
    " default-jre-headless), or set KAFKA_BOOTSTRAP=host:port to use a broker that is running."
)

ARTIFACTS = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")

#: One small broker that groups join at once and that compacts when it is told to.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    # A killed broker may register again once its old session has ended (9 s by default).
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "group.min.session.timeout.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "message.max.bytes": "5000000",
    "log.cleaner.backoff.ms": "250",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.retention.check.interval.ms": "2000",
    "log.segment.delete.delay.ms": "1000",
    "log.index.size.max.bytes": "1048576",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
}


def kafka_jars() -> Path:
    """The folder with the broker's jars, fetched on first use (about 45 MB).

    Raises :class:`MissingPart` when it cannot be done.
    """
    return fetched_jars(f"kafka-{KAFKA_VERSION}", ARTIFACTS, HOW)


@functools.cache
def _java() -> str:
    java = require_program("java", "Java", HOW)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA_MIN:
        raise MissingPart(f"Java {JAVA_MIN}", f"{java} says {said.splitlines()[:1]}. {HOW}")
    return java


class KafkaServer:
    """One broker in a folder of its own. Start it with :meth:`start`; a context manager."""

    #: What the storage tool wrote for the first broker of this process: it knows no ports, and
    #: to run the tool costs half as much as the broker's own start.
    _formatted: ClassVar[dict[str, bytes]] = {}

    def __init__(
        self,
        directory: Path,
        port: int,
        settings: Mapping[str, str],
        listener: str | None,
        *,
        brief: bool,
    ) -> None:
        self.directory = directory
        self.port = port
        self._listener = listener
        self._controller_port = free_port()
        self._settings = dict(settings)
        self._java = _java()
        self._brief = brief
        self._classpath = f"{kafka_jars()}/*"
        self._properties = directory / "server.properties"
        self._server = ServerProcess(
            "kafka", self._command("kafka.Kafka", str(self._properties)), directory
        )

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        listener: str | None = None,
        brief: bool = True,
    ) -> Self:
        """A formatted broker that answers; ``settings`` are added to ``server.properties``.

        One that is not ``brief`` is compiled to the last, which pays only when it works for long.

        ``listener`` (``NAME://127.0.0.1:PORT``) is one more beside the plain one; its
        protocol and what goes with it stand in ``settings``.

        Raises :class:`MissingPart` without Java or jars, :class:`ServerFailed` with the
        log's tail when it does not come up.
        """
        directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(START_ATTEMPTS):
            server = cls(directory, port or free_port(), settings or {}, listener, brief=brief)
            try:
                server._format()
                server._server.start(server._is_ready)
            except ServerFailed as error:
                taken = "Address already in use" in str(error) and port is None
                if not taken or attempt == START_ATTEMPTS - 1:
                    raise
                shutil.rmtree(directory / "logs")  # somebody was faster: format for new ports
            else:
                return server
        raise AssertionError("unreachable: the last attempt raises")

    @property
    def bootstrap(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._server.pid

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves. The data stays."""
        self._server.kill()

    def stop(self) -> None:
        """An orderly shutdown. The data stays."""
        self._server.stop()

    def restart(self) -> None:
        """Start again on the same port and data; an orderly stop first if it still runs."""
        self._server.stop()
        self._server.start(self._is_ready)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        self._server.pause()

    def resume(self) -> None:
        """Thaw it again."""
        self._server.resume()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.kill()  # nobody reads the data afterwards: an orderly stop only costs time

    def _format(self) -> None:
        clients = ",".join(filter(None, [f"PLAINTEXT://{self.bootstrap}", self._listener]))
        properties = {
            **SETTINGS,
            "listeners": f"{clients},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": clients,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "log.dirs": str(self.directory / "logs"),
            **self._settings,
        }
        self._properties.write_text("".join(f"{k}={v}\n" for k, v in properties.items()))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        logs = self.directory / "logs"
        if not KafkaServer._formatted:
            self._format_with_the_tool(cluster)
            KafkaServer._formatted = {each.name: each.read_bytes() for each in logs.iterdir()}
            return
        logs.mkdir()
        for name, content in KafkaServer._formatted.items():
            own = re.sub(rb"(?m)^cluster\.id=.*$", b"cluster.id=" + cluster.encode(), content)
            (logs / name).write_bytes(own if name == META else content)

    def _format_with_the_tool(self, cluster: str) -> None:
        command = self._command(
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "-c",
            str(self._properties),
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"formatting the storage failed\n{done.stdout}{done.stderr}")

    def _command(self, main_class: str, *arguments: str) -> list[str]:
        quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        memory = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC"]
        memory += ["-XX:TieredStopAtLevel=1"] if self._brief else []
        return [self._java, *memory, *quiet, "-cp", self._classpath, main_class, *arguments]

    def _is_ready(self) -> bool:
        # Silent: while the broker starts, refused connections are what is expected.
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        with contextlib.suppress(KafkaException):
            return bool(admin.list_topics(timeout=1).brokers)
        return False


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
    else:
        with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
            yield Path(folder)


def main() -> int:
    """The script: fetch the jars, or run one broker until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A real Kafka broker on loopback.")
    parser.add_argument("--fetch", action="store_true", help="only fetch the jars into the cache")
    parser.add_argument("--port", type=int, help="port (default: a free one)")
    parser.add_argument("--dir", type=Path, help="folder for data and log, new or empty")
    given = parser.parse_args()
    try:
        if given.fetch:
            print(kafka_jars())
            return 0
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        with _folder(given.dir) as folder, KafkaServer.start(folder, port=given.port) as server:
            print(f"{server.bootstrap} (Ctrl-C ends it)", flush=True)
            ended.wait()
            server.stop()
    except (MissingPart, ServerFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
