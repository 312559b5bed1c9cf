"""Vitals, one worker process, as a user starts it."""

import json
import time
from collections.abc import Iterable, Sequence

from bench.contenders import (
    PARTITIONS,
    Failed,
    Stand,
    cpu_s,
    forget_groups,
    forget_topics,
    judged,
    last_values,
)
from bench.job import CARD
from bench.load import Input, source
from bench.report import Measured
from changelog import healths_of
from schemas.topics import SOURCES, Topics
from servers.vitals import WorkerServer, vitals

__all__ = ["Ours", "create_sources", "measure"]

ASK_EVERY_S = 0.2
#: So long nothing more is evaluated: the last customers that were touched are scored.
QUIET_S = 3.0
RUN_S_MAX = 600.0


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


class Ours:
    """One ``vitals worker``: exactly-once, changelog, score changes and the view in Redis.

    The clock runs from the first record read until the last evaluation after the last signal was
    folded: all that is to be told is told.
    """

    name = "vitals"
    cautious_events_per_s = 0

    def prepare(self, stand: Stand) -> None:
        """Nothing: it is what the tests run."""

    def run(self, stand: Stand, load: Input, number: int) -> Measured:
        """One run; all topics but the sources are deleted afterwards."""
        topics = Topics(load.prefix)
        create_topics(stand.bootstrap, load.prefix)
        where = ("--bootstrap", stand.bootstrap, "--prefix", load.prefix)
        worker = WorkerServer(
            stand.folder / f"vitals{number}", *where, "--redis", stand.redis,
            "--scorecard", str(CARD), "--log-level", "warning",
        )  # fmt: skip
        try:
            worker.start(lambda: True)
            try:
                seconds, cpu = measure([worker], load.good)
            except Failed:
                stand.say(worker.tail())
                raise
            finally:
                worker.stop()
            healths = healths_of(stand.bootstrap, topics.name("customers"), int(time.time() * 1000))
            scores = {c: (h["score"], str(h["band"])) for c, h in healths.items()}
            told = _told(stand.bootstrap, topics.name("scores"))
            if told != {customer: band for customer, (_, band) in scores.items()}:
                raise Failed("the bands that it told are not those of its state")
            return judged(stand, self.name, load, seconds, cpu, scores)
        finally:
            kept = {source(load.prefix, family) for family in SOURCES}
            forget_groups(stand.bootstrap, load.prefix)
            forget_topics(
                stand.bootstrap,
                lambda name: name.startswith(load.prefix) and name not in kept,
            )


def measure(workers: Sequence[WorkerServer], good: int) -> tuple[float, float]:
    """Seconds and CPU seconds from the first record to the last evaluation."""

    def total(metric: str) -> float:
        return sum(worker.metric(metric) for worker in workers)

    begun: tuple[float, float] | None = None
    ended, evaluated, quiet_at = (0.0, 0.0), -1.0, 0.0
    give_up_at = time.monotonic() + RUN_S_MAX
    while time.monotonic() < give_up_at:
        for worker in workers:
            if not worker.is_running:
                raise Failed(worker.last_words())
        here = time.monotonic(), sum(cpu_s(worker.pid) for worker in workers)
        if begun is None and total("health_intake_records_total") > 0:
            begun = here
        if begun and total("health_signals_total") >= good:
            now = total("health_evaluations_total")
            if now != evaluated:
                evaluated, ended, quiet_at = now, here, here[0] + QUIET_S
            elif here[0] > quiet_at:
                return ended[0] - begun[0], ended[1] - begun[1]
        time.sleep(ASK_EVERY_S)
    raise Failed(f"did not work {good} events off in {RUN_S_MAX:g} s")


def _told(bootstrap: str, topic: str) -> dict[str, str]:
    return {
        key.decode(): json.loads(value)["data"]["after"]["band"]
        for key, value in last_values(bootstrap, topic)
    }
