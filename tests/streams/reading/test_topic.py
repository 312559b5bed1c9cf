"""Reading a topic of a real broker from here to there, without a group."""

import asyncio
import secrets
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from servers.process import free_port
from streams.exits import Exit, NamedExit
from streams.reading.topic import Span, open_topic
from streams.settings import Settings

pytestmark = pytest.mark.integration

PARTITIONS = 4


@pytest.fixture
def settings(kafka: Any) -> Settings:
    return Settings(bootstrap=kafka.bootstrap)


@pytest.fixture
def topic(settings: Settings) -> str:
    name = f"t{secrets.token_hex(6)}"
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS)])[name].result(30)
    return name


def produce(settings: Settings, topic: str, counts: dict[int, int], *, abort: bool = False) -> None:
    """So many records into each partition: in a transaction, whose marker takes an offset too."""
    producer = Producer(
        {"bootstrap.servers": settings.bootstrap, "transactional.id": secrets.token_hex(6)}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for partition, count in counts.items():
        for number in range(count):
            producer.produce(topic, b"%d" % number, partition=partition)
    if abort:
        producer.flush(30)
        producer.abort_transaction(30)
    else:
        producer.commit_transaction(30)


async def read(
    settings: Settings, topic: str, start: dict[int, int], until: dict[int, int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {partition: [] for partition in start}
    async with open_topic(settings, topic) as reader:
        async for records in reader.read(start, until):
            found[records[0].partition] += [int(record.value) for record in records]
    return found


async def test_reading_ends_behind_a_transaction_marker(settings: Settings, topic: str) -> None:
    """The log's last offset has no record: counting records would wait for ever."""
    produce(settings, topic, {0: 3, 2: 500})
    wanted = {0: Span(0, 4), 1: Span(0, 0), 2: Span(0, 501), 3: Span(0, 0)}
    async with open_topic(settings, topic) as reader, asyncio.timeout(30):
        # The broker answers the commit before it has written the markers.
        while (spans := await reader.spans()) != wanted:
            assert all(spans[partition].end <= wanted[partition].end for partition in wanted)
    ends = {partition: span.end for partition, span in spans.items()}
    found = await read(settings, topic, dict.fromkeys(ends, 0), ends)
    assert found == {0: [0, 1, 2], 1: [], 2: list(range(500)), 3: []}


async def test_what_was_aborted_is_not_read(settings: Settings, topic: str) -> None:
    produce(settings, topic, {0: 3}, abort=True)
    produce(settings, topic, {0: 2})
    assert await read(settings, topic, {0: 0}, {0: 7}) == {0: [0, 1]}


async def test_both_ends_are_exact(settings: Settings, topic: str) -> None:
    produce(settings, topic, {0: 100, 1: 100})
    assert await read(settings, topic, {0: 10, 1: 99}, {0: 13, 1: 100}) == {
        0: [10, 11, 12],
        1: [99],
    }
    assert await read(settings, topic, {0: 10}, {0: 10}) == {0: []}


async def test_a_reader_reads_on_and_again(settings: Settings, topic: str) -> None:
    """Partition by partition, as a rebuild does, and a second time from the start."""
    produce(settings, topic, {0: 20, 1: 20, 3: 20})
    found = []
    async with open_topic(settings, topic) as reader:
        for partition, start, end in ((0, 0, 10), (1, 0, 20), (0, 10, 20), (2, 0, 0), (0, 0, 5)):
            numbers: list[int] = []
            async for records in reader.read({partition: start}, {partition: end}):
                assert {record.partition for record in records} == {partition}
                numbers += [int(record.value) for record in records]
            found.append(numbers)
    whole = list(range(20))
    assert found == [whole[:10], whole, whole[10:], [], whole[:5]]


async def test_time_finds_the_first_record_after_it(settings: Settings, topic: str) -> None:
    produce(settings, topic, {0: 5})
    async with open_topic(settings, topic) as reader:
        assert await reader.since(0) == {0: 0}
        assert await reader.since(4_000_000_000_000) == {}


async def test_looking_leaves_no_group_behind(settings: Settings, topic: str) -> None:
    produce(settings, topic, {0: 5})
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    before = {group.group_id for group in admin.list_consumer_groups().result(30).valid}
    await read(settings, topic, {0: 0}, {0: 5})
    after = {group.group_id for group in admin.list_consumer_groups().result(30).valid}
    assert after <= before


async def test_a_topic_that_is_not_there_is_named_and_not_created(settings: Settings) -> None:
    name = f"t{secrets.token_hex(6)}"
    with pytest.raises(NamedExit) as refused:
        async with open_topic(settings, name):
            pass
    assert refused.value.code is Exit.TOPIC_MISMATCH
    assert name in refused.value.message
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    assert name not in admin.list_topics(timeout=30).topics


async def test_no_broker_is_a_sentence() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(NamedExit) as refused:
        async with open_topic(Settings(bootstrap=address), "t"):
            pass
    assert refused.value.code is Exit.USAGE
    assert f"no Kafka broker answers at {address}" in refused.value.message
