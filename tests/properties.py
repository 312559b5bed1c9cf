"""How Hypothesis runs here: how many examples, what happens to one that fails, what was run.

A failing example is reported as it was drawn, not shrunk: to shrink a history of 25 steps takes
minutes, and a red run has to end within its time limit. ``--shrink`` makes it small: the failing
example is remembered in ``.hypothesis`` and is the first to be tried again.
"""

import re
from collections.abc import Iterable

import hypothesis
import pytest
from hypothesis import Phase

#: Of the examples that a test asks for, ``--few-examples`` runs one in so many, and at least five.
FEW = 4
_FEWEST = 5
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
_PROPERTY = "hypothesis_examples"
_PASSING = re.compile(r"(\d+) passing")


def examples(number: int) -> int:
    """How many examples a test runs that asks for ``number``: all, or with ``--few-examples`` few.

    Tests that say nothing run Hypothesis' 100 (few: 25).
    """
    return max(min(number, _FEWEST), number // FEW) if _is_few() else number


def _is_few() -> bool:
    return hypothesis.settings.get_current_profile_name() == "few"


def add_options(parser: pytest.Parser) -> None:
    """``--few-examples`` and ``--shrink``."""
    parser.addoption("--few-examples", action="store_true", help=f"one property example in {FEW}")
    parser.addoption("--shrink", action="store_true", help="make failing examples small (minutes)")


def load_profile(config: pytest.Config) -> None:
    """Choose what Hypothesis does, before test modules are imported."""
    # No deadline: a shared machine is slow at times, and that is no property of the code.
    # Seeded, not derandomised: every run looks elsewhere, and prints where it looked.
    phases = (*_PHASES, Phase.shrink) if config.getoption("--shrink") else _PHASES
    base = hypothesis.settings(
        deadline=None, derandomize=False, print_blob=True, phases=phases, max_examples=100
    )
    hypothesis.settings.register_profile("all", base)
    hypothesis.settings.register_profile("few", base, max_examples=100 // FEW)
    hypothesis.settings.load_profile("few" if config.getoption("--few-examples") else "all")


def note_examples(item: pytest.Item, report: pytest.TestReport) -> None:
    """Write into a test's report how many examples passed; it reaches the main process so."""
    said = getattr(item, "hypothesis_statistics", None)
    if said is not None and report.when == "teardown":
        report.user_properties.append((_PROPERTY, sum(map(int, _PASSING.findall(said)))))


def count_of(reports: Iterable[pytest.TestReport]) -> str:
    """How many properties were checked on how many examples, in words."""
    counts = [
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == _PROPERTY and report.when == "teardown"
    ]
    return f"{sum(counts)} examples of {len(counts)} properties passed"
