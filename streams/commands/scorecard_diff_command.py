"""``vitals scorecard diff``: what another scorecard would change, before it is activated."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.settings import Settings, options

if TYPE_CHECKING:
    from schemas.control import PercentilesTaken
    from streams.scorecard_diff.histories import Histories

__all__ = ["diff_command"]

_PATH = click.Path(path_type=Path)
#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals scorecard diff card.yaml new.yaml
vitals scorecard diff card.yaml new.yaml --events events/*.jsonl.gz"""


@click.command("diff", epilog=_EXAMPLES)
@click.argument("before", type=_PATH)
@click.argument("after", type=_PATH)
@click.argument("more", nargs=-1, type=_PATH, metavar="")
@click.option(
    "--events", multiple=True, type=_PATH, metavar="FILE...", help="Events to score with both."
)
@click.option(
    "--percentiles",
    "percentiles_files",
    multiple=True,
    type=_PATH,
    help="A snapshot for one of the cards (`vitals percentiles show --json`); may be given twice.",
)
@click.option("--json", "json_file", type=_PATH, help="Write the comparison as JSON.")
@click.option(
    "--limit", default=30, show_default=True, help="Customers printed, at most; 0 prints all."
)
@click.option("--quiet", is_flag=True, help="Print nothing but problems.")
@options("as_of", "step_s", "disorder_s")
def diff_command(
    settings: Settings,
    *,
    before: Path,
    after: Path,
    more: tuple[Path, ...],
    events: tuple[Path, ...],
    json_file: Path | None,
    limit: int,
    percentiles_files: tuple[Path, ...],
    quiet: bool,
) -> None:
    """Compare two scorecards: what they say, and what they would have done.

    With --events both score the same history, as `vitals replay` does: who would
    be in another band now and why, how many messages each would have sent, and
    how many customers the switch itself would move. The switch messages nobody.
    """
    from rich.console import Console

    from streams.exits import Exit, NamedExit
    from streams.reading.percentiles import read_snapshot, without_percentiles
    from streams.scorecard_diff import told
    from streams.scorecard_diff.differences import differences
    from streams.scorecard_pages.reading import read_page
    from streams.scorecards import read_card

    if more and not events:
        raise click.UsageError(f"unexpected {more[0]}: two scorecards are compared")
    cards, texts = zip(*(read_card(path) for path in (before, after)), strict=True)
    percentiles = [read_snapshot(path, *cards) for path in percentiles_files]
    pages = [read_page(text, str(path)) for text, path in zip(texts, (before, after), strict=True)]
    found = differences(*pages)
    files = (*events, *more)  # a shell's pattern gives the first to the option, the rest here
    for card in cards if files else ():
        if card.ranked and card.hash not in [taken.hash for taken in percentiles]:
            what = f"--percentiles FILE gives {card.name} {card.version} some"
            click.echo(without_percentiles(card, what), err=True)
    histories = _histories(settings, texts, files, percentiles, quiet=quiet) if files else None
    if json_file is not None:
        body = told.as_json(pages[0], pages[1], found, histories)
        try:
            json_file.write_text(
                json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
        except OSError as error:
            raise NamedExit(Exit.FAILED, f"cannot write {json_file}: {error.strerror}") from None
    if not quiet:
        console = Console()
        told.print_differences(console, pages[0], pages[1], found)
        if histories is not None:
            told.print_histories(console, histories, limit)
    if histories is None:
        return
    for line in histories.first_rejections:
        click.echo(f"rejected: {line}", err=True)
    if histories.rejected:
        rejected = dict(histories.rejected)
        click.echo(f"{sum(rejected.values())} lines rejected: {rejected}", err=True)
    sys.exit(Exit.OK if histories.events else Exit.FAILED)


def _histories(
    settings: Settings,
    texts: Sequence[str],
    files: tuple[Path, ...],
    percentiles: "Sequence[PercentilesTaken]",
    *,
    quiet: bool,
) -> "Histories":
    from streams.preflight import as_of_ms
    from streams.reading.terminal import progress
    from streams.scorecard_diff.histories import compare

    total = sum(path.stat().st_size for path in files if path.exists())
    done = 0
    with progress("scoring with both cards", quiet=quiet) as seen:

        def advance(size: int) -> None:
            nonlocal done
            done += size
            seen(done, total)

        return compare(
            texts[0],
            texts[1],
            files,
            step_ms=settings.step_s * 1000,
            disorder_ms=int(settings.disorder_s * 1000),
            as_of_ms=as_of_ms(settings),
            percentiles=percentiles,
            progress=advance,
        )
