"""The file in which a worker keeps the rows of one partition for its next start.

A fixed beginning, then the mark, then blocks of rows, then a sum::

    "VITALS SNAPSHOT" | format u16 | length u32 | mark (JSON) | block ... | 0 u32 | XXH3-128
    block: rows u32 | lengths of keys, u32 each | lengths of values | keys | values

Blocks instead of rows, because what is done once a block costs nothing. The sum guards
against half a file and damage on disk, not against somebody who forges rows: what the
folder holds is as trusted as the process that reads it. A file appears whole or not at all.
"""

import os
import struct
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import BinaryIO

import msgspec
from xxhash import xxh3_128

__all__ = ["FORMAT", "PARTIAL", "Mark", "Unfit", "mark_of", "read", "write"]

FORMAT = 1
#: How files end that are being written.
PARTIAL = ".partial"
_MAGIC = b"VITALS SNAPSHOT"
_HEAD = struct.Struct(">HI")
_COUNT = struct.Struct(">I")
_LENGTHS = "I"
_LENGTH_BYTES = array(_LENGTHS).itemsize
#: Rows of a block: the thread that writes lets others work in between.
_BLOCK_ROWS = 1024
#: A damaged length must not take the memory.
_MARK_BYTES_MAX = 64 * 1024
_BLOCK_BYTES_MAX = 1024 * 1024 * 1024

Rows = dict[bytes, bytes]


class Unfit(Exception):
    """The file is not used; the message says why."""


class Mark(msgspec.Struct, frozen=True):
    """Of what the rows are a snapshot."""

    #: The changelog and its id: one created anew has other offsets.
    topic: str
    topic_id: str
    partition: int
    #: All records of the changelog up to this offset are in the rows.
    offset: int
    #: When the rows were these, Unix milliseconds.
    at_ms: int
    rows: int


def write(path: Path, mark: Mark, rows: Rows) -> int:
    """Write a file in place of the one that is there; its size in bytes.

    Raises:
        OSError: if it cannot be written. What was there is there still.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=PARTIAL, dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=0) as out:
            found = xxh3_128()
            size = 0
            for piece in _pieces(mark, rows):
                found.update(piece)
                size += _write_all(out, piece)
            size += _write_all(out, found.digest())
            os.fsync(out.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return size


def _write_all(out: BinaryIO, piece: bytes) -> int:
    """A file without a buffer may take less than it is given."""
    left = memoryview(piece)
    while left:
        left = left[out.write(left) :]
    return len(piece)


def _pieces(mark: Mark, rows: Rows) -> Iterator[bytes]:
    head = msgspec.json.encode(mark)
    yield _MAGIC + _HEAD.pack(FORMAT, len(head)) + head
    items = iter(rows.items())
    while some := list(islice(items, _BLOCK_ROWS)):
        keys, values = zip(*some, strict=True)
        lengths = array(_LENGTHS, map(len, keys)), array(_LENGTHS, map(len, values))
        yield b"".join((_COUNT.pack(len(some)), *map(_bytes, lengths), *keys, *values))
    yield _COUNT.pack(0)


def _bytes(lengths: "array[int]") -> bytes:
    """As they stand in the file, on any machine."""
    if sys.byteorder == "big":
        lengths.byteswap()
    return lengths.tobytes()


def mark_of(path: Path) -> Mark:
    """Of what a file is a snapshot, as its beginning says. Nothing more of it is read.

    Raises:
        Unfit: if it is none of ours, or of a format that this release does not know.
        OSError: if it cannot be read.
    """
    with path.open("rb") as source:
        return _Reader(source).mark


def read(path: Path, goes_on: Callable[[], bool] = lambda: True) -> tuple[Mark, Rows]:
    """A file's mark and rows; asked between blocks whether it ``goes_on``.

    Raises:
        Unfit: if it is not whole.
        OSError: if it cannot be read.
    """
    with path.open("rb") as source:
        reader = _Reader(source)
        rows: Rows = {}
        while keys_values := reader.block():
            rows.update(keys_values)
            if not goes_on():
                raise Unfit("it took too long to read")
        reader.end()
    if len(rows) != reader.mark.rows:
        raise Unfit(f"it has {len(rows)} rows, and says {reader.mark.rows}")
    return reader.mark, rows


class _Reader:
    """Reads a file from its beginning; the mark at once."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._sum = xxh3_128()
        if self._take(len(_MAGIC)) != _MAGIC:
            raise Unfit("it is no snapshot")
        known, length = _HEAD.unpack(self._take(_HEAD.size))
        if known != FORMAT:
            raise Unfit(f"it has format {known}; this release reads {FORMAT}")
        if length > _MARK_BYTES_MAX:
            raise Unfit("a length is damaged")
        try:
            self.mark = msgspec.json.decode(self._take(length), type=Mark)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Unfit(f"its mark cannot be read: {error}") from None

    def block(self) -> Iterator[tuple[bytes, bytes]] | None:
        """The next rows; None: there are no more."""
        (count,) = _COUNT.unpack(self._take(_COUNT.size))
        if not count:
            return None
        if count > _BLOCK_ROWS:
            raise Unfit("a length is damaged")
        keys, values = self._lengths(count), self._lengths(count)
        return zip(self._cut(keys), self._cut(values), strict=True)

    def _lengths(self, count: int) -> "array[int]":
        lengths = array(_LENGTHS, self._take(count * _LENGTH_BYTES))
        if sys.byteorder == "big":
            lengths.byteswap()
        return lengths

    def _cut(self, lengths: "array[int]") -> list[bytes]:
        ends = list(accumulate(lengths, initial=0))
        if ends[-1] > _BLOCK_BYTES_MAX:
            raise Unfit("a length is damaged")
        data = self._take(ends[-1])
        return [data[begin:end] for begin, end in zip(ends, islice(ends, 1, None), strict=False)]

    def end(self) -> None:
        """Pass if this is the end, and all before it is what was written."""
        found = self._sum.digest()
        if self._take(len(found)) != found:
            raise Unfit("its sum is another: it was damaged")
        if self._source.read(1):
            raise Unfit("something stands behind its end")

    def _take(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise Unfit("it ends too early")
        self._sum.update(data)
        return data
