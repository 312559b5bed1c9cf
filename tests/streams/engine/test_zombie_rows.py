"""A frozen owner wakes when its customers have fallen silent for good, and the log is compacted.

The restore keeps the highest position of a key, so a stale row that comes last does no harm
while the newer one is there. Compaction removes the newer one: after it only fencing helps.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiokafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from changelog import rows_of
from chaos.checkers import compare
from chaos.launch import no_fence
from partitionlog import HOUR_MS, START_MS, Log, event
from records import records_of
from schemas.topics import TOPICS
from scoring.seal import Unsealed
from streams.engine.fencing import Fence, connector
from streams.engine.ownership import Lease
from streams.exits import Exit, NamedExit

pytestmark = pytest.mark.integration

SILENT = [f"silent{number:04}" for number in range(1000)]
#: Compacted as soon as a segment is closed, which is soon.
AT_ONCE = {
    **TOPICS["customers"].config,
    "segment.ms": "100", "min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0.001",
}  # fmt: skip
#: Each takes some tenths of a second.
ROUNDS_MAX = 200
BATCH_BYTES, REQUEST_BYTES = 512 * 1024, 4 * 1024 * 1024


class Stand:
    """One partition of a changelog, and a log that two owners fold."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.changelog = bootstrap, f"{prefix}rows"
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic(self.changelog, 1, 1, config=AT_ONCE)])[
            self.changelog
        ].result()
        self.log = Log()
        self.fences: list[Fence] = []
        self.plain = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap)

    async def owner(self) -> Fence:
        """Whoever owns the partition from here on."""
        options = {"bootstrap_servers": self.bootstrap}
        fence = Fence(self.changelog, connector(options, BATCH_BYTES, REQUEST_BYTES))
        self.fences.append(fence)
        await fence.take({0}, set(), self.plain)
        return fence

    def use(self, customers: list[str], hour: int) -> None:
        """Each of them uses something in this hour."""
        ms = START_MS + hour * HOUR_MS
        uses = [event("usage.feature", ms, each, feature="f", user="u") for each in customers]
        self.log.read(ms + 1, *uses)

    def restored(self) -> Any:
        """What a worker would go on with, were it started now."""
        fold = self.log.new_fold(dict(rows_of(self.bootstrap, self.changelog)[0]))
        fold.check_seal()
        return fold

    def differing(self) -> list[str]:
        """Customers that a restore has otherwise than the log says."""
        return compare({0: rows_of(self.bootstrap, self.changelog)[0]}, {0: self.log.rows})

    async def compacted(self, writes: Callable[[int], Any]) -> None:
        """Others go on until of each silent customer one row is left."""
        for round_ in range(ROUNDS_MAX):
            await writes(round_)
            found = Counter(each.key() for each in records_of(self.bootstrap, self.changelog))
            if all(found[name.encode()] == 1 for name in SILENT):
                return
        raise AssertionError("the broker did not compact")


@pytest.fixture
async def stand(kafka: Any, topic_prefix: str) -> AsyncIterator[Stand]:
    made = Stand(kafka.bootstrap, topic_prefix)
    await made.plain.start()
    yield made
    for fence in made.fences:
        await fence.close()
    await made.plain.stop()


async def woken(stand: Stand) -> NamedExit | None:
    """A zombie's story, up to the compaction; how the zombie ended when it woke."""
    first = await stand.owner()
    stand.use(SILENT, 1)
    in_hand = stand.log.new_fold({})
    stand.log.replay(in_hand)
    frozen = in_hand.checkpoint()  # ... and here it freezes, with these rows unwritten

    second = await stand.owner()
    stand.use(SILENT, 2)
    await second.write({0: stand.log.fold.checkpoint()})
    ended = None
    try:
        await first.write({0: frozen})
    except NamedExit as error:
        ended = error
    assert stand.differing() == []  # the newer rows are there still

    async def others(round_: int) -> None:
        stand.use(["lively"], 3 + round_)
        await second.write({0: stand.log.fold.checkpoint()})

    await stand.compacted(others)
    return ended


async def test_s6_customers_who_fell_silent_survive_a_zombie_and_a_compaction(
    stand: Stand,
) -> None:
    ended = await woken(stand)
    assert ended is not None
    assert ended.code is Exit.OWNERSHIP_LOST
    assert stand.differing() == []
    assert len(stand.restored().rows) == len(stand.log.rows)


async def test_control_without_fencing_a_zombie_turns_silent_customers_back(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same story with the fence broken: both checks must see it."""
    for owner, name in ((Fence, "write"), (Fence, "take"), (Lease, "check")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back at the end
    no_fence()
    assert await woken(stand) is None
    assert len(stand.differing()) == len(SILENT)
    with pytest.raises(Unsealed):
        stand.restored()
