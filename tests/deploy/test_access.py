"""The access table in docs/operations.md suffices, over TLS and SASL, on a broker that checks.

A real Kafka with TLS, SCRAM users and an authorizer that denies what is not allowed. Each
process logs in as a user of its own that holds exactly the rights of its row in the table.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trustme
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from schemas.topics import TOPICS, Topics
from servers.kafka_server import KafkaServer
from servers.process import MissingPart, free_port
from servers.waiting import until
from streams.settings import ENV_PREFIX

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).resolve().parents[2]
GOLDEN = PROJECT / "tests" / "schemas" / "golden"
PREFIX = "guarded."
PASSWORD = "correct horse"  # of every user here
PROCESSES = ("topics", "worker", "outreach", "import")
PARTITIONS = 4
LIVING = ("account.created", "billing.changed", "ticket.changed", "usage.feature")
ALLOW = AclPermissionType.ALLOW
LITERAL, PREFIXED = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED


def _rows() -> dict[str, list[str]]:
    """The access table: process -> read, write, describe configs, groups, create, transactions."""
    table = (PROJECT / "docs" / "operations.md").read_text().split("## Access rights")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table.split("\n## ")[0], re.MULTILINE)
    return {process: cells.split(" | ") for process, cells in rows}


def _topics(cell: str) -> list[str]:
    return (
        [topic.name for topic in TOPICS.values()] if cell == "all" else re.findall("`(.+?)`", cell)
    )


def _bindings(process: str, cells: list[str]) -> list[AclBinding]:
    read, write, configs, groups, create, transactions = cells
    topic, group = ResourceType.TOPIC, ResourceType.GROUP
    transactional_id = ResourceType.TRANSACTIONAL_ID
    operations = AclOperation
    wanted = [
        *((topic, name, LITERAL, operations.READ) for name in _topics(read)),
        *((topic, name, LITERAL, operations.WRITE) for name in _topics(write)),
        *((topic, name, LITERAL, operations.DESCRIBE_CONFIGS) for name in _topics(configs)),
        *((group, name, LITERAL, operations.READ) for name in _topics(groups)),
        *((topic, name, PREFIXED, operations.CREATE) for name in _topics(create)),
        *((transactional_id, name, PREFIXED, operations.WRITE) for name in _topics(transactions)),
    ]
    described = [(kind, name, how, operations.DESCRIBE) for kind, name, how, _ in wanted]
    return [
        AclBinding(kind, PREFIX + name, how, f"User:{process}", "*", operation, ALLOW)
        for kind, name, how, operation in {*wanted, *described}
    ]


class Guarded:
    """The broker that checks, and our processes as its users."""

    def __init__(self, server: KafkaServer, address: str, folder: Path, redis_url: str) -> None:
        self.admin = AdminClient({"bootstrap.servers": server.bootstrap})
        self.plain = server.bootstrap
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._environment = {
            "VITALS_BOOTSTRAP": address,
            "VITALS_REDIS": redis_url,
            "VITALS_PREFIX": PREFIX,
            "VITALS_SIGNALS_PARTITIONS": str(PARTITIONS),
            "VITALS_KAFKA_SECURITY": "SASL_SSL",
            "VITALS_KAFKA_CA_FILE": str(folder / "ca.pem"),
            "VITALS_KAFKA_SASL_PASSWORD": PASSWORD,
        }

    def start(self, user: str, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """``vitals`` with these arguments, logged in as ``user``."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ENV_PREFIX)}
        own = {"VITALS_KAFKA_SASL_USERNAME": user, "VITALS_DATA_DIR": str(self._folder / user)}
        with self.log(user).open("wb") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("vitals")), *arguments],
                env=kept | self._environment | own | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def ready(self, user: str, command: str) -> bool:
        """Start a process that stays, and whether it gets ready."""
        port = free_port()
        process = self.start(user, command, VITALS_METRICS_PORT=str(port))

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                    return True
            except OSError:
                return process.poll() is not None

        return until(answers) and process.poll() is None

    def log(self, user: str) -> Path:
        """Where a user's process prints."""
        return self._folder / f"{user}.log"

    def said(self, user: str) -> str:
        """What it printed."""
        return self.log(user).read_text(errors="replace")

    def end(self) -> None:
        """SIGTERM to all that still run."""
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.wait(40)


