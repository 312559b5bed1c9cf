"""``vitals percentiles``: what percentile measures compare with, taken and shown."""

from typing import TYPE_CHECKING

import click

from streams.commands.scorecard_history_command import NONE_ACTIVE, READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from schemas.control import PercentilesTaken, ScorecardActivated
    from scoring.card import Card
    from streams.reading.percentiles import InForce

__all__ = ["command"]

#: With --every: so often it is looked whether a snapshot is due, or a new card wants its first.
_LOOK_S = 30
_EVERY_S_MIN = 60
#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals percentiles take --dry-run
vitals percentiles take --reason "the quarter has begun"
vitals percentiles take --every 24h"""


@click.group("percentiles")
def command() -> None:
    """Take and show percentiles: what percentile measures compare with.

    A measure with `percentile: segment` ranks a customer among the others as they
    were in the last snapshot. docs/scorecards.md says what a rank is.
    """


def _every(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    from schemas.scorecard_values import parse_duration_s

    if text is None:
        return None
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if seconds < _EVERY_S_MIN:
        raise click.BadParameter("expected at least 1m")
    return seconds


@command.command("take", epilog=_EXAMPLES)
@click.option("--reason", help="Why; stands in the snapshot.")
@click.option(
    "--author", default="vitals percentiles", show_default=True, help="Who takes it; stands there."
)
@click.option("--dry-run", is_flag=True, help="Print it; decide nothing.")
@click.option(
    "--every",
    "every_s",
    callback=_every,
    metavar="DURATION",
    help="Go on until stopped: take one whenever the last is so old, or a new scorecard has none.",
)
@options(*READING, "clock")
def take_command(
    settings: Settings, *, reason: str | None, author: str, dry_run: bool, every_s: int | None
) -> None:
    """Take a snapshot of the customers' values for the active scorecard.

    It is read from the customers' rows in Kafka, while workers go on. Workers
    compare with it from then on; scores that change because of it have the cause
    `percentiles` and message nobody.
    """
    from streams.reading.terminal import run_quietly

    if dry_run and every_s is not None:
        raise click.UsageError("give --dry-run or --every, not both")
    if every_s is not None:
        run_quietly(_take_for_ever(settings, author, reason, every_s))
    run_quietly(_take_once(settings, author, reason, dry_run=dry_run))


async def _take_once(settings: Settings, author: str, reason: str | None, *, dry_run: bool) -> None:
    from streams.reading.percentiles import card_of, look

    active = _with_percentiles(await look(settings))
    taken = await _take(settings, active, author, reason or "taken by hand")
    _print(taken, card_of(active))
    if dry_run:
        click.echo("nothing was decided (--dry-run)", err=True)
        return
    await _decide(settings, taken)


async def _take_for_ever(settings: Settings, author: str, reason: str | None, every_s: int) -> None:
    """Take one whenever it is due, until SIGINT or SIGTERM. What passes by itself ends nothing."""
    import asyncio
    import signal
    from contextlib import suppress

    from streams.clock import SystemClock
    from streams.exits import Exit, NamedExit
    from streams.reading.percentiles import look, next_ms

    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    said = ""
    while not told.is_set():
        problem = ""
        try:
            found = await look(settings)
            active = _with_percentiles(found)
            if SystemClock().now_ms() >= next_ms(found, every_s * 1000):
                why = reason or f"every {every_s} s"
                await _decide(settings, await _take(settings, active, author, why))
        except NamedExit as error:
            if error.code not in (Exit.FAILED, Exit.USAGE):
                raise
            problem = error.message
        if problem and problem != said:
            click.echo(f"waiting: {problem}", err=True)
        said = problem
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _LOOK_S)


def _with_percentiles(found: "InForce") -> "ScorecardActivated":
    """The active card, if it has percentile measures."""
    from streams.exits import Exit, NamedExit
    from streams.reading.percentiles import card_of

    active = found.active
    if active is None:
        raise NamedExit(Exit.FAILED, NONE_ACTIVE)
    if not card_of(active).ranked:
        raise NamedExit(
            Exit.FAILED,
            f"{active.name} {active.version} ({active.hash[:16]}) has no percentile measures:"
            " there is nothing to compare",
        )
    return active


async def _take(
    settings: Settings, active: "ScorecardActivated", author: str, reason: str
) -> "PercentilesTaken":
    from streams.clock import SystemClock
    from streams.reading.percentiles import take
    from streams.reading.terminal import progress
    from streams.worker import fold_policy

    with progress("reading customers") as on_read:
        return await take(
            settings,
            active,
            fold_policy(settings),
            now_ms=SystemClock().now_ms(),
            author=author,
            reason=reason,
            on_read=on_read,
        )


async def _decide(settings: Settings, taken: "PercentilesTaken") -> None:
    from streams.reading.decisions import append

    offset = await append(settings, taken)
    about = f"{taken.name} {taken.version} ({taken.hash[:16]})"
    click.echo(f"percentiles of {about} taken, decision {offset}")


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="The snapshot, as `--percentiles` reads it.")
@options(*READING)
def show_command(settings: Settings, as_json: bool) -> None:
    """Print the snapshot in force: how each measure is spread, and how old it is."""
    from streams.exits import Exit, NamedExit
    from streams.reading.percentiles import card_of, look
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        found = await look(settings)
        active = _with_percentiles(found)
        if found.taken is None:
            raise NamedExit(
                Exit.FAILED,
                f"none were taken for {active.name} {active.version} ({active.hash[:16]}):"
                " its percentile measures have no data. `vitals percentiles take` takes some",
            )
        if as_json:
            click.echo(found.taken.model_dump_json(indent=1))
        else:
            _print(found.taken, card_of(active))

    run_quietly(work())


def _print(taken: "PercentilesTaken", card: "Card") -> None:
    """When, by whom and why; then a row for each measure and group."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from streams.clock import SystemClock, to_ms
    from streams.reading.percentiles import spread
    from streams.reading.terminal import printable
    from streams.scorecard_pages.wording import span

    age_s = max(SystemClock().now_ms() - to_ms(taken.at), 0) // 1000
    size = next((size for size in (86_400, 3_600, 60) if age_s >= 2 * size), 1)
    click.echo(
        printable(
            f"{taken.name} {taken.version} ({taken.hash[:16]}), as of"
            f" {taken.at:%Y-%m-%d %H:%M:%S} UTC, {span(age_s // size * size)} ago,"
            f" by {taken.author}: {taken.reason}"
        )
    )
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("measure", "within"):
        table.add_column(name)
    for name in ("customers", "p10", "p50", "p90"):
        table.add_column(name, justify="right")
    for row in spread(taken, card):
        within = "all customers" if row.segment is None else f"segment {row.segment}"
        few = f"[dim]no rank below {row.fewest}[/]"
        table.add_row(
            Text(row.measure),
            Text(within),
            f"{row.customers:,}",
            *(row.values or (few, "", "")),
        )
    Console().print(table)
