"""``vitals repartition``: the state of all customers, moved to more partitions."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.repartition.looking import Look, Shape

__all__ = ["command"]

#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals repartition --to 12 --dry-run
vitals repartition --to 12
vitals repartition --to 12 --yes --json"""


@click.command("repartition", epilog=_EXAMPLES)
@click.option(
    "--to", type=click.IntRange(1, 1024), required=True, help="How many partitions there are to be."
)
@click.option("--dry-run", is_flag=True, help="Show what would move; write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what stands and what was done as JSON."
)
@options(*READING, "clock", "as_of", "step_s", "accept_gap", "broker_embedded")
def command(settings: Settings, *, to: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Give the signals log more partitions, and move every customer's state to its new one.

    Stop all workers and outreach processes first: it is refused while one runs. What they left
    unread is applied, then all rows move in one transaction. Stopped half-way, no process
    starts until the same command has been run to its end; run twice it ends the same.
    Afterwards set VITALS_SIGNALS_PARTITIONS, if it is set, to the new number, and start again.
    """
    from streams.reading.terminal import run_quietly

    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("nobody is there to be asked: give --yes, or --dry-run to look")
    run_quietly(_repartition(settings, to, dry_run=dry_run, yes=yes, as_json=as_json))


async def _repartition(
    settings: Settings, to: int, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    from streams.reading.terminal import progress
    from streams.repartition.changing import change
    from streams.repartition.looking import look, nobody_works, shape_of

    shape = shape_of(settings, to)
    if not dry_run:
        await nobody_works(settings)
    with progress("reading rows", quiet=as_json) as on_read:
        found = await look(settings, shape, on_read)
    body = _body(shape, found)
    is_done = shape.log == to and found.old_count(shape) == to
    if not as_json:
        for line in _lines(shape, found, is_done=is_done):
            click.echo(line)
    if not is_done and not dry_run:
        if not yes:
            click.confirm(
                f"Move the state to {to} partitions? Kafka cannot take any away afterwards",
                abort=True,
                err=True,
            )
        with progress("moving", quiet=as_json) as on_done:
            await change(settings, shape, found, on_done)
    if as_json:
        click.echo(
            json.dumps(body | {"dry_run": dry_run, "done": is_done or not dry_run}, indent=1)
        )
    elif dry_run:
        click.echo("dry run: nothing was written")
    elif not is_done:
        click.echo(f"done: there are {to} partitions. Start the workers")
    if not dry_run and settings.signals_partitions not in (None, to):
        click.echo(f"set VITALS_SIGNALS_PARTITIONS to {to} before", err=True)


def _body(shape: "Shape", found: "Look") -> dict[str, Any]:
    old = found.old_count(shape)
    return {
        "from": old,
        "to": shape.to,
        "begun": shape.begun,
        "customers": found.customers,
        "moved": found.moved,
        "unread": sum(each.unread for each in found.partitions[:old]),
        "partitions": [
            {
                "partition": number,
                "customers": each.customers,
                "leave": each.moved,
                "position": each.header.position,
                "unread": each.unread,
            }
            for number, each in enumerate(found.partitions[:old])
        ],
    }


def _lines(shape: "Shape", found: "Look", *, is_done: bool) -> list[str]:
    body = _body(shape, found)
    if is_done:
        return [
            f"nothing to do: there are {shape.to} partitions, and the state is written for them"
        ]
    lines = [f"{'partition':>9}  {'customers':>11}  {'leave it':>11}  {'unread records':>14}"]
    lines += [
        f"{one['partition']:>9}  {one['customers']:>11,}  {one['leave']:>11,}  {one['unread']:>14,}"
        for one in body["partitions"]
    ]
    if shape.log < shape.changelog:
        lines.append(f"a change to {shape.changelog} partitions was begun and did not end")
    if body["from"] == shape.to:
        lines.append(f"the state has moved to {shape.to} partitions; topics are left to be changed")
    else:
        lines.append(
            f"{body['customers']:,} customers of {body['from']} partitions, {body['moved']:,} of"
            f" them move; {shape.to} partitions afterwards"
        )
    return lines
