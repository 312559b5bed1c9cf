"""The formula: what holds of it whatever was measured, and that the document says the same."""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.capacity import COSTS, Load, needs, touched_per_s
from streams.commands.capacity_command import command, told

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "capacity.md"
EXAMPLE = Load(customers=1_000_000, events_per_s=20_000)


def block(name: str) -> "re.Pattern[str]":
    return re.compile(rf"(<!-- {name}: [^\n]* -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


def cost_table() -> str:
    rows = ["| name | value | what |", "| --- | --- | --- |"]
    rows += [f"| `{n}` | {told(c.value, c.unit)} | {c.says} |" for n, c in COSTS.items()]
    return "\n".join(rows) + "\n"


def example_table() -> str:
    rows = ["| figure | | how it comes about |", "| --- | --- | --- |"]
    rows += [
        f"| `{name}` | {told(need.value, need.unit)} | {need.why} |"
        for name, need in needs(EXAMPLE).items()
    ]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(("name", "table"), [("costs", cost_table), ("example", example_table)])
def test_the_document_says_what_the_command_says(name, table) -> None:
    text = DOCUMENT.read_text()
    if os.environ.get("UPDATE_DOCS"):
        text = block(name).sub(lambda old: old[1] + table() + old[3], text)
        DOCUMENT.write_text(text)
    found = block(name).search(text)
    assert found is not None
    assert found[2] == table(), "run it with UPDATE_DOCS=1"


def test_each_cost_stands_in_the_formula() -> None:
    """One that nobody uses would be measured, and changed, for nothing."""
    formula = DOCUMENT.read_text().split("## What was measured")[0]
    assert [name for name in COSTS if f"`{name}`" not in formula] == []


def test_few_customers_are_touched_at_most_once_in_the_time() -> None:
    assert touched_per_s(Load(customers=100, events_per_s=1e6), 0.25) == pytest.approx(400)


def test_of_many_customers_each_event_touches_another() -> None:
    load = Load(customers=10**9, events_per_s=1000)
    assert touched_per_s(load, 2.0) == pytest.approx(1000, rel=1e-3)


def test_nobody_is_touched_by_nothing() -> None:
    assert touched_per_s(Load(customers=0, events_per_s=1000), 2.0) == 0
    assert touched_per_s(Load(customers=1000, events_per_s=0), 2.0) == 0


def test_an_idle_installation_needs_one_process_and_the_least_partitions() -> None:
    found = needs(Load(customers=0, events_per_s=0))
    assert found["processes"].value == 1
    assert found["signals_partitions"].value == 8
    assert {found[name].value for name in ("cores", "disk_gb", "restore_s", "redis_gb")} == {0}


@pytest.mark.parametrize("name", ["customers", "events_per_s", "replication", "row_bytes"])
def test_more_of_anything_needs_nowhere_less(name: str) -> None:
    less = Load(customers=50_000, events_per_s=5_000)
    more = Load(**{"customers": 50_000, "events_per_s": 5_000, name: 40 * getattr(less, name)})
    before, after = needs(less), needs(more)
    assert all(after[key].value >= before[key].value for key in before if key != "restore_s")
    assert any(after[key].value > before[key].value for key in before)


def test_all_partitions_together_hold_all_customers() -> None:
    for customers in (0, 25_000, 200_001, 10**6, 10**7):
        found = needs(Load(customers=customers, events_per_s=50_000))
        partitions, processes = found["signals_partitions"].value, found["processes"].value
        assert partitions * COSTS["partition_customers"].value >= customers
        assert partitions >= processes * COSTS["partitions_each"].value
        assert partitions == 2 ** (int(partitions).bit_length() - 1)


def test_a_formula_by_hand() -> None:
    """The figures that people ask for first."""
    found = needs(Load(customers=10**6, events_per_s=0, row_bytes=1000, replication=2))
    changelog_gb = COSTS["row_share"].value
    assert found["changelog_gb"].value == pytest.approx(changelog_gb)
    resident, process = COSTS["resident_bytes"].value, COSTS["process_bytes"].value
    assert found["memory_gb"].value == pytest.approx((10**6 * resident + process) / 1e9)
    each = COSTS["change_bytes"].value
    each += COSTS["transition_share"].value * COSTS["transition_bytes"].value
    told_bytes = 10**6 * 0.2 * 90 * each
    assert found["disk_gb"].value == pytest.approx(2 * (changelog_gb + told_bytes / 1e9))


def test_the_command_prints_each_figure_with_its_reason() -> None:
    done = CliRunner().invoke(command, ["--customers", "1000000", "--events-per-s", "20000"])
    assert done.exit_code == 0
    assert all(name in done.stdout for name in needs(EXAMPLE))


def test_what_is_not_given_is_the_same_everywhere() -> None:
    arguments = ["--customers", "1000000", "--events-per-s", "20000", "--json"]
    found = json.loads(CliRunner().invoke(command, arguments).stdout)["needs"]
    assert found == {name: round(need.value, 3) for name, need in needs(EXAMPLE).items()}


def test_the_command_as_json() -> None:
    done = CliRunner().invoke(command, ["--json", "--row-bytes", "500", "--customers", "2000000"])
    found = json.loads(done.stdout)
    assert found["load"]["row_bytes"] == 500
    assert found["needs"]["changelog_gb"] == pytest.approx(COSTS["row_share"].value)
    assert found["needs"].keys() == needs(EXAMPLE).keys()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0, "", "0"), (3, "", "3"), (0.12345, "GB", "0.123 GB"), (19950.4, "/s", "19,950/s")],
)
def test_figures_have_three_digits_that_count(value: float, unit: str, text: str) -> None:
    assert told(value, unit) == text
