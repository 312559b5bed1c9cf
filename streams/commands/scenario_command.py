"""``vitals scorecard test``: what a scorecard says of customers made up for it."""

import json
import sys
from pathlib import Path

import click

from streams.exits import Exit, NamedExit

__all__ = ["test_command"]

#: Fewer scenarios than this are played before a bar could be read.
_HANDFUL = 5
#: For click a line of nothing but a backspace keeps what follows as it is written.
_HELP = """\
Play scenarios, and check what the scorecard says on the way.

A scenario is a YAML file with events at times, in plain sentences, and with
what is expected at times. PATH is such a file, or a folder that is searched
with all below it.

\b
scenario: An invoice is not paid
scorecard: b2b-saas
zone: Europe/Berlin
account: {id: acme, seats: 50, mrr: 2000 EUR, started: 2026-01-01, renewal: 2027-01-01}
steps:
  - do: every working day 2026-05-04..2026-07-31, 40 users use 8 features
  - do: 2026-06-22 invoice INV-7 over 2000 EUR falls due, unpaid
  - at: 2026-07-22 12:00
    expect: {overrides: [unpaid_30d], score: "<= 25", band: red, messages: 1}

docs/scenarios.md lists all sentences and expectations. It ends with 0 if all
expectations are met, with 1 if one is not, with 2 if a file is wrong: then
every mistake is told with its line, and nothing is played.

\b
vitals scorecard test deploy/scorecards/scenarios
vitals scorecard test scenarios/ --scorecard my-card.yaml --json report.json
"""


@click.command("test", help=_HELP)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@click.option(
    "--scorecard",
    "card",
    type=click.Path(path_type=Path),
    help="Play all scenarios with this scorecard, whichever they name.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the report as JSON."
)
def test_command(paths: tuple[Path, ...], card: Path | None, json_file: Path | None) -> None:
    """Play scenarios; ends with 0, 1 or 2, as the help says."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from streams.scenarios.files import find_scenarios
    from streams.scenarios.report import as_json, print_outcome, print_summary
    from streams.scenarios.run import Outcome, run

    found = find_scenarios(paths, card)
    if found.problems:
        count = len(found.problems)
        click.echo("\n".join(found.problems), err=True)
        click.echo(f"{count} problem{'s'[: count != 1]}; nothing was played", err=True)
        sys.exit(Exit.USAGE)
    console, errors = Console(), Console(stderr=True)
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = len(found.scenarios) <= _HANDFUL or not errors.is_terminal
    with Progress(*columns, console=errors, disable=quiet, transient=True) as bar:
        for scenario in bar.track(found.scenarios, description="playing"):
            outcomes.append(run(scenario))  # noqa: PERF401 - the bar moves with each
    for outcome in outcomes:
        print_outcome(console, outcome)
    print_summary(console, outcomes, found.untested)
    if json_file is not None:
        _write(json_file, json.dumps(as_json(outcomes, found.untested), indent=1) + "\n")
    sys.exit(Exit.FAILED if any(outcome.failures for outcome in outcomes) else Exit.OK)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"--json {path}: cannot write it: {error.strerror}") from None
