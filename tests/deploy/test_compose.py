"""docker-compose.yml keeps to the Compose specification, and its services do come up.

There is no Docker where the tests run. So the file is held against the specification's own
JSON Schema, and each service's very command, environment and health check run outside a
container, with the real Kafka and Redis of the tests in the place of the containers'.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from schemas.topics import TOPICS, Topics
from servers.process import free_port
from servers.waiting import until
from streams.api.server import _listen
from streams.exits import NamedExit
from streams.settings import ENV_PREFIX, Settings

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "docker-compose.yml"
SECRETS = PROJECT / "deploy" / "compose.secrets.yml"
DOCKERFILE = PROJECT / "deploy" / "Dockerfile"
OURS = ("topics", "worker", "outreach", "percentiles", "api")
RUNNING = ("worker", "outreach", "api")


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services with their anchors resolved."""
    found: dict[str, dict[str, Any]] = _read(COMPOSE)["services"]
    return found


@pytest.fixture(scope="module")
def specification() -> jsonschema.Draft7Validator:
    """The Compose specification's schema, as check-jsonschema carries it."""
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(next(iter(package.submodule_search_locations)))
    schema = json.loads((folder / "builtin_schemas" / "vendor" / "compose-spec.json").read_text())
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize("path", [COMPOSE, SECRETS], ids=lambda path: path.name)
def test_it_keeps_to_the_specification(
    path: Path, specification: jsonschema.Draft7Validator
) -> None:
    """No key that Compose does not know, no value of the wrong form."""
    problems = [
        f"{error.json_path}: {error.message}" for error in specification.iter_errors(_read(path))
    ]
    assert problems == []


def test_the_specification_refuses_a_slip(specification: jsonschema.Draft7Validator) -> None:
    """The check above can fail."""
    broken = _read(COMPOSE)
    broken["services"]["worker"]["depend_on"] = {}
    assert not specification.is_valid(broken)


def test_everything_starts_in_order(services: dict[str, dict[str, Any]]) -> None:
    """Broker first, then the topics, then who reads and writes them."""
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    healthy, done = "service_healthy", "service_completed_successfully"
    assert waits == {
        "kafka": {},
        "redis": {},
        "topics": {"kafka": healthy},
        "worker": {"kafka": healthy, "redis": healthy, "topics": done},
        "outreach": {"kafka": healthy, "topics": done},
        "percentiles": {"kafka": healthy, "topics": done},
        "api": {"redis": healthy, "topics": done},
    }


def test_whoever_is_waited_for_says_when_it_is_ready(services: dict[str, dict[str, Any]]) -> None:
    """``service_healthy`` without a health check would wait for ever."""
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert services[other]["healthcheck"]["test"]
            else:
                assert services[other]["restart"] == "no", "a one-shot must not be started again"


def test_what_must_last_is_on_a_volume(services: dict[str, dict[str, Any]]) -> None:
    """Kafka's log above all; each named volume is declared and used."""
    mounted = [v.split(":")[0] for s in services.values() for v in s.get("volumes", [])]
    assert sorted(mounted) == sorted(_read(COMPOSE)["volumes"])
    data = services["kafka"]["environment"]["KAFKA_LOG_DIRS"]
    assert services["kafka"]["volumes"] == [f"kafka-data:{data}"]


