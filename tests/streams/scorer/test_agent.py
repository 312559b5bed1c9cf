"""The score agent in Faust's own test context, and the order of its checkpoints."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NotEnoughReplicasError
from faust.types import TP

from engine_stand import RecordingClient, record
from partitionlog import HOUR_MS, SAAS, START_MS, activation, block_of, changed_card, event
from schemas import signals
from schemas.signals import LogRecord, Progress, Tick
from scoring.header import Header, decode_header, encode_header
from scoring.row import CARD_KEY, HEADER_KEY, Customer, is_customer, pack
from streams.clock import ManualClock
from streams.engine.starting import Standing
from streams.exits import Exit, NamedExit
from streams.scorer import agent
from streams.scorer.agent import Scorer
from streams.scorer.pace import BEHIND_MS

LOG, ROWS = "health.signals.v1", "health.customers.v1"
SCORES, TRANSITIONS = "health.scores.v1", "health.transitions.v1"


def log_records(first: int, *records: LogRecord, at_ms: int = START_MS + HOUR_MS) -> list[Any]:
    return [
        record(first + n, signals.encode(each), timestamp=at_ms) for n, each in enumerate(records)
    ]


def story() -> list[Any]:
    """A card, a customer with some events, a tick: it makes a score and a crossing."""
    usage = [
        event("usage.feature", START_MS, feature="export", user="u", event_id=f"u{n}")
        for n in range(3)
    ]
    account = event("account.created", START_MS, name="Acme", status="customer", seats=3)
    return log_records(
        0,
        activation(SAAS),
        block_of([account], 0),
        block_of(usage, 0),
        Progress({"health.usage.v1/0": START_MS + HOUR_MS}),
        Tick(START_MS + HOUR_MS),
    )


async def put(scorer: Scorer, records: list[Any]) -> Any:
    """Give the agent a chunk in Faust's test context, and wait until it has it in hand."""
    scoring = next(iter(scorer.app.agents.values()))
    async with scoring.test_context() as running:
        known = len(scorer._unacknowledged)
        event_ = await running.put(records, partition=0, wait=False)
        for _ in range(200):
            if len(scorer._unacknowledged) > known:
                break
            await asyncio.sleep(0)
        return event_


async def begun(scorer: Scorer, client: RecordingClient) -> asyncio.Future[None]:
    """A checkpoint of the story that waits for the broker."""
    client.hold = True
    await put(scorer, story())
    checkpoint = asyncio.ensure_future(scorer.checkpoint())
    await _turn_over()
    return checkpoint


