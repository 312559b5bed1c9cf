"""A scenario from a few lines, and a scorecard small enough to reckon in the head."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from streams.scenarios.files import find_scenarios
from streams.scenarios.run import Scenario

SMALL = Path(__file__).parent / "small.yaml"
HEAD = """\
scenario: A story
scorecard: small
account: {id: acme, mrr: 10 EUR, seats: 2, started: 2026-03-02 00:00}
steps:
"""

Write = Callable[..., Path]
Load = Callable[..., Scenario]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a scenario beside the small scorecard; the lines below ``steps:``, from line 5 on."""
    (tmp_path / "small.yaml").write_text(SMALL.read_text())

    def write(*steps: str, head: str = HEAD, name: str = "story.yaml") -> Path:
        path = tmp_path / name
        path.write_text(head + "".join(f"  {line}\n" for line in steps))
        return path

    return write


@pytest.fixture
def load(write: Write) -> Load:
    """A scenario that is right."""

    def load(*steps: str, head: str = HEAD) -> Scenario:
        found = find_scenarios([write(*steps, head=head)])
        assert found.problems == []
        return found.scenarios[0]

    return load


@pytest.fixture
def problems(write: Write) -> Callable[..., Sequence[str]]:
    """What is said of a scenario, without the file's name."""

    def problems(*steps: str, head: str = HEAD) -> Sequence[str]:
        path = write(*steps, head=head)
        return [line.removeprefix(f"{path}:") for line in find_scenarios([path]).problems]

    return problems
