"""Scorecard files: read, validate, compile; every problem with its line.

A problem is one line ``FILE:LINE: field: what was expected``. All of them are
reported at once.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.scorecard import (
    BandRule,
    Bands,
    Defaults,
    Emit,
    Measure,
    Override,
    ScorecardFile,
    Scored,
    ShownAs,
)
from scoring.card import Card, CardError, compile_card
from streams.exits import Exit, NamedExit

__all__ = ["SHIPPED", "load_card", "read_card", "shipped_card"]

#: The scorecard that is activated when none is.
SHIPPED = "b2b-saas"
_MODELS: tuple[type[BaseModel], ...] = (
    ScorecardFile, Scored, ShownAs, Defaults, Emit, Measure, Bands, BandRule, Override,
)  # fmt: skip
_FIELDS = sorted({field for model in _MODELS for field in model.model_fields})
_PREFIX = "tag:yaml.org,2002:"
#: What a plain word may be besides a text. YAML 1.1 would also read ``no`` as false, ``12:30``
#: as 750, ``010`` as 8 and a date as a date.
_PLAIN = {
    "bool": (r"true|false", "tf"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+", "-+.0123456789"),
    "null": (r"~|null|", ["~", "n", ""]),
}


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: a key may stand only once, ``no`` and ``12:30`` are texts."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float) or isinstance(key, bool):
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be a text or a number", key_node.start_mark
            )
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} stands here twice", key_node.start_mark
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def load_card(text: str, name: str = "scorecard") -> Card:
    """The compiled card in a scorecard's text; ``name`` stands in the messages.

    Raises:
        NamedExit: exit code 2, with every problem: file, line, field, what was expected.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NamedExit(Exit.USAGE, f"{name}{line}: not valid YAML: {what}") from None
    if not isinstance(document, dict):
        raise NamedExit(
            Exit.USAGE,
            f"{name}:1: expected a scorecard, a mapping that begins with `scorecard: NAME`",
        )
    try:
        return compile_card(ScorecardFile.model_validate(document), text)
    except ValidationError as error:
        problems = [_located(problem, document) for problem in error.errors(include_url=False)]
    except CardError as error:
        problems = list(error.problems)
    lines = sorted({_problem(name, root, where, what) for where, what in problems})
    raise NamedExit(Exit.USAGE, "\n".join(text for _, text in lines))


def read_card(path: Path) -> tuple[Card, str]:
    """The card in a file, and the file's text.

    Raises:
        NamedExit: exit code 2, if the file cannot be read or is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NamedExit(Exit.USAGE, f"{path}: cannot read the scorecard: {reason}") from None
    return load_card(text, str(path)), text


def shipped_card(name: str = SHIPPED) -> Path:
    """Where a shipped scorecard lies: in the checkout, or in the installed package."""
    here = Path(__file__).resolve().parent
    for folder in (here / "shipped" / "scorecards", here.parent / "deploy" / "scorecards"):
        path = folder / f"{name}.yaml"
        if path.exists():
            return path
    raise NamedExit(Exit.USAGE, f"there is no shipped scorecard named {name}")


def _located(problem: ErrorDetails, document: dict[Any, Any]) -> tuple[tuple[str, ...], str]:
    """The path of keys in the document, and what was expected there, in plain words."""
    where: tuple[str, ...] = ()
    found: Any = document
    for part in problem["loc"]:
        if isinstance(found, dict):
            key = next((key for key in found if str(key) == str(part)), None)
            if key is None and problem["type"] != "missing":
                break
            found = None if key is None else found[key]
        elif isinstance(found, list) and isinstance(part, int):
            found = found[part]
        else:
            break  # pydantic goes on into the type: which branch of a union it tried
        where = (*where, str(part))
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error" and (prefix := re.match(r"([a-z_.]+): ", what)):
        # A rule about several fields names the one it is about itself.
        return (*where, *prefix[1].split(".")), what.removeprefix(prefix[0])
    return where, _said(problem, where, what)


def _said(problem: ErrorDetails, where: tuple[str, ...], what: str) -> str:
    match problem["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            near = get_close_matches(where[-1], _FIELDS, n=1)
            return "unknown field" + (f"; did you mean {near[0]}?" if near else "")
        case "string_type":
            return f'expected a text; write it in quotes: "{problem["input"]}"'
        case "dict_type" | "model_type":
            return "expected fields with values, such as {a: 1, b: 2}"
        case _ if where[-1:] == ("missing",):
            return "expected points from 0 to 100, or leave_out"
        case "less_than_equal" if where[-1:] == ("hold",):
            return "should be at most 400d"
        case _:
            return re.sub(r"^(?:Decimal input|Input|String) should", "should", what)


def _problem(
    name: str, root: yaml.Node | None, where: tuple[str, ...], what: str
) -> tuple[int, str]:
    line = _line(root, where)
    field = ".".join(where)
    return line, f"{name}:{line}: {field or 'scorecard'}: {what}"


def _line(node: yaml.Node | None, where: tuple[str, ...]) -> int:
    """The line of the deepest node on the path that exists."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in where:
        if not isinstance(node, yaml.MappingNode):
            break
        for key_node, value_node in node.value:
            if key_node.value == part:
                line, node = key_node.start_mark.line + 1, value_node
                break
        else:
            continue
    return line
