"""``vitals scorecard``: check, explain, compare and activate scorecards."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.commands.scenario_command import test_command
from streams.commands.scorecard_diff_command import diff_command
from streams.commands.scorecard_page_command import explain_command, schema_command
from streams.settings import Settings, options

if TYPE_CHECKING:
    from schemas.control import ScorecardActivated
    from scoring.card import Card

__all__ = ["command"]

_SETTINGS = (
    "bootstrap", "prefix", "fetch_max_wait_ms", "kafka_security", "kafka_ca_file",
    "kafka_cert_file", "kafka_key_file", "kafka_sasl_mechanism", "kafka_sasl_username",
    "kafka_sasl_password",
)  # fmt: skip
_NONE_ACTIVE = "no scorecard is active: the first worker that starts activates one"


@click.group("scorecard")
def command() -> None:
    """Check, explain, compare and activate scorecards.

    The file says how scores are made; docs/stream.md says how an activation
    reaches the workers.
    """


command.add_command(explain_command)
command.add_command(schema_command)
command.add_command(diff_command)
command.add_command(test_command)


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_command(files: tuple[Path, ...]) -> None:
    """Check scorecard FILEs: every problem with its line, and exit code 2."""
    import sys

    from streams.exits import Exit, NamedExit
    from streams.scorecards import read_card

    wrong = False
    for path in files:
        try:
            card, _ = read_card(path)
        except NamedExit as error:
            wrong = True
            click.echo(error.message, err=True)
        else:
            _print_card(path, card)
    if wrong:
        sys.exit(Exit.USAGE)


def _print_card(path: Path, card: "Card") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    count = len(card.measures)
    click.echo(f"{path}: ok, {card.name} {card.version}, hash {card.short_hash}, {count} measures")
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, justify in (("group", "left"), ("measure", "left"), ("weight", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("metric", overflow="fold")
    group = ""
    for measure, weight_ppm in zip(card.measures, card.first_weighting.measures, strict=True):
        shown = measure.group if measure.group != group else ""
        weight = f"{weight_ppm / 10_000:g} %"
        metric = Text(measure.metric.text)
        table.add_row(Text(shown), Text(measure.name), weight, metric)
        group = measure.group
    Console().print(table)


def _decided_by(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--author`` and ``--reason``, which every activation has."""
    for name, text in (("reason", "Why; stands in the history."),
                       ("author", "Who decided it; stands in the history.")):  # fmt: skip
        function = click.option(f"--{name}", required=True, help=text, callback=_not_empty)(
            function
        )
    return function


def _not_empty(_context: click.Context, option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.UsageError(f"--{option.name} is empty")
    return text


@command.command("activate")
@click.argument("file", type=click.Path(path_type=Path))
@_decided_by
@click.option("--force", is_flag=True, help="Also if this very text is active already.")
@options(*_SETTINGS)
def activate_command(
    settings: Settings, *, file: Path, author: str, reason: str, force: bool
) -> None:
    """Score with FILE from now on.

    It is checked first. Each worker switches at one place in each customer's
    log; scores that change because of it have the cause `scorecard` and message
    nobody. `vitals scorecard diff` says beforehand who will change.
    """
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import activations
    from streams.reading.terminal import run_quietly
    from streams.scorecards import read_card

    card, text = read_card(file)

    async def work() -> None:
        known = await activations(settings)
        if known and known[-1].hash == card.hash and not force:
            was = known[-1]
            raise NamedExit(
                Exit.USAGE,
                f"{file}: this very text is active since {was.at:%Y-%m-%d %H:%M} UTC"
                f" ({was.author}: {was.reason}). --force activates it again",
            )
        await _activate(settings, card, text, author, reason)
        if known and (known[-1].name, known[-1].version) == (card.name, card.version):
            click.echo(
                f"its version is still {card.version}, though its text has changed:"
                " people tell scorecards apart by their version",
                err=True,
            )

    run_quietly(work())


@command.command("rollback")
@_decided_by
@options(*_SETTINGS)
def rollback_command(settings: Settings, *, author: str, reason: str) -> None:
    """Score with the scorecard again that was active before the present one.

    Its text comes from the history, so no file is needed. It is an activation
    like any other: it stands in the history, and messages nobody. A second
    rollback goes forward again: for an older card, activate its file.
    """
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import activations, replaced
    from streams.reading.terminal import run_quietly
    from streams.scorecards import load_card

    async def work() -> None:
        known = await activations(settings)
        if not known:
            raise NamedExit(Exit.FAILED, _NONE_ACTIVE)
        back = replaced(known)
        if back is None:
            raise NamedExit(
                Exit.FAILED,
                f"nothing to go back to: {_about(known[-1])} is the only scorecard that was ever"
                " active here. `vitals scorecard activate FILE` activates another one",
            )
        card = load_card(back.text, f"scorecard of {back.at:%Y-%m-%d %H:%M} UTC")
        await _activate(settings, card, back.text, author, reason)
        click.echo(f"it replaces {_about(known[-1])}", err=True)

    run_quietly(work())


async def _activate(settings: Settings, card: "Card", text: str, author: str, reason: str) -> None:
    """Append the decision to score with this text, and say so."""
    from streams.clock import SystemClock
    from streams.reading.decisions import append
    from streams.scorer.control import activation

    now_ms = SystemClock().now_ms()
    record = activation(text, card.name, card.version, author=author, reason=reason, now_ms=now_ms)
    offset = await append(settings, record)
    click.echo(f"{card.name} {card.version} ({card.short_hash}) activated, decision {offset}")


def _about(activation: "ScorecardActivated") -> str:
    """A scorecard as people and files name it."""
    return f"{activation.name} {activation.version} ({activation.hash[:16]})"


@command.command("history")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each activation.")
@options(*_SETTINGS)
def history_command(settings: Settings, as_json: bool) -> None:
    """List the activations, oldest first: when, which, who, why.

    The last one is active. A rollback is an activation of a card that was
    active before and had been replaced.
    """
    from streams.reading.decisions import activations, history
    from streams.reading.terminal import printable, run_quietly

    async def work() -> None:
        entries = history(await activations(settings))
        if not entries:
            click.echo(_NONE_ACTIVE, err=True)
        for each, active, rollback in entries:
            if as_json:
                body = each.model_dump(mode="json", exclude={"text", "type"})
                click.echo(json.dumps({**body, "active": active, "rollback": rollback}))
                continue
            card = click.style(printable(f"{each.name} {each.version}"), bold=True)
            marks = [word for word, holds in (("rollback", rollback), ("active", active)) if holds]
            mark = f"  [{', '.join(marks)}]" if marks else ""
            author, reason = printable(each.author), printable(each.reason)
            click.echo(f"{each.at:%Y-%m-%d %H:%M:%S}  {card}  {each.hash[:16]}  by {author}{mark}")
            click.echo(f"{'':21}{reason}")

    run_quietly(work())


@command.command("show")
@options(*_SETTINGS)
def show_command(settings: Settings) -> None:
    """Print the active scorecard's text; who activated it goes to standard error."""
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import activations
    from streams.reading.terminal import printable, run_quietly

    async def work() -> None:
        known = await activations(settings)
        if not known:
            raise NamedExit(Exit.FAILED, _NONE_ACTIVE)
        active = known[-1]
        click.echo(
            printable(
                f"{_about(active)}, active since {active.at:%Y-%m-%d %H:%M:%S} UTC,"
                f" by {active.author}: {active.reason}"
            ),
            err=True,
        )
        click.echo(active.text, nl=not active.text.endswith("\n"))

    run_quietly(work())
