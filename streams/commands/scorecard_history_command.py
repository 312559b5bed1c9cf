"""``vitals scorecard history`` and ``show``: what was activated, and what became of it."""

import json
from typing import TYPE_CHECKING, Any

import click

from streams.settings import Settings, options

if TYPE_CHECKING:
    from schemas.control import ScorecardActivated
    from streams.reading.activations import Activation, Activations

__all__ = ["NONE_ACTIVE", "READING", "about", "history_command", "show_command"]

#: The settings that reading a topic needs.
READING = (
    "bootstrap", "prefix", "fetch_max_wait_ms", "kafka_security", "kafka_ca_file",
    "kafka_cert_file", "kafka_key_file", "kafka_sasl_mechanism", "kafka_sasl_username",
    "kafka_sasl_password",
)  # fmt: skip
NONE_ACTIVE = "no scorecard is active: the first worker that starts activates one"
_INDENT = 21


def about(activation: "ScorecardActivated") -> str:
    """A scorecard as people and files name it."""
    return f"{activation.name} {activation.version} ({activation.hash[:16]})"


@click.command("history")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each activation.")
@options(*READING)
def history_command(settings: Settings, as_json: bool) -> None:
    """List the activations, oldest first: when, which, who, why, and what it did.

    The one marked active counts. A rollback is an activation of a card that was
    active before and had been replaced. A refused one was not followed: the workers
    that met it cannot read the card, and keep the one before. How many customers
    changed band by it is known for 90 days.
    """
    from streams.reading.activations import activations
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        found = await activations(settings)
        if not found.in_force:
            click.echo(NONE_ACTIVE, err=True)
        for each, marks in _marked(found):
            if as_json:
                click.echo(json.dumps(_body(each, marks, found.partitions)))
            else:
                _print(each, marks, found.partitions)
        if len(found.in_force) > 1 and found.all[-1].tally is None:
            click.echo("no partition has reported about the last one: does a worker run?", err=True)

    run_quietly(work())


def _marked(found: "Activations") -> "list[tuple[Activation, list[str]]]":
    """Each activation with the words that stand behind it."""
    from streams.reading.decisions import history

    entries = iter(history(found.in_force))
    marked = []
    for each in found.all:
        if each.counts:
            entry = next(entries)
            marks = {"rollback": entry.rollback, "active": entry.active}
        else:
            marks = {"refused": each.refused, "had no effect": not each.refused}
        marked.append((each, [word for word, holds in marks.items() if holds]))
    return marked


def _body(each: "Activation", marks: list[str], partitions: int) -> dict[str, Any]:
    decision, counted = each.decision, each.tally
    body = decision.model_dump(mode="json", exclude={"text", "type", "first"})
    body |= {"control_offset": each.offset}
    body |= {mark: mark in marks for mark in ("active", "rollback", "refused")}
    if counted is not None:
        data = counted.event().data.model_dump(mode="json")
        known = ("evaluated", "customers_changed", "crossings", "pending", "problem")
        body["effect"] = {
            "partitions": partitions,
            "partitions_done": len(counted.done),
            "partitions_refused": len(counted.refused),
            **{name: data[name] for name in known},
        }
    return body


def _print(each: "Activation", marks: list[str], partitions: int) -> None:
    from streams.reading.terminal import printable

    decision = each.decision
    card = click.style(printable(f"{decision.name} {decision.version}"), bold=True)
    mark = f"  [{', '.join(marks)}]" if marks else ""
    author, reason = printable(decision.author), printable(decision.reason)
    click.echo(f"{decision.at:%Y-%m-%d %H:%M:%S}  {card}  {decision.hash[:16]}  by {author}{mark}")
    click.echo(f"{'':{_INDENT}}{reason}")
    for line in _effect(each, partitions):
        click.echo(f"{'':{_INDENT}}{printable(line)}")


def _effect(each: "Activation", partitions: int) -> list[str]:
    """What it did so far, a line each; nothing where nothing is known."""
    from streams.outreach.summary import changed, into_bands

    counted = each.tally
    if counted is None:
        return []
    lines, data = [], counted.event().data
    reported = counted.ended
    if counted.done or not counted.refused:
        told = changed(data)
        if data.pending:
            told += f"; when hold times end, {into_bands(data.pending, ' more')}"
        missing = partitions - reported
        lines.append(told + (f" ({missing} partitions have not ended yet)" if missing else ""))
    if counted.refused:
        lines.append(f"refused in {len(counted.refused)} of {partitions} partitions:")
        lines += [f"  {line}" for line in counted.problem.splitlines()]
    return lines


@click.command("show")
@options(*READING)
def show_command(settings: Settings) -> None:
    """Print the active scorecard's text; who activated it goes to standard error."""
    from streams.exits import Exit, NamedExit
    from streams.reading.activations import activations
    from streams.reading.terminal import printable, run_quietly

    async def work() -> None:
        known = (await activations(settings)).in_force
        if not known:
            raise NamedExit(Exit.FAILED, NONE_ACTIVE)
        active = known[-1]
        click.echo(
            printable(
                f"{about(active)}, active since {active.at:%Y-%m-%d %H:%M:%S} UTC,"
                f" by {active.author}: {active.reason}"
            ),
            err=True,
        )
        click.echo(active.text, nl=not active.text.endswith("\n"))

    run_quietly(work())
