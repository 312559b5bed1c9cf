"""``vitals health-check``: customers' health checks as files."""

from pathlib import Path

import click

from streams.settings import Settings, options

__all__ = ["command"]


@click.command("health-check")
@click.argument("customer_ids", nargs=-1, metavar="[CUSTOMER]...")
@click.option("--all", "every", is_flag=True, help="All customers of the view.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("health-checks"),
    show_default=True,
    help="Folder for the files; it is made if it is not there.",
)
@click.option("--pdf", is_flag=True, help="Write PDF, printed by the Chromium of this machine.")
@options("redis", "redis_ca_file", "prefix")
def command(
    settings: Settings, customer_ids: tuple[str, ...], out: Path, *, every: bool, pdf: bool
) -> None:
    """Write the health check of each CUSTOMER: dated, to print or to send.

    One HTML file (or PDF) for each, named by customer and date, which needs nothing else:
    every measure with what was found and what it gives, the way to green, what
    is to be looked at now, and the last 90 days. It is read from the view, as the
    page is. For a health check each quarter let your scheduler call this.
    """
    if not customer_ids and not every:
        raise click.UsageError("name at least one customer, or say --all")
    from streams.api.app import templates_of
    from streams.api.health_checks import file_name, health_check
    from streams.api.printing import as_pdf
    from streams.clock import SystemClock, from_ms
    from streams.exits import Exit
    from streams.reading.terminal import printable, run_quietly
    from streams.views.redis_view import open_view

    async def work() -> int:
        now_ms = SystemClock().now_ms()
        day, templates = f"{from_ms(now_ms):%Y-%m-%d}", templates_of(settings).env
        view = open_view(settings)
        unknown, written = [], 0
        try:
            wanted = sorted(await view.dump()) if every else list(customer_ids)
            with click.progressbar(wanted, label="writing", hidden=len(wanted) < 20) as ids:
                for customer_id in ids:
                    page = await health_check(view, customer_id, templates, now_ms)
                    if page is None:
                        unknown.append(customer_id)
                        continue
                    name = file_name(customer_id, day, "pdf" if pdf else "html")
                    (out / name).write_bytes(as_pdf(page) if pdf else page.encode())
                    written += 1
        finally:
            await view.close()
        click.echo(f"{written:,} written to {out}")
        for customer_id in unknown:
            click.echo(f"no customer {printable(customer_id)} has been scored", err=True)
        return Exit.FAILED if unknown else Exit.OK

    out.mkdir(parents=True, exist_ok=True)
    run_quietly(work())
