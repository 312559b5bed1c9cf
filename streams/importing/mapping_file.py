"""Reading a mapping file: YAML with positions, the model, and the checks against the events.

All problems of a file are reported at once, each with its line, its field and
what was expected, so that a mapping is repaired in one go.
"""

import codecs
import json
import math
import string
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from schemas.base import Event
from schemas.inbound import InboundEvent
from schemas.mapping import Emit, Input, Lookup, Mapping, Source
from streams.exits import Exit, NamedExit

__all__ = ["EVENT_MODELS", "VIRTUAL_COLUMNS", "did_you_mean", "load_mapping", "placeholders"]

#: Event type -> its model.
EVENT_MODELS: dict[str, type[Event]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(InboundEvent)
}
#: Columns that every row has: its number from 1, its file's name; and within `repeat`.
VIRTUAL_COLUMNS = ("_row", "_file", "_n", "_at", "_next")

_Loc = tuple[int | str, ...]


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file.

    Raises:
        NamedExit: with every problem on a line of its own.
    """
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise NamedExit(Exit.USAGE, f"{path}: expected UTF-8 text: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NamedExit(Exit.USAGE, f"{path}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise NamedExit(Exit.USAGE, f"{path}: not YAML: {error}") from None
    problems: list[tuple[_Loc, str]] = []
    try:
        document = _plain(node, (), problems)
    except RecursionError:
        raise NamedExit(Exit.USAGE, f"{path}: an alias refers to itself") from None
    mapping = None
    if not problems:
        try:
            mapping = Mapping.model_validate_json(json.dumps(document))
        except ValidationError as error:
            problems += [(e["loc"], _sentence(e)) for e in error.errors(include_url=False)]
        else:
            problems += _check(mapping)
    if problems or mapping is None:
        lines = sorted((_line(node, loc), loc, said) for loc, said in problems)
        raise NamedExit(
            Exit.USAGE,
            f"the mapping {path} has {len(lines)} problem{'s'[: len(lines) != 1]}:\n"
            + "\n".join(f"  {path}:{line}: {_spelled(loc)}: {said}" for line, loc, said in lines),
        )
    return mapping


def _plain(node: yaml.Node | None, loc: _Loc, problems: list[tuple[_Loc, str]]) -> Any:
    """The node as JSON-like data: keys are texts as written, dates stay texts."""
    if isinstance(node, yaml.MappingNode):
        merged: dict[str, Any] = {}
        result: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if key.tag.endswith(":merge"):
                merged |= _merged(_plain(value, loc, problems), (*loc, name), problems)
                continue
            if name in result:
                problems.append(((*loc, name), "given twice"))
            result[name] = _plain(value, (*loc, name), problems)
        return merged | result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, (*loc, ix), problems) for ix, value in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, loc, problems)
    return None


def _merged(found: Any, loc: _Loc, problems: list[tuple[_Loc, str]]) -> dict[str, Any]:
    """What ``<<:`` brings: a mapping, or several, of which the first that has a key wins."""
    merged: dict[str, Any] = {}
    for each in reversed(found if isinstance(found, list) else [found]):
        if isinstance(each, dict):
            merged |= each
        else:
            problems.append((loc, "expected a mapping, or a list of mappings"))
    return merged


def _scalar(node: yaml.ScalarNode, loc: _Loc, problems: list[tuple[_Loc, str]]) -> Any:
    kind = node.tag.rpartition(":")[2]
    if kind in ("bool", "int", "float", "null"):
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, KeyError) as error:  # `!!int x`, a number of 5,000 digits
            problems.append((loc, f"does not fit its kind, {kind}: {error}"))
            return 0
        if isinstance(value, float) and not math.isfinite(value):
            problems.append((loc, "expected a finite number"))
            return 0
        return value
    return node.value


def _line(node: yaml.Node | None, loc: _Loc) -> int:
    """The line of the deepest part of ``loc`` that is in the file."""
    for part in loc:
        found = _child(node, part)
        if found is not None:
            node = found
    return node.start_mark.line + 1 if node is not None else 1


def _child(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        # From the end: of a key given twice, the second one is the mistake.
        return next((value for key, value in reversed(node.value) if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _spelled(loc: _Loc) -> str:
    """The place in words of the file: list positions count from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc) or "the file"


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"no such key{did_you_mean(str(error['loc'][-1]), _KEYS)}"
    if error["type"] == "missing":
        return "missing"
    return f"{message}, got {error['input']!r}"[:300]


