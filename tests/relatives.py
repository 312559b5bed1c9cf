"""Accounts with parents over several signals partitions, and what their scores have to be.

What accounts tell each other travels between the logs as the scorer's blocks do: in order
from one partition to another, in any order otherwise. The oracle knows nothing of messages:
it looks at each parent's children.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

from partitionlog import Log, data_of, event
from schemas import signals
from schemas.dead_letters import DeadLetter
from scoring.kin import Edge
from scoring.outputs import Output
from scoring.row import Customer
from streams.intake.routing import partition_of
from streams.scorer.rollup_blocks import RollupBlocks

#: The score of an account is its seats; each hundredth is told.
TREE = """
scorecard: tree
version: "1"
objective: A score that a test can set
owner: test
money: {currency: EUR, rates: {USD: {2026-01-01: 0.5, 2026-03-10: 0.8}}}
emit: {at_least: 0.01}
hierarchy: {parent: PARENT, own: OWN%}
weights: {size: 100}
groups:
  size:
    seats: {share: 100, metric: account.seats, curve: {0: 0, 100: 100}, says: "{value} seats"}
bands:
  green: {enter: ">= 75", leave: "< 70"}
  red: {enter: "< 50", leave: ">= 56"}
letters: {A: 85, D: 0}
overrides:
  leaving: {when: account.status == "notice", cap: 25}
"""


def tree_card(parent: str = "mean", own: float = 0) -> str:
    """The card with this hierarchy."""
    return TREE.replace("PARENT", parent).replace("OWN", str(own))


@dataclass
class Account:
    """What is said of an account."""

    seats: int | None = None
    mrr: int | None = None
    parent: str | None = None
    status: str = "customer"


@dataclass
class Group:
    """Accounts in the logs of several partitions, and the blocks on their way between these."""

    card: str
    partitions: int = 3
    now_ms: int = 0
    logs: list[Log] = field(default_factory=list)
    way: dict[tuple[int, int], deque[bytes]] = field(default_factory=dict)
    #: Messages that were sent, by kind.
    messages: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    said: int = 0
    #: The partition in which something happened last.
    last: int = 0
    #: What the changelog has of each partition.
    durable: list[dict[bytes, bytes]] = field(default_factory=list)
    #: Blocks sent since the partition's last checkpoint: a crash may lose the last of them.
    fresh: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.logs = [Log(self.card, partition=p) for p in range(self.partitions)]
        self.durable = [{} for _ in self.logs]

    def where(self, account: str) -> int:
        """The account's partition."""
        return partition_of(account, self.partitions)

    def say(self, account: str, **fields: Any) -> None:
        """An account event, now."""
        self.said += 1
        fields.setdefault("event_id", f"e{self.said}")
        at_ms = fields.pop("at_ms", self.now_ms + self.said)
        heard_ms = max(at_ms, self.now_ms) + 1
        self.logs[self.where(account)].read(
            heard_ms, event("account.changed", at_ms, account, **fields)
        )

    def send(self, partition: int, outputs: list[Output]) -> None:
        """Put what a partition says to others on its way."""
        blocks = RollupBlocks(partition, self.where)
        for output in outputs:
            if output.topic == "signals":
                self.messages += 1
                blocks.add(output)
            elif output.topic == "dead_letters":
                self.letters.append(DeadLetter.model_validate_json(output.body))
        for target, block in blocks.take():
            self.way.setdefault((partition, target), deque()).append(block)
            self.fresh[partition, target] = self.fresh.get((partition, target), 0) + 1

    def checkpoint(self, partition: int, lose: Callable[[int], bool] = lambda _: False) -> None:
        """Outputs, rows, header; ``lose`` says of each row left whether it is lost."""
        self.fresh = {way: n for way, n in self.fresh.items() if way[0] != partition}
        written, durable = self.logs[partition].fold.checkpoint(), self.durable[partition]
        for left, (key, value) in zip(range(len(written), 0, -1), written, strict=True):
            if lose(left):
                continue
            if value is None:
                durable.pop(key, None)
            else:
                durable[key] = value

    def crash(self, partition: int, choose: random.Random) -> None:
        """The owner dies; another restores what is durable and reads on."""
        for way in [way for way in self.way if way[0] == partition]:
            blocks = self.way[way]
            for _ in range(choose.randint(0, min(self.fresh.get(way, 0), len(blocks)))):
                blocks.pop()
            if not blocks:
                del self.way[way]
        log = self.logs[partition]
        log.rows = dict(self.durable[partition])
        log.fold = log.new_fold(log.rows)
        self.send(partition, log.replay(log.fold))

    def deliver(self, partition: int, target: int) -> None:
        """The next block from one partition arrives at another."""
        self.last = target
        block = signals.decode(self.way[partition, target].popleft())
        if not self.way[partition, target]:
            del self.way[partition, target]
        self.send(target, self.logs[target].add(block, self.now_ms + 10_000))

    def tick(self, partition: int) -> None:
        """The partition's owner makes the ticks that are wanted."""
        self.last, log = partition, self.logs[partition]
        self.send(partition, log.tick_if_wanted(self.now_ms + 10_000))

    def step(self, choose: random.Random) -> bool:
        """One thing that can happen, by chance; False if nothing is left to do."""
        waiting = [p for p, log in enumerate(self.logs) if log.fold._queue.ready]
        choices = [*waiting, *self.way]
        if not choices:
            return False
        chosen = choose.choice(choices)
        if isinstance(chosen, int):
            self.tick(chosen)
        else:
            self.deliver(*chosen)
        return True

    def settle(self, choose: random.Random | None = None, most: int = 100_000) -> int:
        """Until nobody has anything to say; how many steps it took, at most so many."""
        choose = choose or random.Random(0)
        for log in range(self.partitions):
            self.tick(log)
        steps = 0
        while self.step(choose):
            steps += 1
            assert steps < most, "messages do not end"
        for log in self.logs:  # what an answer made due
            outputs = log.tick_if_wanted(self.now_ms + 10_000)
            self.send(log.partition, outputs)
        return steps if not self.way else steps + self.settle(choose, most - steps)

    def customer(self, account: str) -> Customer:
        """An account that is known."""
        return self.logs[self.where(account)].customer(account)

    def score(self, account: str) -> int | None:
        """What was told last of an account."""
        customer = self.logs[self.where(account)].fold.customer(account)
        return None if customer is None or customer.emitted is None else customer.emitted.score

    def edge(self, account: str) -> Edge | None:
        """The account's way to its parent."""
        kin = self.customer(account).kin
        return None if kin is None else kin.edge

    def changes(self, account: str) -> list[dict[str, Any]]:
        """The score changes of an account, as they were told."""
        told = data_of(self.logs[self.where(account)].outputs)
        return [data for data in told if data["customer_id"] == account]


