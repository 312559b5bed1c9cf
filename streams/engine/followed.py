"""A topic of one partition that every process reads whole, and follows: the control topic, say.

Without a consumer group: nothing is committed, each start reads from the beginning.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiokafka
from aiokafka.errors import KafkaError

from streams.engine.fetch_wait import FetchWait, let_fetches_wait, longest_ms
from streams.engine.kafka import client_options
from streams.settings import Settings

__all__ = ["Followed"]

log = logging.getLogger(__name__)

_POLL_MS = 500
#: Sometimes the client swallows that it is to end; it has nothing to lose.
STOP_S_MAX = 2.0

#: Hears each record: its offset and its value.
Take = Callable[[int, bytes | None], None]


class Followed:
    """Hands the records of ``topic``'s partition 0 to ``take``, in order.

    One task calls :meth:`follow`.
    """

    def __init__(self, settings: Settings, topic: str, take: Take) -> None:
        self._settings = settings
        self._tp = aiokafka.TopicPartition(topic, 0)
        self._take = take
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._asks: aiokafka.AIOKafkaConsumer | None = None
        self._asking = asyncio.Lock()
        self._taken_to = -1
        self._stopped = False
        self._moved = asyncio.Condition()

    async def follow(self, ends: Callable[[], bool], each: Callable[[], Awaitable[None]]) -> None:
        """Hand on what comes until it ``ends``; ``each`` is awaited after every :meth:`step`."""
        await self.start()
        try:
            while not ends():
                await self.step()
                await each()
        finally:
            await self.stop()

    async def start(self) -> None:
        """Connect; the first record comes with the first :meth:`step`."""
        consumer = aiokafka.AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **client_options(self._settings),
        )
        await consumer.start()
        let_fetches_wait(consumer, FetchWait(longest_ms(self._settings)))
        consumer.assign([self._tp])
        await consumer.seek_to_beginning(self._tp)
        async with self._moved:
            self._consumer = consumer
            self._moved.notify_all()

    async def step(self) -> None:
        """Hand on what has come; waits up to half a second for something."""
        assert self._consumer is not None, "not started"
        found = await self._consumer.getmany(self._tp, timeout_ms=_POLL_MS)
        for record in found.get(self._tp, []):
            self._take(record.offset, record.value)
        async with self._moved:
            self._taken_to = await self._consumer.position(self._tp)
            self._moved.notify_all()

    def is_at_end(self) -> bool:
        """Whether all has been handed on that the topic held at the last fetch."""
        end = None if self._consumer is None else self._consumer.highwater(self._tp)
        return end is not None and self._taken_to >= end

    async def caught_up(self) -> bool:
        """Wait until all has been handed on that the topic holds now; another task steps.

        False if it is stopped before that.
        """
        async with self._moved:
            await self._moved.wait_for(lambda: self._consumer is not None or self._stopped)
        end = None
        while end is None and not self._stopped:
            try:
                end = (await (await self.asks()).end_offsets([self._tp]))[self._tp]
            except KafkaError as error:
                log.warning("%s: %r; asking again", self._tp.topic, error)
                await asyncio.sleep(_POLL_MS / 1000)
        async with self._moved:
            await self._moved.wait_for(lambda: self._stopped or self._taken_to >= (end or 0))
        return not self._stopped

    async def asks(self) -> aiokafka.AIOKafkaConsumer:
        """A client for questions about topics, until :meth:`stop`.

        Not the one that fetches: a broker answers a connection in order, so an answer would wait
        as long as a fetch is held for which there is nothing.

        Raises:
            KafkaError: no broker can be reached.
        """
        async with self._asking:
            if self._asks is None:
                client = aiokafka.AIOKafkaConsumer(**client_options(self._settings))
                try:
                    await client.start()
                except BaseException:
                    await client.stop()
                    raise
                self._asks = client
            return self._asks

    async def stop(self) -> None:
        """Disconnect."""
        async with self._moved:
            self._stopped = True
            self._moved.notify_all()
        async with self._asking:
            asks, self._asks = self._asks, None
        for client in (self._consumer, asks):
            if client is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(client.stop(), STOP_S_MAX)
