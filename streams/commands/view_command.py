"""``vitals view``: the Redis view, written anew and held against the truth."""

import sys

import click

from streams.settings import Settings, options

__all__ = ["command"]

_SETTINGS = (
    "bootstrap", "prefix", "redis", "redis_ca_file", "fetch_max_wait_ms",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password", "broker_embedded",
)  # fmt: skip


@click.group("view")
def command() -> None:
    """Rebuild and verify the Redis view.

    Redis is never the truth: the customers' rows in Kafka are.
    """


@command.command("rebuild")
@options(*_SETTINGS)
def rebuild_command(settings: Settings) -> None:
    """Empty the view and write it anew from the customers' rows.

    Safe while workers run. Pages show less until it is done, then all customers
    again; what the view held of their earlier scores is gone.
    """
    from streams.clock import SystemClock
    from streams.reading.terminal import progress, run_quietly
    from streams.reading.view_upkeep import rebuild
    from streams.views.redis_view import open_view

    async def work() -> None:
        view = open_view(settings)
        try:
            with progress("rebuilding") as on_read:
                done = await rebuild(settings, view, SystemClock(), on_read)
        finally:
            await view.close()
        click.echo(f"{done.customers:,} customers written")

    run_quietly(work())


@command.command("verify")
@click.option(
    "--show",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Differences to print, at most.",
)
@options(*_SETTINGS)
def verify_command(settings: Settings, show: int) -> None:
    """Hold the view against the customers' rows.

    Prints what differs and exits with 1; with 0 if nothing does. Customers who
    change meanwhile are looked at again before they count.
    """
    from streams.exits import Exit
    from streams.reading.terminal import printable, progress, run_quietly
    from streams.reading.view_upkeep import verify
    from streams.views.redis_view import open_view

    async def work() -> int:
        view = open_view(settings)
        try:
            with progress("verifying") as on_read:
                result = await verify(settings, view, on_read)
        finally:
            await view.close()
        if not result.differences:
            click.echo(f"{result.customers:,} customers: the view is equal to the rows")
            return Exit.OK
        for line in result.differences[:show]:
            click.echo(printable(line))
        left = len(result.differences) - show
        if left > 0:
            click.echo(f"... and {left:,} more (--show)")
        sys.stdout.flush()
        click.echo(
            f"{len(result.differences):,} differences over {result.customers:,} customers."
            " `vitals view rebuild` writes the view anew",
            err=True,
        )
        return Exit.FAILED

    run_quietly(work())
