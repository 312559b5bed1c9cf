"""Events into a file of JSON lines, whole or not at all."""

import gzip
import os
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from streams.exits import Exit, NamedExit
from streams.importing.ledger import Mapped

__all__ = ["shuffled", "sorted_by_time", "write_lines"]


def write_lines(events: Iterable[Mapped], path: Path) -> int:
    """Write one event per line; how many there were. ``-`` is standard output.

    The file appears under its name when it is complete; ``.gz`` packs it.
    """
    if str(path) == "-":
        return _write(events, sys.stdout.buffer)
    try:
        with _complete_or_absent(path) as file:
            return _write(events, file)
    except OSError as error:
        raise NamedExit(Exit.FAILED, f"cannot write {path}: {error.strerror}") from None


def _write(events: Iterable[Mapped], file: BinaryIO) -> int:
    written = 0
    for mapped in events:
        file.write(mapped.raw + b"\n")
        written += 1
    file.flush()
    return written


@contextmanager
def _complete_or_absent(path: Path) -> Iterator[BinaryIO]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                # Neither name nor time in the header: the same events make the same bytes.
                with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def sorted_by_time(events: Iterable[Mapped]) -> list[Mapped]:
    """The events by ``occurred_at``, then source and id. All of them are held in memory."""

    def key(mapped: Mapped) -> tuple[datetime, str, str]:
        event = mapped.event
        return event.occurred_at, event.source, event.event_id

    return sorted(events, key=key)


def shuffled(events: Iterable[Mapped], seed: int) -> list[Mapped]:
    """The events in an order that only ``seed`` decides. All of them are held in memory."""
    mixed = list(events)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - a test order, no secret
    return mixed
