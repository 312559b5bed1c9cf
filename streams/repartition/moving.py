"""All rows to their new partitions, in one transaction: all of them have moved, or none.

A transaction may span partitions, and restores read what is committed only. So whoever is
killed here leaves the state as it was. Nobody else may have written meanwhile: each old
partition is held as its owner holds it, and just before the commit it is asked whether it
still is. Who takes one over after that finds the moved rows, because a restore waits for what
this transaction has begun.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import KafkaError

from scoring.header import Header
from scoring.repartition import Move
from scoring.versions import RowError
from streams.engine.batches import BatchWriter, OwnClient
from streams.engine.fencing import OWNER_KEY, Connect, Fence
from streams.exits import Exit, NamedExit
from streams.intake.routing import CustomerRouter
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count
from streams.reading.topic import Span, TopicReader
from streams.repartition.looking import fold_at
from streams.settings import Settings

__all__ = ["Mover", "knows"]

#: A broker hears of new partitions from the others soon; it is asked so often, every 0.1 s.
ASKED_MAX = 100


async def knows(client: Any, topic: str, partitions: int) -> None:
    """Wait until a producer knows so many partitions of a topic.

    Raises:
        NamedExit: exit code 2 if it does not learn of them.
    """
    for _ in range(ASKED_MAX):
        if len(await client.partitions_for(topic)) >= partitions:
            return
        await client.client.force_metadata_update()
        await asyncio.sleep(0.1)
    raise NamedExit(Exit.USAGE, f"the broker does not know {partitions} partitions of {topic} yet")


class Mover:
    """Moves what is in the changelog.

    Args:
        settings: as of the workers.
        changelog: of the customers, with its new number of partitions.
        fence: which holds all its partitions.
        connect: opens transactional producers.
    """

    def __init__(
        self, settings: Settings, changelog: TopicReader, fence: Fence, connect: Connect
    ) -> None:
        self._settings = settings
        self._changelog = changelog
        self._fence = fence
        self._connect = connect

    async def run(self, headers: Sequence[Header], positions: Sequence[int], count: Count) -> Move:
        """Move the rows whose headers these are; new partitions go on at ``positions``.

        Raises:
            NamedExit: exit code 1 if somebody wrote meanwhile, 73 or 74 if rows cannot be
                read, 75 if somebody took a partition over. Nothing was moved then.
            KafkaError: when the broker does not take the rows.
        """
        # Of the same id as any other run: what one that was killed had begun is aborted, and
        # one that was frozen and wakes cannot commit.
        client = await self._connect(f"{self._changelog.topic}-repartition")
        try:
            await knows(client, self._changelog.topic, len(positions))
            # Before the transaction begins: what it writes is not to be read here.
            spans = await self._changelog.spans(range(len(headers)))
            await client.begin_transaction()
            move = await self._write(
                BatchWriter(OwnClient(client)), headers, positions, spans, count
            )
            await self._fence.write({p: [(OWNER_KEY, None)] for p in self._fence.partitions})
            await self._commit(client)
        finally:
            await client.stop()  # what was not committed is aborted
        return move

    async def _write(
        self,
        writer: BatchWriter,
        headers: Sequence[Header],
        positions: Sequence[int],
        spans: dict[int, Span],
        count: Count,
    ) -> Move:
        topic = self._changelog.topic
        count.total += sum(span.end - span.first for span in spans.values())
        move = Move(headers, positions, CustomerRouter(len(positions)))
        for partition, span in spans.items():
            rows = CustomerRows(self._changelog)
            fold = await fold_at(self._settings, rows, partition, span, count)
            if fold.header.position != headers[partition].position:
                raise NamedExit(
                    Exit.FAILED,
                    f"{topic} partition {partition} was written to meanwhile: a worker ran."
                    " Nothing was moved; stop it and start again",
                )
            try:
                for target, key, value in move.take(partition, fold.rows):
                    await writer.add(topic, target, key, value)
            except RowError as error:
                raise NamedExit(
                    Exit.CHANGELOG_DAMAGED, f"{topic}, partition {partition}: {error}"
                ) from None
            await writer.flush()
        for target, key, value in move.finish():
            await writer.add(topic, target, key, value)
        await writer.flush()
        return move

    async def _commit(self, client: Any) -> None:
        try:
            await client.commit_transaction()
        except KafkaError as error:
            raise NamedExit(
                Exit.FAILED,
                f"{self._changelog.topic}: the broker did not confirm that rows have moved"
                f" ({type(error).__name__}). All have, or none: start again, it is known then",
            ) from None
