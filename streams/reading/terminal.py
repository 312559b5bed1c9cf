"""How reading commands behave on a terminal: lines on stdout, progress on stderr, quiet ends."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streams.exits import Exit, NamedExit
from streams.views.base import ViewUnavailable

__all__ = ["Count", "OnRead", "printable", "progress", "run_quietly"]

#: Told how many of how many are done.
OnRead = Callable[[int, int], None]


class Count:
    """Records read, for a progress bar."""

    def __init__(self, on_read: OnRead) -> None:
        self._on_read = on_read
        self._done = 0
        self.total = 0

    def add(self, records: int) -> None:
        """So many more."""
        self._done += records
        self._on_read(self._done, max(self.total, self._done))


def run_quietly(work: Coroutine[Any, Any, int | None]) -> None:
    """Run a command's work and end the process with its code, 0 for none.

    A reader that went away (``| head``) is a good end. What the clients log
    is left out: what went wrong is said once, as a sentence.

    Raises:
        NamedExit: exit code 2 when the view's store does not answer.
    """
    for name in ("aiokafka", "redis"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        code = asyncio.run(work)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end: what is left has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.OK
    except ViewUnavailable as unavailable:
        raise NamedExit(Exit.USAGE, str(unavailable)) from None
    sys.exit(code or Exit.OK)


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[OnRead]:
    """A progress bar on stderr if somebody looks; calls with (done, of how many)."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield _unseen
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=0)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _unseen(done: int, total: int) -> None:
    """Show nothing."""


def printable(text: str) -> str:
    """Text from events as a terminal may show it: control characters are escaped."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
