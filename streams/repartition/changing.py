"""From one number of partitions to a greater one, step by step; each may be the last one done.

1. Nobody works; the old partitions are taken over; what is unread is applied.
2. The changelog and what is written beside it get their new partitions. From here on no process
   starts: the counts differ.
3. All rows move, in one transaction.
4. The signals log gets its new partitions: the counts are the same again.

Killed before 2 nothing has happened that a worker would not have done. Killed later the counts
say that a change was begun, and the headers whether rows have moved: run again it goes on
from there, and ends the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiokafka
from aiokafka.errors import KafkaError

from streams.engine.app import PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX
from streams.engine.batches import BatchWriter, OwnClient
from streams.engine.fencing import Fence, connector
from streams.engine.kafka import client_options
from streams.engine.topics import grow_topics
from streams.exits import Exit, NamedExit
from streams.outreach.tally import tally
from streams.reading.activations import reports_of
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import Span, open_topic
from streams.repartition.draining import Drain, Drained
from streams.repartition.looking import GROWN, Look, Shape, nobody_works, refuse
from streams.repartition.moving import Mover, knows
from streams.repartition.reports import missing_reports
from streams.settings import Settings
from streams.state_copies.bringing_back import TRANSACTION_MS

__all__ = ["change"]


async def change(settings: Settings, shape: Shape, look: Look, on_done: OnRead) -> None:
    """Have ``shape.to`` partitions; ``look`` is how the state stands. Twice is as good as once.

    Raises:
        NamedExit: exit code 1 while somebody works or a worker has to finish something
            first, 2 if the broker does not do as asked, 71 to 75 as a worker would end.
    """
    old = look.old_count(shape)
    count = Count(on_done)
    try:
        if old < shape.to:
            await nobody_works(settings)
            async with _writing(settings) as (fence, producer):
                await fence.take(range(shape.changelog), [], producer.client)
                drained = await _drain(settings, look, fence, producer, old, count)
                await refuse(settings, drained.headers)
                grow_topics(settings, GROWN[:-1], shape.to)
                await nobody_works(settings)
                await knows(producer.client, fence.changelog, shape.to)
                await fence.take(range(shape.to), [], producer.client)
                await _move(settings, fence, drained, shape.to, count)
        grow_topics(settings, GROWN[:-1], shape.to)
        await _report(settings, min(old, shape.log), shape.to)
        grow_topics(settings, GROWN, shape.to)
    except KafkaError as error:
        raise NamedExit(
            Exit.USAGE,
            f"Kafka at {settings.bootstrap} does not take it: {error or type(error).__name__}."
            " Start again when it is well: what was done is known then",
        ) from None


@asynccontextmanager
async def _writing(settings: Settings) -> AsyncIterator[tuple[Fence, OwnClient]]:
    """What writes rows, and the plain producer of outputs and claims."""
    options = client_options(settings)
    client = aiokafka.AIOKafkaProducer(
        acks="all",
        enable_idempotence=True,
        max_batch_size=PRODUCER_BATCH_BYTES,
        max_request_size=REQUEST_BYTES_MAX,
        **options,
    )
    fence = Fence(
        settings.topics.name("customers"),
        connector(options, PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX, TRANSACTION_MS),
    )
    try:
        await client.start()
        yield fence, OwnClient(client)
    finally:
        await fence.close()
        await client.stop()


async def _drain(
    settings: Settings, look: Look, fence: Fence, producer: OwnClient, old: int, count: Count
) -> Drained:
    topics = settings.topics
    look = Look(look.partitions[:old])
    async with (
        open_topic(settings, topics.name("customers")) as changelog,
        open_topic(settings, topics.name("signals")) as log,
    ):
        return await Drain(settings, changelog, log, fence, producer, old).run(look, count)


async def _move(settings: Settings, fence: Fence, drained: Drained, to: int, count: Count) -> None:
    topics = settings.topics
    connect = connector(
        client_options(settings), PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX, TRANSACTION_MS
    )
    async with open_topic(settings, topics.name("signals")) as log:
        spans = await log.spans()
    old = len(drained.headers)
    for partition, position in enumerate(drained.positions):
        if spans[partition].end != position and partition not in drained.left_at:
            raise NamedExit(
                Exit.FAILED,
                f"{topics.name('signals')} partition {partition} was written to meanwhile: a"
                " worker ran. Nothing was moved; stop it and start again",
            )
    new = [spans.get(partition, Span(0, 0)).first for partition in range(old, to)]
    async with open_topic(settings, topics.name("customers")) as changelog:
        mover = Mover(settings, changelog, fence, connect)
        await mover.run(drained.headers, [*drained.positions, *new], count)


async def _report(settings: Settings, old: int, to: int) -> None:
    """What new partitions say about the activations of before, before anybody counts them."""
    known = tally(await reports_of(settings)).values()
    reports = missing_reports(known, old, to)
    if not reports:
        return
    async with _writing(settings) as (_, producer):
        writer = BatchWriter(producer)
        for report in reports:
            key = str(report.partition).encode()
            body = report.model_dump_json().encode()
            await writer.add(settings.topics.name("activations"), 0, key, body)
        await writer.flush()
