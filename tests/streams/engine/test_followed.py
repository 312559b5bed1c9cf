"""A topic that is followed: all of it, in order, and known to be all of it."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.engine.followed import Followed
from streams.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def topic(kafka: Any, topic_prefix: str) -> str:
    name = f"{topic_prefix}control"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    return name


async def test_whoever_asks_is_kept_until_all_was_handed_on(kafka: Any, topic: str) -> None:
    """Also what was written after the follower began, and before it was asked."""
    found: list[tuple[int, bytes | None]] = []
    followed = Followed(
        Settings(bootstrap=kafka.bootstrap), topic, lambda *record: found.append(record)
    )
    producer = Producer({"bootstrap.servers": kafka.bootstrap})

    async def follow() -> None:
        await followed.start()
        try:
            while True:
                await followed.step()
        finally:
            await followed.stop()

    following = asyncio.create_task(follow())
    assert await followed.caught_up()
    assert followed.is_at_end()
    for upto in (3, 6):
        for number in range(upto - 3, upto):
            producer.produce(topic, str(number).encode())
        assert producer.flush(20) == 0
        assert await followed.caught_up()
        assert found == [(n, str(n).encode()) for n in range(upto)]
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert not await followed.caught_up()
