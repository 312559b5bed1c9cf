"""Chunks through Faust's real consumer, and what it commits."""

import asyncio
from types import SimpleNamespace
from typing import Any

import aiokafka
import pytest
from faust.types import TP

from streams.clock import ManualClock
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.engine.transport import ChunkScheduler, Consumer
from streams.settings import Settings

SOURCE = TP("health.usage.v1", 0)
OTHER = TP("health.usage.v1", 1)


def raw(offset: int, tp: TP = SOURCE) -> Any:
    """A record as aiokafka hands it over."""
    return SimpleNamespace(
        topic=tp.topic,
        partition=tp.partition,
        offset=offset,
        timestamp=1_700_000_000_000 + offset,
        timestamp_type=0,
        headers=(),
        key=b"k",
        value=b"v%d" % offset,
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=2,
    )


@pytest.fixture
async def app() -> VitalsApp:
    """An app that was never started: no broker is asked for anything."""
    made = build_app(Settings(bootstrap="127.0.0.1:1"), ManualClock(), group="t")
    topic = chunked_topic(made, SOURCE.topic)

    async def agent(stream: Any) -> None:
        async for _ in stream:
            pass

    made.agent(topic, name="a")(agent)
    return made


@pytest.fixture
async def consumer(app: VitalsApp) -> Consumer:
    """The real consumer, its network thread never started."""
    made = app.consumer
    assert isinstance(made, Consumer)
    made._committed_offset.update({SOURCE: None, OTHER: None})
    app.topics.acks_enabled_for = lambda topic: True
    made.assignment = lambda: {SOURCE, OTHER}
    return made


def deliver(consumer: Consumer, offsets: range, tp: TP = SOURCE) -> Any:
    """A chunk on its way to an agent."""
    message = consumer._to_message(tp, [raw(offset, tp) for offset in offsets])
    message.refcount = 1
    consumer.track_message(message)
    return message


def test_the_scheduler_hands_out_each_partition_once_and_no_empty_one() -> None:
    polled = {SOURCE: [raw(1), raw(2)], OTHER: [], TP("x", 0): [raw(9)]}
    chunks = list(ChunkScheduler().iterate(polled))
    assert [(tp, len(found)) for tp, found in chunks] == [(SOURCE, 2), (TP("x", 0), 1)]


async def test_a_chunk_is_one_message_with_its_last_offset(consumer: Consumer) -> None:
    message = consumer._to_message(SOURCE, [raw(7), raw(8), raw(12)])
    assert (message.offset, message.tp, message.key) == (12, SOURCE, None)
    assert [record.offset for record in message.value] == [7, 8, 12]


async def test_nothing_is_committed_before_it_is_acknowledged(consumer: Consumer) -> None:
    deliver(consumer, range(5))
    assert consumer._new_offset(SOURCE) is None


async def test_commits_keep_up_with_chunks(consumer: Consumer) -> None:
    """Faust's own tracking waits for offsets in between, which no chunk has."""
    messages = [deliver(consumer, range(first, first + 100)) for first in (0, 100, 200)]
    for message in messages:
        assert message.ack(consumer)
    assert consumer._new_offset(SOURCE) == 300


async def test_commits_pass_over_holes_in_the_log(consumer: Consumer) -> None:
    """Transactions' markers and compaction leave offsets that no record has."""
    first, second = deliver(consumer, range(10)), deliver(consumer, range(500, 510))
    await consumer._add_gap(SOURCE, 10, 500)
    first.ack(consumer)
    assert consumer._new_offset(SOURCE) == 10
    second.ack(consumer)
    assert consumer._new_offset(SOURCE) == 510
    assert not consumer._gap.get(SOURCE)


async def test_an_acknowledgement_is_committed_once(consumer: Consumer) -> None:
    deliver(consumer, range(10)).ack(consumer)
    assert consumer._new_offset(SOURCE) == 10
    assert consumer._new_offset(SOURCE) is None
    assert not consumer._acked[SOURCE]
    assert not consumer._acked_index[SOURCE]


