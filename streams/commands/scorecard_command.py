"""``vitals scorecard``: check, explain, compare and activate scorecards."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.commands.scenario_command import test_command
from streams.commands.scorecard_diff_command import diff_command
from streams.commands.scorecard_history_command import (
    NONE_ACTIVE,
    READING,
    about,
    history_command,
    show_command,
)
from streams.commands.scorecard_page_command import explain_command, schema_command
from streams.settings import Settings, options

if TYPE_CHECKING:
    from scoring.card import Card

__all__ = ["command"]


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
command.add_command(history_command)
command.add_command(show_command)


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_command(files: tuple[Path, ...]) -> None:
    """Check scorecard FILEs: every problem with its line, and exit code 2.

    A warning says what is right and yet unlikely to be meant, such as a card whose
    usage measures all compare a customer with itself; it does not change the exit code.
    """
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
            _print_warnings(path, card)
            if card.ranked:
                names = ", ".join(measure.name for measure in card.ranked)
                click.echo(
                    f"note: these measures have no data until the first `vitals percentiles take`:"
                    f" {names}"
                )
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


def _print_warnings(path: Path, card: "Card") -> None:
    """What is right and yet unlikely to be meant, on standard error."""
    from scoring.card_warnings import warnings_of

    for warning in warnings_of(card):
        click.echo(f"{path}: warning: {warning}", err=True)


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
@click.option(
    "--force",
    is_flag=True,
    help="Also if this very text is active: where it was refused it is taken up.",
)
@options(*READING)
def activate_command(
    settings: Settings, *, file: Path, author: str, reason: str, force: bool
) -> None:
    """Score with FILE from now on.

    It is checked first: with any problem nothing is activated, and the exit code
    is 2. Workers pick it up without a restart; each switches at one place in each
    customer's log. Scores that change because of it have the cause `scorecard` and
    message nobody individually: outreach sends one summary. What is measured anew
    has no data at first.

    There is no dry run here: `vitals scorecard diff ACTIVE.yaml FILE --events
    EVENTS` says beforehand who will change, and `vitals scorecard show` prints the
    active one. The active text is not activated again (exit code 2).
    """
    from streams.exits import Exit, NamedExit
    from streams.reading.activations import activations
    from streams.reading.terminal import run_quietly
    from streams.scorecards import read_card

    card, text = read_card(file)
    _print_warnings(file, card)

    async def work() -> None:
        known = (await activations(settings)).in_force
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
@options(*READING)
def rollback_command(settings: Settings, *, author: str, reason: str) -> None:
    """Score with the scorecard again that was active before the present one.

    Its text comes from the history, so no file is needed. It is an activation
    like any other: it stands in the history, and messages nobody. A second
    rollback goes forward again: for an older card, activate its file.
    """
    from streams.exits import Exit, NamedExit
    from streams.reading.activations import activations
    from streams.reading.decisions import replaced
    from streams.reading.terminal import run_quietly
    from streams.scorecards import load_card

    async def work() -> None:
        known = (await activations(settings)).in_force
        if not known:
            raise NamedExit(Exit.FAILED, NONE_ACTIVE)
        back = replaced(known)
        if back is None:
            raise NamedExit(
                Exit.FAILED,
                f"nothing to go back to: {about(known[-1])} is the only scorecard that was ever"
                " active here. `vitals scorecard activate FILE` activates another one",
            )
        card = load_card(back.text, f"scorecard of {back.at:%Y-%m-%d %H:%M} UTC")
        await _activate(settings, card, back.text, author, reason)
        click.echo(f"it replaces {about(known[-1])}", err=True)

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
