"""``vitals scorecard``: check, activate and look at scorecards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.settings import Settings, options

if TYPE_CHECKING:
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
    """Check and activate scorecards.

    The file says how scores are made; docs/stream.md says how an activation
    reaches the workers.
    """


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
    for measure in card.measures:
        shown = measure.group if measure.group != group else ""
        window = f"({measure.window_days}d)" if measure.metric.window_days is not None else ""
        weight = f"{measure.weight_ppm / 10_000:g} %"
        metric = Text(measure.metric.name + window)
        table.add_row(Text(shown), Text(measure.name), weight, metric)
        group = measure.group
    Console().print(table)


@command.command("activate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--author", required=True, help="Who decided it; stands in the history.")
@click.option("--reason", required=True, help="Why; stands in the history.")
@click.option("--force", is_flag=True, help="Also if this very text is active already.")
@options(*_SETTINGS)
def activate_command(
    settings: Settings, *, file: Path, author: str, reason: str, force: bool
) -> None:
    """Score with FILE from now on.

    It is checked first. Each worker switches at one place in each customer's
    log; scores that change because of it have the cause `scorecard` and message
    nobody.
    """
    from streams.clock import SystemClock
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import activations, append
    from streams.reading.terminal import run_quietly
    from streams.scorecards import read_card
    from streams.scorer.control import activation

    for name, text in (("--author", author), ("--reason", reason)):
        if not text.strip():
            raise click.UsageError(f"{name} is empty")
    card, text = read_card(file)
    record = activation(
        text, card.name, card.version, author=author, reason=reason, now_ms=SystemClock().now_ms()
    )

    async def work() -> None:
        known = await activations(settings)
        if known and known[-1].hash == record.hash and not force:
            was = known[-1]
            raise NamedExit(
                Exit.USAGE,
                f"{file}: this very text is active since {was.at:%Y-%m-%d %H:%M} UTC"
                f" ({was.author}: {was.reason}). --force activates it again",
            )
        offset = await append(settings, record)
        click.echo(f"{card.name} {card.version} ({card.short_hash}) activated, decision {offset}")
        if known and (known[-1].name, known[-1].version) == (card.name, card.version):
            click.echo(
                f"its version is still {card.version}, though its text has changed:"
                " people tell scorecards apart by their version",
                err=True,
            )

    run_quietly(work())


@command.command("history")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each activation.")
@options(*_SETTINGS)
def history_command(settings: Settings, as_json: bool) -> None:
    """List the activations, oldest first: when, who, why, which."""
    from streams.reading.decisions import activations
    from streams.reading.terminal import printable, run_quietly

    async def work() -> None:
        known = await activations(settings)
        if not known:
            click.echo(_NONE_ACTIVE, err=True)
        for each in known:
            if as_json:
                click.echo(json.dumps(each.model_dump(mode="json", exclude={"text", "type"})))
                continue
            card = click.style(printable(f"{each.name} {each.version}"), bold=True)
            author, reason = printable(each.author), printable(each.reason)
            click.echo(f"{each.at:%Y-%m-%d %H:%M:%S}  {card}  {each.hash[:16]}  by {author}")
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
        about = f"{active.name} {active.version} ({active.hash[:16]})"
        click.echo(
            printable(
                f"{about}, active since {active.at:%Y-%m-%d %H:%M:%S} UTC,"
                f" by {active.author}: {active.reason}"
            ),
            err=True,
        )
        click.echo(active.text, nl=not active.text.endswith("\n"))

    run_quietly(work())


@command.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of scorecard files, for editors."""
    from streams.commands.schemas_command import documents

    click.echo(json.dumps(documents()["scorecard-file"], indent=2))
