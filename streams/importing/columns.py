"""How to get at a cell of a row, whatever the table's format."""

from collections.abc import Callable
from typing import Any

from streams.exits import Exit, NamedExit
from streams.importing.mapping_file import VIRTUAL_COLUMNS, did_you_mean
from streams.importing.rejects import CellError, RejectReason

__all__ = ["Cell", "Columns"]

#: From a row to a cell's text, stripped; the empty text where there is none.
Cell = Callable[[Any], str]


class Columns:
    """How to get at a cell, as stripped text; the empty text where there is none."""

    def __init__(self, file: str, names: tuple[str, ...] | None) -> None:
        self.file = file
        self.names = names
        self._at = {name: ix for ix, name in enumerate((*(names or ()), *VIRTUAL_COLUMNS))}

    def cell(self, name: str) -> Cell:
        """The getter of a column.

        Raises:
            NamedExit: if the table has no such column.
        """
        if self.names is None:
            return _json_cell(name)
        ix = self._at.get(name)
        if ix is None:
            near = did_you_mean(name, self.names)
            raise NamedExit(
                Exit.USAGE,
                f"{self.file} has no column {name}{near or '; it has ' + ', '.join(self.names)}",
            )
        return lambda row: row[ix].strip()

    def extended(self, row: Any, number_: int) -> Any:
        """The row with its virtual cells."""
        if self.names is None:
            return {**row, "_row": number_, "_file": self.file}
        row += (str(number_), self.file, "", "", "")
        return row

    def named(self, row: Any) -> Any:
        """The row for people: by column name, without the virtual cells."""
        if self.names is None:
            return row
        return dict(zip(self.names, row, strict=False))

    def repeated(self, row: Any, n: int, at: str, following: str) -> Any:
        """An extended row with the cells of one repetition."""
        if self.names is None:
            return {**row, "_n": n, "_at": at, "_next": following}
        return [*row[:-3], str(n), at, following]


def _json_cell(name: str) -> Cell:
    path = name.split(".")

    def cell(row: Any) -> str:
        value = row.get(name)
        if value is None and len(path) > 1:
            value = row
            for part in path:
                value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value.strip()
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise CellError(RejectReason.BAD_VALUE, f"{name} is a {type(value).__name__}")

    return cell
