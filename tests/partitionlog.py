"""One partition of the signals log in memory: records in, a fold that applies them, outputs out.

Records go through their bytes, as on a broker, so that nothing is shared between
two folds that read the same log.
"""

import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from schemas import signals
from schemas.inbound import AnyEvent, InboundEvent, family_of
from schemas.signals import Block, ControlCopy, LogRecord, Progress, Signal, Tick
from schemas.topics import SOURCES
from scoring.card import Card, hash_of
from scoring.fold import fold
from scoring.metrics import Metric, Vocabulary, compile_metric
from scoring.moment import Moment, Reading
from scoring.money import parse_rates
from scoring.outputs import Output
from scoring.partition import FoldPolicy, PartitionFold, TickMode
from scoring.plan import Plan
from scoring.recent import thinned
from scoring.row import Customer
from scoring.signals import signal_of
from scoring.state import CustomerState
from streams.scorecards import load_card

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
#: A Monday, midnight UTC: where histories begin.
START_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1000
#: Not what is shipped, which says more than an oracle can follow: the same sort of card, in small.
SAAS = (Path(__file__).parent / "cards" / "b2b-saas.yaml").read_text()


@lru_cache(maxsize=64)
def card_of(text: str) -> Card:
    """The compiled card, once per text."""
    return load_card(text)


@lru_cache(maxsize=512)
def metric_of(text: str) -> Metric:
    """The compiled metric, once per text; amounts are in euro, a dollar is 90 cents."""
    return compile_metric(text, Vocabulary(rates=parse_rates({"USD": "0.9"}, "EUR")))


def plan_of(*metrics: str) -> Plan:
    """The plan that keeps what these metrics read."""
    return Plan(one for text in metrics for one in metric_of(text).series)


def reading_of(
    state: CustomerState, metric: str, now_ms: int, began: Mapping[int, int] | None = None
) -> Reading:
    """What a metric reads off a state that was kept for it."""
    return metric_of(metric).read(state, Moment(now_ms, began))


def folded(plan: Plan, found: Iterable[Signal]) -> CustomerState:
    """The state after these signals."""
    state = CustomerState()
    for signal in found:
        fold(state, signal, plan)
    return state


def signals_of(events: Iterable[InboundEvent]) -> list[Signal]:
    """Events as the fold sees them: the source by its name."""
    return [[*(one := signal_of(e, n, 0))[:3], e.source, *one[4:]] for n, e in enumerate(events)]


