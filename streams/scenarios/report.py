"""What came of scenarios: lines for people, a document for machines."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.scores import Band, Contribution
from scoring.facts import rfc3339
from streams.clock import to_ms
from streams.scenarios.moment import Moment
from streams.scenarios.run import Failure, Outcome, Scenario
from streams.scenarios.times import ZoneTimes

__all__ = ["as_json", "print_outcome", "print_summary"]

_STYLES = {Band.RED: "red", Band.YELLOW: "yellow", Band.GREEN: "green", Band.UNKNOWN: "dim"}
_INDENT = "    "


def print_outcome(console: Console, outcome: Outcome) -> None:
    """A scenario's line; where it failed, its first wrong expectations and the score there."""
    scenario, count = outcome.scenario, len(outcome.scenario.expected)
    good, bad = ("ok", "no") if console.options.ascii_only else ("✓", "✗")
    if not outcome.failures:
        _print(console, (good, "green"), f" {scenario.name}", (f"  {_count(count)} met", "dim"))
        return
    met = f"  {outcome.met} of {_count(count)} met"
    _print(console, (bad, "red bold"), (f" {scenario.name}", "bold"), (met, "red"))
    first = outcome.failures[0].expected.at_ms
    for failure in outcome.failures:
        if failure.expected.at_ms == first:
            _print_failure(console, failure, scenario)
    _print_moment(console, outcome.failures[0].moment, scenario.times)
    later = [failure for failure in outcome.failures if failure.expected.at_ms != first]
    if later:
        lines = ", ".join(str(line) for line in sorted({one.expected.line for one in later}))
        what = f"{_INDENT}{len(later)} more not met later, on line {lines}"
        _print(console, (what, "dim"))


def _print_failure(console: Console, failure: Failure, scenario: Scenario) -> None:
    expected = failure.expected
    _print(
        console,
        f"  {scenario.path}:{expected.line}: at {scenario.times.words(expected.at_ms)}: ",
        (f"{expected.key}: ", "bold"),
        f"expected {expected.written}, found ",
        (failure.found, "red"),
    )


def _print_moment(console: Console, moment: Moment, times: ZoneTimes) -> None:
    """The whole explanation of the score at an instant."""
    health = moment.health
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("line")
    table.add_column("value", overflow="fold")
    for name in ("points", "weight", "contributes"):
        table.add_column(name, justify="right")
    for line in health.contributions:
        table.add_row(*_row(line), style="dim" if line.kind == "measure" and _empty(line) else "")
    table.add_section()
    score = "none" if health.score is None else f"{health.score / 100:.2f}"
    table.add_row("score", "", "", "", score, style="bold")
    console.print(table)
    pending = "none"
    if health.pending is not None:
        until = times.words(to_ms(health.pending.at))
        pending = f"{health.pending.band} until {until}"
    _print(
        console,
        f"{_INDENT}band ",
        (str(health.band), _STYLES[health.band]),
        f", pending {pending}, letter {health.letter or 'none'},"
        f" coverage {health.coverage_ppm / 10_000:g} %,"
        f" overrides {', '.join(health.overrides) or 'none'}",
    )
    _print(console, _INDENT + _told(moment, times))
    next_words = "never" if moment.next_ms is None else times.words(moment.next_ms)
    _print(console, f"{_INDENT}can change next by itself: {next_words}")


def _row(line: Contribution) -> tuple[Text, ...]:
    shown = "weight of missing measures" if line.kind == "respread" else line.name
    points = "" if line.curve_points is None else f"{line.curve_points / 100:.2f}"
    weight = f"{line.weight_ppm / 10_000:g} %" if line.kind == "measure" else ""
    given = f"{line.points / 100:+.2f}" if line.kind != "measure" else f"{line.points / 100:.2f}"
    return tuple(Text(cell) for cell in (shown, line.says or "", points, weight, given))


def _empty(line: Contribution) -> bool:
    return line.curve_points is None


def _told(moment: Moment, times: ZoneTimes) -> str:
    told = moment.told
    if told is None:
        return "nothing was told so far"
    delta = "" if told.delta is None else f" {told.delta / 100:+.2f}"
    return f"last told {times.words(told.at_ms)}, cause {told.cause}{delta}: {told.because}"


def print_summary(console: Console, outcomes: Sequence[Outcome], untested: Iterable[Path]) -> None:
    """How many scenarios hold, and the scorecards that none is about."""
    for path in untested:
        _print(console, (f"no scenario is about {path}", "yellow"))
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    count = sum(len(outcome.scenario.expected) for outcome in outcomes)
    scenarios = f"{len(outcomes)} scenario{'s'[: len(outcomes) != 1]}"
    if failed:
        _print(console, (f"{failed} of {scenarios} failed", "bold red"), f", {_count(count)}")
    else:
        _print(console, (f"{scenarios} passed", "bold green"), f", {_count(count)} met")


def _count(count: int) -> str:
    return f"{count} expectation{'s'[: count != 1]}"


def _print(console: Console, *parts: str | tuple[str, str]) -> None:
    # Whole lines: a terminal wraps them, a file and a reader of it do not.
    console.print(Text.assemble(*parts), soft_wrap=True)


def as_json(outcomes: Sequence[Outcome], untested: Iterable[Path]) -> dict[str, Any]:
    """The report as a document."""
    return {
        "passed": not any(outcome.failures for outcome in outcomes),
        "scenarios": [_scenario_json(outcome) for outcome in outcomes],
        "scorecards_without_scenario": [str(path) for path in untested],
    }


def _scenario_json(outcome: Outcome) -> dict[str, Any]:
    scenario, card = outcome.scenario, outcome.scenario.card
    return {
        "scenario": scenario.name,
        "file": scenario.path,
        "line": scenario.line,
        "scorecard": {"name": card.name, "version": card.version, "hash": card.hash},
        "passed": not outcome.failures,
        "expectations": len(scenario.expected),
        "met": outcome.met,
        "failures": [_failure_json(failure) for failure in outcome.failures],
    }


def _failure_json(failure: Failure) -> dict[str, Any]:
    expected, moment = failure.expected, failure.moment
    return {
        "line": expected.line,
        "at": rfc3339(expected.at_ms),
        "name": expected.key,
        "expected": expected.written,
        "found": failure.found,
        "health": moment.health.model_dump(mode="json"),
        "last_told": None if moment.told is None else moment.told.because,
        "next_change_at": None if moment.next_ms is None else rfc3339(moment.next_ms),
    }
