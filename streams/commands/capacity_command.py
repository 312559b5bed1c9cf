"""``vitals capacity``: what an installation of some size needs."""

from typing import Any

import click

__all__ = ["command"]

#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals capacity --customers 1000000 --events-per-s 20000
vitals capacity --customers 50000 --events-per-s 200 --replication 1 --json"""


@click.command("capacity", epilog=_EXAMPLES)
@click.option(
    "--customers",
    type=click.IntRange(0),
    default=100_000,
    show_default=True,
    help="Customers with a state, also those that are quiet.",
)
@click.option(
    "--events-per-s",
    type=click.FloatRange(0),
    default=1000,
    show_default=True,
    help="Events in, of all sources: the average of the busiest hour.",
)
@click.option(
    "--event-bytes",
    type=click.IntRange(1),
    default=250,
    show_default=True,
    help="An event as it lies in Kafka.",
)
@click.option(
    "--row-bytes",
    type=click.IntRange(1),
    default=None,
    help="A customer's row; `vitals state show --partition 0` says yours. Default: as measured.",
)
@click.option(
    "--changes-per-day",
    type=click.FloatRange(0),
    default=0.2,
    show_default=True,
    help="Score changes told of a customer in a day.",
)
@click.option(
    "--replication",
    type=click.IntRange(1, 9),
    default=3,
    show_default=True,
    help="Replicas of each topic.",
)
@click.option(
    "--retention-days",
    type=click.FloatRange(0),
    default=30,
    show_default=True,
    help="How long source topics and the signals log are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def command(*, as_json: bool, row_bytes: int | None, **given: Any) -> None:
    """Reckon what an installation needs: processes, partitions, memory, disk, bandwidth.

    What an event, an evaluation, a row and a customer cost was measured
    (docs/capacity.md); the rest is arithmetic. Nothing is connected to.
    """
    import json

    from streams.capacity import Load, needs

    if row_bytes is not None:
        given["row_bytes"] = row_bytes
    found = needs(Load(**given))
    if as_json:
        figures = {name: round(need.value, 3) for name, need in found.items()}
        click.echo(json.dumps({"load": given, "needs": figures}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("how it comes about")
    for name, need in found.items():
        table.add_row(name, told(need.value, need.unit), need.why)
    Console().print(table)


def told(value: float, unit: str) -> str:
    """A figure with three digits that count."""
    digits = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{digits} {unit}".strip() if not unit.startswith("/") else f"{digits}{unit}"
