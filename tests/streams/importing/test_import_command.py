"""`vitals import` as people and scripts call it."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import murmur2
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.inbound import FAMILIES
from schemas.topics import Topics
from streams.commands.import_command import command
from streams.exits import Exit, NamedExit
from streams.importing.producing import producer_config
from streams.settings import Settings

MAPPING = """
mapping: log
source: log
inputs:
  - file: "log*.csv*"
    emit:
      - type: usage.feature
        fields:
          event_id: "{id}"
          customer_id: "{who}"
          occurred_at: {column: at, as: time}
          feature: "{what}"
  - {file: "labels.csv", ignored: the label}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.yaml").write_text(MAPPING)
    rows = [f"e{n},c{n % 3},2026-03-{28 - n:02d}T00:00:00Z,export" for n in range(20)]
    (tmp_path / "log.csv").write_text("id,who,at,what\n" + "\n".join(rows) + "\n")
    return tmp_path


def run(*arguments: object, env: dict[str, str] | None = None) -> Any:
    clean = {"VITALS_BOOTSTRAP": None, "VITALS_PREFIX": None}
    return CliRunner().invoke(command, [str(a) for a in arguments], env={**clean, **(env or {})})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_writes_events_and_says_what_it_did(folder: Path) -> None:
    (folder / "labels.csv").write_text("anything\n")
    result = run(
        "--mapping", folder / "log.yaml", folder / "log.csv", folder / "labels.csv",
        "--out", folder / "out.jsonl",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert [event["event_id"] for event in lines(folder / "out.jsonl")] == [
        f"e{n}" for n in range(20)
    ]
    assert "20 rows: 20 events (usage 20)" in result.stderr
    assert "labels.csv: the label" in result.stderr
    assert result.stdout == ""
    assert sorted(path.name for path in folder.iterdir()) == [
        "labels.csv", "log.csv", "log.yaml", "out.jsonl",
    ]  # fmt: skip


def test_quiet_says_nothing(folder: Path) -> None:
    result = run(
        "--mapping", folder / "log.yaml", folder / "log.csv", "--out", folder / "o", "--quiet"
    )
    assert (result.exit_code, result.output) == (0, "")


def test_the_same_input_gives_the_same_bytes(folder: Path) -> None:
    outputs = []
    for name in ("a", "b"):
        out = folder / f"{name}.jsonl"
        run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", out, "--shuffle", 7)
        packed = folder / f"{name}.jsonl.gz"
        run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", packed, "--sort")
        outputs.append((out.read_bytes(), packed.read_bytes()))
    assert outputs[0] == outputs[1]
    assert outputs[0][0] != gzip.decompress(outputs[0][1])
    assert outputs[0][1][4:8] == bytes(4)  # the gzip header's time


def test_sort_orders_by_time_and_shuffle_by_its_seed(folder: Path) -> None:
    orders = {}
    for name, options in {"plain": [], "sort": ["--sort"], "s1": ["--shuffle", 1], "s2": ["--shuffle", 2]}.items():  # fmt: skip  # noqa: E501
        out = folder / f"{name}.jsonl"
        assert run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", out, *options).exit_code == 0  # fmt: skip  # noqa: E501
        orders[name] = [event["event_id"] for event in lines(out)]
    assert orders["sort"] == orders["plain"][::-1]
    assert len({tuple(order) for order in orders.values()}) == 4
    assert all(sorted(order) == sorted(orders["plain"]) for order in orders.values())


def test_standard_output_carries_events_alone(folder: Path) -> None:
    result = run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", "-")
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 20
    assert "20 rows" in result.stderr


def test_rejects_are_listed_and_too_many_of_them_fail_the_run(folder: Path) -> None:
    with (folder / "log.csv").open("a") as file:
        file.write("bad,c1,yesterday,export\n" * 2)
    given = ["--mapping", folder / "log.yaml", folder / "log.csv", "--out", folder / "o.jsonl"]
    listed = ["--rejects", folder / "r.jsonl"]
    result = run(*given, *listed)
    assert result.exit_code == 0
    assert "2 rows rejected: bad_time 2" in result.stderr
    assert [(r["row"], r["reason"]) for r in lines(folder / "r.jsonl")] == [
        (21, "bad_time"),
        (22, "bad_time"),
    ]
    assert lines(folder / "r.jsonl")[0]["content"]["at"] == "yesterday"
    # 2 of 22 rows are 9.09 %.
    assert run(*given, "--rejects-max", "9.1").exit_code == 0
    result = run(*given, "--rejects-max", "9%")
    assert isinstance(result.exception, NamedExit)
    assert result.exception.code is Exit.FAILED
    assert "2 of 22 rows" in result.exception.message
    assert len(lines(folder / "o.jsonl")) == 20
    assert run(*given, "--rejects-max", "often").exit_code == 2


def test_events_pass_unchanged_and_are_checked(folder: Path) -> None:
    """`--mapping events`: the producer's own bytes, spaces and unknown fields included."""
    good = (
        b'{ "event_id":"1","customer_id":"c","occurred_at":"2026-03-01T00:00:00Z","source":"s",'
        b'"type":"account.closed", "extra": 1.0}'
    )
    (folder / "in.jsonl").write_bytes(good + b"\n\n" + good + b'\n{"type":"account.closed"}\n')
    result = run(
        "--mapping", "events", folder / "in.jsonl", "--out", folder / "out.jsonl",
        "--rejects", folder / "r.jsonl", "--rejects-max", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    assert (folder / "out.jsonl").read_bytes() == good + b"\n"
    assert "1 events came again" in result.stderr
    assert [(r["row"], r["reason"]) for r in lines(folder / "r.jsonl")] == [(3, "missing_customer")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["log.csv"], "Missing option '--mapping'"),
        (["--mapping", "log.yaml"], "Missing argument"),
        (["--mapping", "log.yaml", "log.csv"], "give the events a place"),
        (["--mapping", "log.yaml", "log.csv", "--out", "o", "--bootstrap", "x:1"], "exclude"),
        (["--mapping", "log.yaml", "log.csv", "--out", "o", "--sort", "--shuffle", "1"], "exclude"),
        (["--mapping", "log.yaml", "none.csv", "--out", "o"], "no such file: none.csv"),
        (["--mapping", "log.yaml", "log.csv", "--out", "log.csv"], "would be overwritten"),
        (["--mapping", "log.yaml", "log.csv", "--out", "no/o"], "no such folder"),
        (["--mapping", "log.yaml", "log.csv", "--bootstrap", "x:1", "--prefix", "a b"], "--prefix"),
    ],
)
def test_a_wrong_call_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_damaged_input_leaves_no_output_behind(folder: Path) -> None:
    rows = "".join(f"e{n},c,2026-03-01T00:00:00Z,export\n" for n in range(20_000))
    whole = gzip.compress(("id,who,at,what\n" + rows).encode())
    (folder / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    result = run("--mapping", folder / "log.yaml", folder / "log.csv.gz", "--out", folder / "o")
    assert isinstance(result.exception, NamedExit)
    assert result.exception.code is Exit.FAILED
    assert {path.name for path in folder.iterdir()} == {"log.csv", "log.csv.gz", "log.yaml"}


def test_no_broker_is_one_sentence_and_no_traceback(folder: Path) -> None:
    """As a person sees it: the address, what to do, exit code 2."""
    ended = subprocess.run(
        [sys.executable, "-m", "streams", "import", "--mapping", folder / "log.yaml",
         folder / "log.csv", "--bootstrap", "127.0.0.1:1"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "127.0.0.1:1" in ended.stderr
    assert "--bootstrap" in ended.stderr


def test_security_settings_reach_the_client(tmp_path: Path) -> None:
    settings = Settings(
        bootstrap="a:1",
        kafka_security="SASL_SSL",
        kafka_ca_file=tmp_path / "ca.pem",
        kafka_sasl_username="importer",
        kafka_sasl_password="secret",
    )
    config = producer_config(settings)
    assert config["security.protocol"] == "SASL_SSL"
    assert config["ssl.ca.location"] == str(tmp_path / "ca.pem")
    assert config["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (config["sasl.username"], config["sasl.password"]) == ("importer", "secret")
    assert config["partitioner"] == "murmur2_random"
    assert config["enable.idempotence"] is True
    assert not [name for name in producer_config(Settings()) if name.startswith("sasl.")]


@pytest.fixture
def embedded() -> Iterator[str]:
    """The in-memory broker of the Kafka client, with the source topics under `t.`."""
    broker = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    metadata = broker.list_topics(timeout=10)
    address = next(iter(metadata.brokers.values()))
    for family in FAMILIES:
        broker.list_topics(Topics("t.").source(family), timeout=10)
    yield f"{address.host}:{address.port}"
    broker.flush(1)


def consumed(bootstrap: str, topic: str, count: int) -> dict[int, list[tuple[bytes, bytes]]]:
    """All records of a topic by partition, each with key and value."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found: dict[int, list[tuple[bytes, bytes]]] = {number: [] for number in partitions}
        while sum(map(len, found.values())) < count:
            record = consumer.poll(20)
            assert record is not None, f"{topic}: {sum(map(len, found.values()))} of {count}"
            assert record.error() is None
            found[record.partition()].append((record.key(), record.value()))
        return found
    finally:
        consumer.close()


def test_events_reach_their_topic_keyed_by_customer_in_order(folder: Path, embedded: str) -> None:
    result = run(
        "--mapping", folder / "log.yaml", folder / "log.csv", "--bootstrap", embedded,
        "--prefix", "t.",
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", folder / "o.jsonl")
    written = (folder / "o.jsonl").read_bytes().splitlines()
    found = consumed(embedded, "t.health.usage.v1", 20)
    for customer in (b"c0", b"c1", b"c2"):
        sent = [raw for raw in written if json.loads(raw)["customer_id"] == customer.decode()]
        homes = [n for n, records in found.items() if any(key == customer for key, _ in records)]
        assert len(homes) == 1
        assert [value for key, value in found[homes[0]] if key == customer] == sent
        # As Java's and aiokafka's producers would choose.
        assert homes == [(murmur2(customer) & 0x7FFFFFFF) % len(found)]


@pytest.mark.integration
def test_a_real_broker_takes_an_import_whole(folder: Path, kafka: Any, topic_prefix: str) -> None:
    """20,000 events through a real Kafka, none lost, none twice."""
    rows = "".join(f"e{n},c{n % 97},2026-03-01T00:00:00Z,export\n" for n in range(20_000))
    (folder / "log.csv").write_text("id,who,at,what\n" + rows)
    given = ["--mapping", folder / "log.yaml", folder / "log.csv"]
    address = ["--bootstrap", kafka.bootstrap, "--prefix", topic_prefix]
    refused = run(*given, *address)
    assert isinstance(refused.exception, NamedExit)
    assert "vitals topics" in refused.exception.message
    names = [Topics(topic_prefix).source(family) for family in FAMILIES]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for future in admin.create_topics([NewTopic(name, 3, 1) for name in names]).values():
        future.result(30)
    result = run(*given, *address)
    assert result.exit_code == 0, result.exception
    found = consumed(kafka.bootstrap, f"{topic_prefix}health.usage.v1", 20_000)
    ids = [json.loads(value)["event_id"] for records in found.values() for _, value in records]
    assert sorted(ids) == sorted(f"e{n}" for n in range(20_000))


def test_the_environment_may_name_the_broker(folder: Path, embedded: str) -> None:
    env = {"VITALS_BOOTSTRAP": embedded, "VITALS_PREFIX": "t."}
    assert run("--mapping", folder / "log.yaml", folder / "log.csv", env=env).exit_code == 0
    consumed(embedded, "t.health.usage.v1", 20)
    out = folder / "o.jsonl"
    result = run("--mapping", folder / "log.yaml", folder / "log.csv", "--out", out, env=env)
    assert result.exit_code == 0
    assert len(lines(out)) == 20


def test_missing_topics_are_named_before_anything_is_sent(folder: Path, embedded: str) -> None:
    result = run(
        "--mapping", folder / "log.yaml", folder / "log.csv", "--bootstrap", embedded,
        "--prefix", "prod.",
    )  # fmt: skip
    assert isinstance(result.exception, NamedExit)
    assert result.exception.code is Exit.USAGE
    assert "prod.health.usage.v1" in result.exception.message
    assert "vitals topics" in result.exception.message
