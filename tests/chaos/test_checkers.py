"""The checkers are checked: each finds what it is there for, in a log that was folded wrongly.

No broker: a broken build folds the same log beside the right one, in this process.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chaos.checkers import Findings, compare, count, effects, outputs_of, values_of
from chaos.world import World
from partitionlog import Log, activation
from samples.transitions import transition
from schemas import signals
from schemas.inbound import Rejection, parse
from schemas.signals import Block, Progress, Tick
from scoring.duplicates import Duplicates
from scoring.partition import PartitionFold
from scoring.signals import signal_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
CARD = __file__.rpartition("/")[0] + "/chaos.yaml"
WORLD = World(seed=5, events=1200, customers=8, now=NOW)
#: Records in a block, and blocks from one tick to the next.
BLOCK, TICK_EVERY = 40, 5


def log_of(world: World) -> list[Any]:
    """The signals log that intake would write, with ticks."""
    with open(CARD) as file:  # noqa: PTH123 - a path of this package
        records: list[Any] = [activation(file.read())]
    offsets = dict.fromkeys(("accounts", "usage", "tickets", "billing", "engagement"), -1)
    pending: dict[str, list[Any]] = {family: [] for family in offsets}
    blocks = 0
    for sent in world.records():
        offsets[sent.family] += 1
        event = parse(sent.family, sent.value)
        if isinstance(event, Rejection):
            continue
        pending[sent.family].append(signal_of(event, offsets[sent.family], 0))
        if len(pending[sent.family]) == BLOCK:
            records.append(Block(sent.family, 0, ["world"], pending.pop(sent.family)))
            pending[sent.family] = []
            blocks += 1
            if blocks % TICK_EVERY == 0:
                records += [Progress({"usage/0": NOW_MS}), Tick(NOW_MS + blocks)]
    records += [Block(family, 0, ["world"], each) for family, each in pending.items() if each]
    return [*records, Tick(NOW_MS + 10_000), Tick(NOW_MS + 20_000)]


RECORDS = log_of(WORLD)
Lives = list[tuple[int, int]]


def fold(records: list[Any], lives: Lives | None = None, **broken: Any) -> tuple[Any, list[bytes]]:
    """Fold a log in several lives: each from an offset to another. The fold, and what it told."""
    told: list[bytes] = []
    rows: dict[bytes, bytes] = {}
    policy = Log(card_text=None).fold.policy
    made = PartitionFold(0, rows, policy)
    for begin, end in lives or [(0, len(records))]:
        made = broken.get("restore", PartitionFold)(0, rows, policy)
        for offset in range(begin, end):
            record = signals.decode(signals.encode(records[offset]))
            outputs = made.apply(offset, NOW_MS + 1000 + offset, record)
            told += [each.body for each in outputs if each.topic == "scores"]
        made.checkpoint()
    return made, told


def judged(found: tuple[Any, list[bytes]]) -> Findings:
    """The figures of a fold, against the right one."""
    right, told = fold(RECORDS)
    findings = Findings()
    count(findings, WORLD, values_of([found[0]]))
    outputs_of(findings, found[1], told)
    findings.dump_equal = not compare({0: found[0].rows}, {0: right.rows})
    return findings


def test_s1_lives_that_overlap_leave_no_trace() -> None:
    """A crash after each third, with records read again: what a right build leaves."""
    third = len(RECORDS) // 3
    findings = judged(fold(RECORDS, [(0, third), (third - 9, 2 * third), (third, len(RECORDS))]))
    assert findings.said == []
    assert (findings.lost, findings.double_counted, findings.dump_equal) == (0, 0, True)


class Forgetful(PartitionFold):
    """Broken: the positions of rows, header and sources are not looked at."""

    def apply(self, offset: int, append_ms: int, record: Any) -> Any:
        self.header.position = offset
        self.header.sources.clear()
        self._book.duplicates = Duplicates()
        for customer_id in self.customers():
            self._book.open(customer_id, append_ms).position = -1
        return super().apply(offset, append_ms, record)


def test_control_without_the_position_check_events_count_twice() -> None:
    third = len(RECORDS) // 3
    lives = [(0, third), (third - 9, len(RECORDS))]
    findings = judged(fold(RECORDS, lives, restore=Forgetful))
    assert findings.double_counted > 0
    assert not findings.dump_equal
    assert findings.said


def test_control_acknowledged_before_durable_events_are_lost() -> None:
    """The rows of a life are gone, and the log is not read again."""
    third = len(RECORDS) // 3
    lost = [*RECORDS[: third - 9], *[Progress({})] * 9, *RECORDS[third:]]
    findings = judged(fold(lost))
    assert findings.lost > 0
    assert not findings.dump_equal


def test_control_a_header_before_its_rows_loses_them() -> None:
    """Also the seal says so: a worker would end by name instead."""
    right, _ = fold(RECORDS)
    third, _ = fold(RECORDS[: len(RECORDS) // 3])
    mixed = {**right.rows, **{k: v for k, v in third.rows.items() if k[:1] != b"\0"}}
    torn = PartitionFold(0, mixed, right.policy)
    findings = judged((torn, []))
    assert findings.lost > 0
    assert not findings.dump_equal
    with pytest.raises(ValueError, match="rows"):
        torn.check_seal()


def test_control_a_tick_ahead_of_progress_tells_what_the_input_does_not_say() -> None:
    """The same events, with a tick of tomorrow among them: other outputs."""
    early = [*RECORDS]
    early.insert(len(early) // 2, Tick(NOW_MS + 30 * 86_400_000))
    made, told = fold(early)
    findings = judged((made, told))
    assert not findings.dump_equal
    assert findings.lost + findings.double_counted > 0


def damaged(told: list[bytes], how: str) -> list[bytes]:
    """Outputs as a broken build would have them."""
    if how == "one is missing":
        return told[1:]
    if how == "another body":
        event = json.loads(told[-1])
        event["data"]["after"]["score"] = 1
        return [*told, json.dumps(event).encode()]
    if how == "a foreign one":
        return [*told, told[-1].replace(b'"id":"', b'"id":"other-')]
    return [*told[::-1]]


@pytest.mark.parametrize("how", ["one is missing", "another body", "a foreign one", "backwards"])
def test_control_outputs_that_differ_are_counted(how: str) -> None:
    _, told = fold(RECORDS)
    assert len(told) > 10
    findings = Findings()
    outputs_of(findings, [*told, *told[:3]], told)
    assert (findings.lost, findings.double_counted, findings.out_of_order) == (0, 0, 0)
    outputs_of(findings, damaged(told, how), told)
    assert findings.lost + findings.double_counted + findings.out_of_order > 0


Ledger = dict[str, dict[str, int]]
EFFECTS: dict[str, tuple[Callable[[Ledger], Any], str]] = {
    "nobody was told": (lambda ledger: ledger.popitem(), "lost"),
    "a second id": (lambda ledger: ledger.update(other={"attempts": 1, "bodies": 1}),
                    "duplicate_effects"),
    "a second body": (lambda ledger: next(iter(ledger.values())).update(bodies=2),
                      "duplicate_effects"),
    "tried again": (lambda ledger: next(iter(ledger.values())).update(attempts=3),
                    "repeat_attempts"),
}  # fmt: skip


@pytest.mark.parametrize("how", EFFECTS)
def test_control_effects_that_differ_are_counted(how: str) -> None:
    crossings = [transition(f"c{n}") for n in range(3)]
    ledger = {f"{each.id}/webhook": {"attempts": 1, "bodies": 1} for each in crossings}
    findings = Findings()
    effects(findings, [*crossings, crossings[0]], ledger)
    assert findings == Findings()
    damage, name = EFFECTS[how]
    damage(ledger)
    effects(findings, crossings, ledger)
    assert getattr(findings, name) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"lost": 1}, {"double_counted": 1}, {"duplicate_effects": 1}, {"out_of_order": 1},
        {"dump_equal": False}, {"rested": False}, {"dead_letters": {"expected": 2, "seen": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_control_each_figure_can_fail_a_run(wrong: dict[str, Any]) -> None:
    right = Findings(dump_equal=True, dead_letters={"expected": 2, "seen": 2}, repeat_attempts=9)
    assert right.good
    assert not replace(right, **wrong).good
