"""Where a field's value comes from, as a closure that runs once per row."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from schemas.mapping import Source, Step
from streams.importing.columns import Cell, Columns
from streams.importing.conversions import (
    add_span,
    boolean_reader,
    integer,
    minor_units,
    number,
    rfc3339,
    scaled,
    scaled_integer,
    time_reader,
)
from streams.importing.mapping_file import placeholders
from streams.importing.rejects import CellError, RejectReason

__all__ = [
    "AMBIGUOUS",
    "CACHE_TEXTS",
    "Lookups",
    "Span",
    "Value",
    "compile_constant",
    "compile_moment",
    "compile_source",
    "compile_step",
    "spellings",
]

#: Distinct texts of one column whose conversion is remembered.
CACHE_TEXTS = 50_000
#: In a look-up: the key has more than one value.
AMBIGUOUS = object()

#: Look-up's name -> key -> value.
Lookups = dict[str, dict[str, Any]]
#: From a row to a field's value; None means that the field is left out.
Value = Callable[[Any], Any]
#: Months, days, seconds.
Span = tuple[int, int | float, int | float]


def compile_source(source: Source, columns: Columns, lookups: Lookups) -> Value:
    """The closure that gives a field's value; None means that the field is left out."""
    if source.fields is not None:
        inner = [(n, compile_source(part, columns, lookups)) for n, part in source.fields.items()]

        def table(row: Any) -> dict[str, Any] | None:
            values = ((name, value_of(row)) for name, value_of in inner)
            return {name: value for name, value in values if value is not None} or None

        return table
    if source.constant is not None and source.convert == "text":
        return compile_constant(source.constant)
    if source.convert == "time":
        moment = compile_moment(source, columns, lookups)
        if source.plus is not None:
            return lambda row: None if (at := moment(row)) is None else rfc3339(at)
    cell = _text(source, columns, lookups)
    if source.currency_column is not None:
        return _amount_in(cell, columns.cell(source.currency_column))
    convert = _conversion(source)
    if convert is None:
        return cell if source.map else lambda row: cell(row) or None
    cached = lru_cache(CACHE_TEXTS)(convert)

    def converted(row: Any) -> Any:
        text = cell(row)
        return None if text == "" else cached(text)

    return converted


def compile_constant(value: Any) -> Value:
    """A value that does not depend on the row."""
    return lambda _: value


def spellings(value: Any) -> tuple[str, ...]:
    """The texts that a plain value of a mapping stands for in a cell."""
    if isinstance(value, bool):
        word = "true" if value else "false"
        return (word, word.capitalize(), word.upper())
    return (str(value),)


def _amount_in(cell: Cell, currency_cell: Cell) -> Value:
    cached = lru_cache(CACHE_TEXTS)(minor_units)

    def amount(row: Any) -> int | None:
        text = cell(row)
        if text == "":
            return None
        currency = currency_cell(row).upper()
        if len(currency) != 3 or not currency.isalpha():
            raise CellError(RejectReason.BAD_AMOUNT, f"{currency!r} is not a currency code")
        return cached(text, currency)

    return amount


def _conversion(source: Source) -> Callable[[str], Any] | None:
    scale = source.scale
    if source.convert == "integer":
        return integer if scale is None else lambda text: scaled_integer(text, scale)
    if source.convert == "number":
        return number if scale is None else lambda text: scaled(number(text), scale)
    if source.convert == "minor_units":
        currency = source.currency or ""
        return lambda text: minor_units(text, currency)
    if source.convert == "boolean":
        return boolean_reader(source.words_true, source.words_false)
    if source.convert == "time":
        read = time_reader(source.format, source.zone, source.at)
        return lambda text: rfc3339(read(text))
    return None


def _text(source: Source, columns: Columns, lookups: Lookups) -> Cell:
    """The text a value starts from: cell, template or look-up, then default and map."""
    if source.template is not None:
        cell = _template(source.template, columns)
    elif source.lookup is not None:
        cell = _looked_up(source.lookup, columns.cell(str(source.key)), lookups[source.lookup])
    elif source.constant is not None:
        cell = compile_constant(spellings(source.constant)[0])
    else:
        cell = columns.cell(str(source.column))
    if source.map is None and source.default is None:
        return cell
    table, default = source.map, source.default
    if source.convert != "text":
        table = table and {key: spellings(value)[0] for key, value in table.items()}
        default = None if default is None else spellings(default)[0]

    def mapped(row: Any) -> Any:
        text = cell(row)
        if text == "":
            # None leaves a field out; a conversion tests for the empty text.
            return default if default is not None else None if source.convert == "text" else ""
        if table is None:
            return text
        if (value := table.get(text)) is None:
            known = ", ".join(table)
            raise CellError(RejectReason.NOT_IN_MAP, f"{text[:80]!r} is none of {known}")
        return value

    return mapped


def _template(template: str, columns: Columns) -> Cell:
    parts = [
        (text, columns.cell(column) if column is not None else None)
        for text, column in placeholders(template)
    ]
    if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None:
        return parts[0][1]

    def filled(row: Any) -> str:
        whole = ""
        for text, cell in parts:
            whole += text
            if cell is not None:
                value = cell(row)
                if value == "":
                    return ""
                whole += value
        return whole

    return filled


def _looked_up(name: str, key_cell: Cell, table: dict[str, Any]) -> Cell:
    def look_up(row: Any) -> str:
        key = key_cell(row)
        if key == "":
            return ""
        value = table.get(key)
        if value is None:
            raise CellError(RejectReason.LOOKUP_MISS, f"the look-up {name} has no key {key[:80]!r}")
        if value is AMBIGUOUS:
            raise CellError(
                RejectReason.LOOKUP_AMBIGUOUS,
                f"the look-up {name} has more than one value for {key[:80]!r}",
            )
        return value  # type: ignore[no-any-return]

    return look_up


def compile_moment(
    source: Source, columns: Columns, lookups: Lookups
) -> Callable[[Any], datetime | None]:
    """The instant, in UTC, that a source with ``as: time`` gives."""
    cell = _text(source, columns, lookups)
    read = lru_cache(CACHE_TEXTS)(time_reader(source.format, source.zone, source.at))
    if source.plus is None:
        return lambda row: None if (text := cell(row)) == "" else read(text)
    step = compile_step(source.plus, columns, lookups)

    def moved(row: Any) -> datetime | None:
        text = cell(row)
        span = step(row)
        return None if text == "" or span is None else add_span(read(text), *span)

    return moved


def compile_step(step: Step, columns: Columns, lookups: Lookups) -> Callable[[Any], Span | None]:
    """The closure that gives a span; None where a part of it is empty."""
    units = [
        compile_source(source, columns, lookups) if source is not None else compile_constant(0)
        for source in (step.months, step.days, step.seconds)
    ]

    def span(row: Any) -> Span | None:
        values = [unit(row) for unit in units]
        if any(value is None for value in values):
            return None
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise CellError(RejectReason.BAD_NUMBER, f"{value!r} is not a span of time")
        if not isinstance(values[0], int) or abs(values[0]) > 120_000:
            raise CellError(RejectReason.BAD_INTEGER, f"{values[0]!r} is not a number of months")
        return (values[0], values[1], values[2])

    return span
