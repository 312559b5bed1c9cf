"""``vitals doctor``: is everything there, and as it should be?"""

import json
import sys
from typing import TYPE_CHECKING

import click

from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.doctor.finding import Finding

__all__ = ["command"]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@options(
    "bootstrap", "prefix", "redis", "redis_ca_file",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password",
    "signals_partitions", "fetch_max_wait_ms", "broker_embedded",
)  # fmt: skip
def command(settings: Settings, as_json: bool) -> None:
    """Check Python, broker, topics, lag, scorecard, clock and Redis.

    Looks, and writes nothing. Exits with 1 if something fails; a warning alone
    is 0. Each finding that is not well says what to do.
    """
    import asyncio

    from streams.clock import SystemClock
    from streams.doctor.examination import examine
    from streams.doctor.finding import State

    async def findings() -> "list[Finding]":
        return [finding async for finding in examine(settings, SystemClock())]

    found = asyncio.run(findings())
    healthy = all(finding.state is not State.FAIL for finding in found)
    if as_json:
        rows = [
            {"about": f.about, "state": f.state, "found": f.found, "remedy": f.remedy}
            for f in found
        ]
        click.echo(json.dumps({"healthy": healthy, "findings": rows}, indent=2))
    else:
        _print(found)
    if not healthy:
        sys.exit(1)


def _print(found: "list[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    table = Table(box=None, header_style="bold", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for finding in found:
        what = Text(finding.found)
        if finding.remedy:
            what.append(f"\n{finding.remedy}", style="italic")
        table.add_row(Text(finding.state, styles[finding.state]), Text(finding.about), what)
    Console().print(table)
