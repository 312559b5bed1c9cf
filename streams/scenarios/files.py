"""Finding scenarios in files and folders, and the scorecards that they name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from scoring.card import Card
from streams.exits import NamedExit
from streams.scenarios.document import NO_SCENARIO, Document, Problem, read_document
from streams.scenarios.load import load_scenario
from streams.scenarios.run import Scenario
from streams.scorecards import read_card, shipped_card

__all__ = ["Found", "find_scenarios"]

_SUFFIXES = (".yaml", ".yml")
_SCENARIO = re.compile(r"^scenario\s*:", re.MULTILINE)


@dataclass(slots=True)
class Found:
    """What lies at the given paths."""

    scenarios: list[Scenario] = field(default_factory=list)
    #: All that is wrong, one line each, in order.
    problems: list[str] = field(default_factory=list)
    #: Scorecards in the folders that no scenario there is about.
    untested: list[Path] = field(default_factory=list)


class _Cards:
    """Scorecards by their path, each read once; ``given`` is the one for all scenarios."""

    def __init__(self, given: Path | None) -> None:
        self.given = given
        self.used: set[Path] = set()
        #: Problems of the scorecards themselves.
        self.problems: list[str] = []
        self._known: dict[Path, tuple[Card, str] | None] = {}

    def find(self, name: str | None, scenario: Path) -> tuple[Card, str]:
        """The card that a scenario names.

        Raises:
            ValueError: if there is none, or it is wrong itself.
        """
        path = self.given or _card_path(name, scenario)
        known = path.resolve()
        self.used.add(known)
        if known not in self._known:
            try:
                self._known[known] = read_card(path)
            except NamedExit as error:
                self.problems += error.message.splitlines()
                self._known[known] = None
        card = self._known[known]
        if card is None:
            raise ValueError(f"the scorecard {path} is wrong itself")
        return card


def _card_path(name: str | None, scenario: Path) -> Path:
    if name is None:
        raise ValueError("is missing: name the scorecard, or give it with --scorecard FILE")
    folder = scenario.resolve().parent
    if name.endswith(_SUFFIXES):
        path = folder / name
        if not path.is_file():
            raise ValueError(f"there is no file {name} beside the scenario")
        return path
    for place in (folder, *folder.parents):
        for suffix in _SUFFIXES:
            path = place / f"{name}{suffix}"
            if path.is_file() and _kind(path) == "scorecard":
                return path
    try:
        return shipped_card(name)
    except NamedExit:
        shipped = sorted(path.stem for path in shipped_card().parent.glob("*.yaml"))
        near = get_close_matches(name, shipped, n=1)
        hint = f"; did you mean {near[0]}?" if near else f" ({', '.join(shipped)})"
        raise ValueError(
            f"no {name}.yaml lies beside the scenario or in a folder above it,"
            f" and none is shipped{hint}"
        ) from None


def find_scenarios(paths: Sequence[Path], card: Path | None = None) -> Found:
    """The scenarios at paths: files, or folders that are searched with all below them.

    In a folder, what is no scenario is passed over. ``card`` stands for whatever
    scorecard the scenarios name.
    """
    found, cards = Found(), _Cards(card)
    beside: list[Path] = []
    problems: list[Problem] = []
    for path, searched in _files(paths, problems):
        kind = _kind(path)
        if searched and kind != "scenario":
            if kind == "scorecard":
                beside.append(path)
            continue
        if kind == "scorecard":
            problems.append(Problem(str(path), 1, "", "a scorecard; give the scenarios about it"))
            continue
        document = read_document(path)
        if isinstance(document, Problem):
            problems.append(document)
            continue
        if searched and "scenario" not in document.values:
            continue
        scenario = _scenario(document, path, cards)
        if isinstance(scenario, Scenario):
            found.scenarios.append(scenario)
        else:
            problems += scenario
    found.problems = [*cards.problems, *(str(problem) for problem in sorted(problems))]
    if card is None:
        found.untested = [path for path in beside if path.resolve() not in cards.used]
    return found


def _scenario(document: Document, path: Path, cards: _Cards) -> Scenario | list[Problem]:
    if "scenario" not in document.values:
        return [Problem(document.path, 1, "", NO_SCENARIO)]
    return load_scenario(document, lambda name: cards.find(name, path))


def _files(paths: Iterable[Path], problems: list[Problem]) -> list[tuple[Path, bool]]:
    """The files at the paths, each once, and whether a folder was searched for it."""
    found: dict[Path, tuple[Path, bool]] = {}
    for path in paths:
        if not path.is_dir():
            found.setdefault(path.resolve(), (path, False))
            continue
        inside = sorted(file for file in path.rglob("*") if _is_searched(file, path))
        if not any(_kind(file) == "scenario" for file in inside):
            problems.append(
                Problem(str(path), 1, "", "no scenario lies in this folder or below it")
            )
        for file in inside:
            found.setdefault(file.resolve(), (file, True))
    return list(found.values())


def _is_searched(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix in _SUFFIXES and not hidden and file.is_file()


def _kind(path: Path) -> str:
    """``scenario``, ``scorecard`` or nothing; a broken file that looks like a scenario is one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    if _SCENARIO.search(text):
        return "scenario"
    return "scorecard" if re.search(r"^scorecard\s*:", text, re.MULTILINE) else ""
