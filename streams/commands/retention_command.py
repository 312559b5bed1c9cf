"""``vitals retention``: who still pays of those who paid when a period began."""

from typing import TYPE_CHECKING

import click

from scoring.retention import DAYS_MAX
from streams.commands.scorecard_history_command import NONE_ACTIVE, READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from scoring.card import Card
    from scoring.retention import Portfolio, Retention

__all__ = ["command"]

#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals retention
vitals retention --days 90 --json"""


@click.command("retention", epilog=_EXAMPLES)
@click.option(
    "--days",
    type=click.IntRange(1, DAYS_MAX),
    default=365,
    show_default=True,
    help="How long ago the period began.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@options(*READING, "clock")
def command(settings: Settings, *, days: int, as_json: bool) -> None:
    """Print retention: customers (logo), revenue without and with expansion (gross, net).

    Of all customers, and of each segment of the active scorecard in which they
    began. Read from the customers' rows in Kafka, while workers go on.
    """
    from streams.reading.terminal import run_quietly

    run_quietly(_report(settings, days, as_json=as_json))


async def _report(settings: Settings, days: int, *, as_json: bool) -> None:
    import json

    from scoring.retention import Portfolio, paid
    from streams.clock import SystemClock
    from streams.exits import Exit, NamedExit
    from streams.reading.percentiles import card_of, look
    from streams.reading.present import present
    from streams.reading.terminal import progress
    from streams.worker import fold_policy

    active = (await look(settings)).active
    if active is None:
        raise NamedExit(Exit.FAILED, NONE_ACTIVE)
    card = card_of(active)
    rates = card.rates
    if rates is None:
        raise NamedExit(
            Exit.FAILED,
            f"{card.name} {card.version} reckons in no currency: amounts cannot be added up."
            " Give it `money: {currency: EUR}` (docs/scorecards.md, Money)",
        )
    portfolio, policy = Portfolio(), fold_policy(settings)
    with progress("reading customers") as on_read:
        now_ms = SystemClock().now_ms()
        async for customer, moment in present(
            settings, card, policy, now_ms=now_ms, on_read=on_read
        ):
            one = paid(customer.state, card, rates, moment, days)
            if one is not None:
                portfolio.add(one)
    rows = _rows(portfolio, card)
    if as_json:
        found = [_as_json(name, one) for name, one in rows]
        click.echo(
            json.dumps({"days": days, "currency": rates.currency, "groups": found}, indent=1)
        )
    else:
        _print(rows, days, rates.currency)


def _rows(portfolio: "Portfolio", card: "Card") -> "list[tuple[str | None, Retention]]":
    """All customers, then the segments in the card's order, then those in none ("")."""
    named = [] if card.segments is None else [each.name for each in card.segments.classes]
    order = [name for name in (*named, "") if name in portfolio.segments and named]
    return [(None, portfolio.total), *((name, portfolio.segments[name]) for name in order)]


def _as_json(name: str | None, one: "Retention") -> dict[str, object]:
    """Amounts in units of the currency, shares as fractions."""
    amounts = ("then", "expansion", "contraction", "churn", "new")
    shares = {"logo": one.logo_ppm, "gross": one.gross_ppm, "net": one.net_ppm}
    return {
        "segment": name,
        **{key: getattr(one, key) for key in ("customers", "lost", "won")},
        **{f"{key}_mrr": getattr(one, key) / 1_000_000 for key in amounts},
        **{key: None if ppm is None else ppm / 1_000_000 for key, ppm in shares.items()},
    }


def _print(rows: "list[tuple[str | None, Retention]]", days: int, currency: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    click.echo(f"{days} days, MRR in {currency} at today's rates, segments of the beginning")
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("segment", no_wrap=True)
    for column in ("customers", "lost", "won", "kept", "MRR then", "gross", "net"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, one in rows:
        label = "all customers" if name is None else name or "none"
        shares = [
            "-" if ppm is None else f"{ppm / 10_000:.1f} %"
            for ppm in (one.logo_ppm, one.gross_ppm, one.net_ppm)
        ]
        table.add_row(
            Text(label), f"{one.customers:,}", f"{one.lost:,}", f"{one.won:,}", shares[0],
            f"{one.then // 1_000_000:,}", *shares[1:],
        )  # fmt: skip
    Console().print(table)
