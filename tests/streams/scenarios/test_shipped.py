"""The scenarios that are shipped hold, and they are about what their card can do."""

from pathlib import Path

import pytest

from streams.scenarios.files import find_scenarios
from streams.scenarios.report import as_json
from streams.scenarios.run import Scenario, run
from streams.scorecards import SHIPPED, read_card, shipped_card

FOLDER = shipped_card().parent / "scenarios"
FOUND = find_scenarios([FOLDER])


@pytest.mark.parametrize("scenario", FOUND.scenarios, ids=lambda one: Path(one.path).stem)
def test_a_shipped_scenario_passes(scenario: Scenario) -> None:
    """`vitals scorecard test` explains a failure better than this does."""
    (report,) = as_json([run(scenario)], [])["scenarios"]
    assert [(one["line"], one["name"], one["found"]) for one in report["failures"]] == []


def test_there_are_some_for_the_default_card() -> None:
    assert FOUND.problems == []
    assert len(FOUND.scenarios) >= 6
    assert {scenario.card.name for scenario in FOUND.scenarios} == {SHIPPED}


def test_they_are_explained() -> None:
    """Each says in its first line why it is there, and why its figures are right further down."""
    for scenario in FOUND.scenarios:
        lines = Path(scenario.path).read_text().splitlines()
        assert lines[0].startswith("# ")
        assert sum(line.lstrip().startswith("#") for line in lines) >= 5, scenario.path


def test_they_reach_every_override_and_every_colour() -> None:
    card, _ = read_card(shipped_card())
    text = "\n".join(Path(scenario.path).read_text() for scenario in FOUND.scenarios)
    for name in [*(override.name for override in card.overrides), "green", "yellow", "red"]:
        assert name in text
