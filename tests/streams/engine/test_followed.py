"""A topic that is followed: all of it, in order, and known to be all of it."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.engine.fetch_wait import FetchWait
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


async def test_no_answer_waits_for_a_fetch_that_the_broker_holds(
    kafka: Any, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower that nothing comes for is answered all the same."""
    fetched, noted = 0, FetchWait.fetched
    idle = asyncio.Event()

    def note(self: FetchWait, *, something: bool) -> None:
        nonlocal fetched
        noted(self, something=something)
        fetched += 1
        if self.wait_ms >= 1000:
            idle.set()

    monkeypatch.setattr(FetchWait, "fetched", note)
    followed = Followed(
        Settings(bootstrap=kafka.bootstrap, fetch_max_wait_ms=1000), topic, lambda *_: None
    )
    ends = False

    async def nothing() -> None:
        pass

    following = asyncio.create_task(followed.follow(lambda: ends, nothing))
    await idle.wait()
    before = fetched
    for _ in range(4):
        assert await (await followed.asks()).end_offsets([followed._tp]) == {followed._tp: 0}
    meanwhile = fetched - before
    ends = True
    await following
    assert meanwhile <= 1  # one may end by chance while we ask
