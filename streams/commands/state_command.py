"""``vitals state``: look into the rows of customers, copy them to a file, and bring them back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.reading.state_shown import Shown

__all__ = ["command"]

#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals state show acme
vitals state show --partition 3 --json
vitals state export state-2026-11-27.vitals
vitals state import state-2026-11-27.vitals --dry-run"""
_WRITING = (*READING, "clock")


@click.group("state", epilog=_EXAMPLES)
def command() -> None:
    """Look into the state, copy it to a file and back.

    The state is one row for each customer and a header for each partition, in the
    topic health.customers.v1. Looking and copying disturb no worker.
    """


@command.command("show")
@click.argument("customer", required=False)
@click.option("--partition", type=click.IntRange(min=0), help="The header of this partition.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@options(*_WRITING)
def show_command(
    settings: Settings, *, customer: str | None, partition: int | None, as_json: bool
) -> None:
    """Show what the state says of a CUSTOMER, or of a partition.

    Read from Kafka: the rows as of the last checkpoint, of one partition.
    """
    from streams.reading.terminal import run_quietly

    if (customer is None) == (partition is None):
        raise click.UsageError("name a customer, or a partition with --partition")
    run_quietly(_show(settings, customer, partition, as_json=as_json))


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@options(*_WRITING)
def export_command(settings: Settings, *, file: Path, overwrite: bool) -> None:
    """Copy all rows of all partitions into FILE.

    Workers may go on. Rows that are not whole are not copied. The file holds
    customers' data: only its owner may read it.
    """
    from streams.reading.terminal import run_quietly

    if file.exists() and not overwrite:
        raise click.UsageError(f"{file} is there already: --overwrite replaces it")
    run_quietly(_export(settings, file))


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Put the rows of FILE in place of those there.")
@click.option("--dry-run", is_flag=True, help="Check the file and the topic; write nothing.")
@options(*_WRITING)
def import_command(settings: Settings, *, file: Path, force: bool, dry_run: bool) -> None:
    """Bring the rows of FILE back into a changelog that lost them.

    Stop all workers first. FILE is checked to its end before anything is written.
    Workers that start then go on from the position of the rows, and fold again
    what the log has since.
    """
    from streams.reading.terminal import run_quietly

    run_quietly(_import(settings, file, force=force, dry_run=dry_run))


async def _show(
    settings: Settings, customer: str | None, partition: int | None, *, as_json: bool
) -> None:
    import json

    from streams.reading.state_shown import show_customer, show_partition
    from streams.reading.terminal import progress

    with progress("reading the partition", quiet=as_json) as on_read:
        if customer is not None:
            found = await show_customer(settings, customer, on_read)
        else:
            found = await show_partition(settings, partition or 0, on_read)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for line in lines_of(found):
        click.echo(line)


def lines_of(found: "Shown") -> list[str]:
    """One line for each value; a value of several parts has a line for each part."""
    from streams.reading.terminal import printable

    lines = []
    for name, value in found.items():
        words = name.replace("_", " ")
        if isinstance(value, dict):
            parts = [f"{part}: {_words(one)}" for part, one in value.items() if one != 0]
            lines += [(words if not n else "", part) for n, part in enumerate(parts or ["-"])]
        else:
            lines.append((words, _words(value)))
    return [printable(f"{name:24}{value}") for name, value in lines]


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


async def _export(settings: Settings, file: Path) -> None:
    from streams.clock import SystemClock
    from streams.reading.terminal import progress
    from streams.state_copies.exporting import export

    with progress("reading rows") as on_read:
        rows = await export(settings, file, SystemClock(), on_read)
    click.echo(f"{rows:,} rows are in {file}")


async def _import(settings: Settings, file: Path, *, force: bool, dry_run: bool) -> None:
    from streams.reading.terminal import progress
    from streams.state_copies.bringing_back import bring_back, checked
    from streams.worker import fold_policy

    found = checked(file, fold_policy(settings))
    manifest = found.manifest
    copy = (
        f"{found.rows:,} rows of {manifest.partitions} partitions of {manifest.topic},"
        f" copied {manifest.at.isoformat()} by release {manifest.release}"
    )
    click.echo(f"{file} is whole: {copy}")
    with progress("writing rows") as on_done:
        await bring_back(settings, file, found, on_done, force=force, dry_run=dry_run)
    if dry_run:
        click.echo("dry run: nothing was written")
    else:
        click.echo("done: start the workers")
