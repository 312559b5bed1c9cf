"""The peers that are processes of their own, and how their last scores are read."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contenders import (
    PARTITIONS,
    Failed,
    Stand,
    child,
    create_topics,
    forget_topics,
    judged,
    last_values,
    told_bands,
)
from bench.job import Scores
from bench.load import Input
from bench.report import Measured

__all__ = ["HERE", "Peer", "Rows", "json_rows", "stock_faust"]

HERE = Path(__file__).resolve().parent
#: From the start to the first event: a JVM warms up meanwhile.
BEGIN_S_MAX = 240.0

#: Customer, score, band: from the rows that a system's state is kept in.
Rows = Iterator[tuple[str, int, str]]


@dataclass
class Peer:
    """A peer that a command starts, told what to do by its options (see ``given.py``)."""

    name: str
    cautious_events_per_s: int
    command: Sequence[str]
    #: (stand, run, folder) -> what the state holds at the end.
    rows: Callable[[Stand, str, Path], Rows]
    ready: Callable[["Peer", Stand], None] = lambda peer, stand: None
    options: Sequence[str] = ()
    built: list[str] = field(default_factory=list)

    def prepare(self, stand: Stand) -> None:
        """Fetch and build what it needs."""
        self.ready(self, stand)

    def run(self, stand: Stand, load: Input, number: int) -> Measured:
        """One run; its topics and groups are deleted afterwards."""
        run = f"{self.name}{number}"
        create_topics(stand.bootstrap, [f"{run}.{kind}" for kind in ("signals", "scores", "dead")])
        command = [
            *self.command, *self.options, "--bootstrap", stand.bootstrap, "--prefix", load.prefix,
            "--run", run, "--good", str(load.good), "--partitions", str(PARTITIONS),
        ]  # fmt: skip
        folder = stand.folder / run
        try:
            with child(command, folder) as started:
                seconds, cpu = started.measure(BEGIN_S_MAX)
                started.end()
            scores: Scores = {
                customer: (score, band) for customer, score, band in self.rows(stand, run, folder)
            }
            bands = told_bands(stand.bootstrap, f"{run}.scores")
            if bands != {customer: band for customer, (_, band) in scores.items()}:
                raise Failed("the bands that it told are not those of its state")
            return judged(stand, self.name, load, seconds, cpu, scores)
        finally:
            forget_topics(stand.bootstrap, lambda name: name.startswith(run))


def json_rows(values: Iterator[tuple[bytes, bytes]]) -> Rows:
    """Rows whose key is the customer and whose value is the state, as JSON."""
    for key, value in values:
        state = json.loads(value)
        yield key.decode(), state["score"], state["band"]


def stock_faust() -> Peer:
    """Faust as it is, in the environment of the tests."""
    return Peer(
        "faust", 1_000, [sys.executable, str(HERE / "stock_faust.py")],
        lambda stand, run, _: json_rows(
            last_values(stand.bootstrap, f"{run}-customers-changelog")
        ),
    )  # fmt: skip
