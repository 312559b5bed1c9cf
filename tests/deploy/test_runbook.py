"""docs/runbook.md has an entry for each named exit and alert; alerts look at real metrics."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.exits import Exit
from streams.metrics import Metrics

REPO = Path(__file__).resolve().parents[2]
RUNBOOK = (REPO / "docs" / "runbook.md").read_text()
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((REPO / "deploy" / "monitoring" / "alerts.yml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
]


def entry(heading: str) -> str:
    """What stands below a heading of the third level."""
    (_, *found) = re.split(rf"^### {re.escape(heading)}\n", RUNBOOK, flags=re.MULTILINE)
    assert len(found) == 1, f"{heading}: {len(found)} entries"
    return re.split(r"^##", found[0], maxsplit=1, flags=re.MULTILINE)[0]


def metrics_of(expression: str) -> set[str]:
    return set(re.findall(r"\bhealth_\w+", expression))


def known() -> set[str]:
    """The names of all time series that a process offers."""
    found = set()
    for family in Metrics().registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        found |= {family.name + ending for ending in endings.get(family.type, [""])}
    return found


@pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.OK])
def test_every_named_exit_has_an_entry(code: Exit) -> None:
    assert f"**{code.value}.**" in entry(code.name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_an_entry_and_looks_at_what_is_there(rule: dict[str, Any]) -> None:
    assert len(entry(rule["alert"])) > 100
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert metrics_of(rule["expr"]) <= known()
    assert metrics_of(rule["expr"]) or rule["expr"].startswith("up{")
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_control_a_metric_that_is_not_there_is_found() -> None:
    assert not metrics_of("rate(health_no_such_total[5m]) > 0") <= known()


def test_no_entry_is_about_something_that_is_gone() -> None:
    headings = set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE))
    there = {code.name for code in Exit} | {rule["alert"] for rule in RULES}
    assert headings - there == set()
