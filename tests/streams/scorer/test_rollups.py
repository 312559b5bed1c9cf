"""What accounts tell each other leaves the agent in blocks, before any row does."""

import asyncio
import random
from typing import Any

import msgspec
import pytest

from engine_stand import RecordingClient, record
from partitionlog import HOUR_MS, START_MS, activation, block_of, event
from relatives import tree_card
from schemas import signals
from schemas.dead_letters import DeadLetter
from schemas.signals import BLOCK_BYTES_MAX, ROLLUP, Block, Kind, LogRecord, Progress, Tick
from scoring.outputs import Output
from streams.intake.routing import partition_of
from streams.scorer.agent import Scorer
from streams.scorer.rollup_blocks import RollupBlocks

LOG, ROWS, DEAD = "health.signals.v1", "health.customers.v1", "health.dead-letters.v1"
AT_MS = START_MS + HOUR_MS
#: Names of accounts in each of the two partitions.
HERE = [name for name in (f"a{n}" for n in range(99)) if partition_of(name, 2) == 0]
THERE = [name for name in (f"a{n}" for n in range(99)) if partition_of(name, 2) == 1]


def log_records(first: int, *records: LogRecord) -> list[Any]:
    return [
        record(first + n, signals.encode(each), timestamp=AT_MS) for n, each in enumerate(records)
    ]


def story(child: str, parent: str) -> list[Any]:
    """A child with a parent is evaluated."""
    account = event("account.created", START_MS, child, seats=60, parent=parent)
    return log_records(
        0,
        activation(tree_card()),
        block_of([account], 0),
        Progress({"health.accounts.v1/0": AT_MS}),
        Tick(AT_MS),
    )


def told(client: RecordingClient) -> list[tuple[int, Block]]:
    """The blocks that were sent: to which partition, and what."""
    found = []
    for sent in client.sent:
        for _, value in sent.records if sent.topic == LOG else ():
            block = signals.decode(value or b"")
            assert isinstance(block, Block)
            found.append((sent.partition, block))
    return found


async def put(scorer: Scorer, records: list[Any]) -> None:
    """Give the agent a chunk in Faust's test context, and wait until it has it in hand."""
    agent = next(iter(scorer.app.agents.values()))
    async with agent.test_context() as running:
        known = len(scorer._unacknowledged)
        await running.put(records, partition=0, wait=False)
        for _ in range(200):
            if len(scorer._unacknowledged) > known:
                break
            await asyncio.sleep(0)


async def test_a_child_asks_and_tells_the_partition_of_its_parent(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    child, parent = HERE[0], THERE[0]
    await put(scorer, story(child, parent))
    ((partition, block),) = told(client)
    assert (partition, block.topic, block.partition) == (1, ROLLUP, 0)
    ((offset, at_ms, to, *_),) = block.signals
    assert (offset, at_ms, to, block.signals[0][5]) == (3 << 28, AT_MS, parent, Kind.PROBE)
    first = block.signals[0][6][0]
    answer = [7, AT_MS, child, 0, "", int(Kind.ANSWER), first[1], first[2], None]
    await put(scorer, log_records(4, Block(ROLLUP, 1, [ROLLUP], [answer]), Tick(AT_MS + 1)))
    (_, (partition, block)) = told(client)
    assert partition == 1
    assert block.signals[0][:3] == [5 << 28, AT_MS + 1 - 1, parent]
    assert block.signals[0][5:] == [Kind.ROLLUP, child, None, [6000, 0, 0], "first"]


async def test_they_are_durable_before_the_rows(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    await put(scorer, story(HERE[0], THERE[0]))
    await scorer.checkpoint()
    durable = [step for step in client.told if step.startswith(("durable", "acknowledge"))]
    assert durable.index(f"durable {LOG}/1") < durable.index(f"durable {ROWS}/0")
    assert durable[-1] == "acknowledge 0"


async def test_a_refused_parent_is_a_dead_letter(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    await put(scorer, story(HERE[0], HERE[0]))
    assert told(client) == []
    ((key, value),) = [
        record for sent in client.sent if sent.topic == DEAD for record in sent.records
    ]
    letter = DeadLetter.model_validate_json(value or b"")
    assert letter.reason == "hierarchy_cycle"
    assert key == f"rollup/0/{3 << 28}".encode()
    count = scorer._metrics.dead_letters.labels(ROLLUP, "hierarchy_cycle")
    assert count._value.get() == 1


@pytest.mark.parametrize("seed", range(3))
def test_blocks_are_small_and_keep_the_order(seed: int) -> None:
    choose = random.Random(seed)
    blocks, sent = RollupBlocks(5, lambda name: len(name) % 2), dict[int, list[Any]]()
    for n in range(9_000):
        name = "x" * choose.randint(1, 200)
        signal = [n, START_MS, name, 0, "", int(Kind.ROLLUP), "child", None, [1, 2, 3], "event"]
        sent.setdefault(len(name) % 2, []).append(signal)
        blocks.add(Output("signals", name, msgspec.msgpack.encode(signal)))
    got: dict[int, list[Any]] = {}
    for target, value in blocks.take():
        assert len(value) < BLOCK_BYTES_MAX + 100
        block = signals.decode(value)
        assert isinstance(block, Block)
        assert (block.topic, block.partition, block.sources) == (ROLLUP, 5, [ROLLUP])
        got.setdefault(target, []).extend(block.signals)
    assert got == sent
    assert list(blocks.take()) == []
