"""The scenarios that are shipped hold, and they are about what their card can do."""

import re
from collections import Counter
from pathlib import Path

import pytest

from streams.scenarios.files import find_scenarios
from streams.scenarios.report import as_json
from streams.scenarios.run import run
from streams.scorecards import SHIPPED, read_card, shipped_card

FOLDER = shipped_card().parent / "scenarios"
CARDS = sorted(shipped_card().parent.glob("*.yaml"))
#: By path: a worker reads a scenario, and makes all that happens in it, when it tests it.
FILES = sorted(FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_scenario_passes(path: Path) -> None:
    """`vitals scorecard test` explains a failure better than this does."""
    found = find_scenarios([path])
    assert found.problems == []
    (scenario,) = found.scenarios
    assert scenario.card.name == path.parent.name
    (report,) = as_json([run(scenario)], [])["scenarios"]
    assert [(one["line"], one["name"], one["found"]) for one in report["failures"]] == []


def test_each_shipped_card_has_several() -> None:
    """But for the demonstration's, which is the default one without holds."""
    cards = Counter(path.parent.name for path in FILES)
    assert cards[SHIPPED] >= 6
    assert set(cards) == {path.stem for path in CARDS} - {"demo"}
    assert min(cards.values()) >= 2


def test_they_are_explained() -> None:
    """Each says in its first line why it is there, and why its figures are right further down."""
    for path in FILES:
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# ")
        assert sum(line.lstrip().startswith("#") for line in lines) >= 5, path


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_they_reach_all_that_a_card_can_say(path: Path) -> None:
    """Every override, indicator, kind of customer, outlook and stage, and every colour."""
    card, _ = read_card(path)
    if card.name == "demo":
        return
    folder = FOLDER / card.name
    text = "\n".join(file.read_text() for file in folder.glob("*.yaml"))
    classes = (card.segments, card.stages, card.archetypes, card.outlook)
    names = [one.name for found in classes if found is not None for one in found.classes]
    names += [one.name for one in (*card.overrides, *card.indicators)]
    missing = [
        name for name in (*names, "green", "yellow", "red") if not re.search(rf"\b{name}\b", text)
    ]
    assert missing == []


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_every_measure_is_said_in_words(path: Path) -> None:
    card, _ = read_card(path)
    assert [one.name for one in card.measures if not (one.says or one.says_at)] == []
