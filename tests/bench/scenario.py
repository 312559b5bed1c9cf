"""What a scenario of the benchmark is: a file in ``scenarios/`` and its line in ``run.py``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contenders import Stand
from servers.kafka_server import KafkaServer
from servers.redis_server import RedisServer

__all__ = ["Asked", "Found", "Say", "Scenario", "aim", "opened", "plain_table"]

Say = Callable[[str], None]
#: What ``bench.json`` says.
Found = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the command was told. None: the scenario knows what fits."""

    seconds: float
    rounds: int
    events: int | None = None
    customers: int | None = None
    #: Events a second.
    rate: float | None = None
    #: These systems alone.
    only: tuple[str, ...] = ()


def plain_table(found: Mapping[str, Any]) -> str:
    """A report for people of any scenario: a figure a line, then what was to be reached."""
    lines = [
        f"{name:44} {_shown(value)}"
        for name, value in _flat(found)
        if not name.startswith("reach.")
    ]
    for name, reach in found.get("reach", {}).items():
        word = "reached" if reach["reached"] else "NOT reached"
        lines.append(f"{name}: {reach['measured']:,}, aim {reach['aim']}: {word}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    ``run`` is given a folder of its own, what was asked for and whom to tell. What it finds has
    ``reach`` (name -> :func:`aim`), and ``outputs_equal`` where it compared outputs; the rest is
    its own. It raises ``MissingPart``, ``ServerFailed`` or ``Failed`` where it cannot be run.
    """

    name: str
    #: One line for ``--help``.
    says: str
    run: Callable[[Path, Asked, Say], Found]
    table: Callable[[Found], str] = plain_table
    #: If SECONDS and ROUNDS do not say.
    seconds: float = 20
    rounds: int = 3
    #: Names that ``--only`` may have.
    systems: Sequence[str] = ()


def aim(measured: float, *, at_least: float | None = None, at_most: float | None = None) -> Found:
    """A figure beside what it was to be; give one of the two."""
    if at_least is not None:
        return {"aim": f">= {at_least:g}", "measured": measured, "reached": measured >= at_least}
    if at_most is not None:
        return {"aim": f"<= {at_most:g}", "measured": measured, "reached": measured <= at_most}
    raise ValueError("an aim is at least or at most something")


@contextmanager
def opened(folder: Path, say: Say, **settings: str) -> Iterator[Stand]:
    """A broker and a Redis that are gone afterwards; ``settings`` with _ for each dot."""
    broker = {name.replace("_", "."): value for name, value in settings.items()}
    with (
        KafkaServer.start(folder / "kafka", settings=broker, brief=False) as kafka,
        RedisServer.start(folder / "redis") as redis,
    ):
        yield Stand(kafka.bootstrap, redis.url, folder, say, redis.restart)
