"""The embedded broker and Redis: real protocols, own processes."""

import asyncio
import sys

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from redis import Redis
from redis.exceptions import RedisError

from schemas.topics import SOURCES, TOPICS, Topics
from streams.clock import SystemClock
from streams.demo.embedded import PARTITIONS, create_topics, redis_server
from streams.demo.feed import Feed
from streams.demo.processes import Household
from streams.demo.tally import Tally
from streams.demo.watch import BrokerWatch


@pytest.fixture
async def house(tmp_path):
    household = Household(tmp_path, SystemClock())
    yield household
    assert await household.stop(([], 3.0)) == []


@pytest.fixture
async def broker(house):
    child = house.start("broker", [sys.executable, "-m", "streams.demo.embedded", "broker"])
    return await house.line(child, "ready ", 15)


async def test_every_topic_appears_with_the_partitions_the_worker_is_told(broker):
    topics = Topics("some.")
    await asyncio.to_thread(create_topics, broker, topics, 5.0)
    found = AdminClient({"bootstrap.servers": broker}).list_topics(timeout=5).topics
    assert {topics.name(key) for key in TOPICS} == set(found)
    assert {len(topic.partitions) for topic in found.values()} == {PARTITIONS}


async def test_the_feed_fills_the_families_topics_and_the_watch_sees_the_lag(broker):
    topics, tally = Topics(), Tally()
    create_topics(broker, topics, 5.0)
    feed = Feed(broker, topics, tally, linger_ms=5)
    for kind in ("account.created", "usage.feature", "ticket.changed", "billing.changed",
                 "engagement.pulse"):  # fmt: skip
        feed.event({"type": kind, "customer_id": "acme"})
    feed.record("usage", b"not json")
    assert feed.flush() == 0
    assert tally.events_in == 6
    watch = BrokerWatch(broker, topics, PARTITIONS)
    try:
        assert watch.unread() == 6
        watch.look(tally)
        assert tally.lag_records == {"intake": 6, "score": 0}
        ends = watch._ends([topics.source(family) for family in SOURCES])
        assert {topic for (topic, _), end in ends.items() if end} == {
            topics.source(f) for f in ("accounts", "usage", "tickets", "billing", "engagement")
        }
    finally:
        watch.close()


async def test_history_waits_for_a_reader_that_falls_behind(broker):
    topics = Topics()
    create_topics(broker, topics, 5.0)
    feed, asked = Feed(broker, topics, Tally(), linger_ms=5), []

    def unread():
        asked.append(len(asked))
        return 10**9 if len(asked) < 4 else 0

    events = ({"type": "usage.feature", "customer_id": "acme"} for _ in range(600))
    await feed.all(events, unread)
    assert len(asked) == 4


async def test_deliveries_and_crossings_are_read_from_the_topics(broker):
    from samples.transitions import transition  # the same samples as the outreach tests

    topics, tally = Topics(), Tally()
    create_topics(broker, topics, 5.0)
    producer = Producer({"bootstrap.servers": broker})
    crossed = transition()
    producer.produce(topics.name("transitions"), crossed.model_dump_json().encode())
    said = (
        '{"action_id": "a/slack", "sink": "slack", "customer_id": "a", "outcome": "%s",'
        ' "attempts": 1, "at": "2026-03-01T00:00:00Z"}'
    )
    for outcome in ("intent", "delivered", "delivered", "rejected"):
        producer.produce(topics.name("deliveries"), (said % outcome).encode())
    producer.produce(topics.name("deliveries"), b"{}")
    producer.flush(5)
    watch = BrokerWatch(broker, topics, PARTITIONS)
    try:
        async with asyncio.timeout(10):
            while not (tally.transitions and tally.deliveries):
                watch.look(tally)
        watch.look(tally)
    finally:
        watch.close()
    assert tally.transitions == 1
    assert tally.deliveries == {"slack": 1}


@pytest.mark.parametrize("there", [True, False], ids=["redis-server", "stand-in"])
async def test_redis_is_the_server_of_the_path_or_the_stand_in(house, tmp_path, monkeypatch, there):
    plan = redis_server(tmp_path)
    if there and plan.kind != "redis-server":
        pytest.skip("no redis-server on the PATH")
    if not there:
        monkeypatch.setenv("PATH", str(tmp_path))
        plan = redis_server(tmp_path)
        assert plan.kind == "fakeredis"
    child = house.start("redis", plan.argv)
    where = plan.address or await house.line(child, "ready ", 15)

    async def pong():
        try:
            with Redis.from_url(f"redis://{where}/0", protocol=2) as client:
                return client.eval("return redis.call('ping')", 0) or None
        except (OSError, RedisError):
            return None

    assert await house.ready(child, pong, 15) in (b"PONG", "PONG")
