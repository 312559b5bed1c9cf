"""What a run left, judged from its histories alone: topics, the receiver's ledger, the dump."""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from changelog import rows_of
from chaos.world import World
from records import records_of
from schemas import signals
from schemas.dead_letters import DeadLetter
from schemas.scores import Transition
from schemas.signals import Block
from schemas.topics import Topics
from scoring.evaluate import assess
from scoring.partition import FoldPolicy, PartitionFold
from scoring.row import is_customer, unpack
from streams.clock import to_ms
from streams.outreach.decide import decide
from streams.scorecards import load_card

__all__ = ["Findings", "Histories", "compare", "effects", "outputs_of", "values_of"]

#: Numbers in a state are millionths.
MILLION = 1_000_000
LATE_MS = 24 * 3_600_000


@dataclass
class Findings:
    """The figures of a run. Anything but 0 in ``lost`` to ``duplicate_effects`` is a defect."""

    lost: int = 0
    double_counted: int = 0
    duplicate_effects: int = 0
    repeat_attempts: int = 0
    out_of_order: int = 0
    late: int = 0
    dead_letters: dict[str, int] = field(default_factory=dict)
    dump_equal: bool = False
    #: All was read and applied before the workers were stopped; else events seem to be lost.
    rested: bool = True
    oracle_sha256: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, counted twice, told twice or left different."""
        letters = self.dead_letters.get("seen") == self.dead_letters.get("expected")
        wrong = (self.lost, self.double_counted, self.duplicate_effects, self.out_of_order)
        return self.rested and self.dump_equal and letters and not any(wrong)


class Histories:
    """All that a run left on the broker, read once it is still."""

    def __init__(self, bootstrap: str, topics: Topics) -> None:
        self._bootstrap, self._topics = bootstrap, topics
        self.rows = rows_of(bootstrap, topics.name("customers"))
        policy = FoldPolicy(load_card, source=f"/vitals/{topics.name('scores')}")
        self.folds = {p: PartitionFold(p, dict(rows), policy) for p, rows in self.rows.items()}
        for fold in self.folds.values():
            fold.check_seal()
        #: One process, the same log, no crash.
        self.oracle = {p: PartitionFold(p, {}, policy) for p in self.rows}
        self.told_by_oracle: list[Any] = []
        self.late = 0
        self._fold_log()

    def _fold_log(self) -> None:
        for message in records_of(self._bootstrap, self._topics.name("signals")):
            partition, offset = message.partition() or 0, message.offset() or 0
            if offset >= self.folds[partition].header.position:
                continue  # written while the last worker stopped
            record = signals.decode(message.value() or b"")
            at_ms = message.timestamp()[1]
            if type(record) is Block:
                self.late += sum(signal[1] < at_ms - LATE_MS for signal in record.signals)
            self.told_by_oracle += self.oracle[partition].apply(offset, at_ms, record)
        for fold in self.oracle.values():
            fold.checkpoint()

    def values(self, topic: str) -> list[bytes]:
        """All records of one of our topics; deletions are none."""
        found = records_of(self._bootstrap, self._topics.name(topic))
        return [value for each in found if (value := each.value()) is not None]


def dump_of(rows: Mapping[int, Mapping[bytes, bytes]]) -> str:
    """The sha256 of all customers' rows, in order: state, position, what was told."""
    digest = hashlib.sha256()
    for partition in sorted(rows):
        for key in sorted(filter(is_customer, rows[partition])):
            digest.update(b"%d %d %b=%b\n" % (partition, len(key), key, rows[partition][key]))
    return digest.hexdigest()


def compare(found: Mapping[int, Any], oracle: Mapping[int, Any]) -> list[str]:
    """The customers whose rows differ from the oracle's, or are in one of both alone."""
    wrong = []
    for partition in sorted({*found, *oracle}):
        one, other = found.get(partition, {}), oracle.get(partition, {})
        keys = sorted({*filter(is_customer, one), *filter(is_customer, other)})
        differing = [key.decode() for key in keys if one.get(key) != other.get(key)]
        wrong += [f"partition {partition}, {customer_id}" for customer_id in differing]
    return wrong


