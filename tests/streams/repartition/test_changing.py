"""The move on a real broker, without workers: what it writes, and what it refuses."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Producer

import histories
from changelog import rows_of
from fleet import Fleet, made_into
from partitionlog import (
    HOUR_MS,
    START_MS,
    activation,
    block_of,
    changed_card,
    event,
)
from records import records_of
from schemas.activations import ActivationReport
from schemas.signals import ControlCopy, Tick, encode
from scoring.header import Header, decode_header
from scoring.row import HEADER_KEY, is_customer
from streams.clock import ManualClock
from streams.engine.fencing import Fence, connector
from streams.engine.kafka import silent
from streams.engine.topics import create_topics, grow_topics, partition_counts, topic_ids
from streams.exits import Exit, NamedExit
from streams.intake.blocks import origin_of
from streams.outreach.tally import tally
from streams.repartition.changing import change
from streams.repartition.looking import GROWN, Look, half_read, look, nobody_works, shape_of
from streams.repartition.moving import Mover
from streams.settings import Settings
from streams.state_copies.exporting import export

pytestmark = pytest.mark.integration

OLD, NEW = 2, 3
CUSTOMERS = tuple(f"c{number}" for number in range(9))
OTHER = changed_card(('version: "1"', 'version: "2"'))


class Stand:
    """A fleet's logs and rows on a broker."""

    def __init__(self, kafka: Any, prefix: str) -> None:
        self.settings = Settings(bootstrap=kafka.bootstrap, prefix=prefix, source_partitions=1)
        create_topics(self.settings.model_copy(update={"signals_partitions": OLD}))
        self.bootstrap = kafka.bootstrap
        self.changelog = self.settings.topics.name("customers")
        self.log = self.settings.topics.name("signals")
        self.producer = Producer({"bootstrap.servers": kafka.bootstrap}, logger=silent())
        self.fleet = Fleet(OLD)
        #: How many outputs each partition had when it was written.
        self.told: list[int] = []
        for customer in CUSTOMERS:
            for known in histories.known(customer, START_MS):
                self.fleet.read(START_MS, known)
        self.fleet.each(lambda log: log.tick(START_MS + HOUR_MS))

    def write(self) -> None:
        """What the fleet holds, as its workers would have left it."""
        for log in self.fleet.logs:
            log.fold.header.partitions = OLD
            log.fold.checkpoint()
            self.told.append(len(log.outputs))
            for _, value in log.records:
                self.producer.produce(self.log, value, partition=log.partition)
            for key, row in log.fold.rows.items():
                self.producer.produce(self.changelog, row, key, partition=log.partition)
        for output in self.fleet.outputs:
            if output.topic == "activations":
                name = self.settings.topics.name("activations")
                self.producer.produce(name, output.body, partition=0)
        assert self.producer.flush(10) == 0

    def append(self, partition: int, record: Any) -> None:
        """A record that is in no row."""
        self.producer.produce(self.log, encode(record), partition=partition)
        assert self.producer.flush(10) == 0

    async def look(self, to: int = NEW) -> Look:
        """How it stands."""
        return await look(self.settings, shape_of(self.settings, to), lambda *_: None)

    async def change(self, to: int = NEW) -> None:
        """Have so many partitions."""
        await change(self.settings, shape_of(self.settings, to), await self.look(to), _unseen)

    async def refused(self) -> NamedExit:
        """Why not; nothing was changed then."""
        before = self.rows()
        with pytest.raises(NamedExit) as error:
            await self.change()
        assert self.rows() == before
        assert self.partitions() == (OLD, OLD)
        return error.value

    def rows(self) -> dict[int, dict[bytes, bytes]]:
        """What a restore would have."""
        return {p: rows for p, rows in rows_of(self.bootstrap, self.changelog).items() if rows}

    def partitions(self) -> tuple[int, int]:
        """Of the signals log and of the changelog."""
        counts = partition_counts(self.settings)
        return counts[self.log], counts[self.changelog]

    def expected(self, to: int = NEW) -> dict[int, dict[bytes, bytes]]:
        """What the core makes of the fleet."""
        return {log.partition: dict(log.rows) for log in made_into(self.fleet.logs, to)}


def _unseen(done: int, total: int) -> None:
    assert done <= total


