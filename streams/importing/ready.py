"""Files that hold events already: validated, counted, and passed on byte for byte."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.inbound import Rejection, parse
from streams.exits import Exit, NamedExit
from streams.importing.ledger import Ledger, Mapped
from streams.importing.rejects import CellError
from streams.importing.rows import OnBytes
from streams.importing.tables import open_bytes

__all__ = ["read_events"]

_REPORT_EVERY_ROWS = 2000


def read_events(
    paths: Sequence[Path], ledger: Ledger, on_bytes: OnBytes | None = None
) -> Iterator[Mapped]:
    """The events of JSON lines, gzipped or not, by file name, then line.

    Raises:
        NamedExit: for a file that cannot be read to its end.
    """
    for path in sorted(set(paths), key=lambda path: (path.name, str(path))):
        with open_bytes(path) as (content, file):
            lines = _lines(path, content)
            for number, raw in enumerate(lines, 1):
                if on_bytes is not None and number % _REPORT_EVERY_ROWS == 0:
                    on_bytes(path, file.tell())
                ledger.rows += 1
                event = parse("redrive", raw)
                if isinstance(event, Rejection):
                    shown = raw.decode("utf-8", "replace")
                    ledger.reject(path, number, event.reason, event.detail, shown)
                    continue
                try:
                    yield from ledger.settle([Mapped(event, raw)])
                except CellError as error:
                    ledger.reject(path, number, error.reason, error.detail, raw.decode())


def _lines(path: Path, content: Iterator[bytes]) -> Iterator[bytes]:
    """The lines that are not blank, without their ends."""
    try:
        for line in content:
            if raw := line.strip():
                yield raw
    except (EOFError, OSError) as error:
        raise NamedExit(Exit.FAILED, f"{path} cannot be read to its end: {error}") from None
