"""Messages as lines on standard output: for a first look, and for log collectors."""

from rich.console import Console
from rich.markup import escape

from schemas.actions import Action, Severity
from streams.sinks.base import Pace, Result, delivered, retryable

__all__ = ["ConsoleSink"]

_STYLE = {Severity.HIGH: "bold red", Severity.LOW: "yellow", Severity.RECOVERED: "green",
          Severity.NOTICE: "bold"}  # fmt: skip


class ConsoleSink:
    """One line per message: severity, headline, reason, owner.

    A crash between printing and recording repeats the one line in hand.
    """

    name = "console"
    pace = Pace(concurrency=1)

    def __init__(self, console: Console | None = None) -> None:
        # soft_wrap: one message is one line whatever the terminal's width.
        self._console = console or Console(soft_wrap=True, highlight=False)

    async def deliver(self, action: Action, attempt: int, now_ms: int) -> Result:
        """Print the line; a closed pipe is worth a retry, not an end of the process."""
        message = action.message
        style = _STYLE[message.severity]
        parts = [message.headline, message.because, "; ".join(message.movers)]
        if message.owner:
            parts.append(f"owner: {message.owner}")
        line = " | ".join(part for part in parts if part)
        try:
            self._console.print(f"[{style}]{message.severity:>9}[/] {escape(line)}", soft_wrap=True)
            self._console.file.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            return retryable(f"standard output: {error}")
        return delivered("printed")

    async def close(self) -> None:
        """Nothing is held."""