@pytest.fixture
def stand(kafka: Any, topic_prefix: str) -> Stand:
    """Nine customers in two partitions."""
    return Stand(kafka, topic_prefix)


async def test_the_rows_are_what_the_core_says_to_the_byte(stand: Stand) -> None:
    """All topics that follow the log have as many partitions; twice is the same as once."""
    stand.write()
    await stand.change()
    assert stand.rows() == stand.expected()
    counts = partition_counts(stand.settings)
    for key in ("signals", "customers", "scores", "transitions", "actions", "deliveries"):
        assert counts[stand.settings.topics.name(key)] == NEW
    records = len(list(records_of(stand.bootstrap, stand.changelog)))
    await stand.change()
    assert len(list(records_of(stand.bootstrap, stand.changelog))) == records


async def test_what_is_unread_is_applied_first(stand: Stand) -> None:
    """Up to a block that was routed for the new number already: that is left for the workers."""
    stand.write()
    for partition in range(OLD):
        stand.append(partition, Tick(START_MS + 48 * HOUR_MS))
    late = block_of([event("usage.feature", START_MS, "new", feature="f")], 70)
    late.partitions = NEW
    stand.append(1, late)
    await stand.change()
    first = len(stand.fleet.logs[1].records)
    headers = {p: decode_header(rows[HEADER_KEY]) for p, rows in stand.rows().items()}
    assert headers[1].position == first + 1
    assert headers[0].position == len(stand.fleet.logs[0].records) + 1
    assert headers[2].position == 0
    for record in records_of(stand.bootstrap, stand.log):
        log = stand.fleet.logs[record.partition() or 0]
        if (record.offset() or 0) == len(log.records) and record.value() != encode(late):
            log.add(Tick(START_MS + 48 * HOUR_MS), record.timestamp()[1])
    assert stand.rows() == stand.expected()
    scores = records_of(stand.bootstrap, stand.settings.topics.name("scores"))
    told = {(record.partition(), _said(record.value() or b"")) for record in scores}
    assert told == {
        (log.partition, _said(output.body))
        for log in stand.fleet.logs
        for output in log.outputs[stand.told[log.partition] :]
        if output.topic == "scores"
    }
    assert len(told) == len(CUSTOMERS)


def _said(body: bytes) -> str:
    """A score change but for who says it."""
    return json.dumps(json.loads(body) | {"source": None})


