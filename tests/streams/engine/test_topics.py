"""The topics on a real broker: created as they must be, each mismatch named."""

import subprocess
import sys
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.topics import TOPICS
from servers.process import free_port
from streams.engine import topics
from streams.engine.topics import (
    TopicState,
    check_topics,
    create_topics,
    grow_topics,
    require_topics,
)
from streams.exits import Exit, NamedExit
from streams.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(kafka: Any, topic_prefix: str) -> Settings:
    return Settings(
        bootstrap=kafka.bootstrap, prefix=topic_prefix, signals_partitions=3, source_partitions=2
    )


def make(settings: Settings, key: str, partitions: int, **config: str) -> None:
    """A topic as somebody else made it."""
    name = settings.topics.name(key)
    made = NewTopic(name, num_partitions=partitions, config=config)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    admin.create_topics([made])[name].result(30)


def refused(settings: Settings) -> str:
    with pytest.raises(NamedExit) as error:
        require_topics(settings)
    assert error.value.code is Exit.TOPIC_MISMATCH
    return error.value.message


def test_created_topics_pass_the_check(settings: Settings) -> None:
    created: list[str] = []
    findings = create_topics(settings, created.append)
    assert (
        {f.name for f in findings} == set(created) == {settings.topics.name(key) for key in TOPICS}
    )
    assert {f.state for f in findings} == {TopicState.OK}
    assert require_topics(settings) == 3
    again: list[str] = []
    create_topics(settings, again.append)
    assert again == []


def test_an_empty_broker_is_refused_with_the_way_out(settings: Settings) -> None:
    message = refused(settings)
    for key in TOPICS:
        assert f"{settings.topics.name(key)}: does not exist" in message
    assert "vitals topics --create" in message


def test_s7_each_mismatch_is_named(settings: Settings) -> None:
    """Partition count, clean-up policy, time stamp type: three topics, three lines."""
    stamped = {"message.timestamp.type": "CreateTime"}
    make(settings, "signals", 3, **stamped)
    make(settings, "customers", 3, **{"cleanup.policy": "delete"})
    make(settings, "scores", 5)
    create_topics(settings)
    message = refused(settings)
    name = settings.topics.name
    assert (
        f"{name('signals')}: message.timestamp.type is CreateTime, expected LogAppendTime"
        in message
    )
    assert f"{name('customers')}: cleanup.policy is delete, expected compact" in message
    assert f"{name('scores')}: has 5 partitions, expected 3" in message
    assert "--signals-partitions" in message
    wrong = [f.name for f in check_topics(settings) if f.state is TopicState.MISMATCH]
    assert sorted(wrong) == sorted(name(key) for key in ("signals", "customers", "scores"))


def test_a_change_of_partitions_that_did_not_end_is_named_with_what_ends_it(
    settings: Settings,
) -> None:
    """The changelog has its new partitions first, the signals log last."""
    create_topics(settings)
    grow_topics(settings, ["customers", "scores"], 5)
    assert "`vitals repartition --to 5` ends it" in refused(settings)
    rest = ("transitions", "actions", "deliveries", "signals")
    grow_topics(settings, rest, 5)
    said = refused(settings)
    assert "Set --signals-partitions (VITALS_SIGNALS_PARTITIONS) to 5, or leave it out" in said
    assert require_topics(settings.model_copy(update={"signals_partitions": 5})) == 5
    wished = settings.model_copy(update={"signals_partitions": 7})
    assert "`vitals repartition --to 7` moves the state" in refused(wished)
    grow_topics(settings, ["signals"], 6)
    assert "`vitals repartition --to 6` moves the state" in refused(settings)


def test_the_log_that_exists_binds_the_topics_that_follow_it(settings: Settings) -> None:
    """Without the setting the signals log says how many partitions there are."""
    make(settings, "signals", 5, **{"message.timestamp.type": "LogAppendTime"})
    unsaid = settings.model_copy(update={"signals_partitions": None})
    create_topics(unsaid)
    assert require_topics(unsaid) == 5
    assert f"{settings.topics.name('signals')}: has 5 partitions, expected 3" in refused(settings)


def test_a_log_that_the_broker_does_not_show_yet_binds_them_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody made it a moment ago, with another count than ours would be."""
    make(settings, "signals", 5, **{"message.timestamp.type": "LogAppendTime"})
    unsaid = settings.model_copy(update={"signals_partitions": None})
    answers = [{}, {}]
    real = topics._existing
    monkeypatch.setattr(
        topics, "_existing", lambda *asked: answers.pop() if answers else real(*asked)
    )
    create_topics(unsaid)
    assert require_topics(unsaid) == 5


def vitals(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_exits_with_71_and_names_the_topic(settings: Settings) -> None:
    make(settings, "customers", 3, **{"cleanup.policy": "delete"})
    address = ("--bootstrap", settings.bootstrap, "--prefix", settings.prefix)
    done = vitals("topics", *address, "--create", "--signals-partitions", "3", "--json")
    assert done.returncode == 71
    assert "cleanup.policy is delete, expected compact" in done.stdout
    assert f"created {settings.topics.name('signals')}" in done.stderr


@pytest.mark.parametrize("command", ["topics", "worker", "signals"])
def test_without_a_broker_a_sentence_names_the_address(command: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = vitals(command, "--bootstrap", address)
    assert done.returncode == 2
    assert f"no Kafka broker answers at {address}" in done.stderr
    assert "--bootstrap HOST:PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
