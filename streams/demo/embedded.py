"""A broker and a Redis for the demonstration, in memory: nothing survives their end.

The broker is the mock cluster inside librdkafka, which speaks the real protocol.
What it lacks: CreateTopics (a topic appears when its metadata is asked for, always
with :data:`PARTITIONS` partitions), compaction and retention; it keeps about 5 MB
of each partition and drops what is older. Each server is its own process
(``python -m streams.demo.embedded broker|redis``), because a busy Python process
would starve it: it prints one line, ``ready HOST:PORT``, and serves until it is
told to stop.
"""

import contextlib
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from secrets import randbelow

import click
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from schemas.topics import TOPICS, Topics

__all__ = ["PARTITIONS", "RedisServer", "create_topics", "free_port", "redis_server"]

#: The mock cluster gives every topic that many partitions; there is no setting for it.
PARTITIONS = 4
#: Linux hands out ports from 32768 for outgoing connections, others from 49152.
_PORTS = range(20_000, 32_000)
_PORT_TRIES = 100


def redis_server(folder: Path) -> "RedisServer":
    """How to start the best Redis there is: ``redis-server`` of the PATH, else fakeredis."""
    program = shutil.which("redis-server")
    if program is None:
        return RedisServer("fakeredis", None, [sys.executable, "-m", __name__, "redis"])
    port = free_port()
    argv = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(folder), "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    return RedisServer("redis-server", f"127.0.0.1:{port}", argv)


class RedisServer:
    """A command line, what it is, and its address where that is known before it runs."""

    def __init__(self, kind: str, address: str | None, argv: list[str]) -> None:
        self.kind, self.address, self.argv = kind, address, argv


def create_topics(bootstrap: str, topics: Topics, timeout_s: float) -> None:
    """Let every topic appear, by asking for its metadata.

    Raises:
        confluent_kafka.KafkaException: when the broker does not answer in time.
        RuntimeError: when the mock cluster has another partition count than expected.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    for key in TOPICS:
        name = topics.name(key)
        metadata = admin.list_topics(name, timeout=timeout_s).topics[name]
        if len(metadata.partitions) != PARTITIONS:
            raise RuntimeError(
                f"the embedded broker made {name} with {len(metadata.partitions)} partitions,"
                f" expected {PARTITIONS}: this release of librdkafka is not known to the demo"
            )


def free_port() -> int:
    """A port of loopback that is free now, from below the range that systems hand out.

    A port from that range (the answer to binding port 0) is often somebody's outgoing
    connection by the time the process it was meant for listens.

    Raises:
        RuntimeError: when none of many is free.
    """
    for _ in range(_PORT_TRIES):
        port = _PORTS.start + randbelow(len(_PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port between {_PORTS.start} and {_PORTS.stop} is free")


def _serve_broker() -> None:
    # The producer is never used: the cluster lives in its client instance and ends with it.
    owner = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 3})
    broker = next(iter(owner.list_topics(timeout=10).brokers.values()))
    click.echo(f"ready {broker.host}:{broker.port}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _serve_redis() -> None:
    from fakeredis import TcpFakeServer  # noqa: PLC0415 - only where there is no Redis

    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis", server_version=(7, 4))
    server.daemon_threads = True  # else an open connection would keep the process alive
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address[:2]
    click.echo(f"ready {host!s}:{port}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    # Blocked before any thread starts, so that sigwait gets them whichever thread they reach.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    {"broker": _serve_broker, "redis": _serve_redis}[sys.argv[1]]()
