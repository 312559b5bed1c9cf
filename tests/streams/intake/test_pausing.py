"""S11 in the whole intake loop: a partition of bad input is paused, and nothing beside it."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NotEnoughReplicasError
from faust.types import TP

from engine_stand import RecordingClient
from intake_stand import CONTROL, DEAD, SOURCE, Fetched, blocks, put, usage
from partitionlog import START_MS
from schemas.control import ControlRecord, IntakePaused, IntakeResumed, decision_in
from schemas.dead_letters import DeadLetter
from streams.clock import from_ms
from streams.intake.agents import Intake
from streams.intake.bad_input import BadInput
from streams.intake.pausing import AUTHOR

BAD, OTHER = TP(SOURCE, 1), TP(SOURCE, 0)


class Sought:
    """In place of the client's thread: where a partition was sent back to."""

    def __init__(self) -> None:
        self.to: dict[TP, int] = {}

    async def seek_all(self, offsets: dict[TP, int]) -> None:
        self.to |= offsets


@pytest.fixture
def sought(intake: Intake) -> Sought:
    """A consumer that was assigned both partitions."""
    consumer: Any = intake.app.consumer
    consumer.assignment = lambda: {BAD, OTHER}
    consumer._committed_offset.update({BAD: 0, OTHER: 0})
    consumer._thread = Sought()
    return consumer._thread


def decided(client: RecordingClient) -> list[IntakePaused]:
    found = [decision_in(value) for value in client.values(CONTROL)]
    assert all(isinstance(one, IntakePaused) for one in found)
    return [one for one in found if isinstance(one, IntakePaused)]


def refused(client: RecordingClient) -> list[int]:
    return [DeadLetter.model_validate_json(v or b"").offset for v in client.values(DEAD)]


def heard(intake: Intake, offset: int, decision: ControlRecord) -> None:
    """A decision comes back from the control topic."""
    intake.pausing._take(offset, decision.model_dump_json().encode())


def resume(partition: int | None = 1, **more: Any) -> IntakeResumed:
    return IntakeResumed(
        at=from_ms(START_MS), author="dana", reason="fixed", topic=SOURCE, partition=partition,
        **more,
    )  # fmt: skip


async def is_stopped_at_the_limit(intake: Intake, client: RecordingClient) -> bool:
    """A bad deploy: chunk after chunk is bad. Whether no more than the limit was let through."""
    for first in range(0, 1000, 40):
        await put(intake, [b"not json"] * 40, first=first)
    return refused(client) == list(range(100)) and len(decided(client)) == 1