async def test_who_takes_a_partition_over_meanwhile_stops_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S6: also when all rows are written; run again it ends the same."""
    stand.write()
    before = stand.rows()
    write = Mover._write

    async def overtaken(self: Mover, *given: Any) -> Any:
        found = await write(self, *given)
        claims = AIOKafkaProducer(bootstrap_servers=stand.bootstrap)
        rival = Fence(
            stand.changelog, connector({"bootstrap_servers": stand.bootstrap}, 100_000, 100_000)
        )
        await claims.start()
        await rival.take([1], [], claims)
        await rival.close()
        await claims.stop()
        return found

    monkeypatch.setattr(Mover, "_write", overtaken)
    with pytest.raises(NamedExit) as error:
        await stand.change()
    assert error.value.code is Exit.OWNERSHIP_LOST
    assert stand.rows() == before
    assert stand.partitions() == (OLD, NEW)
    monkeypatch.undo()
    await stand.change()
    assert stand.rows() == stand.expected()
    assert stand.partitions() == (NEW, NEW)


@pytest.mark.parametrize("keys", [("signals",), GROWN], ids=["the log", "all topics"])
async def test_whoever_gave_topics_more_partitions_by_hand_has_the_state_moved(
    stand: Stand, keys: Sequence[str]
) -> None:
    """The headers say for how many the rows were written, whatever the topics have."""
    stand.write()
    grow_topics(stand.settings, keys, NEW)
    await stand.change()
    assert stand.rows() == stand.expected()
    assert stand.partitions() == (NEW, NEW)


async def test_what_a_new_scorecard_did_stays_complete(stand: Stand) -> None:
    """Each new partition has reported about it as well: nobody was moved there."""
    stand.fleet.add(activation(OTHER, 1), START_MS + 2 * HOUR_MS)
    stand.fleet.each(lambda log: log.tick(START_MS + 3 * HOUR_MS))
    stand.write()
    before = _tally(stand)
    assert before.is_complete(OLD)
    await stand.change()
    after = _tally(stand)
    assert after.is_complete(NEW)
    assert (after.evaluated, after.crossings) == (before.evaluated, before.crossings)
    assert after.evaluated == len(CUSTOMERS)


def _tally(stand: Stand) -> Any:
    name = stand.settings.topics.name("activations")
    reports = [
        ActivationReport.model_validate_json(record.value() or b"")
        for record in records_of(stand.bootstrap, name)
    ]
    (found,) = tally(reports).values()
    return found


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([ControlCopy(1, b"{}")], "taken over the decisions up to 0, others up to 1"),
        ([], "was read up to offset 5, and acknowledged up to -1"),
    ],
    ids=["decisions", "intake"],
)
async def test_what_a_worker_has_to_finish_is_said(
    stand: Stand, records: Sequence[Any], told: str
) -> None:
    for record in records:
        stand.fleet.logs[1].add(record, START_MS + HOUR_MS)
    if not records:
        name = stand.settings.topics.source("usage")
        origin = origin_of(name, topic_ids(stand.settings, [name])[name])
        stand.fleet.logs[1].fold.header.sources[f"{origin}/0"] = 5
    stand.write()
    refused = await stand.refused()
    assert refused.code is Exit.FAILED
    assert told in refused.message
    assert "stop it with SIGTERM" in refused.message


async def test_rows_for_two_numbers_of_partitions_are_named(stand: Stand) -> None:
    stand.write()
    header = stand.fleet.logs[1].fold.header
    header.partitions = 7
    stand.fleet.logs[1].tick(START_MS + HOUR_MS)
    stand.fleet.logs[1].fold.checkpoint()
    row = stand.fleet.logs[1].fold.rows[HEADER_KEY]
    stand.producer.produce(stand.changelog, row, HEADER_KEY, partition=1)
    assert stand.producer.flush(10) == 0
    refused = await stand.refused()
    assert refused.code is Exit.TOPIC_MISMATCH
    assert "some rows were written for 2 partitions, some for 7" in refused.message


async def test_of_rows_that_are_not_whole_nothing_is_moved_and_no_copy_is_made(
    stand: Stand, tmp_path: Path
) -> None:
    """Somebody deleted a customer's row: its header says that it was there."""
    stand.write()
    lost = next(key for key in stand.fleet.logs[1].fold.rows if is_customer(key))
    stand.producer.produce(stand.changelog, None, lost, partition=1)
    assert stand.producer.flush(10) == 0
    refused = await stand.refused()
    assert refused.code is Exit.CHANGELOG_DAMAGED
    assert f"{stand.changelog}, partition 1: " in refused.message
    assert "Of rows that are not whole nothing is moved" in refused.message
    copy = tmp_path / "state.vitals"
    with pytest.raises(NamedExit, match="not whole no copy is made") as error:
        await export(stand.settings, copy, ManualClock(START_MS), _unseen)
    assert error.value.code is Exit.CHANGELOG_DAMAGED
    assert list(tmp_path.iterdir()) == []


async def test_nobody_may_work_meanwhile(stand: Stand) -> None:
    """Not outreach either: it is told which process it is."""
    await nobody_works(stand.settings)
    consumer = AIOKafkaConsumer(
        stand.settings.topics.name("transitions"),
        bootstrap_servers=stand.bootstrap,
        group_id=stand.settings.topics.group_outreach,
    )
    await consumer.start()
    try:
        with pytest.raises(NamedExit, match="1 `vitals outreach` run") as error:
            await nobody_works(stand.settings)
        assert error.value.code is Exit.FAILED
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("last", "acknowledged", "is_half"),
    [(4, 5, False), (5, 5, True), (9, 5, True), (0, 0, True)],
)
def test_what_is_acknowledged_every_partition_has(
    last: int, acknowledged: int, is_half: bool
) -> None:
    """Of what comes behind it some may have their part, and others not."""
    headers = [Header(sources={"s@1/0": 1, "rollup/0": 10**9}), Header(sources={"s@1/0": last})]
    headers[0].sources["s@1/0"] = min(last, 1)
    found = half_read(headers, {"s@1": {0: acknowledged}})
    assert (found is not None) is is_half
    assert half_read(headers, {"s@2": {0: 0}}) is None
