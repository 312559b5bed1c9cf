"""A peer that is a process of its own: how it is run, and its last scores are read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import (
    PARTITIONS,
    Failed,
    Stand,
    child,
    create_topics,
    forget_topics,
    judged,
    told_bands,
)
from bench.job import Scores
from bench.load import Input
from bench.report import Measured

__all__ = ["HERE", "Peer", "Rows"]

HERE = Path(__file__).resolve().parent
#: From the start to the first event: a JVM warms up meanwhile.
BEGIN_S_MAX = 600.0

#: Of each run: the repartition topic, the score changes, the dead letters.
TOPICS = ("signals", "scores", "dead")

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
    #: Fetches and builds what it needs, before the first run.
    ready: Callable[[Stand], None] = lambda _: None
    #: How often it works an input off before the run that counts: a JVM's first is slow.
    warm_ups: Callable[[Input], int] = lambda _: 0

    def prepare(self, stand: Stand) -> None:
        """Fetch and build what it needs."""
        self.ready(stand)

    def run(self, stand: Stand, load: Input, number: int) -> Measured:
        """One run; its topics and groups are deleted afterwards."""
        run = f"{self.name}{number}"
        warm_ups = self.warm_ups(load)
        runs = [run, *(f"{run}.warm{warm}" for warm in range(1, warm_ups + 1))]
        create_topics(stand.bootstrap, [f"{r}.{t}" for r in runs for t in TOPICS])
        command = [
            *self.command, "--bootstrap", stand.bootstrap, "--prefix", load.prefix,
            "--run", run, "--good", str(load.good), "--partitions", str(PARTITIONS),
            *(("--warm-ups", str(warm_ups)) if warm_ups else ()),
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
