"""Floors under ratios, and what the benchmark's command makes of them."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from bench import run
from bench.floors import below, floor_in
from bench.report import Measured, report
from bench.scenario import Scenario, aim, plain_table

FLOOR = [("vitals/faust", 20.0)]


def found(*ratios: float, equal: bool = True) -> dict[str, Any]:
    """A report of so many rounds."""
    runs = {
        "vitals": [Measured(1000, 1 / ratio, 1.0, equal) for ratio in ratios],
        "faust": [Measured(1000, 1.0, 1.0, outputs_equal=True) for _ in ratios],
    }
    return report("narrow", len(ratios), runs, {"quix": "not asked for"})


def test_a_ratio_at_its_floor_is_good() -> None:
    assert below(found(20.0), FLOOR) == []
    assert below(found(19.0, 20.5, 40.0), FLOOR) == []


def test_control_a_ratio_below_its_floor_is_told_with_both_figures() -> None:
    """The median of the rounds counts: one lucky round saves nothing."""
    assert below(found(19.99), FLOOR) == ["vitals/faust is 19.99, below its floor of 20"]
    (line,) = below(found(12.0, 13.0, 90.0), FLOOR)
    assert "vitals/faust is 13," in line


def test_a_ratio_that_was_not_measured_is_below_any_floor() -> None:
    (line,) = below(found(50.0, equal=False), FLOOR)
    assert "outputs differ" in line
    (line,) = below(found(50.0), [("vitals/quix", 1.0)])
    assert "quix: not asked for" in line


@pytest.mark.parametrize("text", ["", "20", "vitals/faust", "faust=2", "vitals/faust=x", "a/b=0"])
def test_what_is_no_floor_is_refused(text: str) -> None:
    assert floor_in("vitals/faust=20") == FLOOR[0]
    with pytest.raises(argparse.ArgumentTypeError, match="vitals/faust=20"):
        floor_in(text)


@pytest.mark.parametrize(("ratio", "code"), [(21.0, 0), (19.0, 1)])
def test_the_command_fails_below_the_floor(
    ratio: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    scenario = Scenario("narrow", "", lambda folder, asked, say: found(ratio))
    monkeypatch.setitem(run.SCENARIOS, "narrow", scenario)
    out = tmp_path / "bench.json"
    assert run.main(["--floor", "vitals/faust=20", "--out", str(out)]) == code
    assert ("below its floor of 20" in capsys.readouterr().err) == bool(code)
    assert json.loads(out.read_text())["ratios"] == {"vitals/faust": ratio}


def test_an_aim_that_is_not_reached_is_told() -> None:
    reach = {"p99_ms": aim(700, at_most=500), "wide/narrow": aim(0.5, at_least=0.4)}
    assert reach["p99_ms"] == {"aim": "<= 500", "measured": 700, "reached": False}
    assert reach["wide/narrow"]["reached"] is True
    said = plain_table({"scenario": "wide", "outputs_equal": False, "reach": reach})
    assert said.splitlines()[1].split() == ["outputs_equal", "NO"]
    assert "p99_ms: 700, aim <= 500: NOT reached" in said
    assert "wide/narrow: 0.5, aim >= 0.4: reached" in said