def at(ms: int) -> str:
    """Unix milliseconds as events write them."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def event(kind: str, ms: int, customer: str = "acme", /, **fields: Any) -> InboundEvent:
    """An event of this type; its id is made of these unless it is given."""
    body = {
        "event_id": f"{customer}-{kind}-{ms}",
        "customer_id": customer,
        "occurred_at": at(ms),
        "source": "app",
        "type": kind,
        **fields,
    }
    return AnyEvent.validate_json(json.dumps(body))


def block_of(
    events: Sequence[InboundEvent], first_offset: int, topic: str | None = None, partition: int = 0
) -> Block:
    """The block that intake makes of events read from one source partition."""
    sources: list[str] = []
    found = []
    for offset, one in enumerate(events, first_offset):
        if one.source not in sources:
            sources.append(one.source)
        found.append(signal_of(one, offset, sources.index(one.source)))
    return Block(topic or SOURCES[family_of(events[0])], partition, sources, found)


def activation(text: str, offset: int = 0) -> ControlCopy:
    """The copy of a control record that activates a scorecard."""
    body = {
        "type": "scorecard.activated",
        "at": at(START_MS),
        "author": "test",
        "reason": "test",
        "name": "card",
        "version": "1",
        "hash": hash_of(text),
        "text": text,
    }
    return ControlCopy(offset, json.dumps(body).encode())


def source_control(kind: str, topic: str, offset: int) -> ControlCopy:
    """A copy of ``source.stalled`` or ``source.resumed``."""
    body = {"type": kind, "at": at(START_MS), "author": "test", "reason": "test", "topic": topic}
    return ControlCopy(offset, json.dumps(body).encode())


@dataclass
class Log:
    """The log, and one fold that has applied all of it."""

    card_text: str | None = SAAS
    mode: TickMode = TickMode.WALL
    step_ms: int = DAY_MS
    as_of_ms: int | None = None
    cache_customers: int = 100_000
    partition: int = 0
    rows: MutableMapping[bytes, bytes] = field(default_factory=dict)
    records: list[tuple[int, bytes]] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fold = self.new_fold(self.rows)
        if self.card_text is not None:
            self.add(activation(self.card_text), START_MS)

    def new_fold(self, rows: MutableMapping[bytes, bytes]) -> PartitionFold:
        """A fold of the same kind on other rows."""
        policy = FoldPolicy(
            load_card=card_of,
            mode=self.mode,
            step_ms=self.step_ms,
            as_of_ms=self.as_of_ms,
            cache_customers=self.cache_customers,
        )
        return PartitionFold(self.partition, rows, policy)

    def add(self, record: LogRecord, append_ms: int) -> list[Output]:
        """Append a record and apply it."""
        self.records.append((append_ms, signals.encode(record)))
        outputs = self.apply(self.fold, len(self.records) - 1)
        self.outputs += outputs
        return outputs

    def apply(self, fold: PartitionFold, offset: int) -> list[Output]:
        """Let a fold apply one record of the log."""
        append_ms, value = self.records[offset]
        return fold.apply(offset, append_ms, signals.decode(value))

    def replay(self, fold: PartitionFold) -> list[Output]:
        """Let a fold apply everything after its position."""
        return [
            output
            for offset in range(fold.header.position, len(self.records))
            for output in self.apply(fold, offset)
        ]

    def read(self, append_ms: int, *events: InboundEvent) -> None:
        """Append events as intake would: a block per run of events from one source topic."""
        runs: list[list[InboundEvent]] = []
        for one in events:
            if runs and family_of(runs[-1][0]) == family_of(one):
                runs[-1].append(one)
            else:
                runs.append([one])
        for run in runs:
            topic = SOURCES[family_of(run[0])]
            first = self.offsets.get(topic, 0)
            self.offsets[topic] = first + len(run)
            self.add(block_of(run, first, topic), append_ms)

    def read_signals(self, append_ms: int, found: Iterable[Signal], customer: str = "acme") -> None:
        """Append signals as the fold sees them, as a block that says they are the customer's."""
        topic = "health.redrive.v1"
        first = self.offsets.get(topic, 0)
        sources: list[str] = []
        block = Block(topic, 0, sources, [])
        for offset, (_, at_ms, _, source, *rest) in enumerate(found, first):
            if source not in sources:
                sources.append(source)
            block.signals.append([offset, at_ms, customer, sources.index(source), *rest])
        self.offsets[topic] = first + len(block.signals)
        self.add(block, append_ms)

    def tick(self, now_ms: int, **bounds: str | None) -> list[Output]:
        """Append a tick at its own time."""
        return self.add(Tick(now_ms, **bounds), now_ms)

    def tick_if_wanted(self, now_ms: int, customers_max: int = 2_000) -> list[Output]:
        """Progress up to ``now_ms`` and the ticks that follow from it, as a worker does it."""
        self.add(Progress({"health.usage.v1/0": now_ms}), now_ms)
        outputs = []
        for tick in self.fold.ticks(now_ms, customers_max):
            outputs += self.add(tick, now_ms)
        return outputs

    def customer(self, customer_id: str = "acme") -> Customer:
        """A customer that is known."""
        customer = self.fold.customer(customer_id)
        assert customer is not None
        return customer


#: What a row does not say.
_IN_MEMORY = ("held_bytes", "looked")


def canonical(customer: Customer) -> Any:
    """A customer's row, but for what the log's records decide: its position, its signals' offsets.

    Nor does the order count in which dictionaries, recent events and held signals were filled.
    """
    row = {name: getattr(customer, name) for name in Customer.__slots__ if name not in _IN_MEMORY}
    row["touched"] = customer.dirty  # by what is known until a row is written
    state = {name: getattr(customer.state, name) for name in customer.state.__struct_fields__}
    state["held"] = sorted((signal[1:] for signal in state["held"]), key=repr)
    recent = sorted(thinned(customer.recent).items())
    found = {**row, "position": None, "state": state, "recent": recent, "fresh": []}
    return msgspec.to_builtins(found, str_keys=True, order="sorted")


def difference(a: Any, b: Any, where: str = "") -> list[str]:
    """Where two canonical values differ, for a test's message."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = sorted(set(a) | set(b))
        return [d for k in keys for d in difference(a.get(k), b.get(k), f"{where}.{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [
            d
            for i, (x, y) in enumerate(zip(a, b, strict=True))
            for d in difference(x, y, f"{where}[{i}]")
        ]
    return [] if a == b else [f"{where}: {a!r} != {b!r}"]


def bodies(outputs: Iterable[Output], topic: str = "scores") -> list[dict[str, Any]]:
    """The outputs of a topic as JSON."""
    return [msgspec.json.decode(output.body) for output in outputs if output.topic == topic]


def data_of(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """The ``data`` of the score changes."""
    return [body["data"] for body in bodies(outputs)]


Change = Callable[[str], str]


def changed_card(*changes: tuple[str, str], text: str = SAAS) -> str:
    """The shipped card with pieces of its text replaced; each piece must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