def test_only_loopback_is_published(services: dict[str, dict[str, Any]]) -> None:
    """The page has no login, and the broker none either."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_settings_are_spelled_right_and_no_secret_is_written_down(
    services: dict[str, dict[str, Any]],
) -> None:
    """A misspelled variable would be ignored without a word."""
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    secret = re.compile(r"WEBHOOK|PASSWORD|SECRET|TOKEN")
    for name in OURS:
        environment = services[name]["environment"]
        assert set(environment) <= known
        assert {k: v for k, v in environment.items() if secret.search(k) and v is not None} == {}
    named = {secret for s in _read(SECRETS)["services"].values() for secret in s["secrets"]}
    assert {name.upper() for name in named} <= known
    assert named == set(_read(SECRETS)["secrets"])


def test_our_containers_may_do_nothing_they_need_not(services: dict[str, dict[str, Any]]) -> None:
    """No root, no capabilities, no writing outside the volume; one image for all."""
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE.read_text(), re.MULTILINE)
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["image"] == services["worker"]["image"]


def test_the_dockerfile_copies_what_is_there() -> None:
    """Each COPY source exists, and .dockerignore lets it through."""
    text = DOCKERFILE.read_text()
    sources = [
        source
        for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE)
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]
    allowed = re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE)
    assert len(sources) > 3
    assert [source for source in sources if not (PROJECT / source).exists()] == []
    assert [source for source in sources if source.split("/")[0] not in allowed] == []
    assert 'ENTRYPOINT ["vitals"]' in text


def test_the_image_checks_its_own_health_as_compose_does(
    services: dict[str, dict[str, Any]],
) -> None:
    """``docker run`` without Compose has the same check."""
    (command,) = re.findall(r"^  CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)
    assert ["CMD", *json.loads(command)] == services["worker"]["healthcheck"]["test"]


def test_the_api_leaves_loopback_in_a_container_only(services: dict[str, dict[str, Any]]) -> None:
    """It has no login: without the setting that the Compose file makes, it refuses."""
    environment = services["api"]["environment"]
    assert environment["VITALS_API_IN_CONTAINER"] == "true"
    with pytest.raises(NamedExit, match="no login"):
        _listen(environment["VITALS_API_HOST"], 0)
    _listen(environment["VITALS_API_HOST"], 0, in_container=True).close()


class Outside:
    """The services' commands outside a container: same arguments, addresses of the tests."""

    def __init__(
        self, services: dict[str, dict[str, Any]], folder: Path, addresses: dict[str, str]
    ) -> None:
        self._services = services
        self._folder = folder
        self._addresses = addresses
        self._metrics_port = {name: str(free_port()) for name in RUNNING}
        self._api_port = str(free_port())
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a service's command with its environment, as far as it is not an address."""
        service = self._services[name]
        default = re.compile(r"\$\{\w+:-([^}]*)\}")
        written = {
            key: default.sub(r"\1", str(value))
            for key, value in service["environment"].items()
            if value is not None
        }
        own = {
            "VITALS_METRICS_PORT": self._metrics_port.get(name, "0"),
            "VITALS_DATA_DIR": str(self._folder / name),
            "VITALS_SIGNALS_PARTITIONS": "4",
        }
        if "VITALS_API_PORT" in written:
            own |= {"VITALS_API_HOST": "127.0.0.1", "VITALS_API_PORT": self._api_port}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ENV_PREFIX)}
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("vitals")), *service["command"]],
                env=kept | written | self._addresses | own,
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes[name] = process
        return process

    def healthy(self, name: str, deadline_s: float = 60.0) -> bool:
        """Whether the service's own health check passes in time."""
        test: list[str] = self._services[name]["healthcheck"]["test"]
        port = self._metrics_port[name]
        command = [
            word.replace(":9464/", f":{port}/").replace(":8080/", f":{self._api_port}/")
            for word in test[1:]
        ]
        command[0] = sys.executable

        def answers() -> bool:
            ended = self._processes[name].poll() is not None
            return (
                ended or subprocess.run(command, capture_output=True, check=False).returncode == 0
            )

        return until(answers, deadline_s) and self._processes[name].poll() is None

    def said(self, name: str) -> str:
        """The end of what the service printed."""
        return self._log(name).read_text(errors="replace")[-4000:]

    def end(self) -> dict[str, int]:
        """SIGTERM to all; exit codes by service."""
        for process in self._processes.values():
            process.terminate()
        try:
            return {name: process.wait(40) for name, process in self._processes.items()}
        finally:
            for process in self._processes.values():
                process.kill()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


@pytest.fixture
def outside(
    services: dict[str, dict[str, Any]],
    kafka: Any,
    redis_url: str,
    topic_prefix: str,
    tmp_path: Path,
) -> Iterator[Outside]:
    """The services on the tests' own Kafka and Redis."""
    addresses = {
        "VITALS_BOOTSTRAP": kafka.bootstrap,
        "VITALS_REDIS": redis_url,
        "VITALS_PREFIX": topic_prefix,
    }
    running = Outside(services, tmp_path, addresses)
    yield running
    running.end()


@pytest.mark.integration
def test_every_service_comes_up_and_stops_in_order(
    outside: Outside, kafka: Any, topic_prefix: str
) -> None:
    """Topics ends with 0; worker, outreach and api become healthy, and end with 0 on SIGTERM.

    Percentiles waits: the shipped scorecard has nothing to compare.
    """
    from confluent_kafka.admin import AdminClient

    assert outside.start("topics").wait(60) == 0, outside.said("topics")
    there = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=20).topics
    names = Topics(topic_prefix)
    assert {names.name(key) for key in TOPICS} <= set(there)

    for name in RUNNING:
        outside.start(name)
    for name in RUNNING:
        assert outside.healthy(name), f"{name} is not healthy:\n{outside.said(name)}"

    outside.start("percentiles")
    assert until(lambda: "no percentile measures" in outside.said("percentiles"), 60), outside.said(
        "percentiles"
    )

    assert outside.end() == dict.fromkeys(OURS, 0), "\n".join(map(outside.said, RUNNING))
