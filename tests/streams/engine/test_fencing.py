"""Fencing on a real broker: what an owner before may still do, and what its successor finds."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiokafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from records import records_of, topic_bytes
from streams.engine.fencing import OWNER_KEY, Fence, connector
from streams.exits import Exit, NamedExit

pytestmark = pytest.mark.integration


@pytest.fixture
def changelog(kafka: Any, topic_prefix: str) -> str:
    """A topic of two partitions."""
    name = f"{topic_prefix}rows"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result()
    return name


@pytest.fixture
async def plain(kafka: Any) -> AsyncIterator[aiokafka.AIOKafkaProducer]:
    """The producer that claims go through."""
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def fence(kafka: Any, changelog: str) -> AsyncIterator[Callable[[], Fence]]:
    """Makes fences, each of another process as it were; all are closed."""
    made: list[Fence] = []

    def make() -> Fence:
        options = {"bootstrap_servers": kafka.bootstrap}
        made.append(Fence(changelog, connector(options, 65536, 1_000_000)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def rows(kafka: Any, changelog: str) -> list[tuple[int, bytes | None, bytes | None]]:
    """Partition, key and value of what a restore would read, without claims."""
    return [
        (each.partition(), each.key(), each.value())
        for each in records_of(kafka.bootstrap, changelog)
        if each.key() != OWNER_KEY
    ]


async def test_s6_who_was_succeeded_writes_nothing_more(
    kafka: Any, changelog: str, plain: Any, fence: Callable[[], Fence]
) -> None:
    """It ends by name; the partitions that nobody took from it stay its own."""
    first, second = fence(), fence()
    await first.take({0, 1}, set(), plain)
    ends = await first.write({0: [(b"a", b"1"), (b"b", None)], 1: [(b"c", b"1")]})
    assert ends == {0: 3, 1: 2}  # claim, rows, marker
    await second.take({0}, set(), plain)
    with pytest.raises(NamedExit) as raised:
        await first.write({0: [(b"a", b"zombie")]})
    assert raised.value.code is Exit.OWNERSHIP_LOST
    assert f"{changelog} partition 0" in raised.value.message
    await first.write({1: [(b"c", b"2")]})
    await second.write({0: [(b"a", b"2")]})
    assert sorted(rows(kafka, changelog)) == [
        (0, b"a", b"1"), (0, b"a", b"2"), (0, b"b", None), (1, b"c", b"1"), (1, b"c", b"2"),
    ]  # fmt: skip


async def test_s6_what_a_frozen_owner_had_begun_is_aborted(
    kafka: Any, changelog: str, plain: Any, fence: Callable[[], Fence]
) -> None:
    """Rows on the broker, commit not yet sent: the successor's restore must not see them."""
    first, second = fence(), fence()
    await first.take({0}, set(), plain)
    client = first._owned[0].client
    await client.begin_transaction()
    await client.send_and_wait(changelog, key=b"a", value=b"half", partition=0)
    await second.take({0}, set(), plain)
    assert rows(kafka, changelog) == []
    await second.write({0: [(b"a", b"whole")]})
    assert rows(kafka, changelog) == [(0, b"a", b"whole")]


async def test_s6_a_restore_ends_with_a_record(
    kafka: Any, changelog: str, plain: Any, fence: Callable[[], Fence]
) -> None:
    """The last offset is the claim's: Faust would wait for ever for a marker."""
    for _ in range(2):
        owner = fence()
        await owner.take({0}, set(), plain)
        last = [each for each in records_of(kafka.bootstrap, changelog) if each.partition() == 0]
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
        await consumer.start()
        end = await consumer.end_offsets([aiokafka.TopicPartition(changelog, 0)])
        await consumer.stop()
        assert (last[-1].key(), last[-1].offset()) == (OWNER_KEY, next(iter(end.values())) - 1)
        await owner.write({0: [(b"a", b"1")]})


async def test_rows_are_compressed_on_the_broker(
    kafka: Any, changelog: str, plain: Any, fence: Callable[[], Fence]
) -> None:
    """They share most of what they say, and come back as they were."""
    folder = getattr(kafka, "directory", None)
    if folder is None:
        pytest.skip("this broker's disk is not here")
    written = [
        (b"c%d" % n, b"the same in all of them, the number aside: %d. " % n * 20)
        for n in range(200)
    ]
    owner = fence()
    await owner.take({0}, set(), plain)
    await owner.write({0: written})
    assert rows(kafka, changelog) == [(0, key, value) for key, value in written]
    plain_bytes = sum(len(value) for _, value in written)
    assert topic_bytes(folder, changelog) < plain_bytes / 10


async def test_s6_a_broker_that_does_not_answer_is_a_named_end(plain: Any) -> None:
    options = {"bootstrap_servers": "127.0.0.1:1", "request_timeout_ms": 300}
    lost = Fence("rows", connector(options, 65536, 1_000_000))
    with pytest.raises(NamedExit) as raised:
        await lost.take({0}, set(), plain)
    assert raised.value.code is Exit.OWNERSHIP_LOST
    assert lost.partitions == set()
