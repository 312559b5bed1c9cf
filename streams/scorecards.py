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

from schemas import scorecard
from schemas.scorecard import ScorecardFile
from scoring.card import Card, CardError
from scoring.card_compiler import compile_card
from streams.card_hints import instead_of
from streams.exits import Exit, NamedExit

__all__ = [
    "SHIPPED",
    "Loader",
    "document_of",
    "load_card",
    "load_file",
    "read_card",
    "shipped_card",
]

#: The scorecard that is activated when none is.
SHIPPED = "b2b-saas"
_FIELDS = sorted(
    {
        field
        for model in vars(scorecard).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
        for field in model.model_fields
    }
)
#: What pydantic puts into a path to say which of two it took a member of a group for.
_TAGS = frozenset({"measure", "group"})
_NO_POINTS = ("decimal_parsing", "decimal_type", "finite_number")
_NO_VALUE = ("string_type", "int_type", "float_type")
#: What pydantic says of a mapping where a plain value may stand, and the other way round.
_ABOUT_VALUES = ("decimal_", "string_", "int_", "float_", "literal_")
_ABOUT_FIELDS = ("dict_type", "model_type")
_PREFIX = "tag:yaml.org,2002:"
#: What a plain word may be besides a text. YAML 1.1 would also read ``no`` as false, ``12:30``
#: as 750, ``010`` as 8 and a date as a date.
_PLAIN = {
    "bool": (r"true|false", "tf"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+", "-+.0123456789"),
    "null": (r"~|null|", ["~", "n", ""]),
}


#: What YAML's own constructors raise: `!!int x`, a number of 5,000 digits, lists 1,000 deep.
_UNFIT = (ValueError, KeyError, AttributeError, TypeError, RecursionError)


class Loader(yaml.SafeLoader):
    """YAML without its surprises: a key may stand only once, ``no`` and ``12:30`` are texts."""


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
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


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _PLAIN.items():
    Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def document_of(text: str, name: str = "scorecard") -> dict[Any, Any]:
    """The YAML of a scorecard's text as it is written; what its fields may be is not checked.

    Raises:
        NamedExit: exit code 2, if it is not valid YAML or no mapping; ``name`` stands in it.
    """
    try:
        document = yaml.load(text, Loader=Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NamedExit(Exit.USAGE, f"{name}{line}: not valid YAML: {what}") from None
    except _UNFIT as error:
        raise NamedExit(
            Exit.USAGE, f"{name}: a value does not fit its kind, or is too deep or long: {error}"
        ) from None
    if not isinstance(document, dict):
        raise NamedExit(
            Exit.USAGE,
            f"{name}:1: expected a scorecard, a mapping that begins with `scorecard: NAME`",
        )
    return document


def load_file(text: str, name: str = "scorecard") -> ScorecardFile:
    """The validated file in a scorecard's text: all that is written, nothing compiled.

    Raises:
        NamedExit: exit code 2, with every problem: file, line, field, what was expected.
    """
    document = document_of(text, name)
    try:
        return ScorecardFile.model_validate(document)
    except ValidationError as error:
        problems = _problems(error, document)
    raise _refused(text, name, problems)


def load_card(text: str, name: str = "scorecard") -> Card:
    """The compiled card in a scorecard's text; ``name`` stands in the messages.

    Raises:
        NamedExit: exit code 2, with every problem: file, line, field, what was expected.
    """
    file = load_file(text, name)
    try:
        return compile_card(file, text)
    except CardError as error:
        problems = list(error.problems)
    raise _refused(text, name, problems)


def _refused(text: str, name: str, problems: list[tuple[tuple[str, ...], str]]) -> NamedExit:
    """All problems, each with its line."""
    root = yaml.compose(text, Loader=Loader)
    lines = sorted({_problem(name, root, where, what) for where, what in problems})
    return NamedExit(Exit.USAGE, "\n".join(line for _, line in lines))


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


def _problems(
    error: ValidationError, document: dict[Any, Any]
) -> list[tuple[tuple[str, ...], str]]:
    """All that is wrong, once each: of a value that may be of several kinds, what fits it best."""
    by_place: dict[tuple[str, ...], list[tuple[bool, tuple[tuple[str, ...], str]]]] = {}
    for problem in error.errors(include_url=False):
        where, what, found = _located(problem, document)
        kinds = _ABOUT_VALUES if isinstance(found, dict) else _ABOUT_FIELDS
        fits = not any(problem["type"].startswith(kind) for kind in kinds)
        by_place.setdefault(where, []).append((fits, (where, what)))
    places = list(by_place)
    kept = []
    for where, told in by_place.items():
        deeper = any(len(p) > len(where) and p[: len(where)] == where for p in places)
        fitting = [each for fits, each in told if fits]
        kept += fitting or ([] if deeper else [told[0][1]])
    return kept


def _located(problem: ErrorDetails, document: dict[Any, Any]) -> tuple[tuple[str, ...], str, Any]:
    """The path of keys in the document, what was expected there, in plain words, and what is."""
    where: tuple[str, ...] = ()
    found: Any = document
    path = problem["loc"]
    for part, following in zip(path, (*path, None)[1:], strict=True):
        if isinstance(found, dict):
            key = next((key for key in found if str(key) == str(part)), None)
            if key is None and following is not None:
                known = {str(each) for each in found}
                if str(following) in known or problem["type"] == "missing" or str(part) in _TAGS:
                    continue  # pydantic says which of several kinds it took the value for
            if key is None and problem["type"] != "missing":
                break
            found = None if key is None else found[key]
        elif isinstance(found, list) and isinstance(part, int) and part < len(found):
            found = found[part]
        else:
            break  # pydantic goes on into the type: which branch of a union it tried
        where = (*where, str(part))
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error" and (prefix := re.match(r"([a-z0-9_.]+): ", what)):
        # A rule about several fields names the one it is about itself.
        return (*where, *prefix[1].split(".")), what.removeprefix(prefix[0]), found
    return where, _said(problem, where, what), found


def _said(problem: ErrorDetails, where: tuple[str, ...], what: str) -> str:
    return _of_place(problem["type"], where) or _of_kind(problem, where, what)


def _of_place(kind: str, where: tuple[str, ...]) -> str:
    """What is expected in a place where several kinds of values may stand; else nothing."""
    match (*where[:2], *where[-3:]):
        case ("groups", *_, "says") if kind != "dict_type":
            return (
                "expected a text, or texts for single values, "
                'such as {0: none, otherwise: "{value}"}'
            )
        case ("money", "rates", *_) if kind.startswith("date_"):
            return "expected a day, such as 2026-01-01"
        case ("money", *_) if kind == "string_pattern_mismatch":
            return "expected an ISO 4217 code in capitals, such as EUR"
        case ("money", "rates", *_) if len(where) > 2:
            return "expected a rate from 0.000000001 to 1000000000, such as 0.92"
        case ("actions", *_) if len(where) == 3 and not kind.startswith("string_pattern"):
            return "expected points from -1000 to 1000, or {points: 1, per_day: 3}"
        case (*_, "target", "best" | "zero"):
            return "expected two values, [FROM, TO]"
        case (*_, "curve" | "steps", _) if kind in _NO_POINTS:
            return "expected points from 0 to 100"
        case (*_, "logistic", _) | (*_, "best" | "zero", _) if kind in _NO_VALUE:
            return "expected a number, a percentage, a span of time or a text"
    return ""


def _of_kind(problem: ErrorDetails, where: tuple[str, ...], what: str) -> str:
    match problem["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden" | "model_type" | "dict_type" if instead_of(where):
            return instead_of(where)
        case "extra_forbidden":
            near = get_close_matches(where[-1], _FIELDS, n=1)
            if ")" in where[-1]:
                return "unknown field; put a metric with a comma in it in quotes"
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