def _settings(folder: Path) -> dict[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert("127.0.0.1")
    key = load_pem_private_key(server.private_key_pem.bytes(), None)
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    # Kafka reads PKCS #8 only.
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain
    (folder / "server.pem").write_bytes(pem)
    clients = "listener.name.clients."
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL"
        ),
        f"{clients}sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{clients}scram-sha-512.sasl.jaas.config": scram,
        f"{clients}ssl.keystore.type": "PEM",
        f"{clients}ssl.keystore.location": str(folder / "server.pem"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # the plain listener: this test's own
    }


def _log_in(admin: AdminClient) -> None:
    """A user for each process, with the rights of its row; and one without any."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    users = [
        UserScramCredentialUpsertion(name, info, PASSWORD.encode())
        for name in (*PROCESSES, "stranger")
    ]
    for made in admin.alter_user_scram_credentials(users).values():
        made.result(20)
    bindings = [acl for process, cells in _rows().items() for acl in _bindings(process, cells)]
    for created in admin.create_acls(bindings).values():
        created.result(20)


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: Any,
    missing_part: Callable[[str, str], NoReturn],
) -> Iterator[Guarded]:
    """The broker, its users, and the topics made by the user ``topics``."""
    folder = tmp_path_factory.mktemp("guarded")
    redis_server.flush()
    address = f"127.0.0.1:{free_port()}"
    try:
        server = KafkaServer.start(
            folder / "kafka", settings=_settings(folder), listener=f"CLIENTS://{address}"
        )
    except MissingPart as error:
        missing_part(error.part, error.how)
    with server:
        running = Guarded(server, address, folder, redis_server.url)
        _log_in(running.admin)
        assert running.start("topics", "topics", "--create").wait(60) == 0, running.said("topics")
        yield running
        running.end()


def test_the_table_has_a_row_for_each_process() -> None:
    """A slip in the table's form must not pass as "needs nothing"."""
    rows = _rows()
    assert tuple(rows) == PROCESSES
    assert all(len(cells) == 6 for cells in rows.values())
    assert len(_bindings("worker", rows["worker"])) > 30


def test_each_process_works_with_its_row_and_no_more(guarded: Guarded, tmp_path: Path) -> None:
    """An event goes all the way to a score, and every process is who it says it is."""
    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(event) + "\n" for event in _events()))
    code = guarded.start("import", "import", "--mapping", "events", str(events)).wait(60)
    assert code == 0, guarded.said("import")

    for process in ("worker", "outreach"):
        assert guarded.ready(process, process), guarded.said(process)

    assert until(lambda: _records(guarded.plain, Topics(PREFIX).name("scores")) > 0), guarded.said(
        "worker"
    )
    assert "AuthorizationFailed" not in guarded.said("worker") + guarded.said("outreach")


@pytest.mark.parametrize("command", ["worker", "outreach", "topics"])
def test_without_rights_there_is_a_sentence_and_no_traceback(
    guarded: Guarded, command: str
) -> None:
    """A user without any right is told what is missing; the process ends by itself."""
    code = guarded.start("stranger", command).wait(60)
    said = guarded.said("stranger")
    assert code not in (0, 1), said
    assert "Traceback" not in said
    assert "health." in said or "health-" in said, said


def test_a_wrong_password_is_a_sentence_with_the_address(guarded: Guarded) -> None:
    """Exit code 2: it is the settings that must be corrected."""
    process = guarded.start("worker2", "worker", VITALS_KAFKA_SASL_PASSWORD="wrong")
    assert process.wait(60) == 2, guarded.said("worker2")
    assert "Traceback" not in guarded.said("worker2")
    assert "127.0.0.1" in guarded.said("worker2")


def _events() -> list[dict[str, Any]]:
    """One event of each type about one living customer, some minutes old."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    events = [json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))]
    return [
        event | {"event_id": f"e-{number}", "occurred_at": at.isoformat()}
        for number, event in enumerate(events)
        if event["type"]
        in ("account.created", "usage.feature", "ticket.changed", "billing.changed")
    ]


def _records(bootstrap: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "counting"})
    try:
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)
            for n in range(PARTITIONS)
        ]
        return sum(high - low for low, high in filter(None, ends))
    finally:
        consumer.close()