async def test_s11_a_hundred_bad_records_in_a_row_pause_the_partition(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    assert await is_stopped_at_the_limit(intake, client)
    (pause,) = decided(client)
    assert (pause.topic, pause.partition, pause.author) == (SOURCE, 1, AUTHOR)
    assert pause.reason == "100 bad records in a row"
    # Two whole chunks (their offsets in the test's own count), then up to within the third one.
    assert acknowledged == [0, 0, 99]
    assert client.told[-3:] == [f"send {CONTROL}/0 1", f"durable {CONTROL}/0", "acknowledge"]
    assert intake.app.chunks.holds(BAD)


@pytest.mark.parametrize("swallowed", ["limit", "pause"])
async def test_s11_with_the_limit_swallowed_this_check_fails(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought,
    monkeypatch: pytest.MonkeyPatch, swallowed: str,
) -> None:  # fmt: skip
    """The negative control: a limit that is reached in a class and lost in the loop."""
    if swallowed == "limit":
        monkeypatch.setattr(BadInput, "take", lambda *_, **__: None)
    else:
        monkeypatch.setattr(intake.pausing, "is_paused", lambda _: False)
    assert not await is_stopped_at_the_limit(intake, client)


async def test_s11_other_partitions_go_on(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    await put(intake, [b"not json"] * 100)
    await put(intake, [usage("acme", 1)], partition=0)
    assert {block.partition for found in blocks(client).values() for block in found} == {0}
    assert not intake.app.chunks.holds(OTHER)


async def test_s11_what_is_good_before_the_limit_is_kept_and_after_it_waits(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    chunk = [usage("acme", 0), *[b"not json"] * 99, usage("acme", 1)]
    await put(intake, chunk, first=500)
    ((block,),) = blocks(client).values()
    assert [signal[0] for signal in block.signals] == [500]
    assert refused(client) == list(range(501, 600))
    assert acknowledged == [599]
    assert decided(client)[0].reason == "more than half of the records of 60 s are bad"


async def test_s11_a_pause_that_is_not_durable_ends_the_process_unacknowledged(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought,
    ended: list[BaseException], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def refuse(*_: object, **__: object) -> None:
        raise NotEnoughReplicasError

    monkeypatch.setattr(client, "send_and_wait", refuse)
    await put(intake, [b"not json"] * 100)
    assert [type(error) for error in ended] == [NotEnoughReplicasError]
    assert len(refused(client)) == 100
    assert acknowledged == []


async def test_s11_whoever_comes_next_does_not_flood_on(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    """Another worker: it knows the pause from the topic alone, before its first chunk."""
    pause = IntakePaused(
        at=from_ms(START_MS), author=AUTHOR, reason="bad", topic=SOURCE, partition=1
    )
    heard(intake, 0, pause)
    await put(intake, [b"not json"] * 10, first=100)
    assert (client.sent, acknowledged) == ([], [])
    assert len(intake.app.chunks._unacked_messages) == 0
    await intake.pausing._follow()
    assert intake.app.chunks.holds(BAD)
    assert intake._metrics.intake_paused.labels(SOURCE)._value.get() == 1


async def test_s11_a_resumed_partition_goes_on_where_it_stood(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    await put(intake, [b"not json"] * 150, first=1000)
    heard(intake, 0, decided(client)[0])
    await put(intake, [b"not json"] * 10, first=1150)
    heard(intake, 1, resume())
    await intake.pausing._follow()
    assert sought.to == {BAD: 1100}
    assert not intake.app.chunks.holds(BAD)
    # What waited in the stream meanwhile lies ahead of what is read next.
    await put(intake, [b"not json"] * 10, first=1160)
    assert refused(client) == list(range(1000, 1100))
    await put(intake, [b"not json"] * 50, first=1100, turn=1)
    assert refused(client) == list(range(1000, 1150))


async def test_s11_what_came_before_it_was_sent_back_is_not_taken(intake: Intake) -> None:
    """A chunk that waited in the stream while the pause came and went lies ahead of the rest."""
    chunks = intake.app.chunks
    chunks._thread = Sought()  # type: ignore[assignment]
    stale = SimpleNamespace(tp=BAD, value=Fetched([], 0))
    assert chunks.is_current(stale)
    chunks.hold(BAD)
    await chunks.go_on(BAD, 1100)
    assert not chunks.is_current(stale)
    assert chunks.is_current(SimpleNamespace(tp=BAD, value=Fetched([], 1)))
    assert chunks.is_current(SimpleNamespace(tp=OTHER, value=Fetched([], 0)))


async def test_s11_bad_records_known_at_the_resume_pause_nothing_again(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    """A thousand more wait: somebody has seen them, and they are refused. Then it counts again."""
    await put(intake, [b"not json"] * 100)
    heard(intake, 0, decided(client)[0])
    heard(intake, 1, resume(known_to={1: 1100}))
    await intake.pausing._follow()
    await put(intake, [b"not json"] * 1050, first=100, turn=1)
    assert len(decided(client)) == 1
    await put(intake, [b"not json"] * 60, first=1150, turn=1)
    assert len(decided(client)) == 2
    assert refused(client) == list(range(1200))


async def test_a_topic_paused_by_hand_is_not_read(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    await put(intake, [usage("acme", 0)], first=7)
    pause = IntakePaused(at=from_ms(START_MS), author="dana", reason="migration", topic=SOURCE)
    heard(intake, 0, pause)
    await intake.pausing._follow()
    assert intake.app.chunks.holds(BAD)
    assert intake.app.chunks.holds(OTHER)
    await put(intake, [usage("acme", 1)], first=8)
    heard(intake, 1, resume(None))
    await intake.pausing._follow()
    assert sought.to == {BAD: 8, OTHER: 0}
    assert acknowledged == [0]


async def test_whoever_resumes_has_seen_what_was_bad_before(
    intake: Intake, client: RecordingClient, acknowledged: list[int], sought: Sought
) -> None:
    """60 bad ones, a pause by hand, 60 more: that is no row of 120."""
    await put(intake, [b"not json"] * 60)
    pause = IntakePaused(at=from_ms(START_MS), author="dana", reason="look", topic=SOURCE)
    heard(intake, 0, pause)
    await intake.pausing._follow()
    heard(intake, 1, resume(None))
    await intake.pausing._follow()
    await put(intake, [b"not json"] * 60, first=60, turn=1)
    assert decided(client) == []


async def test_nothing_is_paused_where_that_is_switched_off(
    client: RecordingClient, intake: Intake, acknowledged: list[int], sought: Sought
) -> None:
    intake.pausing._policy = None
    await put(intake, [b"not json"] * 500)
    assert len(refused(client)) == 500
    assert decided(client) == []
