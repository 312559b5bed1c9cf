"""``vitals intake``: pause and resume sources, and see how far each is read."""

import json
from typing import TYPE_CHECKING, Any

import click

from schemas.topics import SOURCES
from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.intake.source_states import Decided, Place
    from streams.reading.sources import SourcePartition, Sources

__all__ = ["command"]

#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals intake status
vitals intake pause usage --reason "moving the product's database"
vitals intake resume usage/3"""
_STYLES = {"running": "green", "paused": "red", "stalled": "yellow"}


class _Source(click.ParamType):
    """``usage`` or ``usage/3``; a topic's whole name is taken as well."""

    name = "SOURCE[/PARTITION]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int | None]:
        """The family, and the partition."""
        name, slash, number = value.partition("/")
        family = next((f for f, topic in SOURCES.items() if name == f or name.endswith(topic)), "")
        if not family:
            self.fail(f"expected one of {', '.join(SOURCES)}, got {name!r}", param, ctx)
        if slash and not (number.isascii() and number.isdigit()):
            self.fail(f"expected a partition such as {family}/3, got {value!r}", param, ctx)
        return family, int(number) if slash else None


@click.group("intake", epilog=_EXAMPLES)
def command() -> None:
    """Pause and resume sources, and see how far each is read.

    A source partition of which too much is bad is paused by the worker itself. What
    is paused waits in Kafka; what it feeds keeps its value meanwhile, and time
    goes on for all others. docs/operations.md has more.
    """


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each partition.")
@options(*READING)
def status_command(settings: Settings, as_json: bool) -> None:
    """Show each source partition: how far it is read, and whether it is paused or stalled.

    `waits since` is the Kafka time of the first record that was not read yet.
    """
    from streams.reading.sources import sources
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        found = await sources(settings)
        if as_json:
            for one in found.partitions:
                click.echo(json.dumps(_body(one)))
        else:
            _print(found)

    run_quietly(work())


def _body(one: "SourcePartition") -> dict[str, Any]:
    from scoring.facts import rfc3339

    decided = one.decided
    waits = one.waits_since_ms
    return {
        "source": one.family,
        "topic": one.topic,
        "partition": one.partition,
        "state": one.state,
        "since": None if decided is None else rfc3339(decided.at_ms),
        "author": None if decided is None else decided.author,
        "reason": None if decided is None else decided.reason,
        "next_offset": one.next_offset,
        "end_offset": one.end,
        "lag": one.lag,
        "waits_since": None if waits is None else rfc3339(waits),
    }


def _print(found: "Sources") -> None:
    """The partitions as a table; below it why those that do not run do not."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from streams.clock import from_ms
    from streams.reading.terminal import printable

    table = Table(box=None, header_style="bold")
    for name in ("source", "partition", "state", "lag", "waits since"):
        table.add_column(name, justify="right" if name in ("partition", "lag") else "left")
    for one in found.partitions:
        waits = one.waits_since_ms
        table.add_row(
            one.family, str(one.partition), Text(one.state, style=_STYLES[one.state]),
            f"{one.lag:,}", "" if waits is None else f"{from_ms(waits):%Y-%m-%d %H:%M:%S}",
        )  # fmt: skip
    Console().print(table)
    for place, was in found.states.paused.items():
        click.echo(printable(f"{place}: paused {_since(was)}"))
    for topic, was in found.states.stalled.items():
        click.echo(printable(f"{topic}: stalled {_since(was)}"))


@command.command("pause")
@click.argument("source", type=_Source())
@click.option("--reason", required=True, help="Why; stands in the history and in the notice.")
@click.option("--author", default="vitals intake", show_default=True, help="Who decides it.")
@options(*READING)
def pause_command(
    settings: Settings, *, source: tuple[str, int | None], reason: str, author: str
) -> None:
    """Read nothing more of SOURCE (usage), or of one partition of it (usage/3).

    Workers stop within a second or two; what they had in hand they finish. It
    lasts over restarts, until `vitals intake resume`.
    """
    from schemas.control import IntakePaused
    from streams.clock import SystemClock, from_ms
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import append
    from streams.reading.terminal import printable, run_quietly

    if not reason.strip():
        raise click.UsageError("--reason is empty")

    async def work() -> None:
        place, found, name = await _look(settings, source)
        if place in found.states.paused:
            since = printable(_since(found.states.paused[place]))
            raise NamedExit(Exit.FAILED, f"{name} is paused already, {since}")
        at = from_ms(SystemClock().now_ms())
        decision = IntakePaused(
            at=at, author=author, reason=reason, topic=place.topic, partition=place.partition
        )
        offset = await append(settings, decision)
        click.echo(f"{name} is paused, decision {offset}")

    run_quietly(work())


@command.command("resume")
@click.argument("source", type=_Source())
@click.option(
    "--reason", default="resumed by hand", show_default=True, help="Why; stands in the history."
)
@click.option("--author", default="vitals intake", show_default=True, help="Who decides it.")
@options(*READING)
def resume_command(
    settings: Settings, *, source: tuple[str, int | None], reason: str, author: str
) -> None:
    """Read SOURCE again, from where it stood.

    All that waits is read, the bad records too: each becomes a dead letter, and
    none of those that are there now pauses it again. Bad ones that come later do.
    """
    from schemas.control import IntakeResumed
    from streams.clock import SystemClock, from_ms
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import append
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        place, found, name = await _look(settings, source)
        if place not in found.states.paused:
            others = ", ".join(
                source[0] if one.partition is None else f"{source[0]}/{one.partition}"
                for one in found.states.pauses_of(place.topic)
            )
            hint = f"; paused is {others}" if others else ""
            raise NamedExit(Exit.FAILED, f"{name} is not paused{hint}")
        concerned = found.of(place.topic, place.partition)
        decision = IntakeResumed(
            at=from_ms(SystemClock().now_ms()),
            author=author,
            reason=reason,
            topic=place.topic,
            partition=place.partition,
            known_to={one.partition: one.end for one in concerned},
        )
        offset = await append(settings, decision)
        waiting = sum(one.lag for one in concerned)
        click.echo(f"{name} is read again, decision {offset}: {waiting:,} records wait")

    run_quietly(work())


async def _look(settings: Settings, source: tuple[str, int | None]) -> "tuple[Place, Sources, str]":
    """What is meant, how all sources stand, and its name; it must exist."""
    from streams.exits import Exit, NamedExit
    from streams.intake.source_states import Place
    from streams.reading.sources import sources

    family, partition = source
    place = Place(settings.topics.source(family), partition)
    found = await sources(settings)
    if not found.of(*place):
        count = len(found.of(place.topic))
        raise NamedExit(
            Exit.USAGE, f"{family}/{partition}: {family} has {count} partitions, 0 to {count - 1}"
        )
    return place, found, family if partition is None else f"{family}/{partition}"


def _since(was: "Decided") -> str:
    from streams.clock import from_ms

    return f"since {from_ms(was.at_ms):%Y-%m-%d %H:%M} UTC ({was.author}: {was.reason})"