def did_you_mean(name: str, known: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """The nearest known names as the end of a sentence, empty if none is near."""
    near = get_close_matches(name, list(known), n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _keys_of(schema: dict[str, Any]) -> list[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return sorted({key for part in parts for key in part.get("properties", {})})


_KEYS = _keys_of(Mapping.model_json_schema())


def _check(mapping: Mapping) -> Iterator[tuple[_Loc, str]]:
    """What the model cannot know: event types, their fields, look-ups, zones, encodings."""
    tables: dict[_Loc, Input | Lookup] = {
        **{("lookups", name): lookup for name, lookup in mapping.lookups.items()},
        **{("inputs", ix): entry for ix, entry in enumerate(mapping.inputs)},
    }
    for loc, table in tables.items():
        try:
            codecs.lookup(table.encoding)
        except LookupError:
            yield (*loc, "encoding"), f"no such encoding: {table.encoding}"
    for input_ix, entry in enumerate(mapping.inputs):
        for emit_ix, emit in enumerate(entry.emit):
            yield from _check_emit(mapping, emit, ("inputs", input_ix, "emit", emit_ix))


def _check_emit(mapping: Mapping, emit: Emit, loc: _Loc) -> Iterator[tuple[_Loc, str]]:
    model = EVENT_MODELS.get(emit.type)
    if model is None:
        near = did_you_mean(emit.type, list(EVENT_MODELS)) or f"; known: {', '.join(EVENT_MODELS)}"
        yield (*loc, "type"), f"no event type {emit.type}{near}"
        return
    settable = [name for name in model.model_fields if name != "type"]
    for name, source in emit.fields.items():
        here = (*loc, "fields", name)
        if name not in settable:
            yield here, f"{emit.type} has no field {name}{did_you_mean(name, settable)}"
            continue
        yield from _check_source(mapping, source, here)
        yield from _check_values(source, model.model_fields[name], here)
        if source.fields is not None and name != "attributes":
            yield here, "`fields` is for attributes alone"
    given = {*emit.fields, "source", "type"}
    for name, field in model.model_fields.items():
        if field.is_required() and name not in given:
            yield (*loc, "fields"), f"{emit.type} needs the field {name}"
    if emit.repeat is not None:
        for part in ("start", "until"):
            source = getattr(emit.repeat, part)
            yield from _check_source(mapping, source, (*loc, "repeat", part))
            if source.convert != "time":
                yield (*loc, "repeat", part), "expected `as: time`"
        yield from _check_step(mapping, emit.repeat.every, (*loc, "repeat", "every"))


def _check_source(mapping: Mapping, source: Source, loc: _Loc) -> Iterator[tuple[_Loc, str]]:
    if source.lookup is not None and source.lookup not in mapping.lookups:
        near = did_you_mean(source.lookup, list(mapping.lookups))
        yield (*loc, "lookup"), f"no look-up {source.lookup} is declared{near}"
    if source.zone is not None:
        try:
            ZoneInfo(source.zone)
        except (ValueError, OSError, LookupError):
            yield (*loc, "zone"), f"no IANA time zone {source.zone}"
    if source.template is not None:
        try:
            placeholders(source.template)
        except ValueError as error:
            yield (*loc, "template"), str(error)
    for name, inner in (source.fields or {}).items():
        yield from _check_source(mapping, inner, (*loc, "fields", name))
    if source.plus is not None:
        yield from _check_step(mapping, source.plus, (*loc, "plus"))


def _check_step(mapping: Mapping, step: Any, loc: _Loc) -> Iterator[tuple[_Loc, str]]:
    for unit in ("months", "days", "seconds"):
        source = getattr(step, unit)
        if source is not None:
            yield from _check_source(mapping, source, (*loc, unit))


def _check_values(source: Source, field: FieldInfo, loc: _Loc) -> Iterator[tuple[_Loc, str]]:
    """Values that stand in the mapping itself must suit the field, before any row is read."""
    if source.convert != "text" or source.fields is not None:
        return
    values: list[Any] = [source.default, *(source.map or {}).values(), source.constant]
    if source.template is not None and "{" not in source.template:
        values.append(source.template)
    annotated: Any = Annotated[field.annotation, field]
    adapter: TypeAdapter[Any] = TypeAdapter(annotated)
    for value in values:
        if value is None:
            continue
        try:
            adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            said = error.errors(include_url=False)[-1]["msg"].removeprefix("Value error, ")
            yield loc, f"{value!r} does not suit the field: {said}"


def placeholders(template: str) -> list[tuple[str, str | None]]:
    """The template as (text, column that follows it) pairs.

    Raises:
        ValueError: with what is wrong.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"not a template: {error}; a brace itself is written twice") from None
    for _, column, spec, conversion in parts:
        if column == "" or spec or conversion:
            raise ValueError("expected {column}, with nothing else in the braces")
    return [(text, column) for text, column, _, _ in parts]
