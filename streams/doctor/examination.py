"""The whole examination, in the order in which one thing depends on another."""

import asyncio
from collections.abc import AsyncIterator

from confluent_kafka import KafkaException

from streams.clock import Clock
from streams.doctor.broker import Broker
from streams.doctor.decided import active_scorecard, clock_offset
from streams.doctor.finding import Finding, State, fail
from streams.doctor.machine import examine_machine
from streams.doctor.view import examine_view
from streams.exits import NamedExit
from streams.settings import Settings

__all__ = ["examine"]


async def examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Each finding as soon as it is made. Nothing is written anywhere.

    What depends on a broker that does not answer is left out.
    """
    for finding in examine_machine():
        yield finding
    async for finding in _kafka(settings, clock):
        yield finding
    async for finding in examine_view(settings):
        yield finding


async def _kafka(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    try:
        broker = Broker(settings, clock)
        reached = await asyncio.to_thread(broker.reachable)
        yield reached
        if reached.state is State.FAIL:
            return
        yield await broker.protocol()
        topics = await asyncio.to_thread(broker.topics)
        yield topics
        for finding in await asyncio.to_thread(lambda: list(broker.groups())):
            yield finding
        if topics.state is not State.FAIL:
            yield await active_scorecard(settings)
            yield await clock_offset(settings, clock)
    except (KafkaException, NamedExit) as error:
        # A wrong certificate file, say: the client refuses its settings before it connects.
        text = error.message if isinstance(error, NamedExit) else str(error.args[0])
        yield fail("Kafka", text, "Check --bootstrap and the --kafka-... settings.")
