"""What a peer's process is given on its command line, and what it says while it works.

Imported by the peers' own processes, which may run in another virtual environment: nothing but the
standard library here.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.job import DAY_S, FAMILIES, Signal, signal_of

__all__ = ["Given", "Milestones", "given", "packed", "score_change", "unpacked"]


@dataclass(frozen=True)
class Given:
    """One run."""

    bootstrap: str
    #: Family -> source topic.
    sources: dict[str, str]
    #: Prefix of all that the peer makes: topics, groups.
    run: str
    #: So many good events are in the sources.
    good: int
    partitions: int
    today: int

    @property
    def signals(self) -> str:
        """The repartition topic."""
        return f"{self.run}.signals"

    @property
    def scores(self) -> str:
        """The score changes."""
        return f"{self.run}.scores"

    @property
    def dead(self) -> str:
        """The records that were no events."""
        return f"{self.run}.dead"

    def family(self, topic: str) -> str:
        """The family of a source topic."""
        return next(family for family, name in self.sources.items() if name == topic)

    def signal_of(self, topic: str, raw: bytes) -> Signal | None:
        """What a source record says; None if it is no event."""
        return signal_of(self.family(topic), raw)


def given() -> Given:
    """From the command line."""
    parser = argparse.ArgumentParser(description="A peer of the benchmark; make bench runs it.")
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True, help="of the source topics")
    parser.add_argument("--run", required=True, help="prefix of all that it makes")
    parser.add_argument("--good", type=int, required=True, help="good events in the sources")
    parser.add_argument("--partitions", type=int, required=True)
    told = parser.parse_args()
    sources = {family: f"{told.prefix}health.{family}.v1" for family in FAMILIES}
    today = int(time.time()) // DAY_S
    return Given(told.bootstrap, sources, told.run, told.good, told.partitions, today)


class Milestones:
    """Says when the first event is read and when the last is folded: the driver has the clock."""

    def __init__(self, good: int) -> None:
        self.left = good
        self._begun = False

    def read(self) -> None:
        """A source record was read."""
        if not self._begun:
            self._begun = True
            print("first", flush=True)

    def folded(self) -> bool:
        """A signal was folded and its score change sent; whether it was the last."""
        self.left -= 1
        if self.left == 0:
            print("done", flush=True)
        return self.left == 0


def packed(signal: Signal) -> bytes:
    """A signal as it travels to the customer's partition."""
    return json.dumps(signal).encode()


def unpacked(value: bytes) -> Signal:
    """And as it arrives there."""
    return tuple(json.loads(value))


def score_change(customer: str, state: dict) -> bytes:
    """What goes out on a new band."""
    change = {"customer_id": customer, "score": state["score"], "band": state["band"]}
    return json.dumps(change).encode()
