"""Vitals, one worker process or more, as a user starts them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.contenders import (
    PARTITIONS,
    Failed,
    Stand,
    cpu_s,
    forget_groups,
    forget_topics,
    tell,
)
from bench.job import CARD, Scores
from bench.load import Input, source
from bench.report import Measured, differences
from changelog import folds_of
from records import records_of
from schemas.topics import SOURCES, Topics
from servers.vitals import WorkerServer, vitals
from streams.replay import final_health

__all__ = ["Ours", "create_sources", "measure", "now_of"]

#: Being asked for its metrics costs a worker two or three milliseconds.
ASK_EVERY_S = 0.5
#: So long nothing more is evaluated: the last customers that were touched are scored.
QUIET_S = 5.0
TELL_EVERY_S = 30.0
#: Source records read, signals folded, rows that the view has, customers evaluated.
COUNTED = (
    "health_intake_records_total", "health_signals_total", "health_view_rows_total",
    "health_evaluations_total",
)  # fmt: skip
#: A run in which nothing moves for so long is given up.
STUCK_S_MAX = 120.0
#: Of so many customers, evenly spread, the score is compared; the band of all.
EXACT_MAX = 20_000


def create_topics(bootstrap: str, prefix: str) -> None:
    """The topics that a worker needs, the sources among them."""
    shape = ("--signals-partitions", str(PARTITIONS), "--source-partitions", str(PARTITIONS))
    done = vitals("topics", "--create", *shape, "--bootstrap", bootstrap, "--prefix", prefix)
    if done.returncode != 0:
        raise Failed(done.stderr.strip())


def create_sources(bootstrap: str, prefixes: Iterable[str]) -> None:
    """The source topics of each input."""
    for prefix in prefixes:
        create_topics(bootstrap, prefix)


@dataclass
class Ours:
    """``vitals worker``: exactly-once, changelog, score changes and the view in Redis.

    The clock runs from the first record read until the last evaluation after the last signal was
    folded: all that is to be told is told.
    """

    card: Path = CARD
    #: The options of each process beside the common ones: one process without any.
    processes: Sequence[tuple[str, ...]] = ((),)
    name: str = "vitals"
    cautious_events_per_s: int = 0
    #: The clock runs until the view has all that was told.
    with_view: bool = False

    def prepare(self, stand: Stand) -> None:
        """Nothing: it is what the tests run."""

    def run(self, stand: Stand, load: Input, number: int) -> Measured:
        """One run; all topics but the sources are deleted afterwards."""
        with self.topics(stand, load.prefix):
            with self.running(stand, load.prefix, f"{load.prefix}{number}") as workers:
                seconds, cpu = measure(workers, load.good, with_view=self.with_view, say=stand.say)
            wrong = wrong_outputs(stand.bootstrap, load.prefix, load.expected)
        measured = Measured(load.events, seconds, cpu, not wrong)
        tell(stand, self.name, measured, wrong)
        return measured

    @contextmanager
    def topics(self, stand: Stand, prefix: str, *, keep_sources: bool = True) -> Iterator[None]:
        """All topics of a run; afterwards its sources are left, or nothing."""
        create_topics(stand.bootstrap, prefix)
        try:
            yield
        finally:
            kept = {source(prefix, family) for family in SOURCES if keep_sources}
            forget_groups(stand.bootstrap, prefix)
            forget_topics(
                stand.bootstrap, lambda name: name.startswith(prefix) and name not in kept
            )

    @contextmanager
    def running(self, stand: Stand, prefix: str, name: str) -> Iterator[list[WorkerServer]]:
        """The processes, started; their logs are shown if that fails."""
        common = (
            "--bootstrap", stand.bootstrap, "--prefix", prefix, "--redis", stand.redis,
            "--scorecard", str(self.card), "--log-level", "warning",
        )  # fmt: skip
        workers = [
            WorkerServer(stand.folder / f"{name}-worker{place}", *common, *options)
            for place, options in enumerate(self.processes)
        ]
        try:
            for worker in workers:
                worker.start(lambda: True)
            yield workers
        except Failed:
            for worker in workers:
                stand.say(worker.tail())
            raise
        finally:
            for worker in workers:
                worker.stop()


class Since(NamedTuple):
    """What the workers had done at an instant, by the clock of elapsed seconds."""

    counted: list[float]
    at_s: float
    cpu_s: float


def now_of(workers: Sequence[WorkerServer]) -> Since:
    """Where they are now: to be asked before anything is sent to workers that run already."""
    at_s, used_s = time.monotonic(), sum(cpu_s(worker.pid) for worker in workers)
    counted = zip(*(worker.metrics(*COUNTED) for worker in workers), strict=True)
    return Since(list(map(sum, counted)), at_s, used_s)


def measure(
    workers: Sequence[WorkerServer], good: int, *, with_view: bool = False, rows: int = 0,
    say: Callable[[str], None] = lambda _: None, since: Since | None = None,
) -> tuple[float, float]:  # fmt: skip
    """Seconds and CPU seconds for so many more signals, from the first record read.

    Until the last evaluation, or until the view has all that was told: at least so many rows.
    With ``since`` the clock runs from there. ``say`` hears every half a minute how far it is.
    """
    read, folded, shown, _ = (since or now_of(workers)).counted
    begun = None if since is None else (since.at_s, since.cpu_s)
    told_s = time.monotonic()
    ended, done, quiet_at = (0.0, 0.0), (-1.0, -1.0), 0.0
    moved, give_up_at = (-1.0, -1.0, -1.0), time.monotonic() + STUCK_S_MAX
    while time.monotonic() < give_up_at:
        for worker in workers:
            if not worker.is_running:
                raise Failed(worker.last_words())
        now = now_of(workers)
        here, (records, signals, view, evaluated) = (now.at_s, now.cpu_s), now.counted
        if begun is None and records > read:
            begun = here
        if begun and here[0] > told_s + TELL_EVERY_S:
            told_s = here[0]
            say(
                f"    {signals - folded:,.0f} of {good:,} signals folded,"
                f" {view - shown:,.0f} rows in the view"
            )
        if (signals, evaluated, view) != moved:
            moved, give_up_at = (signals, evaluated, view), here[0] + STUCK_S_MAX
        if begun and signals >= folded + good and view >= shown + rows:
            if (evaluated, view if with_view else 0.0) != done:
                done = evaluated, view if with_view else 0.0
                ended, quiet_at = here, here[0] + QUIET_S
            elif here[0] > quiet_at:
                return ended[0] - begun[0], ended[1] - begun[1]
        time.sleep(ASK_EVERY_S)
    raise Failed(
        f"nothing moved for {STUCK_S_MAX:g} s: {moved[0]:,.0f} signals, at {folded + good:,.0f} all"
        f" are folded; {moved[2]:,.0f} rows in the view, {shown + rows:,.0f} are expected"
    )


class _Health(msgspec.Struct):
    band: str


class _Change(msgspec.Struct):
    customer_id: str
    after: _Health


class _Told(msgspec.Struct):
    data: _Change


def wrong_outputs(bootstrap: str, prefix: str, expected: Scores) -> list[str]:
    """Where outputs are not as expected: the band told last of each customer, the state's score."""
    topics = Topics(prefix)
    decode, told = msgspec.json.Decoder(_Told).decode, {}
    for message in records_of(bootstrap, topics.name("scores")):
        change = decode(message.value() or b"").data
        told[change.customer_id] = change.after.band
    wrong = differences(told, {customer: band for customer, (_, band) in expected.items()})
    now_ms, every, known = int(time.time() * 1000), len(expected) // EXACT_MAX + 1, set()
    exact: Scores = {}
    for fold in folds_of(bootstrap, topics.name("customers")):
        known |= fold.customers()
        for customer_id in sorted(fold.customers())[::every]:
            health = final_health(fold, customer_id, now_ms)
            if health is not None:
                exact[customer_id] = health["score"], str(health["band"])
            else:
                wrong.append(f"{customer_id}: nothing was told of it")
    if known != expected.keys():
        wrong.append(f"{len(known):,} customers are in the state, expected {len(expected):,}")
    return wrong + differences(exact, {c: expected.get(c, (0, "none")) for c in exact})
