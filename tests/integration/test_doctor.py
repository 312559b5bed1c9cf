"""``vitals doctor`` against a real broker and a real Redis, in health and in sickness."""

import json

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from redis import Redis

from schemas.control import ScorecardActivated
from schemas.topics import Topics
from streams.clock import SystemClock, from_ms
from streams.commands.doctor_command import command
from streams.doctor.broker import Broker
from streams.doctor.decided import clock_offset
from streams.doctor.finding import State
from streams.engine.topics import create_topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


@pytest.fixture
def settings(kafka, redis_url, topic_prefix):
    return Settings(
        bootstrap=kafka.bootstrap, redis=redis_url, prefix=topic_prefix, signals_partitions=2
    )


def examined(settings, *options):
    """Exit code, and the findings by what they are about."""
    result = CliRunner().invoke(
        command,
        [
            "--json", "--bootstrap", settings.bootstrap, "--prefix", settings.prefix,
            "--redis", settings.redis.get_secret_value(), "--signals-partitions", "2", *options,
        ],
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert answer["healthy"] is (result.exit_code == 0)
    return result.exit_code, {finding["about"]: finding for finding in answer["findings"]}


def test_without_topics_it_fails_and_says_how_to_create_them(settings):
    code, found = examined(settings)
    assert code == 1
    assert found["topics"]["state"] == "fail"
    assert "vitals topics --create" in found["topics"]["remedy"]
    assert found["Kafka"]["state"] == "ok"
    assert found["Redis"]["state"] == "ok"


def test_a_fresh_installation_is_healthy_with_warnings(settings):
    """Nothing runs yet: that is said, and is no failure."""
    create_topics(settings)
    code, found = examined(settings)
    assert code == 0, found
    assert found["topics"]["state"] == "ok"
    assert found["Kafka release"]["state"] == "ok"
    assert found["scorecard"]["state"] == "warn"
    assert found["clock"]["state"] == "warn"
    for who in ("intake", "score", "view", "outreach"):
        assert found[f"lag of {who}"]["state"] == "warn"
        assert "nobody reads" in found[f"lag of {who}"]["found"]
    assert all(f["remedy"] for f in found.values() if f["state"] != "ok")


def test_the_active_scorecard_is_the_last_one_activated(settings):
    create_topics(settings)
    producer = Producer({"bootstrap.servers": settings.bootstrap})
    for version in ("1", "2"):
        activated = ScorecardActivated(
            at=from_ms(CLOCK.now_ms()), author="dana", reason="spring", name="b2b-saas",
            version=version, hash="ab" * 32, text="scorecard: b2b-saas",
        )  # fmt: skip
        producer.produce(settings.topics.name("control"), activated.model_dump_json().encode())
    assert producer.flush(10) == 0
    _, found = examined(settings)
    assert found["scorecard"]["state"] == "ok"
    assert found["scorecard"]["found"].startswith("b2b-saas 2 (abababababab)")
    assert "dana" in found["scorecard"]["found"]


def test_lag_is_counted_from_what_is_acknowledged(settings):
    create_topics(settings)
    topic = settings.topics.name("signals")
    fill(settings, topic, 10)
    assert lag_of(settings, "score").found.startswith("10 records")
    acknowledge(settings, settings.topics.group_score, topic, 4)
    assert lag_of(settings, "score").found.startswith("6 records")


def test_records_deleted_before_they_were_read_are_a_failure(settings):
    create_topics(settings)
    topic = settings.topics.name("signals")
    fill(settings, topic, 10)
    acknowledge(settings, settings.topics.group_score, topic, 4)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, 7)]).values():
        future.result(10)
    finding = lag_of(settings, "score")
    assert finding.state is State.FAIL
    assert "3 records were deleted before they were read" in finding.found


async def test_the_clock_is_held_against_the_brokers_stamp(settings):
    """The stamp of a record that is appended while the doctor listens."""
    create_topics(settings)
    topic = settings.topics.name("signals")
    producer = Producer({"bootstrap.servers": settings.bootstrap})

    class Nudging(SystemClock):
        """Reads the clock, and appends a record the first time it is asked."""

        def now_ms(self):
            producer.produce(topic, b"x", partition=0)
            producer.poll(0)
            return super().now_ms() + self.off_ms

        off_ms = 0

    clock = Nudging()
    near = await clock_offset(settings, clock, listen_s=30)
    assert near.state is State.OK, near
    clock.off_ms = -60_000
    far = await clock_offset(settings, clock, listen_s=30)
    assert far.state is State.FAIL, far
    assert "NTP" in far.remedy


def test_a_redis_that_evicts_is_a_warning(settings):
    create_topics(settings)
    with Redis.from_url(settings.redis.get_secret_value()) as client:
        before = client.config_get("maxmemory*")
        try:
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
            code, found = examined(settings)
        finally:
            for name in ("maxmemory", "maxmemory-policy"):
                client.config_set(name, before[name])
    assert code == 0
    assert found["Redis memory"]["state"] == "warn"
    assert "noeviction" in found["Redis memory"]["remedy"]


def test_nothing_there_at_all_is_named_one_by_one():
    result = CliRunner().invoke(
        command, ["--bootstrap", "127.0.0.1:1", "--redis", "redis://:secret@127.0.0.1:1"]
    )
    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
    assert "secret" not in result.output
    assert "Traceback" not in result.output
    assert result.output.count("fail") >= 2


def fill(settings, topic, count):
    producer = Producer({"bootstrap.servers": settings.bootstrap})
    for _ in range(count):
        producer.produce(topic, b"x", partition=0)
    assert producer.flush(10) == 0


def acknowledge(settings, group, topic, offset):
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def lag_of(settings, who):
    broker = Broker(settings, CLOCK)
    assert broker.reachable().state is State.OK
    return next(finding for finding in broker.groups() if finding.about == f"lag of {who}")


def test_the_topics_of_another_environment_are_not_mixed_in(settings):
    """The prefix decides which topics and groups are looked at."""
    create_topics(settings)
    other = Settings(bootstrap=settings.bootstrap, prefix=f"x{settings.prefix}")
    assert Topics(settings.prefix).name("signals") != other.topics.name("signals")
    assert Broker(other, CLOCK).topics().state is State.FAIL
