"""A mapping entry compiled for one table: from a row to events, as closures built once.

What can be decided before the first row (positions of columns, conversions,
templates) is decided here, because the closures run once per cell.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from schemas.mapping import Condition, Emit, Repeat
from streams.importing.columns import Columns
from streams.importing.conversions import add_span, number, rfc3339
from streams.importing.mapping_file import EVENT_MODELS
from streams.importing.rejects import CellError, RejectReason
from streams.importing.sources import (
    CACHE_TEXTS,
    Lookups,
    Span,
    Value,
    compile_constant,
    compile_moment,
    compile_source,
    compile_step,
    spellings,
)

__all__ = ["RowMapper", "compile_emits"]

#: From a row (with its virtual cells) to the events it gives, as plain dictionaries.
RowMapper = Callable[[Any], list[dict[str, Any]]]


def compile_emits(
    emits: tuple[Emit, ...], columns: Columns, lookups: Lookups, source: str
) -> RowMapper:
    """The mapper of one table's rows. It raises :class:`CellError` for a row it cannot map."""
    makers = [_emit(emit, columns, lookups, source) for emit in emits]

    def mapped(row: Any) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        for make in makers:
            make(row, events)
        return events

    return mapped


def _emit(
    emit: Emit, columns: Columns, lookups: Lookups, source: str
) -> Callable[[Any, list[dict[str, Any]]], None]:
    tests = [_condition(condition, columns) for condition in emit.when]
    tests += [_condition(Condition(column=c, present=True), columns) for c in emit.skip_empty]
    event_of = _event(emit, columns, lookups, source)
    repetitions = _repeat(emit.repeat, columns, lookups) if emit.repeat is not None else None

    def make(row: Any, events: list[dict[str, Any]]) -> None:
        for test in tests:
            if not test(row):
                return
        if repetitions is None:
            events.append(event_of(row))
        else:
            events.extend(event_of(repeated) for repeated in repetitions(row))

    return make


def _event(
    emit: Emit, columns: Columns, lookups: Lookups, source: str
) -> Callable[[Any], dict[str, Any]]:
    model = EVENT_MODELS[emit.type]
    fixed = {"source": source, "type": emit.type, "schema_version": "1.0"}
    order = [name for name in model.model_fields if name in emit.fields or name in fixed]
    parts: list[tuple[str, Value, bool]] = []
    for name in order:
        if name in emit.fields:
            value = compile_source(emit.fields[name], columns, lookups)
        else:
            value = compile_constant(fixed[name])
        parts.append((name, value, model.model_fields[name].is_required()))

    def event_of(row: Any) -> dict[str, Any]:
        event: dict[str, Any] = {}
        name = ""
        try:
            for name, value_of, required in parts:
                value = value_of(row)
                if value is not None:
                    event[name] = value
                elif required:
                    raise CellError(RejectReason.MISSING_VALUE, "nothing in the row for it")
        except CellError as error:
            raise CellError(error.reason, f"{emit.type}.{name}: {error.detail}") from None
        return event

    return event_of


def _condition(condition: Condition, columns: Columns) -> Callable[[Any], bool]:
    cell = columns.cell(condition.column)
    if condition.present is not None:
        wanted = condition.present
        return lambda row: (cell(row) != "") is wanted
    if condition.above is not None:
        above = condition.above
        number_of = lru_cache(CACHE_TEXTS)(number)
        return lambda row: (text := cell(row)) != "" and number_of(text) > above
    if condition.none_of is not None:
        refused = frozenset(text for value in condition.none_of for text in spellings(value))
        return lambda row: cell(row) not in refused
    values = condition.any_of if condition.any_of is not None else (condition.equals,)
    accepted = frozenset(text for value in values for text in spellings(value))
    return lambda row: cell(row) in accepted


def _repeat(repeat: Repeat, columns: Columns, lookups: Lookups) -> Callable[[Any], Iterator[Any]]:
    start_of = compile_moment(repeat.start, columns, lookups)
    until_of = compile_moment(repeat.until, columns, lookups)
    step = compile_step(repeat.every, columns, lookups)

    def repetitions(row: Any) -> Iterator[Any]:
        start, until, span = start_of(row), until_of(row), step(row)
        if start is None or until is None or span is None:
            return
        for n in range(1, repeat.at_most + 1):
            at = _nth(start, span, n)
            if at >= until or at <= start:
                return
            yield columns.repeated(row, n, rfc3339(at), rfc3339(_nth(start, span, n + 1)))

    return repetitions


def _nth(start: datetime, span: Span, n: int) -> datetime:
    """``n`` spans on, counted from the start: the 31st stays the 31st where there is one."""
    months, days, seconds = span
    return add_span(start, n * months, n * days, n * seconds)
