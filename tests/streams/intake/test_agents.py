"""The intake agents in Faust's own test context: blocks and dead letters durable, then the ack."""

from collections.abc import Callable

import pytest
from aiokafka.errors import NotEnoughReplicasError

from engine_stand import RecordingClient
from intake_stand import DEAD, SOURCE, blocks, put, usage
from partitionlog import START_MS, at
from schemas.dead_letters import RAW_BYTES_MAX, DeadLetter
from schemas.inbound import Reason
from streams.clock import ManualClock
from streams.intake.agents import Intake
from streams.intake.routing import partition_of


async def test_blocks_are_durable_before_the_chunk_is_acknowledged(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    customers = [f"c{n}" for n in range(10)]
    await put(intake, [usage(customer, n) for n, customer in enumerate(customers)])
    assert client.told[-1] == "acknowledge"
    assert sum(step.startswith("durable") for step in client.told) == len(client.sent) == 2
    for partition, found in blocks(client).items():
        (block,) = found
        assert (block.topic, block.partition) == (SOURCE, 1)
        assert {partition_of(signal[2], 2) for signal in block.signals} == {partition}
    everybody = [s[2] for found in blocks(client).values() for b in found for s in b.signals]
    assert sorted(everybody) == sorted(customers)


async def test_s12_a_dead_letter_that_is_not_durable_holds_the_chunk_back(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    client.hold = True
    await put(intake, [b"not json"])
    assert [sent.topic for sent in client.sent] == [DEAD]
    assert acknowledged == []


async def test_s12_a_refused_write_ends_the_process_unacknowledged(
    intake: Intake, client: RecordingClient, acknowledged: list[int], ended: list[BaseException]
) -> None:
    client.refuse = NotEnoughReplicasError()
    await put(intake, [usage("acme", 1), b"not json"])
    assert [type(error) for error in ended] == [NotEnoughReplicasError]
    assert acknowledged == []


async def test_s10_each_bad_record_is_one_dead_letter_and_nothing_valid_is_lost(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    huge = b"x" * (RAW_BYTES_MAX * 5)
    values = [usage("acme", 1), b"not json", usage("acme", 2), None, huge, usage("acme", 3)]
    await put(intake, values, first=40)
    letters = [DeadLetter.model_validate_json(value or b"") for value in client.values(DEAD)]
    assert [(x.offset, x.reason) for x in letters] == [
        (41, "not_json"),
        (43, "empty"),
        (44, "too_large"),
    ]
    assert all((x.topic, x.partition) == (SOURCE, 1) for x in letters)
    keys = [key for sent in client.sent if sent.topic == DEAD for key, _ in sent.records]
    assert keys == [f"{SOURCE}/1/{offset}".encode() for offset in (41, 43, 44)]
    assert [x.raw for x in letters] == [b"not json", b"", huge[:RAW_BYTES_MAX]]
    assert letters[2].raw_bytes == len(huge)
    ((block,),) = blocks(client).values()
    assert [signal[0] for signal in block.signals] == [40, 42, 45]
    assert acknowledged == [0]


async def test_a_chunk_that_comes_again_makes_the_same_blocks(
    intake: Intake, client: RecordingClient, acknowledged: list[int]
) -> None:
    """The score agent knows them by their source offsets, dead letters by their key."""
    values = [usage("acme", 1), b"not json"]
    await put(intake, values)
    once = [(sent.topic, sent.partition, sent.records) for sent in client.sent]
    await put(intake, values)
    again = [(sent.topic, sent.partition, sent.records) for sent in client.sent[len(once) :]]
    assert again == once


@pytest.mark.parametrize("off_ms", [-600_000, 864_000_000], ids=["10 minutes slow", "10 days fast"])
async def test_t7_a_wrong_clock_judges_events_by_the_brokers_time(
    make_intake: Callable[[ManualClock], Intake], client: RecordingClient, off_ms: int
) -> None:
    """What happens now is not refused as of the future, what lies ahead is."""
    made = make_intake(ManualClock(START_MS + off_ms))
    await put(made, [usage("acme", 1), usage("acme", 2, occurred_at=at(START_MS + 600_000))])
    letters = [DeadLetter.model_validate_json(value or b"") for value in client.values(DEAD)]
    assert [(each.offset, each.reason) for each in letters] == [(1, Reason.TIME_IN_FUTURE)]
