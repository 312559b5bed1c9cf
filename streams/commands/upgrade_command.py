"""``vitals upgrade``: whether all run the new release, and the step after which none goes back."""

from typing import TYPE_CHECKING, Any

import click

from streams.commands.scorecard_history_command import READING
from streams.settings import Settings, options

if TYPE_CHECKING:
    from streams.reading.upgrade import Upgrade

__all__ = ["command"]

_WAIT_S = 120.0
_LOOK_S = 0.5
#: The first character keeps click from joining the lines.
_EXAMPLES = """\b
vitals upgrade status
vitals upgrade finalize --reason "0.2.0 runs well for a week\""""


@click.group("upgrade", epilog=_EXAMPLES)
def command() -> None:
    """See how far an upgrade is, and finalize it.

    A new release goes on with the state as the release before wrote it, and writes
    it so: workers are replaced one by one, and may be put back. After `finalize` the
    state is written in the new version, and the release before cannot read it.
    """


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@options(*READING)
def status_command(settings: Settings, as_json: bool) -> None:
    """Show in which state version the partitions are written, and which releases run."""
    from streams.reading.terminal import run_quietly

    async def work() -> None:
        _print(await _look(settings), as_json=as_json)

    run_quietly(work())


@command.command("finalize")
@click.option("--reason", required=True, help="Why; stands in the decision.")
@click.option(
    "--author", default="vitals upgrade", show_default=True, help="Who decides; stands there."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@options(*READING)
def finalize_command(settings: Settings, *, reason: str, author: str, yes: bool) -> None:
    """Have the state written in this release's version from here on. There is no way back.

    Refused while workers of other releases run. Workers take the decision over as
    they do a scorecard's activation; rows follow as they change.
    """
    from streams.reading.terminal import run_quietly

    run_quietly(_finalize(settings, author, reason, yes=yes))


async def _look(settings: Settings) -> "Upgrade":
    from streams.reading.terminal import progress
    from streams.reading.upgrade import upgrade_of

    with progress("reading headers") as on_read:
        return await upgrade_of(settings, on_read)


async def _finalize(settings: Settings, author: str, reason: str, *, yes: bool) -> None:
    from schemas.control import StateFinalized
    from streams.clock import SystemClock, from_ms
    from streams.exits import Exit, NamedExit
    from streams.reading.decisions import append

    found = await _look(settings)
    if not found.behind:
        click.echo(f"nothing to finalize: the state is written in version {found.newest}")
        return
    refused = found.why_not()
    if refused is not None:
        raise NamedExit(Exit.FAILED, refused)
    if not yes:
        click.confirm(
            f"Write {len(found.behind)} partitions in state version {found.newest}?"
            " The release before cannot read it",
            abort=True,
        )
    decided = StateFinalized(
        at=from_ms(SystemClock().now_ms()), author=author, reason=reason, version=found.newest
    )
    await append(settings, decided)
    if not found.workers:
        click.echo("decided; no worker runs: those that start take it over")
        return
    await _wait(settings)


async def _wait(settings: Settings) -> None:
    """Until all partitions have taken it over."""
    import asyncio

    from streams.clock import SystemClock
    from streams.exits import Exit, NamedExit
    from streams.reading.upgrade import upgrade_of

    clock = SystemClock()
    began_s = clock.elapsed_s()
    while True:
        found = await upgrade_of(settings, lambda *_: None)
        if not found.behind:
            click.echo(f"done: the state is written in version {found.newest}")
            return
        if clock.elapsed_s() - began_s > _WAIT_S:
            raise NamedExit(
                Exit.FAILED,
                f"decided, but partitions {found.behind} have not taken it over in"
                f" {_WAIT_S:.0f} s. See `vitals upgrade status`, and whether their workers run",
            )
        await asyncio.sleep(_LOOK_S)


def _print(found: "Upgrade", *, as_json: bool) -> None:
    import json
    from collections import Counter

    counted = Counter(found.versions.values())
    if as_json:
        body: dict[str, Any] = {
            "release": found.release,
            "newest_state_version": found.newest,
            "partitions": {str(p): version for p, version in sorted(found.versions.items())},
            "workers": found.workers,
            "final": not found.behind,
        }
        click.echo(json.dumps(body, indent=1))
        return
    lines = [("this release", f"{found.release}, writes state version {found.newest}")]
    for version, count in sorted(counted.items()):
        written = f"written in state version {version}" if version else "nothing written yet"
        lines.append(("partitions", f"{count} {written}"))
    lines += [("workers", f"{n} of release {one}") for one, n in sorted(found.workers.items())]
    if not found.workers:
        lines.append(("workers", "none run"))
    for name, value in lines:
        click.echo(f"{name:14} {value}")
    if found.behind:
        refused = found.why_not()
        click.echo(refused or "`vitals upgrade finalize` is possible")
