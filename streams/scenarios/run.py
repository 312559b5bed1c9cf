"""A scenario, played: one partition of the signals log, its fold, and a clock of its own.

The records are those of live scoring, in wall mode: blocks as intake makes them,
progress of the sources, ticks as the fold asks for them. Time passes without
waiting: between what happens, everything that falls due by itself is ticked at
its exact instant, as a worker with an infinitely short tick would do it. At one
instant, what happens comes first, then the tick, then what is expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas import signals
from schemas.control import ScorecardActivated
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
        self.fold = PartitionFold(0, {}, FoldPolicy(lambda _: card, source="/vitals/scenario"))
        self._append(_activation(card, card_text, begins_ms), begins_ms)

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

    def tick(self, at_ms: int) -> None:
        """All sources have been read up to an instant, and the ticks that follow from it."""
        self._ticked_ms = at_ms
        self._append(Progress(dict.fromkeys(_SOURCES, at_ms)), at_ms)
        for tick in self.fold.ticks(at_ms, _CUSTOMERS_MAX, _SOURCES):
            self._append(tick, at_ms)

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
    instants = sorted(at_ms for at_ms in {*arrivals, *expected} if at_ms <= last_ms)
    stage = Stage(scenario.card, scenario.card_text, scenario.customer_id, instants[0])
    failures: list[Failure] = []
    seen, sequence = 0, 0
    for at_ms in instants:
        stage.pass_to(at_ms)
        stage.hear(at_ms, arrivals.get(at_ms, ()))
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
        )
        for one in expected[at_ms]:
            found = one.judge(moment)
            if found is not None:
                failures.append(Failure(one, found, moment))
        customer = stage.fold.customer(scenario.customer_id)
        seen, sequence = len(stage.outputs), 0 if customer is None else customer.sequence
    return Outcome(scenario, tuple(failures))


def _crossings(outputs: Sequence[Output]) -> tuple[Crossing, ...]:
    found = (
        crossing_of(Transition.model_validate_json(output.body))
        for output in outputs
        if output.topic == "transitions"
    )
    return tuple(crossing for crossing in found if crossing is not None)


def _activation(card: Card, text: str, at_ms: int) -> ControlCopy:
    """The decision that makes the scorecard the active one, before anything happens."""
    decision = ScorecardActivated(
        at=from_ms(at_ms),
        author="scenario",
        reason="scenario",
        name=card.name,
        version=card.version,
        hash=card.hash,
        text=text,
    )
    return ControlCopy(0, decision.model_dump_json().encode())
