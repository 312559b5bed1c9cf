"""``vitals demo``: everything at once, in memory, with a simulated company."""

import asyncio
from pathlib import Path

import click

from streams.exits import Exit, NamedExit

__all__ = ["command"]


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    help="End after this time, counted from when everything is up.  [default: Ctrl-C]",
)
@click.option("--headless", is_flag=True, help="Plain lines instead of the live table.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the counts and latencies there at the end, as JSON.",
)
@click.option(
    "--customers", type=click.IntRange(10, 20_000), default=200, show_default=True,
    help="Customers of the simulated company.",
)  # fmt: skip
@click.option("--seed", default=7, show_default=True, help="The same seed plays the same company.")
@click.option(
    "--rate", type=click.FloatRange(0, 5000, min_open=True), default=40.0, show_default=True,
    help="Live events per second.",
)  # fmt: skip
@click.option(
    "--days", type=click.IntRange(1, 365), default=90, show_default=True,
    help="Days of history to begin with.",
)  # fmt: skip
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the page.  [default: a free one]",
)
@click.option(
    "--logs", type=click.Path(path_type=Path, file_okay=False, exists=True, writable=True),
    help="Keep the log of each process in this folder.  [default: only on failure]",
)  # fmt: skip
@click.option("--browser/--no-browser", default=False, help="Open the page in a browser.")
def command(  # noqa: PLR0917 - click passes them by name
    seconds: float | None,
    headless: bool,
    report: Path | None,
    customers: int,
    seed: int,
    rate: float,
    days: int,
    port: int,
    logs: Path | None,
    browser: bool,
) -> None:
    """See it live: a simulated software company, scored in front of you.

    Starts an in-memory Kafka broker, Redis, the worker, outreach with a local
    receiver, the API with its page, and 200 customers with 90 days of history.
    Within a minute an incident and a wave of failed payments push some of them
    over the line. Nothing leaves this machine and nothing survives Ctrl-C.
    """
    from rich.console import Console

    from streams.clock import SystemClock
    from streams.demo.plan import Plan
    from streams.demo.report import writable, write_report
    from streams.demo.screens import LinesScreen, TerminalScreen
    from streams.demo.stage import perform
    from streams.demo.tally import Tally
    from streams.scorecards import shipped_card

    if report is not None:
        writable(report)
    plan = Plan(
        customers=customers, seed=seed, rate=rate, days=days, port=port, seconds=seconds, logs=logs,
        scorecard=shipped_card("demo"),
    )  # fmt: skip
    console, tally = Console(), Tally()
    terminal = console.is_terminal and not headless
    screen = (TerminalScreen if terminal else LinesScreen)(console, browser=browser)
    with screen:
        full = asyncio.run(perform(plan, screen, SystemClock(), tally))
    if report is not None:
        write_report(report, tally)
    if seconds is not None and not full:
        raise NamedExit(Exit.INTERRUPTED, "demo: stopped before its time was over")
