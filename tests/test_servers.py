"""The servers the other tests stand on: they are real, they come back, they are not left behind."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from servers.kafka_server import KafkaServer
from servers.process import ServerFailed, ServerProcess
from servers.redis_server import RedisServer
from servers.waiting import until

TESTS = Path(__file__).resolve().parent


def _read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    try:
        messages = consumer.consume(1, timeout=30)
    finally:
        consumer.close()
    return [message.value() or b"" for message in messages]


@pytest.mark.integration
def test_a_killed_kafka_comes_back_with_its_data_on_its_port(own_kafka: KafkaServer) -> None:
    """What was acknowledged before SIGKILL is readable after the restart."""
    bootstrap = own_kafka.bootstrap
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce("kept", b"value")
    assert producer.flush(20) == 0

    own_kafka.kill()
    own_kafka.restart()

    assert own_kafka.bootstrap == bootstrap
    assert _read(bootstrap, "kept") == [b"value"]


@pytest.mark.integration
def test_redis_is_empty_for_each_test(redis_server: RedisServer, redis_url: str) -> None:
    """What another test wrote is gone once ``redis_url`` is asked for."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("left", "over")
        redis_server.flush()
        assert client.dbsize() == 0


def test_a_failing_server_says_why(tmp_path: Path) -> None:
    """The error carries the end of the server's own log."""
    server = ServerProcess("broken", ["/bin/sh", "-c", "echo no such disk; exit 3"], tmp_path)
    with pytest.raises(ServerFailed, match=r"(?s)code 3.*no such disk"):
        server.start(lambda: False)


def test_no_server_outlives_a_killed_run(tmp_path: Path) -> None:
    """SIGKILL to the process that started a server ends the server too."""
    script = textwrap.dedent(
        """
        import pathlib, sys
        from servers.process import ServerProcess
        idle = [sys.executable, "-c", "import signal; signal.pause()"]
        server = ServerProcess("idle", idle, pathlib.Path(sys.argv[1]))
        server.start(lambda: True)
        print(server.pid, flush=True)
        sys.stdin.read()
        """
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    os.kill(pid, 0)  # alive

    run.send_signal(signal.SIGKILL)
    run.communicate()

    assert until(lambda: _is_gone(pid)), f"process {pid} is still there"


def _is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        # Killed, and waiting for init to collect it: gone as well.
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True
