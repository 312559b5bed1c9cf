"""Input files: which mapping entry they belong to, and their rows.

CSV, TSV, white-space separated text and JSON lines, gzipped or not (told by the
first bytes, not by the name). A row that cannot be read is a :class:`BadRow`, not
the end of the run.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from schemas.mapping import Input, Lookup
from streams.exits import Exit, NamedExit
from streams.importing.rejects import RejectReason

__all__ = ["BadRow", "Row", "Table", "matches", "open_bytes", "open_table"]

GZIP_MAGIC = b"\x1f\x8b"

#: CSV rows are lists of cells, JSON rows are objects.
Row = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read."""

    reason: RejectReason
    detail: str
    content: str


@dataclass(slots=True)
class Table:
    """An open file. ``columns`` is None for JSON lines."""

    path: Path
    columns: tuple[str, ...] | None
    _rows: Iterator[Row | BadRow]
    _raw: BinaryIO

    @property
    def bytes_read(self) -> int:
        """How much of the file, as it is on disk, has been read."""
        return self._raw.tell()

    def rows(self) -> Iterator[Row | BadRow]:
        """The rows from where the table stands.

        Raises:
            NamedExit: where the file itself is damaged.
        """
        try:
            yield from self._rows
        except (EOFError, OSError, UnicodeError) as error:
            raise _damaged(self.path, error) from None


def matches(pattern: str, path: Path) -> bool:
    """Whether a file's name matches; the folder does not count."""
    return fnmatchcase(path.name, pattern)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The content of a file, unpacked, and the file as it is on disk (for progress)."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"cannot read {path}: {error.strerror}") from None
    with raw:
        packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as content:
                yield io.BufferedReader(content, 1 << 18), raw
        else:
            yield raw, raw


@contextmanager
def open_table(path: Path, entry: Input | Lookup) -> Iterator[Table]:
    """A file's table, with its header already read."""
    encoding = (
        "utf-8-sig" if entry.encoding.lower().replace("_", "-") == "utf-8" else entry.encoding
    )
    with open_bytes(path) as (content, raw):
        text = io.TextIOWrapper(content, encoding, errors="surrogateescape", newline="")
        if _is_json(path, entry):
            yield Table(path, None, _json_rows(text), raw)
            return
        cells = _cells(text, _delimiter(path, entry))
        try:
            columns = entry.columns or _header(path, next(cells, None))
        except (EOFError, OSError, UnicodeError) as error:
            raise _damaged(path, error) from None
        yield Table(path, columns, _checked(cells, len(columns)), raw)


def _damaged(path: Path, error: Exception) -> NamedExit:
    return NamedExit(Exit.FAILED, f"{path} cannot be read to its end, nothing was written: {error}")


def _is_json(path: Path, entry: Input | Lookup) -> bool:
    if entry.format is not None:
        return entry.format == "jsonl"
    return bool({".jsonl", ".ndjson", ".json"} & set(path.suffixes))


def _delimiter(path: Path, entry: Input | Lookup) -> str | None:
    """The separating character, None for white space."""
    if entry.delimiter is None:
        return "\t" if ".tsv" in path.suffixes else ","
    named = {"tab": "\t", "whitespace": None}
    return named.get(entry.delimiter, entry.delimiter)


def _cells(text: io.TextIOWrapper, delimiter: str | None) -> Iterator[list[str] | BadRow]:
    if delimiter is None:
        for line in text:
            if cells := line.split():
                yield cells
        return
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        try:
            for cells in reader:
                if cells:
                    yield cells
            return
        except csv.Error as error:
            yield BadRow(RejectReason.WRONG_CELLS, f"line {reader.line_num}: {error}", "")


def _header(path: Path, first: list[str] | BadRow | None) -> tuple[str, ...]:
    if first is None or isinstance(first, BadRow):
        raise NamedExit(Exit.USAGE, f"{path} has no header line")
    columns = tuple(cell.strip() for cell in first)
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise NamedExit(Exit.USAGE, f"{path}: columns named twice: {', '.join(twice)}")
    return columns


def _checked(rows: Iterator[list[str] | BadRow], width: int) -> Iterator[list[str] | BadRow]:
    for row in rows:
        if isinstance(row, BadRow) or len(row) == width:
            yield row
        else:
            yield BadRow(
                RejectReason.WRONG_CELLS,
                f"{len(row)} cells, the header has {width}",
                ",".join(row)[:2000],
            )


def _json_rows(text: io.TextIOWrapper) -> Iterator[dict[str, Any] | BadRow]:
    decode = msgspec.json.Decoder().decode
    for line in text:
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            yield BadRow(RejectReason.NOT_JSON, str(error), line[:2000])
            continue
        if isinstance(row, dict):
            yield row
        else:
            yield BadRow(RejectReason.NOT_JSON, "not an object", line[:2000])
