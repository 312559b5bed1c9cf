"""A scenario's text as a YAML document whose every place has a line.

Scalars are read as in scorecards: ``no``, ``12:30`` and ``2026-06-22`` are texts.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.scenario import AccountFacts, ScenarioFile, Step
from streams.scorecards import Loader

__all__ = ["NO_SCENARIO", "Document", "Problem", "Where", "read_document", "validated"]

T = TypeVar("T")
_TEXT: TypeAdapter[str] = TypeAdapter(str)
_ACCOUNT = TypeAdapter(AccountFacts)
_STEP = TypeAdapter(Step)
Where = tuple[str | int, ...]
_FIELDS = sorted({f for model in (ScenarioFile, AccountFacts, Step) for f in model.model_fields})
NO_SCENARIO = "expected a scenario, a file that begins with `scenario: WHAT HAPPENS`"
#: What YAML says where an unquoted sentence holds a colon.
_COLON = "mapping values are not allowed here"


class Problem(NamedTuple):
    """What is wrong in a file, and where. Sorted: in the order of the lines."""

    path: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        return ": ".join(
            part for part in (f"{self.path}:{self.line}", self.where, self.what) if part
        )


class Document(NamedTuple):
    """A YAML mapping: its values, and its nodes, which know their lines."""

    path: str
    values: dict[Any, Any]
    node: yaml.Node

    def line(self, where: Where) -> int:
        """The line of a place, or of the deepest part of it that is there."""
        node: yaml.Node | None = self.node
        line = self.node.start_mark.line + 1
        for part in where:
            key, node = _child(node, part)
            if key is None:
                break
            line = key.start_mark.line + 1
        return line

    def texts(self, where: Where) -> Any:
        """What stands at a place, every scalar as it is written: ``72.50`` keeps its places."""
        node: yaml.Node | None = self.node
        for part in where:
            _, node = _child(node, part)
        return None if node is None else _texts(node)

    def problem(self, where: Where, what: str) -> Problem:
        """A problem at a place."""
        spelled = ".".join(str(part + 1) if isinstance(part, int) else part for part in where)
        return Problem(self.path, self.line(where), spelled or "scenario", what)


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node that stands for a key (an item stands for itself), and its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and part in range(len(node.value)):
        return node.value[int(part)], node.value[int(part)]
    return None, None


def _texts(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _texts(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_texts(value) for value in node.value]
    return str(node.value)


def read_document(path: Path) -> Document | Problem:
    """The document in a file, or why there is none."""
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Problem(name, 1, "", f"cannot read it: {reason}")
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        values = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        hint = "; a sentence with a colon in it stands in quotes" if what == _COLON else ""
        return Problem(
            name, 1 if mark is None else mark.line + 1, "", f"not valid YAML: {what}{hint}"
        )
    finally:
        loader.dispose()
    if node is None or not isinstance(values, dict):
        return Problem(name, 1, "", NO_SCENARIO)
    return Document(name, values, node)


def validated(document: Document) -> tuple[ScenarioFile, list[Problem]]:
    """The scenario in a document, and all that is wrong with its shape.

    Where something is, the scenario holds what is right, so that the rest of the
    file can be checked as well: its account may be None, its steps be empty ones.
    """
    try:
        return ScenarioFile.model_validate(document.values), []
    except ValidationError as error:
        problems = [_problem(document, problem) for problem in error.errors(include_url=False)]
    values = document.values
    steps = values.get("steps")
    return (
        ScenarioFile.model_construct(
            scenario=str(values.get("scenario")),
            scorecard=_valid(_TEXT, values.get("scorecard")),
            zone=_valid(_TEXT, values.get("zone")) or "UTC",
            account=cast("AccountFacts", _valid(_ACCOUNT, values.get("account"))),
            steps=tuple(
                _valid(_STEP, step) or Step.model_construct()
                for step in (steps if isinstance(steps, list) else ())
            ),
        ),
        problems,
    )


def _valid(adapter: TypeAdapter[T], value: Any) -> T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _problem(document: Document, problem: ErrorDetails) -> Problem:
    where = tuple(problem["loc"])
    what = re.sub(r"^(?:Value error, |Input (?=should)|String (?=should))", "", problem["msg"])
    match problem["type"]:
        case "missing":
            what = "is missing"
        case "extra_forbidden":
            near = get_close_matches(str(where[-1]), _FIELDS, n=1)
            what = "unknown field" + (f"; did you mean {near[0]}?" if near else "")
        case "string_type" if where[-1:] == ("mrr",):
            what = "expected an amount with its currency, such as 2000 EUR"
        case "string_type":
            what = f'expected a text; write it in quotes: "{problem["input"]}"'
        case "model_type" | "model_attributes_type" | "dict_type":
            what = "expected fields with values, such as {id: acme}"
        case "tuple_type":
            what = "expected a list: lines that begin with a hyphen"
        case "too_short":
            what = "expected at least one"
    return document.problem(where, what)
