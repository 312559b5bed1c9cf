"""Decisions into each partition's log: in order, once, from where its header stands."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import RecordingClient
from partitionlog import SHIPPED, START_MS, activation, source_control
from schemas import signals
from schemas.control import CONTROL, ScorecardActivated
from schemas.signals import ControlCopy
from scoring.card import hash_of
from streams.clock import ManualClock
from streams.engine.app import VitalsApp, build_app
from streams.metrics import Metrics
from streams.scorer.control import ControlCopier
from streams.scorer.control import activation as record_of
from streams.settings import Settings

LOG, CONTROL_TOPIC = "health.signals.v1", "health.control.v1"
DECISIONS = [
    (0, activation(SHIPPED).body),
    (1, source_control("source.stalled", "health.usage.v1", 1).body),
    (2, source_control("source.resumed", "health.usage.v1", 2).body),
]


@pytest.fixture
async def app() -> VitalsApp:
    made = build_app(Settings(bootstrap="127.0.0.1:1"), ManualClock(), group="t")
    made.rebalancing = False
    made.producer = SimpleNamespace(client=RecordingClient())
    return made


def fold(control_offset: int = -1) -> Any:
    return SimpleNamespace(header=SimpleNamespace(control_offset=control_offset), card=None)


def copier(app: VitalsApp, folds: dict[int, Any]) -> ControlCopier:
    made = ControlCopier(
        Settings(bootstrap="127.0.0.1:1"), app, folds, ManualClock(START_MS), Metrics(), SHIPPED
    )
    made._records = list(DECISIONS)
    return made


def copies(app: VitalsApp, partition: int) -> list[int]:
    client: Any = app.batches.client
    found = []
    for sent in client.sent:
        if (sent.topic, sent.partition) == (LOG, partition):
            copy = signals.decode(sent.records[0][1])
            assert isinstance(copy, ControlCopy)
            assert copy.body == DECISIONS[copy.offset][1]
            found.append(copy.offset)
    return found


async def test_each_partition_gets_what_its_header_has_not(app: VitalsApp) -> None:
    made = copier(app, {0: fold(), 1: fold(1), 2: fold(2)})
    await made._copy()
    assert [copies(app, partition) for partition in (0, 1, 2)] == [[0, 1, 2], [2], []]


async def test_what_is_on_its_way_is_not_copied_again(app: VitalsApp) -> None:
    """The header knows of a copy only when it has come back through the log."""
    made = copier(app, {0: fold()})
    await made._copy()
    await made._copy()
    assert copies(app, 0) == [0, 1, 2]


async def test_a_partition_that_comes_back_is_judged_by_its_header(app: VitalsApp) -> None:
    """Another owner may have lost what we had on its way: a copy too many changes nothing."""
    folds = {0: fold()}
    made = copier(app, folds)
    await made._copy()
    folds[0] = fold(1)
    await made._copy()
    assert copies(app, 0) == [0, 1, 2, 2]


async def test_nothing_is_written_while_partitions_move(app: VitalsApp) -> None:
    app.rebalancing = True
    await copier(app, {0: fold()})._copy()
    assert copies(app, 0) == []


async def test_the_first_start_activates_the_card_it_was_given(app: VitalsApp) -> None:
    made = copier(app, {0: fold()})
    made._records = []
    await made._ensure_a_card()
    await made._ensure_a_card()
    client: Any = app.batches.client
    (value,) = client.values(CONTROL_TOPIC)
    decision = CONTROL.validate_json(value)
    assert isinstance(decision, ScorecardActivated)
    assert (decision.text, decision.hash) == (SHIPPED, hash_of(SHIPPED))


async def test_a_card_that_is_active_is_left_alone(app: VitalsApp) -> None:
    await copier(app, {0: fold()})._ensure_a_card()
    client: Any = app.batches.client
    assert client.values(CONTROL_TOPIC) == []


def test_an_activation_names_its_text_by_the_same_hash_as_the_card() -> None:
    record = record_of(SHIPPED, "n", "1", author="a", reason="r", now_ms=START_MS)
    assert record.hash == hash_of(SHIPPED)
    assert CONTROL.validate_json(record.model_dump_json()) == record