async def test_partitions_are_committed_for_themselves(consumer: Consumer) -> None:
    deliver(consumer, range(10)).ack(consumer)
    held = deliver(consumer, range(40, 50), OTHER)
    assert (consumer._new_offset(SOURCE), consumer._new_offset(OTHER)) == (10, None)
    held.ack(consumer)
    assert consumer._new_offset(OTHER) == 50


async def test_a_commit_asks_the_broker_for_one_past_the_last(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of Faust's ``commit``, up to the network."""
    asked: list[dict[TP, int]] = []

    async def commit(offsets: dict[TP, int]) -> bool:
        asked.append(dict(offsets))
        return True

    monkeypatch.setattr(consumer, "_commit", commit)
    for first in (0, 50):
        deliver(consumer, range(first, first + 50)).ack(consumer)
    await consumer.force_commit()
    assert asked == [{SOURCE: 100}]
    assert consumer._committed_offset[SOURCE] == 100


async def test_fetched_chunks_reach_the_callback_whole(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust's own drain loop, fed with two polls between which the log has a hole."""
    polls = [{SOURCE: [raw(0), raw(1)]}, {SOURCE: [raw(90), raw(91)], OTHER: [raw(5, OTHER)]}]
    seen: list[tuple[TP, list[int]]] = []
    done = asyncio.Event()

    async def fetch(tps: set[TP], timeout: float) -> Any:
        if not polls:
            done.set()
            await asyncio.Event().wait()
        return polls.pop(0)

    async def callback(message: Any) -> None:
        seen.append((message.tp, [record.offset for record in message.value]))

    thread: Any = SimpleNamespace(
        getmany=fetch,
        standing=lambda tp: (None, None, None),
    )
    consumer._thread = thread
    consumer._set_active_tps({SOURCE, OTHER})
    monkeypatch.setattr(consumer, "callback", callback)
    consumer.flow_active = True
    fetcher = SimpleNamespace(_stopped=asyncio.Event())
    draining = asyncio.ensure_future(consumer._drain_messages(fetcher))
    try:
        await asyncio.wait_for(done.wait(), 10)
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
    assert seen == [(SOURCE, [0, 1]), (SOURCE, [90, 91]), (OTHER, [5])]
    assert not consumer._gap.get(SOURCE)


async def test_an_abandoned_chunk_is_waited_for_no_longer(
    app: VitalsApp, consumer: Consumer
) -> None:
    """Handing over must not wait for a chunk that was given up; it is not committed either."""
    message = deliver(consumer, range(10))
    assert message in consumer.unacked
    app.abandon(SimpleNamespace(message=message))
    assert message not in consumer.unacked
    assert consumer._new_offset(SOURCE) is None


async def test_revoked_partitions_are_settled_before_faust_forgets_them(
    app: VitalsApp, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in hand is made durable, acknowledged and committed, in this order."""
    told: list[Any] = []
    message = deliver(consumer, range(10))

    async def settle() -> None:
        told.append("settle")
        message.ack(consumer)

    async def commit(offsets: dict[TP, int]) -> bool:
        told.append(dict(offsets))
        return True

    async def waits_for_ever(timeout: float) -> None:
        raise AssertionError("nobody acknowledges what is in hand")

    async def base(revoked: set[TP]) -> None:
        told.append("forget")

    app.before_handover(settle)
    monkeypatch.setattr(consumer, "_commit", commit)
    monkeypatch.setattr(consumer, "_on_partitions_revoked", base)
    monkeypatch.setattr(consumer, "_wait_for_ack", waits_for_ever)
    await consumer.on_partitions_revoked({SOURCE})
    assert told == ["settle", {SOURCE: 10}, "forget"]
    assert SOURCE not in consumer._committed_offset


async def test_a_seek_leaves_alone_what_was_given_away_meanwhile(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question where to begin and the seek there may be a rebalance."""
    sought: list[tuple[Any, int]] = []
    client = SimpleNamespace(
        assignment=lambda: {aiokafka.TopicPartition(*SOURCE)},
        seek=lambda tp, offset: sought.append((tuple(tp), offset)),
    )
    thread = consumer._new_consumer_thread()
    monkeypatch.setattr(thread, "_ensure_consumer", lambda: client)
    await thread._seek_all({SOURCE: 3, OTHER: 5})
    assert sought == [(tuple(SOURCE), 3)]


class Broker:
    """In place of the consumer's thread: what was asked for, and where it was sent back to."""

    def __init__(self) -> None:
        self.asked: list[set[TP]] = []
        self.next = {SOURCE: 0, OTHER: 0}
        self.markers = 0

    async def getmany(self, tps: set[TP], timeout: float) -> dict[TP, list[Any]]:
        self.asked.append(set(tps))
        found = {tp: [raw(self.next[tp] + n, tp) for n in range(3)] for tp in tps}
        for tp in tps:
            self.next[tp] += 3
        return found

    async def seek_all(self, offsets: dict[TP, int]) -> None:
        self.next |= offsets

    def standing(self, tp: TP) -> tuple[int, int, int]:
        """Behind each chunk lies a marker of a transaction, if there are any."""
        at = self.next[tp] + self.markers
        return at, at, 0


@pytest.fixture
def broker(consumer: Consumer) -> Broker:
    consumer.flow_active = True
    made: Any = Broker()
    consumer._thread = made
    consumer.assignment = lambda: {SOURCE, OTHER}
    return made


async def fetched(consumer: Consumer) -> list[Any]:
    """The chunks of one fetch, as messages."""
    found = await consumer._getmany({SOURCE, OTHER}, 1.0)
    chunks = ChunkScheduler().iterate(found)
    return [consumer._to_message(tp, chunk) for tp, chunk in chunks]


async def test_a_held_partition_is_not_fetched_and_the_client_goes_on_asking(
    consumer: Consumer, broker: Broker
) -> None:
    consumer.hold(SOURCE)
    assert {message.tp for message in await fetched(consumer)} == {OTHER}
    assert broker.asked == [{OTHER}]
    assert consumer.holds(SOURCE)
    consumer.hold(OTHER)
    assert await fetched(consumer) == []
    await consumer.go_on(SOURCE, 0)
    assert {message.tp for message in await fetched(consumer)} == {SOURCE}


async def test_what_was_fetched_before_a_partition_was_sent_back_is_not_current(
    consumer: Consumer, broker: Broker
) -> None:
    """It lies ahead of what comes next: taken as well, it would hide that from the commits."""
    await fetched(consumer)
    before = {message.tp: message for message in await fetched(consumer)}
    assert [record.offset for record in before[SOURCE].value] == [3, 4, 5]
    consumer.hold(SOURCE)
    await consumer.go_on(SOURCE, 1)
    after = {message.tp: message for message in await fetched(consumer)}
    assert [record.offset for record in after[SOURCE].value] == [1, 2, 3]
    assert not consumer.is_current(before[SOURCE])
    assert consumer.is_current(before[OTHER])
    assert consumer.is_current(after[SOURCE])
    assert consumer.is_current(after[OTHER])


async def test_a_chunk_is_acknowledged_up_to_the_record_that_was_handled(
    app: VitalsApp, consumer: Consumer
) -> None:
    message = deliver(consumer, range(100, 200))
    event = SimpleNamespace(message=message, ack=lambda: message.ack(consumer))
    app.acknowledge_through(event, 149)
    assert consumer._new_offset(SOURCE) == 150
    assert not consumer._unacked_messages


async def begun(consumer: Consumer) -> None:
    """Both partitions were sent to their beginning, as a rebalance ends."""
    async with consumer._fetching:
        await consumer._send_to({SOURCE: 0, OTHER: 0})


async def test_s1_a_chunk_that_was_dropped_on_its_way_is_fetched_again(
    consumer: Consumer, broker: Broker
) -> None:
    """A later one of its partition is not handled before; the other partition goes on."""
    await begun(consumer)
    await fetched(consumer)  # Faust drops these: a rebalance has just ended
    later = {message.tp: message for message in await fetched(consumer)}
    assert not await consumer.take(later[SOURCE])
    assert broker.next[SOURCE] == 0
    again = {message.tp: message for message in await fetched(consumer)}
    assert [record.offset for record in again[SOURCE].value] == [0, 1, 2]
    assert await consumer.take(again[SOURCE])
    following = {message.tp: message for message in await fetched(consumer)}
    assert [record.offset for record in following[SOURCE].value] == [3, 4, 5]
    assert await consumer.take(following[SOURCE])


async def test_s1_of_two_chunks_behind_a_dropped_one_none_is_handled(
    consumer: Consumer, broker: Broker
) -> None:
    """Both are on their way when it is noticed; it is sent back once."""
    await begun(consumer)
    await fetched(consumer)
    first, second = (await fetched(consumer))[0], (await fetched(consumer))[0]
    assert not await consumer.take(first)
    broker.next[first.tp] = 7  # whatever is fetched next must not be undone by the second
    assert not await consumer.take(second)
    assert broker.next[first.tp] == 7


async def test_s1_what_comes_before_the_seek_of_a_rebalance_is_not_handled(
    consumer: Consumer, broker: Broker
) -> None:
    """The client fetches from wherever it stands; the place is not known."""
    early = await fetched(consumer)
    for message in early:
        assert not await consumer.take(message)
    await begun(consumer)
    for message in early:
        assert not await consumer.take(message)
    for message in await fetched(consumer):
        assert message.value[0].offset == 0
        assert await consumer.take(message)


async def test_s1_holes_between_offsets_are_no_loss(consumer: Consumer, broker: Broker) -> None:
    """Markers of transactions, and what was aborted, have offsets that nobody reads."""
    await begun(consumer)
    for message in await fetched(consumer):
        assert await consumer.take(message)
    broker.next[SOURCE] += 2

    async def begins(*tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    consumer.earliest_offsets = begins  # type: ignore[method-assign]
    for message in await fetched(consumer):
        assert await consumer.take(message)


async def test_what_is_read_to_the_end_is_read_behind_the_marker_too(
    consumer: Consumer, broker: Broker
) -> None:
    """Else the partition is behind its end for as long as no record comes: time stands still."""
    broker.markers = 1
    await consumer.go_on(SOURCE, 0)
    await fetched(consumer)
    assert consumer.read_to(SOURCE, 2) == 2  # a record of the chunk is in hand still
    assert consumer.read_to(SOURCE, 3) == 4
    deliver(consumer, range(3)).ack(consumer)
    assert consumer._new_offset(SOURCE) == 4
    await consumer.go_on(SOURCE, 1)
    assert consumer.read_to(SOURCE, 1) == 1


async def test_s1_what_is_fetched_after_a_seek_is_delivered_though_it_was_asked_for_before(
    consumer: Consumer, broker: Broker
) -> None:
    """The fetch waits for the seek, and Faust changes what is active meanwhile."""
    consumer._set_active_tps({SOURCE, OTHER})
    await consumer._fetching.acquire()
    asked = asyncio.ensure_future(anext(consumer.getmany(1.0)))
    await asyncio.sleep(0)
    await consumer._send_to({SOURCE: 6, OTHER: 6})
    consumer._set_active_tps(set())
    consumer._set_active_tps({SOURCE})
    consumer._fetching.release()
    tp, message = await asked
    assert (tp, message.value[0].offset) == (SOURCE, 6)
    assert await consumer.take(message)


async def test_s1_nothing_is_fetched_between_a_seek_and_the_flow(
    consumer: Consumer, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would take it."""
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(consumer, "sleep", nap)
    consumer.flow_active = False
    assert await consumer._getmany({SOURCE}, 1.0) == {}
    assert broker.asked == []
    assert len(naps) == 1


async def test_what_no_agent_has_taken_yet(consumer: Consumer) -> None:
    """The lag that counts: what was fetched and waits in a buffer is not done."""
    consumer.standing = lambda tp: (90, 100, 0) if tp == SOURCE else (None, None, None)
    assert consumer.untaken(SOURCE) is None
    consumer._taken_to |= {SOURCE: 60, OTHER: 3}
    assert consumer.untaken(SOURCE) == 40
    assert consumer.untaken(OTHER) is None