async def test_s5_outputs_then_rows_then_header_then_the_acknowledgement(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    """The promise: a crash anywhere in between repeats an output, and loses nothing."""
    await put(scorer, story())
    await scorer.checkpoint()
    steps = [step.rsplit(" ", 1)[0] if step.startswith("send") else step for step in client.told]
    assert steps == [
        f"send {SCORES}/0",
        f"durable {SCORES}/0",
        f"send {TRANSITIONS}/0",
        f"durable {TRANSITIONS}/0",
        "begin",
        f"send {ROWS}/0",
        f"durable {ROWS}/0",
        "commit",
        "acknowledge 0",
    ]
    rows = next(sent for sent in client.sent if sent.topic == ROWS).records
    assert [key for key, _ in rows if is_customer(key or b"")] == [b"acme"]
    assert rows[-1][0] == HEADER_KEY


async def test_s5_no_row_leaves_before_the_outputs_are_durable(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    checkpoint = await begun(scorer, client)
    assert {sent.topic for sent in client.sent} == {SCORES, TRANSITIONS}
    for sent in list(client.sent):
        client.answer(sent)
    await _turn_over()
    assert client.sent[-1].topic == ROWS
    assert acknowledged == []
    client.answer(client.sent[-1])
    await checkpoint
    assert acknowledged == [0]


async def test_the_log_is_applied_while_rows_are_on_their_way(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    """And what is applied then is acknowledged by the next checkpoint, not by this one."""
    checkpoint = await begun(scorer, client)
    for sent in list(client.sent):
        client.answer(sent)
    await _turn_over()
    (rows,) = [sent for sent in client.sent if sent.topic == ROWS]
    await put(scorer, log_records(len(story()), Tick(START_MS + 2 * HOUR_MS)))
    assert scorer.folds[0].header.position == 6
    client.answer(rows)
    await checkpoint
    assert acknowledged == [0]
    client.hold = False
    await scorer.checkpoint()
    assert len(acknowledged) == 2
    first, second = (sent.records[-1][1] for sent in client.sent if sent.topic == ROWS)
    assert [decode_header(row or b"").position for row in (first, second)] == [5, 6]


async def _turn_over() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("durable", [0, 2], ids=["the outputs", "the rows"])
async def test_s5_what_the_broker_refuses_is_not_acknowledged(
    scorer: Scorer,
    client: RecordingClient,
    acknowledged: list[int],
    ended: list[BaseException],
    durable: int,
) -> None:
    """Of outputs or of rows: the process ends before the chunk is acknowledged."""
    client.hold = True
    await put(scorer, story())
    checkpoint = asyncio.ensure_future(scorer._timed_checkpoint())
    await _turn_over()
    for sent in client.sent[:durable]:
        client.answer(sent)
    await _turn_over()
    client.refuse = NotEnoughReplicasError()
    for sent in client.sent[durable:]:
        client.answer(sent)
    await asyncio.gather(checkpoint, return_exceptions=True)
    await _turn_over()
    assert [type(error) for error in ended] == [NotEnoughReplicasError]
    assert acknowledged == []


async def test_without_a_checkpoint_nothing_is_acknowledged(
    scorer: Scorer, acknowledged: list[int]
) -> None:
    await put(scorer, story())
    assert len(scorer._unacknowledged) == 1
    assert acknowledged == []


async def test_a_second_checkpoint_without_news_writes_nothing(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    await put(scorer, story())
    await scorer.checkpoint()
    told = list(client.told)
    await scorer.checkpoint()
    assert client.told == told


async def test_s1_a_chunk_that_comes_again_repeats_no_output(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    await put(scorer, story())
    await scorer.checkpoint()
    outputs = len(client.values(SCORES))
    await put(scorer, story())
    await scorer.checkpoint()
    assert len(client.values(SCORES)) == outputs == 1
    assert scorer.folds[0].counts.replayed == len(story())
    assert len(acknowledged) == 2


@pytest.mark.parametrize(
    ("records", "code"),
    [
        (log_records(0, Tick(START_MS)) + log_records(9, Tick(START_MS)), Exit.GAP),
        ([record(0, b"not ours", timestamp=START_MS)], Exit.CHANGELOG_DAMAGED),
        ([record(0, None, timestamp=START_MS)], Exit.CHANGELOG_DAMAGED),
    ],
    ids=["a gap in the log", "a foreign record", "an empty record"],
)
async def test_nothing_raises_out_of_the_agent(
    scorer: Scorer,
    client: RecordingClient,
    ended: list[BaseException],
    acknowledged: list[int],
    records: list[Any],
    code: Exit,
) -> None:
    """Faust would acknowledge the chunk and go on: the process ends instead, by name."""
    await put(scorer, records)
    assert len(ended) == 1
    found = ended[0].code if isinstance(ended[0], NamedExit) else Exit.INTERNAL
    assert found is code
    assert acknowledged == []
    assert client.sent == []


async def test_s6_a_worker_whose_lease_ran_out_writes_nothing(
    scorer: Scorer,
    client: RecordingClient,
    clock: ManualClock,
    ended: list[BaseException],
    acknowledged: list[int],
) -> None:
    clock.advance(8_000)
    await put(scorer, story())
    assert [e.code for e in ended if isinstance(e, NamedExit)] == [Exit.OWNERSHIP_LOST]
    assert client.sent == []
    assert acknowledged == []


async def test_s6_nor_does_its_checkpoint(
    scorer: Scorer, client: RecordingClient, clock: ManualClock, ended: list[BaseException]
) -> None:
    await put(scorer, story())
    sent = len(client.sent)
    clock.advance(8_000)
    with pytest.raises(asyncio.CancelledError):
        await scorer._timed_checkpoint()
    assert [e.code for e in ended if isinstance(e, NamedExit)] == [Exit.OWNERSHIP_LOST]
    assert len(client.sent) == sent


async def test_a_partition_that_left_is_neither_applied_nor_acknowledged(
    scorer: Scorer, client: RecordingClient, acknowledged: list[int]
) -> None:
    scoring = next(iter(scorer.app.agents.values()))
    async with scoring.test_context() as running:
        await running.put(story(), partition=1)
        await _turn_over()
    await scorer.checkpoint()
    assert client.sent == []
    assert acknowledged == []


def many(customers: int) -> list[Any]:
    """As many ticks as customers, one each, in one chunk."""
    ids = [f"c{n}" for n in range(customers)]
    accounts = [event("account.created", START_MS, each, status="customer") for each in ids]
    return log_records(
        0,
        activation(SAAS),
        block_of(accounts, 0),
        *(Tick(START_MS + HOUR_MS, None, each) for each in ids),
    )


async def evaluations_seen(scorer: Scorer, records: list[Any]) -> set[int]:
    """How many evaluations there were each time that another task got its turn in a chunk."""
    seen: set[int] = set()

    async def look() -> None:
        while not scorer._unacknowledged:
            async with scorer._lock:
                seen.add(scorer.folds[0].counts.evaluations)
            await asyncio.sleep(0)

    looking = asyncio.ensure_future(look())
    await put(scorer, records)
    await looking
    return seen


async def test_others_get_their_turn_within_a_long_chunk(
    scorer: Scorer,
    client: RecordingClient,
    acknowledged: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many are due at one instant: the process answers, and its checkpoints are written."""
    monkeypatch.setattr(agent, "SLICE_EVALUATIONS", 1)
    assert {1, 2, 3, 4} <= await evaluations_seen(scorer, many(5))
    await scorer.checkpoint()
    assert acknowledged == [0]


async def test_others_get_their_turn_after_each_tick_that_looks_ahead(
    scorer: Scorer, acknowledged: list[int]
) -> None:
    """It costs what hundreds of evaluations cost, however few there were."""
    ahead = [Tick(START_MS + HOUR_MS, None, f"c{number}", True) for number in range(3)]
    ids = [f"c{number}" for number in range(3)]
    accounts = [event("account.created", START_MS, id_, name="A", seats=3) for id_ in ids]
    records = log_records(0, activation(SAAS), block_of(accounts, 0), *ahead)
    assert {1, 2} <= await evaluations_seen(scorer, records)


@pytest.mark.parametrize(("late_ms", "expected"), [(0, True), (BEHIND_MS + 3_000, False)])
async def test_in_a_backlog_nobody_is_looked_at_ahead_of_time(
    scorer: Scorer,
    client: RecordingClient,
    clock: ManualClock,
    acknowledged: list[int],
    late_ms: int,
    expected: bool,
) -> None:
    every = {f"health.{family}.v1/{p}" for family in SOURCE_FAMILIES for p in (0, 1)}
    await put(scorer, story()[:3] + log_records(3, Progress(dict.fromkeys(every, START_MS))))
    clock.advance(late_ms)
    scorer.app.lease.begin()
    await scorer.ticker.tick()
    (tick,) = [signals.decode(value or b"") for value in client.values(LOG)]
    assert isinstance(tick, Tick)
    assert tick.looks_ahead is expected


async def test_s6_a_handover_waits_for_all_of_the_chunk_in_hand(
    scorer: Scorer, acknowledged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is acknowledged later Faust would wait for without an end."""
    monkeypatch.setattr(agent, "SLICE_EVALUATIONS", 1)
    fold = scorer.folds[0]

    async def hand_over() -> None:
        while not fold.counts.evaluations:
            await asyncio.sleep(0)
        assert fold.counts.evaluations < 5
        await scorer.app.settle()
        assert acknowledged == [0]

    handing_over = asyncio.ensure_future(hand_over())
    await put(scorer, many(5))
    await handing_over
    assert fold.counts.evaluations == 5


@pytest.mark.parametrize("comes_again", [True, False], ids=["the same fold", "another fold"])
async def test_s6_the_rest_of_a_chunk_is_left_when_the_partition_is_another_matter(
    scorer: Scorer,
    acknowledged: list[int],
    monkeypatch: pytest.MonkeyPatch,
    comes_again: bool,
) -> None:
    """It was handed over, or is read anew from where the state says."""
    monkeypatch.setattr(agent, "SLICE_EVALUATIONS", 1)
    begun = scorer.folds[0]

    async def meanwhile() -> None:
        while not begun.counts.evaluations:
            await asyncio.sleep(0)
        if comes_again:
            scorer.app.chunks._turns[TP(LOG, 0)] = 1
        else:
            del scorer.folds[0]

    moving = asyncio.ensure_future(meanwhile())
    await put(scorer, many(5))
    await moving
    assert begun.counts.evaluations < 5
    assert scorer._unacknowledged == []
    await scorer.checkpoint()
    assert acknowledged == []


async def test_a_worker_is_idle_while_nobody_can_be_due(
    scorer: Scorer, client: RecordingClient, clock: ManualClock, acknowledged: list[int]
) -> None:
    """Touched, evaluated, and due again when its time has come; not while the clock is off."""
    assert scorer.ticker.is_idle()
    await put(scorer, story()[:3])
    assert not scorer.ticker.is_idle()
    await put(scorer, log_records(3, *[signals.decode(each.value) for each in story()[3:]]))
    assert scorer.ticker.is_idle()
    due_ms = scorer.folds[0].customer("acme").due_ms  # type: ignore[union-attr]
    assert due_ms is not None
    clock.advance(due_ms - clock.now_ms())
    assert not scorer.ticker.is_idle()


async def test_what_is_applied_wakes_an_idle_worker(
    scorer: Scorer, acknowledged: list[int]
) -> None:
    assert not scorer.ticker._timer._applied.is_set()
    await put(scorer, story()[:1])
    assert scorer.ticker._timer._applied.is_set()


async def test_ticks_are_under_way_once(
    scorer: Scorer, client: RecordingClient, clock: ManualClock, acknowledged: list[int]
) -> None:
    """The next round waits until the ticks before it have come back through the log."""
    every = {f"health.{family}.v1/{p}" for family in SOURCE_FAMILIES for p in (0, 1)}
    records = story()[:3] + log_records(3, Progress(dict.fromkeys(every, START_MS + HOUR_MS)))
    await put(scorer, records)
    clock.advance(1000)
    await scorer.ticker.tick()
    ticks = client.values(LOG)
    assert [type(signals.decode(value or b"")) for value in ticks] == [Tick]
    await scorer.ticker.tick()
    assert client.values(LOG) == ticks
    await put(scorer, log_records(4, signals.decode(ticks[0] or b"")))
    assert len(client.values(SCORES)) == 1


SOURCE_FAMILIES = ("accounts", "usage", "tickets", "billing", "engagement", "redrive")


async def test_a_state_made_with_another_partition_count_ends_by_name(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer would be looked for in the wrong partition, and start anew without an error."""
    scorer.table.partition(0)[HEADER_KEY] = encode_header(Header(position=5, partitions=16))
    scorer.table.restored.add(0)
    with pytest.raises(NamedExit) as refused:
        scorer._rebuild()
    assert refused.value.code is Exit.TOPIC_MISMATCH
    assert "has 2 partitions, its state was made with 16" in refused.value.message


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"\xc1", Exit.CHANGELOG_DAMAGED),
        (encode_header(Header(version=99)), Exit.STATE_VERSION),
    ],
    ids=["damaged", "of a newer release"],
)
async def test_s7_an_unreadable_header_ends_the_process(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, header: bytes, code: Exit
) -> None:
    ended: list[BaseException] = []
    monkeypatch.setattr("streams.scorer.agent.end_process", ended.append)
    scorer.table.partition(0)[HEADER_KEY] = header
    scorer.table.restored.add(0)
    await scorer._restored()
    assert [e.code for e in ended if isinstance(e, NamedExit)] == [code]


async def test_a_header_whose_scorecard_is_missing_ends_the_process_by_name(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on would mean: nobody is scored, and nothing says so."""
    ended: list[BaseException] = []
    monkeypatch.setattr("streams.scorer.agent.end_process", ended.append)
    scorer.table.partition(0)[HEADER_KEY] = encode_header(Header(card_hash="ab" * 32))
    scorer.table.restored.add(0)
    await scorer._restored()
    [error] = ended
    assert isinstance(error, NamedExit)
    assert error.code is Exit.CHANGELOG_DAMAGED
    assert "the header names scorecard abababababababab, whose text is missing" in error.message


async def test_a_state_with_a_card_that_this_release_cannot_read_ends_by_name(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer release accepted it, and made scores with it: another card is no way out."""
    ended: list[BaseException] = []
    monkeypatch.setattr("streams.scorer.agent.end_process", ended.append)
    rows = scorer.table.partition(0)
    rows[HEADER_KEY] = encode_header(Header(card_hash="ab" * 32))
    rows[CARD_KEY + b"ab" * 32] = b"scorecard: of tomorrow"
    scorer.table.restored.add(0)
    await scorer._restored()
    [error] = ended
    assert isinstance(error, NamedExit)
    assert error.code is Exit.STATE_VERSION
    assert "Run the release that accepted it" in error.message


async def test_reports_about_activations_meet_in_one_partition(
    scorer: Scorer, client: RecordingClient
) -> None:
    other = changed_card(('version: "1"', 'version: "2"'))
    copies = log_records(0, activation(SAAS), activation(other, 1), Tick(START_MS))
    scorer.folds[1] = scorer.folds.pop(0)
    scorer.folds[1].partition = 1
    agent_event = SimpleNamespace(
        message=SimpleNamespace(tp=TP(LOG, 1), partition=1, value=copies), ack=lambda: None
    )
    await scorer._chunk(agent_event)
    await scorer.checkpoint()
    [sent] = [sent for sent in client.sent if sent.topic == "health.activations.v1"]
    assert sent.partition == 0
    assert [key for key, _ in sent.records] == [b"0"]  # of the partition that made it


async def test_a_fold_is_rebuilt_from_restored_rows_only(scorer: Scorer) -> None:
    """Partitions that stay keep their fold; one whose rows came anew gets another."""
    stays = scorer.folds[0]
    scorer._rebuild()
    assert scorer.folds[0] is stays
    customer = Customer(5)
    scorer.table.partition(0)[b"acme"] = pack(customer)
    scorer.table.restored.add(0)
    scorer._rebuild()
    assert scorer.folds[0] is not stays
    assert scorer.folds[0].customers() == {"acme"}


async def test_s8_how_long_a_restore_took_is_told(scorer: Scorer, clock: ManualClock) -> None:
    """From taking the partition over until its fold is there; one that stayed took no time."""

    def told(partition: str) -> float | None:
        labels = {"partition": partition}
        return scorer._metrics.registry.get_sample_value("health_restore_seconds", labels)

    assert (told("0"), told("1")) == (0, None)
    both = {0, 1}
    await scorer.app.own({TP(ROWS, partition) for partition in both})
    clock.advance(2500)
    scorer.app.consumer.assignment = lambda: {TP(LOG, partition) for partition in both}
    scorer.table.active = both
    scorer._rebuild()
    assert (told("0"), told("1")) == (0, 2.5)


async def test_s7_a_partition_that_is_not_restored_yet_is_not_taken_for_an_empty_one(
    scorer: Scorer,
) -> None:
    """It came with a rebalance during the restore of others: its own restore is to come."""
    standing = Standing(0, 29, 29)
    assert scorer.app.start_of(TP(LOG, 1), standing) is None
    with pytest.raises(NamedExit) as refused:
        scorer.app.start_of(TP(LOG, 0), standing)
    assert refused.value.code is Exit.CHANGELOG_DAMAGED


async def test_the_age_of_a_partitions_time_is_told_while_no_tick_comes(
    scorer: Scorer, clock: ManualClock
) -> None:
    """An alarm looks at it: also where ticks are held back, and not after a handover."""

    def age() -> float | None:
        value = scorer._metrics.registry.get_sample_value
        return value("health_tick_age_seconds", {"partition": "0"})

    await scorer.ticker.tick()
    assert age() is None  # there was none yet
    await put(scorer, story())
    clock.advance(START_MS + HOUR_MS + 90_000 - clock.now_ms())
    scorer.ticker._rounds.append(0, clock.now_ms(), 1)
    await scorer.ticker.tick()
    assert age() == 90
    scorer.folds.clear()
    await scorer.ticker.tick()
    assert age() is None


async def test_changes_and_crossings_are_counted(scorer: Scorer, acknowledged: list[int]) -> None:
    value = scorer._metrics.registry.get_sample_value
    await put(scorer, story())
    for _ in range(2):  # told once
        await scorer.checkpoint()
    assert value("health_signals_total") == 4
    assert value("health_score_changes_total") == 1
    assert value("health_transitions_total") == 1
