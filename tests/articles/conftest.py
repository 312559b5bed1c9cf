"""Stories about one customer, told as in scenario files, played by the code that scores live."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.scenarios.files import find_scenarios
from streams.scenarios.report import as_json
from streams.scenarios.run import run

#: A scorecard's name or text, then the lines below ``steps:``; what was found where it differs.
Story = Callable[..., list[tuple[str, str]]]
ACCOUNT = "{id: acme, mrr: 2000 EUR, seats: 50, started: 2025-05-04, known_from: 2026-03-02 08:00}"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Play a story; the expectations that it does not meet: their names, and what was found."""

    def play(card: str, *steps: str, account: str = ACCOUNT) -> list[tuple[str, str]]:
        name = card
        if "\n" in card:
            name = "card.yaml"
            (tmp_path / name).write_text(card)
        path = tmp_path / "story.yaml"
        lines = "".join(f"  - {step}\n" for step in steps)
        path.write_text(
            f"scenario: A story\nscorecard: {name}\naccount: {account}\nsteps:\n{lines}"
        )
        found = find_scenarios([path])
        assert found.problems == []
        (report,) = as_json([run(found.scenarios[0])], [])["scenarios"]
        return [(one["name"], one["found"]) for one in report["failures"]]

    return play


@pytest.fixture
def card() -> Callable[..., str]:
    """A scorecard with these measures, in one group, with equal shares; and more sections."""

    def made(more: str = "", **metrics: str) -> str:
        share = 100 // len(metrics)
        first = 100 - share * (len(metrics) - 1)
        lines = [
            f"    {name}: {{share: {share if n else first}, metric: '{metric}', {shape}}}\n"
            for n, (name, written) in enumerate(metrics.items())
            for metric, _, shape in [written.partition(" => ")]
        ]
        return (
            'scorecard: small\nversion: "1"\n'
            "objective: Show what the article asks for, and nothing else.\nowner: test\n"
            "money: {currency: EUR}\ndefaults: {minimum_coverage: 0%}\n"
            "weights: {all: 100}\ngroups:\n  all:\n" + "".join(lines) + "bands:\n"
            '  green: {enter: ">= 75", leave: "< 70"}\n  yellow: otherwise\n'
            '  red: {enter: "< 50", leave: ">= 56"}\nletters: {A: 85, B: 70, C: 50, D: 0}\n' + more
        )

    return made
