"""Files of rows through a mapping: every row becomes events, or one reject."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from schemas.inbound import Rejection, parse
from schemas.mapping import Input, Lookup, Mapping
from streams.exits import Exit, NamedExit
from streams.importing.columns import Columns
from streams.importing.compiled import RowMapper, compile_emits
from streams.importing.ledger import Ledger, Mapped
from streams.importing.rejects import CellError, RejectReason
from streams.importing.sources import AMBIGUOUS, Lookups
from streams.importing.tables import BadRow, matches, open_table

__all__ = ["OnBytes", "map_files"]

#: Told now and then how many bytes of a file, as it is on disk, have been read.
OnBytes = Callable[[Path, int], None]

_REPORT_EVERY_ROWS = 2000
_encode = msgspec.json.Encoder().encode


def map_files(
    mapping: Mapping, paths: Sequence[Path], ledger: Ledger, on_bytes: OnBytes | None = None
) -> Iterator[Mapped]:
    """The events of all rows, in the order of the mapping's inputs, then file names, then rows.

    All headers are checked against the mapping before the first event.

    Raises:
        NamedExit: for an unknown file, a missing look-up file or column, a damaged file.
    """
    lookups: Lookups = {}
    assigned = _assign(mapping, paths)
    for name, lookup in mapping.lookups.items():
        lookups[name] = _read_lookup(name, lookup, paths)
    for path, entry in assigned:
        with open_table(path, entry) as table:
            compile_emits(entry.emit, Columns(path.name, table.columns), lookups, mapping.source)
    ledger.ignored += [
        f"{path.name}: {entry.ignored}" for path, entry in assigned if entry.ignored is not None
    ]
    for path, entry in assigned:
        if entry.ignored is None:
            yield from _map_file(path, entry, mapping.source, lookups, ledger, on_bytes)


def _map_file(
    path: Path,
    entry: Input,
    source: str,
    lookups: Lookups,
    ledger: Ledger,
    on_bytes: OnBytes | None,
) -> Iterator[Mapped]:
    with open_table(path, entry) as table:
        columns = Columns(path.name, table.columns)
        mapper = compile_emits(entry.emit, columns, lookups, source)
        for number, row in enumerate(table.rows(), 1):
            if on_bytes is not None and number % _REPORT_EVERY_ROWS == 0:
                on_bytes(path, table.bytes_read)
            ledger.rows += 1
            if isinstance(row, BadRow):
                ledger.reject(path, number, row.reason, row.detail, row.content)
                continue
            try:
                events = ledger.settle(_valid(mapper, columns.extended(row, number)))
            except CellError as error:
                ledger.reject(path, number, error.reason, error.detail, columns.named(row))
                continue
            yield from events


def _valid(mapper: RowMapper, row: Any) -> list[Mapped]:
    """A row's events, each read back from its bytes exactly as intake will read them."""
    valid = []
    for fields in mapper(row):
        try:
            raw = _encode(fields)
        except ValueError as error:
            raise CellError(RejectReason.NOT_TEXT, f"not valid text: {error}") from None
        event = parse("redrive", raw)
        if isinstance(event, Rejection):
            raise CellError(RejectReason.INVALID_EVENT, f"{fields['type']}: {event.detail}")
        valid.append(Mapped(event, raw))
    return valid


def _assign(mapping: Mapping, paths: Sequence[Path]) -> list[tuple[Path, Input]]:
    """The files with their entries; the first entry that matches has the file."""
    patterns = [table.file for table in (*mapping.inputs, *mapping.lookups.values())]
    for path in paths:
        if not any(matches(pattern, path) for pattern in patterns):
            raise NamedExit(
                Exit.USAGE,
                f"the mapping {mapping.mapping} has nothing for {path.name};"
                f" it knows {', '.join(dict.fromkeys(patterns))}",
            )
    left = sorted(set(paths), key=lambda path: (path.name, str(path)))
    assigned: list[tuple[Path, Input]] = []
    for entry in mapping.inputs:
        mine = [path for path in left if matches(entry.file, path)]
        left = [path for path in left if path not in mine]
        assigned += [(path, entry) for path in mine]
    return assigned


def _read_lookup(name: str, lookup: Lookup, paths: Sequence[Path]) -> dict[str, Any]:
    """The look-up's whole table, in memory."""
    mine = [path for path in paths if matches(lookup.file, path)]
    if not mine:
        raise NamedExit(
            Exit.USAGE,
            f"the look-up {name} needs a file like {lookup.file}: give it along with the inputs",
        )
    found: dict[str, Any] = {}
    for path in mine:
        with open_table(path, lookup) as table:
            columns = Columns(path.name, table.columns)
            key_of, value_of = columns.cell(lookup.key), columns.cell(lookup.value)
            for number, row in enumerate(table.rows(), 1):
                # Rows that cannot be read are counted where the file is an input.
                if isinstance(row, BadRow):
                    continue
                cells = columns.extended(row, number)
                try:
                    key, value = key_of(cells), value_of(cells)
                except CellError:
                    continue
                if key and value and found.setdefault(key, value) != value:
                    found[key] = AMBIGUOUS
    return found
