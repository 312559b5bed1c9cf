"""``vitals dead-letters``: what was refused, read, sent again or dropped."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from schemas.inbound import Reason
from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.reading.dead_letters import Filter, Letter

__all__ = ["command"]

#: So many letters, at most, are one transaction: with their values some 30 MB.
_CHUNK = 500
_DETAIL_CHARS = 60
_REFUSALS_SHOWN = 10
#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals dead-letters list --since 24h
vitals dead-letters show health.usage.v1/3/4711
vitals dead-letters redrive --reason unknown_type --since 24h --dry-run
vitals dead-letters drop health.usage.v1/3/4711 --because "a test of the sender\""""


@click.group("dead-letters", epilog=_EXAMPLES)
def command() -> None:
    """Read what was refused, send it again or drop it.

    A dead letter is open until it is redriven or dropped, and that is noted in
    `health.redrives.v1`. What is settled is not sent again: twice is the same as
    once. docs/operations.md has more.
    """


class _Moment(click.ParamType):
    """``2026-03-01T02:00:00Z``, or how long ago: ``24h``."""

    name = "TIME|AGO"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The instant."""
        from schemas.base import parse_time
        from schemas.scorecard_values import parse_duration_s
        from streams.clock import SystemClock, from_ms

        if isinstance(value, datetime):
            return value
        try:
            if "-" in value:
                return parse_time(value)
            return from_ms(SystemClock().now_ms() - parse_duration_s(value) * 1000)
        except ValueError as error:
            self.fail(f"{error}; give a time with its offset, or how long ago, as 24h", param, ctx)


def _filtered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which letters are meant, as one ``chosen: Filter``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        from streams.reading.dead_letters import Filter

        reason = kwargs.pop("only")
        chosen = Filter(
            kwargs.pop("topic"),
            None if reason is None else Reason(reason),
            kwargs.pop("since"),
            kwargs.pop("until"),
        )
        return function(*args, chosen=chosen, **kwargs)

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    call.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
    decorated: Callable[..., Any] = call
    for option in (
        click.option("--until", type=_Moment(), help="Refused before this."),
        click.option("--since", type=_Moment(), help="Refused at this or later."),
        click.option(
            "--reason", "only", type=click.Choice([each.value for each in Reason]),
            help="Refused for this.",
        ),
        click.option("--topic", help="Of this source: usage, or the topic's whole name."),
    ):  # fmt: skip
        decorated = option(decorated)
    return decorated


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of whatever settles."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing."),
        click.option("--limit", type=click.IntRange(1), help="At most so many, oldest first."),
        click.option("--all", "everything", is_flag=True, help="All that are open."),
        click.option(
            "--author", default="vitals dead-letters", show_default=True, help="Who decides it."
        ),
    ):
        function = option(function)
    return function


@command.command("list")
@_filtered
@click.option("--all", "everything", is_flag=True, help="Also what is redriven or dropped.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(0), help="The last so many."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each letter.")
@options(*READING)
def list_command(
    settings: Settings, *, chosen: "Filter", everything: bool, limit: int, as_json: bool
) -> None:
    """List what is open, and count it by source and reason.

    The counts are of all that is meant, whatever --limit shows.
    """
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        meant = [
            each
            for each in await _letters(settings)
            if chosen.takes(each.head, settings.topics) and (everything or each.settled is None)
        ]
        shown = meant[max(len(meant) - limit, 0) :]
        if as_json:
            for letter in shown:
                click.echo(json.dumps(_body(letter)))
        else:
            _print(meant, shown)

    run_quietly(work())


@command.command("show")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@options(*READING)
def show_command(settings: Settings, *, key: str, as_json: bool) -> None:
    """Print all of the letter KEY (TOPIC/PARTITION/OFFSET), and what became of it."""
    from streams.reading.dead_letters import read_again
    from streams.reading.terminal import printable, run_quietly

    async def work() -> None:
        (letter,) = _of_keys(await _letters(settings), [key])
        raw = b""
        async for held in read_again(settings, [letter]):
            raw = held[0][1]
        body = _body(letter) | {"raw_bytes": letter.head.raw_bytes, "kept_bytes": len(raw)}
        text = raw.decode(errors="replace")
        if as_json:
            click.echo(json.dumps(body | {"raw": text}))
            return
        for name, value in body.items():
            click.echo(printable(f"{name:12} {'' if value is None else value}"))
        try:
            pretty = json.dumps(json.loads(raw), indent=2)
        except ValueError:
            pretty = printable(text)
        click.echo("\n" + pretty)

    run_quietly(work())


@command.command("redrive")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@_filtered
@click.option(
    "--because", default="redriven by hand", show_default=True, help="Why; stands in the note."
)
@_noted
@options(*READING)
def redrive_command(settings: Settings, **asked: Any) -> None:
    """Send letters again, as they came, into `health.redrive.v1`.

    Intake reads them there as events of any family. Mend first what they were
    refused for: one that fails again is a new dead letter, of `health.redrive.v1`.
    Refused are letters whose value was cut at 64 KiB, and those that are no event.
    """
    from streams.reading.terminal import run_quietly

    run_quietly(_settle(settings, "redrive", **asked))


@command.command("drop")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@_filtered
@click.option("--because", required=True, help="Why; stands in the note.")
@_noted
@options(*READING)
def drop_command(settings: Settings, **asked: Any) -> None:
    """Settle letters without sending them: nothing is to come of them.

    They stay in the topic for as long as it keeps them; `list --all` shows them.
    """
    from streams.reading.terminal import run_quietly

    run_quietly(_settle(settings, "drop", **asked))


async def _settle(
    settings: Settings,
    what: str,
    *,
    keys: tuple[str, ...],
    chosen: "Filter",
    everything: bool,
    limit: int | None,
    author: str,
    because: str,
    dry_run: bool,
    yes: bool,
) -> int:
    from streams.exits import Exit
    from streams.reading.settling import Settler
    from streams.reading.terminal import printable

    _check_asked(keys, chosen, everything, because, asks=not (dry_run or yes))
    settler = Settler(settings, author, because)
    if not dry_run:
        # Before looking: what another run has in hand is then done or never will be.
        await settler.open()
    found = await _letters(settings)
    if keys:
        meant = _of_keys(found, keys)
        for letter in meant:
            if letter.settled is not None:
                click.echo(printable(f"{letter.key}: {_became(letter)}"), err=True)
    else:
        meant = [each for each in found if chosen.takes(each.head, settings.topics)]
    still = [each for each in meant if each.settled is None]
    refused = _refused(settings, still) if what == "redrive" else set()
    todo = [each for each in still if each.key not in refused][:limit]
    done = {"redrive": "redriven", "drop": "dropped"}[what]
    if todo:
        _print_counts(todo)
    if dry_run:
        click.echo(f"{len(todo):,} would be {done} (--dry-run)")
    elif todo:
        if not yes:
            click.confirm(f"{what.capitalize()} {len(todo):,} dead letters?", abort=True)
        await _write(settings, settler, what, todo)
    if not dry_run:
        click.echo(f"{len(todo):,} {done}")
    return Exit.FAILED if keys and refused else Exit.OK


def _check_asked(
    keys: tuple[str, ...], chosen: "Filter", everything: bool, because: str, *, asks: bool
) -> None:
    """It is said which letters and why, and somebody is there if a question is to be asked."""
    import sys

    if bool(keys) + everything + (not chosen.takes_all) != 1:
        raise click.UsageError("say which: KEYs, or --topic, --reason, --since, --until, or --all")
    if not because.strip():
        raise click.UsageError("--because is empty")
    if asks and not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked: give --yes, or --dry-run to look")


def _refused(settings: Settings, still: "Sequence[Letter]") -> set[str]:
    """The keys of those that cannot be sent again, after saying why."""
    from streams.reading.dead_letters import why_not
    from streams.reading.terminal import printable

    refusals = [(each, why) for each in still if (why := why_not(each, settings.topics))]
    for letter, why in refusals[:_REFUSALS_SHOWN]:
        click.echo(printable(f"{letter.key}: not redriven: {why}"), err=True)
    if len(refusals) > _REFUSALS_SHOWN:
        click.echo(f"and {len(refusals) - _REFUSALS_SHOWN:,} more are not redriven", err=True)
    return {letter.key for letter, _ in refusals}


async def _write(settings: Settings, settler: Any, what: str, todo: "Sequence[Letter]") -> None:
    """In transactions of some hundred letters, oldest first."""
    from streams.exits import Exit, NamedExit
    from streams.reading.dead_letters import read_again
    from streams.reading.terminal import progress

    with progress(what) as on_done:
        for first in range(0, len(todo), _CHUNK):
            chunk = todo[first : first + _CHUNK]
            if what == "drop":
                await settler.drop(chunk)
            else:
                held = [one async for some in read_again(settings, chunk) for one in some]
                if len(held) < len(chunk):
                    raise NamedExit(
                        Exit.FAILED,
                        f"{len(chunk) - len(held)} letters were deleted from the topic while they"
                        f" were read; {first:,} are redriven. Start again",
                    )
                await settler.redrive(held)
            on_done(first + len(chunk), len(todo))


async def _letters(settings: Settings) -> "list[Letter]":
    from streams.reading.dead_letters import letters
    from streams.reading.terminal import progress

    with progress("reading dead letters") as on_read:
        return await letters(settings, on_read)


def _of_keys(found: "Sequence[Letter]", keys: Sequence[str]) -> "list[Letter]":
    """The letters with these keys, each once; all must exist."""
    from streams.exits import Exit, NamedExit

    by_key = {letter.key: letter for letter in found}
    missing = [key for key in keys if key not in by_key]
    if missing:
        raise NamedExit(
            Exit.FAILED,
            f"no dead letter {', '.join(missing)}. `vitals dead-letters list --all` shows what is"
            " kept; a key is TOPIC/PARTITION/OFFSET, with the prefix",
        )
    return [by_key[key] for key in dict.fromkeys(keys)]


def _body(letter: "Letter") -> dict[str, Any]:
    from scoring.facts import rfc3339
    from streams.clock import to_ms

    head, settled = letter.head, letter.settled
    return {
        "key": letter.key,
        "topic": head.topic,
        "reason": head.reason.value,
        "detail": head.detail,
        "rejected_at": rfc3339(to_ms(head.rejected_at)),
        "state": letter.state,
        "settled_at": None if settled is None else rfc3339(to_ms(settled.at)),
        "author": None if settled is None else settled.author,
        "because": None if settled is None else settled.reason,
        "sent_to": None if settled is None else settled.sent_to,
    }


def _became(letter: "Letter") -> str:
    was = letter.settled
    if was is None:
        return "open"
    return f"{was.outcome} already, {was.at:%Y-%m-%d %H:%M} UTC ({was.author}: {was.reason})"


def _print(meant: "Sequence[Letter]", shown: "Sequence[Letter]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from streams.reading.terminal import printable

    if not meant:
        click.echo("no dead letters")
        return
    table = Table(box=None, header_style="bold")
    table.add_column("key", overflow="fold")
    for name in ("refused", "reason", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("detail", ratio=1)
    for letter in shown:
        head = letter.head
        table.add_row(
            Text(printable(letter.key)), f"{head.rejected_at:%Y-%m-%d %H:%M:%S}",
            head.reason.value, letter.state, Text(printable(head.detail[:_DETAIL_CHARS])),
        )  # fmt: skip
    Console().print(table)
    _print_counts(meant)


def _print_counts(meant: "Sequence[Letter]") -> None:
    """How many, by source, reason and state."""
    from collections import Counter

    counts = Counter((each.head.topic, each.head.reason.value, each.state) for each in meant)
    for (topic, reason, state), count in sorted(counts.items()):
        click.echo(f"{count:>9,}  {topic}  {reason}  {state}")
