"""Durable batches, against a client that answers when it is told to."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, NotEnoughReplicasError

from engine_stand import RecordingClient
from streams.engine import batches
from streams.engine.batches import BatchWriter


def writer(client: RecordingClient) -> BatchWriter:
    producer: Any = SimpleNamespace(client=client)
    return BatchWriter(producer)


async def test_flush_waits_for_every_answer() -> None:
    client = RecordingClient(hold=True)
    out = writer(client)
    await out.add("t", 0, b"k", b"v")
    await out.add("u", 3, None, b"w")
    flushing = asyncio.ensure_future(out.flush())
    while len(client.sent) < 2:
        await asyncio.sleep(0)
    client.answer(client.sent[0])
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    client.answer(client.sent[1])
    await flushing
    assert out.last_offsets == {("t", 0): 0, ("u", 3): 0}


async def test_order_is_kept_over_full_batches() -> None:
    client = RecordingClient(batch_bytes=2000)
    out = writer(client)
    values = [b"%05d" % n + b"x" * 100 for n in range(200)]
    for value in values:
        await out.add("t", 1, b"k", value)
    await out.flush()
    assert len(client.sent) > 5
    assert client.values("t") == values
    assert out.last_offsets == {("t", 1): 199}


async def test_s5_a_refused_batch_raises_from_flush() -> None:
    """Then nothing may be acknowledged."""
    client = RecordingClient(refuse=NotEnoughReplicasError())
    out = writer(client)
    await out.add("t", 0, b"k", b"v")
    with pytest.raises(NotEnoughReplicasError):
        await out.flush()


async def test_what_was_sent_early_is_awaited_by_the_flush() -> None:
    client = RecordingClient(hold=True)
    out = writer(client)
    await out.add("t", 0, b"k", b"v")
    await out.send()
    assert len(client.sent) == 1
    flushing = asyncio.ensure_future(out.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    client.answer(client.sent[0])
    await flushing


async def test_a_second_flush_waits_for_nothing_old() -> None:
    client = RecordingClient()
    out = writer(client)
    await out.add("t", 0, b"k", None)
    await out.flush()
    await out.flush()
    assert client.told == ["send t/0 1", "durable t/0"]
    assert client.values("t") == [None]


class Crowded(RecordingClient):
    """Gives up waiting for room so many times, as the client does where others come first."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        await asyncio.sleep(0)
        if self.times:
            self.times -= 1
            raise KafkaTimeoutError
        return await super().send_batch(batch, topic, partition=partition)


async def test_s5_who_waits_for_room_among_many_does_not_give_up() -> None:
    client = Crowded(times=20)
    out = writer(client)
    await out.add("t", 0, b"k", b"v")
    await out.flush()
    assert client.values("t") == [b"v"]


async def test_s5_a_broker_that_takes_nothing_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "SEND_S_MAX", 0.01)
    out = writer(Crowded(times=10**9))
    await out.add("t", 0, b"k", b"v")
    with pytest.raises(KafkaTimeoutError):
        await out.flush()


async def test_of_many_batches_that_are_refused_one_is_the_reason_and_none_is_logged() -> None:
    """Python names each future whose error nobody has looked at; a fenced worker has many."""
    client = RecordingClient(hold=True, batch_bytes=2000, refuse=NotEnoughReplicasError())
    out, named = writer(client), []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: named.append(what))
    for n in range(60):
        await out.add("t", 0, b"%d" % n, b"x" * 100)
    flushing = asyncio.ensure_future(out.flush())
    while len(client.sent) < 3:
        await asyncio.sleep(0)
    client.answer(client.sent[0])
    with pytest.raises(NotEnoughReplicasError):
        await flushing
    for sent in client.sent[1:]:
        client.answer(sent)
    client.sent.clear()
    client.refuse = None  # its traceback has them
    del flushing, sent
    for _ in range(3):
        await asyncio.sleep(0)
        gc.collect()
    assert named == []
