"""Scorecards on a real Kafka: activated, rolled back, and what the history says of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from partitionlog import SAAS, changed_card
from servers.vitals import vitals

pytestmark = pytest.mark.integration

OTHER = changed_card(('version: "1"', 'version: "2"'), ("cap: 25", "cap: 30"))


@pytest.fixture
def address(kafka: Any, topic_prefix: str) -> tuple[str, ...]:
    """A broker with our topics, and nothing in them."""
    given = ("--bootstrap", kafka.bootstrap, "--prefix", topic_prefix)
    done = vitals("topics", "--create", "--signals-partitions", "1", *given)
    assert done.returncode == 0, done.stderr
    return given


def listed(address: tuple[str, ...]) -> list[dict[str, Any]]:
    done = vitals("scorecard", "history", "--json", *address)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_rollback_activates_what_was_active_before(
    address: tuple[str, ...], tmp_path: Path
) -> None:
    """Refused while there is nothing to go back to; then the old text, to the last byte."""

    def roll_back(reason: str) -> Any:
        return vitals("scorecard", "rollback", "--author", "Kim", "--reason", reason, *address)

    def activate(name: str, text: str) -> None:
        path = tmp_path / name
        path.write_text(text)
        said = ("--author", "Dana", "--reason", f"activates {name}")
        done = vitals("scorecard", "activate", str(path), *said, *address)
        assert done.returncode == 0, done.stderr

    none = roll_back("too early")
    assert (none.returncode, none.stdout) == (1, "")
    assert "no scorecard is active" in none.stderr

    activate("first.yaml", SAAS)
    only = roll_back("still too early")
    assert (only.returncode, only.stdout) == (1, "")
    assert "nothing to go back to: b2b-saas 1 (" in only.stderr
    assert "Traceback" not in only.stderr
    assert len(listed(address)) == 1

    activate("second.yaml", OTHER)
    done = roll_back("30 was too generous")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("b2b-saas 1 (")
    assert "it replaces b2b-saas 2 (" in done.stderr
    shown = vitals("scorecard", "show", *address)
    assert shown.stdout == SAAS
    assert "by Kim: 30 was too generous" in shown.stderr

    entries = listed(address)
    assert [(e["author"], e["version"], e["rollback"], e["active"]) for e in entries] == [
        ("Dana", "1", False, False), ("Dana", "2", False, False), ("Kim", "1", True, True),
    ]  # fmt: skip
    assert entries[2]["hash"] == entries[0]["hash"]
    text = vitals("scorecard", "history", *address).stdout.splitlines()
    assert [line.endswith("by Kim  [rollback, active]") for line in text] == [
        False, False, False, False, True, False,
    ]  # fmt: skip
    assert entries[2]["hash"][:16] in text[4]
    assert text[5].strip() == "30 was too generous"

    forward = roll_back("it was not that")
    assert forward.returncode == 0
    assert vitals("scorecard", "show", *address).stdout == OTHER
