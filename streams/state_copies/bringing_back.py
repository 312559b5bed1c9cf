"""The state out of a file, into a changelog that lost it.

The whole file is checked before anything is written. Each partition is taken
over as a worker takes it over, so that a worker that is alive by mistake cannot
write any more, and its rows are one transaction. Stopped half-way, some
partitions have their rows and the others none: done again with ``force`` it ends
the same.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import aiokafka
from aiokafka.errors import KafkaError

from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import HEADER_KEY
from scoring.seal import Unsealed
from scoring.versions import NewerState, RowError
from streams.engine.app import PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX
from streams.engine.fencing import Fence, connector
from streams.engine.kafka import client_options
from streams.exits import Exit, NamedExit
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import TopicReader, open_topic
from streams.reading.upgrade import workers_of
from streams.settings import Settings
from streams.state_copies.file import BrokenCopy, Manifest, NewerCopy, Piece, StateReader
from streams.state_copies.whole import check_whole

__all__ = ["Checked", "bring_back", "checked"]

#: A partition of a million rows takes some seconds; a broker allows 15 minutes.
TRANSACTION_MS = 15 * 60_000


class Checked(NamedTuple):
    """What a file that is whole holds."""

    manifest: Manifest
    rows: int
    #: Partition -> next offset of the log.
    positions: dict[int, int]


def checked(path: Path, policy: FoldPolicy) -> Checked:
    """Read a file to its end.

    Raises:
        NamedExit: exit code 2 if it cannot be read or is not whole, 74 if this release
            cannot read it or its rows.
    """
    rows = 0
    positions: dict[int, int] = {}
    try:
        with path.open("rb") as source:
            reader = StateReader(source)
            for piece in reader.pieces():
                positions[piece.partition] = _position_of(piece, policy)
                rows += len(piece.rows)
    except NewerCopy as error:
        raise NamedExit(Exit.STATE_VERSION, f"{path}: {error}") from None
    except BrokenCopy as error:
        raise NamedExit(Exit.USAGE, f"{path}: {error}. Nothing was written") from None
    except NewerState as error:
        raise NamedExit(Exit.STATE_VERSION, f"{path}: {error}") from None
    except (RowError, Unsealed) as error:
        raise NamedExit(Exit.USAGE, f"{path}: {error}. Nothing was written") from None
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"{path}: {error.strerror}") from None
    return Checked(reader.manifest, rows, positions)


def _position_of(piece: Piece, policy: FoldPolicy) -> int:
    """Where the log goes on for these rows, once they are known to be whole."""
    fold = PartitionFold(piece.partition, piece.rows, policy)
    check_whole(fold)
    return fold.header.position


async def bring_back(
    settings: Settings, path: Path, found: Checked, on_done: OnRead, *, force: bool, dry_run: bool
) -> None:
    """Write the rows of a file that was checked, in place of those that are there.

    Raises:
        NamedExit: exit code 2 if no broker answers, 1 while workers run or where there are
            rows already (unless ``force``), 71 if the changelog is not the file's.
    """
    await _nobody_works(settings)
    async with open_topic(settings, settings.topics.name("customers")) as changelog:
        manifest = found.manifest
        if len(changelog.partitions) != manifest.partitions:
            raise NamedExit(
                Exit.TOPIC_MISMATCH,
                f"{changelog.topic} has {len(changelog.partitions)} partitions, {path} is a copy"
                f" of {manifest.partitions}. Create the topic with as many",
            )
        before = await _keys(changelog)
        if not force and any(before.values()):
            left = sum(map(len, before.values()))
            raise NamedExit(
                Exit.FAILED,
                f"{changelog.topic} holds {left} rows. --force puts those of {path} in their"
                " place; export what is there first, if it may be needed",
            )
        if not dry_run:
            await _write(settings, changelog.topic, path, found, before, on_done)


async def _nobody_works(settings: Settings) -> None:
    workers = await asyncio.to_thread(workers_of, settings)
    if workers:
        raise NamedExit(
            Exit.FAILED,
            f"{sum(workers.values())} workers run. Stop them first; one that ended otherwise (an"
            " error, a kill) counts until its session times out: --session-timeout-s",
        )


async def _keys(changelog: TopicReader) -> dict[int, dict[bytes, None]]:
    """The keys of each partition that are not deleted. The rows need not be readable."""
    spans = await changelog.spans()
    keys: dict[int, dict[bytes, None]] = {partition: {} for partition in spans}
    starts = {partition: span.first for partition, span in spans.items()}
    ends = {partition: span.end for partition, span in spans.items()}
    async with aclosing(changelog.read(starts, ends)) as chunks:
        async for records in chunks:
            for record in records:
                known = keys[record.partition]
                if record.value is None:
                    known.pop(record.key, None)
                else:
                    known[record.key] = None
    return keys


async def _write(
    settings: Settings,
    topic: str,
    path: Path,
    found: Checked,
    before: Mapping[int, Mapping[bytes, None]],
    on_done: OnRead,
) -> None:
    count = Count(on_done)
    count.total = found.rows
    options = client_options(settings)
    connect = connector(options, PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX, TRANSACTION_MS)
    fence = Fence(topic, connect)
    claims = aiokafka.AIOKafkaProducer(acks="all", **options)
    try:
        await claims.start()
        await fence.take(list(before), [], claims)
        with path.open("rb") as source:
            for piece in StateReader(source).pieces():
                deleted: list[tuple[bytes, bytes | None]] = [
                    (k, None) for k in before[piece.partition]
                ]
                rows: list[tuple[bytes, bytes | None]] = [*deleted, *_header_last(piece.rows)]
                if rows:
                    await fence.write({piece.partition: rows})
                count.add(len(piece.rows))
    except KafkaError as error:
        raise NamedExit(
            Exit.USAGE, f"Kafka at {settings.bootstrap} does not take the rows: {error}"
        ) from None
    except (BrokenCopy, OSError) as error:
        raise NamedExit(Exit.USAGE, f"{path} changed while it was read: {error}") from None
    finally:
        await fence.close()
        await claims.stop()


def _header_last(rows: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """As a checkpoint writes them."""
    return sorted(rows.items(), key=lambda row: row[0] == HEADER_KEY)
