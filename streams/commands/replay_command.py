"""``vitals replay``: score JSON lines without a broker, in event time."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.settings import Settings, options

if TYPE_CHECKING:
    from scoring.card import Card

__all__ = ["command"]


#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals import --mapping deploy/mappings/ravenstack.yaml FILES... --out events.jsonl
vitals replay events.jsonl --as-of 2025-01-01T00:00:00Z --json scores.json"""


@click.command("replay", epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the result as JSON."
)
@click.option(
    "--limit",
    default=30,
    show_default=True,
    help="Customers and changes printed, at most; 0 prints all.",
)
@click.option(
    "--percentiles",
    "percentiles_file",
    type=click.Path(path_type=Path),
    help="A snapshot that percentile measures compare with (`vitals percentiles show --json`).",
)
@click.option("--quiet", is_flag=True, help="Print nothing but problems.")
@options("scorecard", "as_of", "step_s", "disorder_s")
def command(
    settings: Settings,
    *,
    files: tuple[Path, ...],
    json_file: Path | None,
    limit: int,
    percentiles_file: Path | None,
    quiet: bool,
) -> None:
    """Score JSON lines without a broker, in event time.

    FILES hold one event a line, of any family (what `vitals import` writes),
    gzipped or not; - is standard input. Customers are evaluated at fixed instants
    (--step-s, midnight UTC) and at --as-of (default: after the last event). Lines
    may be out of order by --disorder-s. Bad lines are counted and skipped.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from streams.collecting import collect_rarely
    from streams.preflight import as_of_ms
    from streams.reading.percentiles import read_snapshot, without_percentiles
    from streams.replay import Replay
    from streams.scorecards import read_card, shipped_card

    card, text = read_card(settings.scorecard or shipped_card())
    percentiles = None if percentiles_file is None else read_snapshot(percentiles_file, card)
    if card.ranked and percentiles is None:
        click.echo(without_percentiles(card, "--percentiles FILE gives them some"), err=True)
    collect_rarely()
    replay = Replay(
        text,
        step_ms=settings.step_s * 1000,
        disorder_ms=int(settings.disorder_s * 1000),
        as_of_ms=as_of_ms(settings),
        percentiles=percentiles,
    )
    errors = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=errors, disable=quiet or not errors.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("replaying", total=sum(p.stat().st_size for p in files if p.exists()))
        replay.read(files, lambda size: bar.advance(task, size))
        result = replay.finish()
    if json_file is not None:
        _write(json_file, card, result)
    if not quiet:
        _print(Console(), result, limit)
    for line in result.first_rejections:
        click.echo(f"rejected: {line}", err=True)
    if result.rejected:
        click.echo(f"{sum(result.rejected.values())} lines rejected: {result.rejected}", err=True)
    sys.exit(0 if result.events else 1)


def _write(path: Path, card: "Card", result: Any) -> None:
    body = {
        "scorecard": {"name": card.name, "version": card.version, "hash": card.hash},
        "as_of": _iso(result.as_of_ms),
        "events": result.events,
        "rejected": result.rejected,
        "duplicates": result.duplicates,
        "customers": result.customers,
        "changes": result.changes,
    }
    # Python's own encoder takes a fifth of a replay for it, once it has to indent.
    path.write_bytes(msgspec.json.format(msgspec.json.encode(body), indent=1) + b"\n")


def _iso(ms: int) -> str:
    from scoring.facts import rfc3339

    return rfc3339(ms)


def _print(console: Any, result: Any, limit: int) -> None:
    """Every change in order, then the final table, worst first."""
    changes = result.changes if limit == 0 else result.changes[-limit:]
    if len(changes) < len(result.changes):
        console.print(
            f"[dim]the last {len(changes)} of {len(result.changes)} changes (all: --limit 0)[/]"
        )
    for change in changes:
        was = "new" if change["band_before"] is None else _points(change["score_before"])
        band = change["band_after"]
        console.print(
            f"{change['customer_id']:<16} {was:>5} -> {_points(change['score_after']):>5}"
            f"  [{_style(band)}]{band:<7}[/]"
            f" {change['cause']:<10} {change['because']}",
            highlight=False,
            soft_wrap=True,
        )
    from rich.table import Table

    table = Table(title=f"as of {_iso(result.as_of_ms)}", box=None, header_style="bold")
    for name in ("customer", "name", "score", "band", "letter", "coverage", "because"):
        table.add_column(name, justify="right" if name in ("score", "coverage") else "left")
    order = {"red": 0, "yellow": 1, "unknown": 2, "green": 3}
    ranked = sorted(
        result.customers.items(), key=lambda item: (order[item[1]["band"]], item[1]["score"] or 0)
    )
    for customer_id, health in ranked if limit == 0 else ranked[:limit]:
        table.add_row(
            customer_id,
            health["name"] or "",
            _points(health["score"]),
            f"[{_style(health['band'])}]{health['band']}[/]",
            health["letter"] or "",
            f"{health['coverage']:.0%}",
            health["because"],
        )
    console.print(table)
    bands = Counter(health["band"] for health in result.customers.values())
    told = ", ".join(
        f"{count} {band}" for band, count in sorted(bands.items(), key=lambda b: order[b[0]])
    )
    console.print(
        f"{result.events} events, {len(result.customers)} customers ({told}),"
        f" {len(result.changes)} changes"
    )


def _points(score: int | None) -> str:
    return "-" if score is None else f"{score / 100:.1f}"


def _style(band: str) -> str:
    return {"red": "red", "yellow": "yellow", "green": "green"}.get(band, "dim")
