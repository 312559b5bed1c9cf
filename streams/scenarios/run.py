"""A scenario, played: one partition of the signals log, its fold, and a clock of its own.

The records are those of live scoring, in wall mode: blocks as intake makes them,
progress of the sources, ticks as the fold asks for them. Time passes without
waiting: between what happens, everything that falls due by itself is ticked at
its exact instant, as a worker with an infinitely short tick would do it. At one
instant, what happens comes first, then the tick, then what is expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas import signals
from schemas.control import ControlRecord, ScorecardActivated, SourceResumed, SourceStalled
from schemas.scores import Transition
from schemas.signals import Block, ControlCopy, LogRecord, Progress
from schemas.topics import SOURCES
from scoring.card import Card
from scoring.outputs import Output
from scoring.partition import FoldPolicy, PartitionFold
from streams.clock import from_ms
from streams.scenarios.arrivals import Arrival
from streams.scenarios.expectations import Expected
from streams.scenarios.moment import Crossing, Moment, crossing_of, moment_of
from streams.scenarios.stops import Stop
from streams.scenarios.times import ZoneTimes

__all__ = ["Failure", "Outcome", "Scenario", "Stage", "run"]

_SOURCES = [f"{topic}/0" for topic in SOURCES.values()]
_CUSTOMERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that is ready to be played."""

    name: str
    path: str
    line: int
    customer_id: str
    card: Card
    card_text: str
    times: ZoneTimes
    arrivals: Sequence[Arrival]
    #: Spans in which a source brings nothing.
    stops: Sequence[Stop]
    #: In order of time.
    expected: Sequence[Expected]


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met: which, and what was found."""

    expected: Expected
    found: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario."""

    scenario: Scenario
    failures: tuple[Failure, ...]

    @property
    def met(self) -> int:
        """How many expectations were met."""
        return len(self.scenario.expected) - len(self.failures)


class Stage:
    """One partition with one customer. ``records`` is its log: (append time, bytes)."""

    def __init__(self, card: Card, card_text: str, customer_id: str, begins_ms: int) -> None:
        self.customer_id = customer_id
        self.records: list[tuple[int, bytes]] = []
        #: All that was told so far, in order.
        self.outputs: list[Output] = []
        self._ticked_ms = begins_ms - 1
        self._decisions = 0
        self._stopped: set[str] = set()
        self.fold = PartitionFold(0, {}, FoldPolicy(lambda _: card, source="/vitals/scenario"))
        self._decide(_activation(card, card_text, begins_ms), begins_ms)

    def pass_to(self, at_ms: int) -> None:
        """Let time pass up to just before an instant; what falls due on the way is ticked then."""
        while True:
            customer = self.fold.customer(self.customer_id)
            due_ms = None if customer is None else customer.due_ms
            if due_ms is None or due_ms >= at_ms:
                return
            assert due_ms > self._ticked_ms, "whoever was evaluated is due later"
            self.tick(due_ms)

    def hear(self, at_ms: int, blocks: Sequence[Block]) -> None:
        """What intake writes at an instant."""
        for block in blocks:
            self._append(block, at_ms)

    def stop(self, topic: str, at_ms: int) -> None:
        """A source is declared stalled: what it feeds stays as it is."""
        self._stopped.add(topic)
        self._decide(SourceStalled(**_decided(at_ms), topic=topic), at_ms)

    def resume(self, topic: str, at_ms: int) -> None:
        """A source is back."""
        self._stopped.discard(topic)
        self._decide(SourceResumed(**_decided(at_ms), topic=topic), at_ms)

    def tick(self, at_ms: int) -> None:
        """All sources have been read up to an instant, and the ticks that follow from it."""
        self._ticked_ms = at_ms
        alive = (one for one in _SOURCES if one.rpartition("/")[0] not in self._stopped)
        self._append(Progress(dict.fromkeys(alive, at_ms)), at_ms)
        for tick in self.fold.ticks(at_ms, _CUSTOMERS_MAX, _SOURCES):
            self._append(tick, at_ms)

    def _decide(self, decision: ControlRecord, at_ms: int) -> None:
        """A global decision, as the partition's owner copies it into the log."""
        self._append(ControlCopy(self._decisions, decision.model_dump_json().encode()), at_ms)
        self._decisions += 1

    def _append(self, record: LogRecord, append_ms: int) -> None:
        # Through its bytes, as on a broker: the fold works on the signals that it is given.
        value = signals.encode(record)
        offset = len(self.records)
        self.records.append((append_ms, value))
        self.outputs += self.fold.apply(offset, append_ms, signals.decode(value))


def run(scenario: Scenario) -> Outcome:
    """Play a scenario to the last time at which something is expected."""
    arrivals = {arrival.at_ms: arrival.blocks for arrival in scenario.arrivals}
    expected: dict[int, list[Expected]] = {}
    for one in scenario.expected:
        expected.setdefault(one.at_ms, []).append(one)
    last_ms = max(expected)
    turns = {at_ms for stop in scenario.stops for at_ms in stop[1:]}
    instants = sorted(at_ms for at_ms in {*arrivals, *expected, *turns} if at_ms <= last_ms)
    stage = Stage(scenario.card, scenario.card_text, scenario.customer_id, instants[0])
    failures: list[Failure] = []
    seen, sequence, stopped = 0, 0, 0
    for at_ms in instants:
        stage.pass_to(at_ms)
        for stop in scenario.stops:
            if stop.first_ms == at_ms:
                stage.stop(stop.topic, at_ms)
                stopped += 1
        stage.hear(at_ms, arrivals.get(at_ms, ()))
        for stop in scenario.stops:
            if stop.end_ms == at_ms:
                stage.resume(stop.topic, at_ms)
        stage.tick(at_ms)
        if at_ms not in expected:
            continue
        moment = moment_of(
            stage.fold,
            scenario.customer_id,
            scenario.card,
            at_ms,
            sequence=sequence,
            crossings=_crossings(stage.outputs[seen:]),
            stopped=stopped,
        )
        for one in expected[at_ms]:
            found = one.judge(moment)
            if found is not None:
                failures.append(Failure(one, found, moment))
        customer = stage.fold.customer(scenario.customer_id)
        seen, sequence = len(stage.outputs), 0 if customer is None else customer.sequence
        stopped = 0
    return Outcome(scenario, tuple(failures))


def _crossings(outputs: Sequence[Output]) -> tuple[Crossing, ...]:
    found = (
        crossing_of(Transition.model_validate_json(output.body))
        for output in outputs
        if output.topic == "transitions"
    )
    return tuple(crossing for crossing in found if crossing is not None)


def _decided(at_ms: int) -> dict[str, Any]:
    return {"at": from_ms(at_ms), "author": "scenario", "reason": "scenario"}


def _activation(card: Card, text: str, at_ms: int) -> ScorecardActivated:
    """The decision that makes the scorecard the active one, before anything happens."""
    return ScorecardActivated(
        **_decided(at_ms),
        name=card.name,
        version=card.version,
        hash=card.hash,
        text=text,
    )
