"""What the control topic says of the sources: which are paused, which stalled. Pure.

A fold over the decisions, in the order of the topic. Whoever needs to know (intake,
the watch for silent sources, outreach, ``vitals intake``) folds the same records and so
knows the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.control import (
    ControlRecord,
    IntakePaused,
    IntakeResumed,
    SourceResumed,
    SourceStalled,
)
from streams.clock import to_ms

__all__ = ["Decided", "Place", "SourceStates", "states_of"]


class Place(NamedTuple):
    """A source topic, by its name on the broker, or one partition of it."""

    topic: str
    partition: int | None = None

    def __str__(self) -> str:
        return self.topic if self.partition is None else f"{self.topic}/{self.partition}"


class Decided(NamedTuple):
    """The decision that made a state begin."""

    offset: int
    at_ms: int
    author: str
    reason: str


@dataclass(slots=True)
class SourceStates:
    """The sources as of the last decision taken."""

    paused: dict[Place, Decided] = field(default_factory=dict)
    #: By topic.
    stalled: dict[str, Decided] = field(default_factory=dict)
    #: When a topic was last declared to be back, Unix milliseconds.
    resumed_ms: dict[str, int] = field(default_factory=dict)
    #: When a pause in a topic was last taken back.
    went_on_ms: dict[str, int] = field(default_factory=dict)
    #: Bad records before these offsets pause nothing, by topic and partition.
    known_to: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, offset: int, record: ControlRecord) -> None:
        """The next decision; a repeated one changes nothing, and others are none of ours."""
        decided = Decided(offset, to_ms(record.at), record.author, record.reason)
        match record:
            case IntakePaused(topic=topic, partition=partition):
                self.paused.setdefault(Place(topic, partition), decided)
            case IntakeResumed(topic=topic, partition=partition):
                self.paused.pop(Place(topic, partition), None)
                self.went_on_ms[topic] = decided.at_ms
                for known, known_to in record.known_to.items():
                    at = (topic, known)
                    self.known_to[at] = max(known_to, self.known_to.get(at, 0))
            case SourceStalled(topic=topic):
                self.stalled.setdefault(topic, decided)
            case SourceResumed(topic=topic):
                self.stalled.pop(topic, None)
                self.resumed_ms[topic] = decided.at_ms
            case _:
                pass

    def pause_of(self, topic: str, partition: int) -> Decided | None:
        """Why a partition is not read; None if it is. That of its whole topic comes first."""
        return self.paused.get(Place(topic)) or self.paused.get(Place(topic, partition))

    def pauses_of(self, topic: str) -> list[Place]:
        """What of a topic is paused: itself, some of its partitions, or nothing."""
        return [place for place in self.paused if place.topic == topic]


def states_of(decisions: Iterable[tuple[int, ControlRecord]]) -> SourceStates:
    """The sources after all of these decisions, each with its offset."""
    states = SourceStates()
    for offset, record in decisions:
        states.take(offset, record)
    return states
