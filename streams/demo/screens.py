"""The two screens: the live table of a terminal, and plain lines."""

import contextlib
import webbrowser
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from streams.demo.board import line, render
from streams.demo.tally import Phase, Tally

__all__ = ["LinesScreen", "TerminalScreen"]

_LINE_EVERY_S = 5.0


class LinesScreen:
    """A line every five seconds and at each new phase: for logs, pipes and scripts."""

    def __init__(self, console: Console, *, browser: bool) -> None:
        self._console, self._browser = console, browser
        self._shown: tuple[Phase, float] | None = None

    def __enter__(self) -> Self:
        self._say("Starting. Kafka and Redis are embedded, in memory: nothing survives.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def announce(self, address: str) -> None:
        """Print the address, alone on its line."""
        self._say(address)
        if self._browser:
            webbrowser.open(address)

    def show(self, tally: Tally) -> None:
        """Print a line when it is time for one."""
        due = self._shown is None or self._shown[0] is not tally.phase
        if due or (self._shown and tally.elapsed_s - self._shown[1] >= _LINE_EVERY_S):
            self._shown = (tally.phase, tally.elapsed_s)
            if tally.phase is not Phase.STARTING:
                self._say(line(tally))

    def _say(self, text: str) -> None:
        # The reader of a pipe, or the terminal itself, may have gone: the demonstration must
        # still end in order.
        with contextlib.suppress(OSError):
            self._console.out(text, highlight=False)


class TerminalScreen:
    """The live table, redrawn in place; what it showed last stays when it ends."""

    def __init__(self, console: Console, *, browser: bool) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._browser = browser

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._live.stop()

    def announce(self, address: str) -> None:
        """Print the address above the table."""
        with contextlib.suppress(OSError):
            self._live.console.out(address, highlight=False)
        if self._browser:
            webbrowser.open(address)

    def show(self, tally: Tally) -> None:
        """Draw the table anew."""
        with contextlib.suppress(OSError):
            self._live.update(render(tally), refresh=True)
