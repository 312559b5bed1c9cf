"""``vitals import``: rows of other systems' tables become events."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streams.exits import Exit, NamedExit
from streams.importing.ledger import Ledger, Mapped
from streams.importing.mapping_file import load_mapping
from streams.importing.producing import produce
from streams.importing.ready import read_events
from streams.importing.rows import OnBytes, map_files
from streams.importing.writing import shuffled, sorted_by_time, write_lines
from streams.settings import Settings, options

__all__ = ["command"]

#: What ``--mapping`` says for files that hold events already.
EVENTS = "events"


class _Percent(click.ParamType):
    name = "percent"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            percent = float(str(value).removesuffix("%"))
        except ValueError:
            percent = -1.0
        if not 0 <= percent <= 100:
            self.fail(f"expected a percentage from 0 to 100, got {value}", param, ctx)
        return percent


@click.command("import")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--mapping",
    required=True,
    metavar="FILE",
    help="Mapping file, or the word `events` for JSON lines that hold events already.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write JSON lines here (- or *.gz too)."
)
@click.option("--sort", is_flag=True, help="Order by occurred_at. Holds all events in memory.")
@click.option("--shuffle", type=int, metavar="SEED", help="A random order, the same for a seed.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="List rejected rows here, as JSON lines."
)
@click.option(
    "--rejects-max",
    type=_Percent(),
    default=10.0,
    show_default="10%",
    help="Exit with 1 if more of the rows than this are rejected.",
)
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
@options(
    "bootstrap",
    "prefix",
    "kafka_security",
    "kafka_ca_file",
    "kafka_cert_file",
    "kafka_key_file",
    "kafka_sasl_mechanism",
    "kafka_sasl_username",
    "kafka_sasl_password",
)
def command(
    inputs: tuple[Path, ...],
    *,
    mapping: str,
    out: Path | None,
    sort: bool,
    shuffle: int | None,
    rejects: Path | None,
    rejects_max: float,
    quiet: bool,
    settings: Settings,
) -> None:
    """Turn CSV, TSV or JSON lines (gzipped or not) into events, into a file or into Kafka.

    Give the events a place with --out or --bootstrap. A row that cannot be mapped is
    counted, listed with --rejects, and does not stop the run.
    """
    to_kafka = _goes_to_kafka(out, settings)
    if sort and shuffle is not None:
        raise click.UsageError("--sort and --shuffle exclude each other")
    _check_paths(inputs, out, rejects)
    ledger = Ledger()
    with ExitStack() as stack:
        if rejects is not None:
            ledger.rejects_file = stack.enter_context(_opened(rejects))
        on_bytes = stack.enter_context(_progress(inputs, quiet))
        events: Iterable[Mapped]
        if mapping == EVENTS:
            events = read_events(inputs, ledger, on_bytes)
        else:
            events = map_files(load_mapping(Path(mapping)), inputs, ledger, on_bytes)
        if sort:
            events = sorted_by_time(events)
        elif shuffle is not None:
            events = shuffled(events, shuffle)
        if to_kafka:
            produce(events, settings)
        elif out is not None:
            write_lines(events, out)
    if not quiet:
        _summarise(ledger)
    if ledger.rejected_percent > rejects_max:
        raise NamedExit(
            Exit.FAILED,
            f"{ledger.rows_rejected:,} of {ledger.rows:,} rows were rejected, which is more than"
            f" {rejects_max:g} %: {_by_count(ledger.rejects)}."
            + ("" if rejects else " --rejects FILE lists them."),
        )


def _goes_to_kafka(out: Path | None, settings: Settings) -> bool:
    """Exactly one place: an option beats what the environment says."""
    source = click.get_current_context().get_parameter_source("bootstrap")
    if out is not None:
        if source is ParameterSource.COMMANDLINE:
            raise click.UsageError("--out and --bootstrap exclude each other")
        return False
    if "bootstrap" not in settings.model_fields_set:
        raise click.UsageError("give the events a place: --out FILE.jsonl or --bootstrap HOST:PORT")
    return True


def _check_paths(inputs: Sequence[Path], *written: Path | None) -> None:
    missing = [str(path) for path in inputs if not path.is_file()]
    if missing:
        raise click.UsageError(f"no such file: {', '.join(missing)}")
    for path in written:
        if path is None:
            continue
        if path.exists() and any(path.samefile(given) for given in inputs):
            raise click.UsageError(f"{path} is an input: it would be overwritten")
        if not path.absolute().parent.is_dir():
            raise click.UsageError(f"no such folder: {path.absolute().parent}")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise NamedExit(Exit.USAGE, f"cannot write {path}: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _progress(inputs: Sequence[Path], quiet: bool) -> Iterator[OnBytes | None]:
    """A bar on a terminal, by bytes read; elsewhere nothing."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {
            path: progress.add_task(path.name, total=max(path.stat().st_size, 1), visible=False)
            for path in inputs
        }

        def on_bytes(path: Path, count: int) -> None:
            progress.update(tasks[path], completed=count, visible=True)

        yield on_bytes


def _summarise(ledger: Ledger) -> None:
    def say(line: str) -> None:
        click.echo(line, err=True)

    say(f"{ledger.rows:,} rows: {ledger.events.total():,} events ({_by_count(ledger.events)})")
    if ledger.rows_without_events:
        say(f"{ledger.rows_without_events:,} of the rows met no condition and gave no event")
    if ledger.repeated:
        say(f"{ledger.repeated:,} events came again, the same in every byte, and were left out")
    if ledger.rows_rejected:
        say(f"{ledger.rows_rejected:,} rows rejected: {_by_count(ledger.rejects)}")
    for ignored in ledger.ignored:
        say(f"not read: {ignored}")


def _by_count(counter: dict[str, int]) -> str:
    largest_first = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in largest_first) or "none"
