"""Messages as lines."""

import io

from rich.console import Console

from samples.transitions import NOON_MS, action
from streams.sinks.base import Verdict
from streams.sinks.console import ConsoleSink


async def _print(**changes):
    out = io.StringIO()
    result = await ConsoleSink(Console(file=out, width=40)).deliver(
        action("console", **changes), 1, NOON_MS
    )
    return result, out.getvalue()


async def test_a_message_is_one_line_however_narrow_the_terminal():
    _, printed = await _print()
    assert printed == (
        "     high Acme went from yellow to red: 58 → 41"
        " | Nobody has logged in for 12 days, and an invoice is overdue."
        " | -11 days since last use (last used 12 days ago); -8 days overdue (9 days overdue);"
        " +2 satisfaction | owner: dana\n"
    )


async def test_markup_and_control_characters_in_a_name_are_shown_not_obeyed():
    _, printed = await _print(customer_name="[bold]A[/bold]\x1b[2J\nB \\[x]")
    assert "[bold]A[/bold]" in printed
    assert "\\[x]" in printed
    assert "\x1b" not in printed
    assert printed.count("\n") == 1


async def test_a_closed_standard_output_is_retryable():
    out = io.StringIO()
    out.close()
    result = await ConsoleSink(Console(file=out)).deliver(action("console"), 1, NOON_MS)
    assert result.verdict is Verdict.RETRYABLE
