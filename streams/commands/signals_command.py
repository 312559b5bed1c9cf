"""``vitals signals``: the signals log, readably."""

import json
from collections.abc import AsyncIterator
from typing import Any

import click

from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

__all__ = ["command"]


class _Place(click.ParamType):
    """``beginning``, ``end``, an offset, or ``-N``: N before the end."""

    name = "offset|beginning|end"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | int:
        if value in ("beginning", "end") or isinstance(value, int):
            return value
        try:
            return int(str(value))
        except ValueError:
            self.fail(
                f"expected beginning, end, an offset, or -N for N before the end; got {value}",
                param,
                ctx,
            )


@click.command("signals")
@click.option("--partition", type=click.IntRange(min=0), help="Only this partition.")
@click.option(
    "--from",
    "place",
    type=_Place(),
    help="Where to begin; -N is N before the end.  [default: beginning; with --follow: end]",
)
@click.option("--follow", is_flag=True, help="Go on as the log grows, until Ctrl-C.")
@click.option(
    "--customer", metavar="ID", help="Only what concerns this customer, in their partition."
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="block, tick, progress, control, or a kind of signal: account, feature, ticket ..."
    " May be given again.",
)
@click.option("--limit", type=click.IntRange(min=1), help="End after this many records.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each record.")
@options(*READING)
def command(
    settings: Settings,
    *,
    partition: int | None,
    place: str | int | None,
    follow: bool,
    customer: str | None,
    kinds: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """Read the signals log: blocks of signals, ticks, progress, control copies.

    A customer's whole history stands in one partition; --customer finds it.
    Without a kind it shows their signals and the decisions that concern
    everybody; add --kind tick for the ticks that may have evaluated them.
    Records of several partitions come as they are read. Nothing is changed,
    no group is joined.
    """
    import sys
    from contextlib import aclosing

    from streams.reading.log_entries import RECORD_KINDS, SIGNAL_KINDS, Wanted
    from streams.reading.log_lines import lines_of
    from streams.reading.log_reading import Stretch, entries
    from streams.reading.terminal import progress, run_quietly

    known = (*RECORD_KINDS, *SIGNAL_KINDS)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown:
        raise click.UsageError(f"--kind {unknown[0]}: there are {', '.join(known)}")
    if isinstance(place, int) and place >= 0 and partition is None and customer is None:
        raise click.UsageError("--from OFFSET needs --partition: each partition counts for itself")
    wanted = Wanted(frozenset(kinds), customer)
    begin = place if place is not None else ("end" if follow else "beginning")
    stretch = Stretch(partition, begin, follow=follow)

    async def show() -> None:
        quiet = follow or sys.stdout.isatty()
        with progress("reading", quiet=quiet) as on_read:
            found = entries(settings, stretch, wanted, on_read)
            async with aclosing(found):
                await print_all(found)

    async def print_all(found: AsyncIterator[dict[str, Any]]) -> None:
        left = limit
        async for entry in found:
            for line in (json.dumps(entry),) if as_json else lines_of(entry):
                click.echo(line)
            if left is not None:
                left -= 1
                if left == 0:
                    return

    run_quietly(show())