def values_of(folds: Iterable[PartitionFold]) -> dict[str, dict[str, Any]]:
    """What the state says of each customer: measure -> value, read by the card."""
    found = {}
    for fold in folds:
        for key, packed in fold.rows.items():
            if is_customer(key) and fold.card is not None:
                customer = unpack(packed)
                moment = fold.moment(customer, fold.header.tick_ms)
                seen = assess(customer.state, customer.past, fold.card, moment, customer.sums)
                names = [measure.name for measure in fold.card.measures]
                found[key.decode()] = dict(zip(names, seen.values, strict=True))
    return found


def count(findings: Findings, world: World, known: Mapping[str, Mapping[str, Any]]) -> None:
    """By the world's formulas: what is missing, and what was counted more than once."""
    for number in range(world.customers):
        expected, values = world.expected(number), known.get(world.name(number), {})
        for name, wanted in (("used", expected.uses), ("open", expected.open_tickets)):
            value = (values.get(name) or 0) / MILLION
            findings.lost += math.ceil(max(wanted - value, 0))
            findings.double_counted += math.ceil(max(value - wanted, 0))
            if value != wanted:
                findings.said.append(f"{world.name(number)}: {name} {value}, not {wanted}")
        if values.get("pulse") != expected.felt:
            findings.lost += 1
            findings.said.append(f"{world.name(number)}: felt {values.get('pulse')}")


def outputs_of(findings: Findings, found: Iterable[bytes], oracle: Iterable[bytes]) -> None:
    """Each output once, as the oracle has it, and each customer's in order."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    last: dict[str, tuple[int, int]] = {}
    for body in found:
        event = json.loads(body)
        bodies[event["id"]].add(body)
        place = (event["data"]["epoch"], event["data"]["sequence"])
        before = last.get(event["subject"], (place[0], 0))
        if place[0] == before[0] and place[1] > before[1] + 1:
            findings.out_of_order += 1
            findings.said.append(f"{event['id']} comes after {before}")
        last[event["subject"]] = max(before, place)
    wanted = {json.loads(body)["id"]: body for body in oracle}
    missing, strange = wanted.keys() - bodies.keys(), bodies.keys() - wanted.keys()
    other = [i for i, each in bodies.items() if len(each) > 1 or wanted.get(i) not in each]
    findings.lost += len(missing)
    findings.double_counted += len(strange)
    findings.said += [f"output {i} was never told" for i in sorted(missing)[:5]]
    findings.said += [f"output {i} should not be" for i in sorted(strange)[:5]]
    if other:
        findings.double_counted += len(set(other) - strange)
        findings.said += [f"output {i} has another body" for i in other[:5]]


def effects(
    findings: Findings, transitions: Iterable[Transition], ledger: Mapping[str, Any]
) -> None:
    """Each crossing that somebody is to be told of has one effect at the receiver."""
    wanted = set()
    for each in {one.id: one for one in transitions}.values():
        for decision in decide(each, ["webhook"], to_ms(each.time)):
            if decision.action is not None:
                wanted.add(decision.action.id)
    missing = sorted(wanted - ledger.keys())
    findings.lost += len(missing)
    findings.said += [f"nobody was told of {i}" for i in missing[:5]]
    findings.duplicate_effects += len(ledger.keys() - wanted)
    findings.duplicate_effects += sum(each["bodies"] > 1 for each in ledger.values())
    findings.repeat_attempts += sum(each["attempts"] - 1 for each in ledger.values())


def letters(findings: Findings, world: World, found: Iterable[bytes]) -> None:
    """One dead letter for each bad record, by its source position."""
    keys = Counter(DeadLetter.model_validate_json(each).key for each in found)
    findings.dead_letters = {"expected": world.bad(), "seen": len(keys)}


def judge(world: World, histories: Histories, ledger: Mapping[str, Any]) -> Findings:
    """Everything at once."""
    findings = Findings(late=histories.late)
    rows = {p: dict(each) for p, each in histories.rows.items()}
    oracle = {p: dict(fold.rows) for p, fold in histories.oracle.items()}
    findings.oracle_sha256 = dump_of(oracle)
    findings.dump_equal = dump_of(rows) == findings.oracle_sha256
    findings.said += [f"differs from the oracle: {each}" for each in compare(rows, oracle)[:5]]
    count(findings, world, values_of(histories.folds.values()))
    oracles = [each.body for each in histories.told_by_oracle if each.topic == "scores"]
    outputs_of(findings, histories.values("scores"), oracles)
    crossings = map(Transition.model_validate_json, histories.values("transitions"))
    effects(findings, crossings, ledger)
    letters(findings, world, histories.values("dead_letters"))
    return findings
