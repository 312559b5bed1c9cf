"""The JSON Schema of scorecard files as editors want it: every line explained, with examples.

The schema and its words are the contract's own (``schemas.scorecard``, ``vitals schemas
scorecard-file``). Here it gets what an editor shows besides while somebody writes:
examples, taken from a real card.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["for_editors", "undescribed"]

_EXAMPLES_MAX = 3


def for_editors(schema: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with examples from a card's document."""
    found: dict[str, Any] = copy.deepcopy(dict(schema))
    found["title"] = "Scorecard"
    _add_examples(found, card, found)
    return found


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    """The fields that an editor has no words for, as ``Part.field``."""
    return [
        f"{title}.{name}"
        for title, name, field in _fields(schema, "ScorecardFile")
        if not _description(field, schema)
    ]


def _fields(
    schema: Mapping[str, Any], root_title: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every field of every part: the part's title, the field's name, its schema."""
    parts = {root_title: schema, **schema.get("$defs", {})}
    for title, part in parts.items():
        for name, field in part.get("properties", {}).items():
            yield title, name, field


def _description(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return str(field.get("description") or _resolved(field, schema).get("description", ""))


def _resolved(
    part: Mapping[str, Any], schema: Mapping[str, Any], value: Iterable[Any] = ()
) -> Mapping[str, Any]:
    """The part that a reference leads to, also where another type is allowed beside it.

    Of several parts it is the first that has all the fields of ``value``.
    """
    options = [part, *part.get("anyOf", ()), *part.get("oneOf", ())]
    parts = [schema["$defs"][each["$ref"].rpartition("/")[2]] for each in options if "$ref" in each]
    fitting = [each for each in parts if set(value) <= set(each.get("properties", {}))]
    return next(iter(fitting or parts), part)


def _add_examples(part: Mapping[str, Any], value: object, schema: Mapping[str, Any]) -> None:
    """What the card says on each line becomes an example of the line, a few different ones."""
    if not isinstance(value, Mapping):
        return
    part = _resolved(part, schema, value)
    fields = part.get("properties", {})
    patterns = [*part.get("patternProperties", {}).values()]
    for name, held in value.items():
        if name in fields:
            _note_example(fields[name], held)
            _add_examples(fields[name], held, schema)
        elif patterns:
            _add_examples(patterns[0], held, schema)


def _note_example(field: dict[str, Any], value: object) -> None:
    if isinstance(value, Mapping) and any(isinstance(each, Mapping) for each in value.values()):
        return  # a whole part: its own lines have examples
    examples = field.setdefault("examples", [])
    if value not in examples and len(examples) < _EXAMPLES_MAX:
        examples.append(value)
