"""The file that holds a copy of the state: every row of every partition, and their sum.

A fixed beginning, then frames::

    "VITALS STATE" | format u16 | frame ... | frame
    frame: kind u8 | length u32 | payload

The first frame is the manifest (JSON), then for each partition a frame with its
number and how many rows follow (two u32), and its rows (length of the key u32 | key |
value). The last one is the SHA-256 of all before it. Whoever wrote half a file, cut
it, or changed a byte is found out before a row is used. Rows are written as they
are in the changelog: a release reads what it can read there.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, NamedTuple

import msgspec

__all__ = ["FORMAT", "BrokenCopy", "Manifest", "NewerCopy", "StateReader", "StateWriter"]

FORMAT = 1
_MAGIC = b"VITALS STATE"
_VERSION = struct.Struct(">H")
_FRAME = struct.Struct(">BI")
_PARTITION = struct.Struct(">II")
_KEY = struct.Struct(">I")
_IS_MANIFEST, _IS_PARTITION, _IS_ROW, _IS_END = range(4)
#: Longer than any record that a broker takes here: a damaged length must not take the memory.
_FRAME_BYTES_MAX = 64 * 1024 * 1024


class BrokenCopy(ValueError):
    """The file is none of ours, or not whole."""


class NewerCopy(BrokenCopy):
    """Of a format that this release does not know."""


class Manifest(msgspec.Struct, frozen=True):
    """Of what the file is a copy, and when it was made."""

    topic: str
    partitions: int
    release: str
    at: datetime


class Piece(NamedTuple):
    """The rows of one partition."""

    partition: int
    rows: dict[bytes, bytes]


class StateWriter:
    """Writes a file, partition by partition; it is none before :meth:`finish`."""

    def __init__(self, out: BinaryIO, manifest: Manifest) -> None:
        self._out = out
        self._sum = hashlib.sha256()
        self._write(_MAGIC + _VERSION.pack(FORMAT))
        self._frame(_IS_MANIFEST, msgspec.json.encode(manifest))

    def add(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        """The rows of a partition."""
        self._frame(_IS_PARTITION, _PARTITION.pack(partition, len(rows)))
        for key, value in rows.items():
            self._frame(_IS_ROW, _KEY.pack(len(key)) + key + value)

    def finish(self) -> None:
        """The sum: nothing comes after it."""
        self._frame(_IS_END, self._sum.digest())

    def _frame(self, kind: int, payload: bytes) -> None:
        self._write(_FRAME.pack(kind, len(payload)) + payload)

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        self._out.write(data)


class StateReader:
    """Reads a file from its beginning; the manifest at once."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._sum = hashlib.sha256()
        if self._take(len(_MAGIC)) != _MAGIC:
            raise BrokenCopy("it is not a copy of the state that `vitals state export` wrote")
        (version,) = _VERSION.unpack(self._take(_VERSION.size))
        if version != FORMAT:
            raise NewerCopy(f"it has format {version}; this release reads {FORMAT}")
        kind, payload = self._frame()
        if kind != _IS_MANIFEST:
            raise BrokenCopy("it has no manifest")
        try:
            self.manifest = msgspec.json.decode(payload, type=Manifest)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BrokenCopy(f"its manifest cannot be read: {error}") from None

    def pieces(self) -> Iterator[Piece]:
        """The partitions in order, to the end of the file.

        Raises:
            BrokenCopy: when it is not whole. What came before must not be used then.
        """
        for expected in range(self.manifest.partitions):
            kind, payload = self._frame()
            if kind != _IS_PARTITION or len(payload) != _PARTITION.size:
                raise BrokenCopy(f"partition {expected} is missing")
            partition, count = _PARTITION.unpack(payload)
            if partition != expected:
                raise BrokenCopy(f"partition {expected} is missing")
            rows = dict(self._row() for _ in range(count))
            if len(rows) != count:
                raise BrokenCopy(f"partition {partition}: a row stands there twice")
            yield Piece(partition, rows)
        found = self._sum.digest()
        kind, payload = self._frame()
        if kind != _IS_END or payload != found:
            raise BrokenCopy("its sum is another: it was changed or damaged")
        if self._source.read(1):
            raise BrokenCopy("something stands behind its end")

    def _row(self) -> tuple[bytes, bytes]:
        kind, payload = self._frame()
        if kind != _IS_ROW or len(payload) < _KEY.size:
            raise BrokenCopy("rows are missing")
        (length,) = _KEY.unpack_from(payload)
        begin = _KEY.size + length
        if begin > len(payload):
            raise BrokenCopy("a row is damaged")
        return payload[_KEY.size : begin], payload[begin:]

    def _frame(self) -> tuple[int, bytes]:
        kind, length = _FRAME.unpack(self._take(_FRAME.size))
        if length > _FRAME_BYTES_MAX:
            raise BrokenCopy("a length is damaged")
        return kind, self._take(length)

    def _take(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise BrokenCopy("it ends too early: it was cut, or not written to its end")
        self._sum.update(data)
        return data