def scores_of(accounts: Mapping[str, Account], parent: str, own: int) -> dict[str, int | None]:
    """Each account's score in hundredths, from its facts and its children."""
    found: dict[str, int | None] = {}

    def half_up(value: Fraction) -> int:
        return floor(value + Fraction(1, 2))

    def score(name: str) -> int | None:
        if name in found:
            return found[name]
        account = accounts.get(name, Account())
        told = [
            (of, max(accounts[child].mrr or 0, 0))
            for child in accounts
            if accounts[child].parent == name and (of := score(child)) is not None
        ]
        mine = None if account.seats is None else min(account.seats, 100) * 100
        theirs = None
        if told:
            scores = [of for of, _ in told]
            weight = sum(mrr for _, mrr in told)
            if parent == "worst":
                theirs = min(scores)
            elif parent == "weighted_by_mrr" and weight:
                theirs = half_up(Fraction(sum(of * mrr for of, mrr in told), weight))
            else:
                theirs = half_up(Fraction(sum(scores), len(scores)))
        if account.status == "churned":
            found[name] = None
        elif theirs is None or mine is None or own == 0:
            found[name] = mine if theirs is None else theirs
        else:
            found[name] = half_up(Fraction(own * mine + (100 - own) * theirs, 100))
        return found[name]

    for name in {*accounts, *(a.parent for a in accounts.values() if a.parent)}:
        score(name)
    return found
