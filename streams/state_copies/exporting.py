"""The state into a file. Workers may go on: each partition is copied as of a whole checkpoint.

A partition's rows are written in one transaction with their header, and only what
was committed is read. The partitions need not be of the same moment: each goes on
from its own position in the log.
"""

import importlib.metadata
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streams.clock import Clock, from_ms
from streams.exits import Exit, NamedExit
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import open_topic
from streams.settings import Settings
from streams.state_copies.file import Manifest, StateWriter
from streams.state_copies.whole import whole_fold

__all__ = ["export"]


async def export(settings: Settings, path: Path, clock: Clock, on_read: OnRead) -> int:
    """Write all rows; how many. The file is there when all of it is, or not at all.

    Raises:
        NamedExit: exit code 2 if no broker answers or the file cannot be written, 71 if
            the changelog is missing, 73 or 74 if its rows are not whole or not readable.
    """
    try:
        with _appearing(path) as out:
            return await _copy(settings, out, clock, on_read)
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"{path}: {error.strerror}") from None


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner alone that takes its name when it is written to its end."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


async def _copy(settings: Settings, out: BinaryIO, clock: Clock, on_read: OnRead) -> int:
    written = 0
    async with open_topic(settings, settings.topics.name("customers")) as changelog:
        rows = CustomerRows(changelog)
        spans = await rows.spans()
        count = Count(on_read)
        count.total = sum(span.end - span.first for span in spans.values())
        release = importlib.metadata.version("customer-vitals")
        manifest = Manifest(changelog.topic, len(spans), release, from_ms(clock.now_ms()))
        writer = StateWriter(out, manifest)
        for partition, span in spans.items():
            fold = await whole_fold(
                settings, rows, partition, span, count, otherwise="no copy is made"
            )
            writer.add(partition, fold.rows)
            written += len(fold.rows)
            rows.forget(partition)
    writer.finish()
    return written
