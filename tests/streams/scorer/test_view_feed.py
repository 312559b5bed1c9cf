"""The feed of the view: what the scores topic says gets there, whatever the view does meanwhile."""

import asyncio
import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine_stand import record
from partitionlog import HOUR_MS, START_MS, Log, event
from portfolio import NOW, customer
from schemas.views import CustomerHealth
from streams.clock import ManualClock, to_ms
from streams.metrics import Metrics
from streams.scorer import view_feed
from streams.scorer.view_feed import ViewFeed
from streams.settings import Settings
from streams.views.base import Applied, ViewUnavailable
from streams.views.memory_view import MemoryView


class FailingView(MemoryView):
    """Does not answer the first ``failures`` times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.asked = asyncio.Event()

    async def apply(self, batch: Sequence[CustomerHealth]) -> Sequence[Applied]:
        self.asked.set()
        if self.failures > 0:
            self.failures -= 1
            raise ViewUnavailable("Redis at nowhere does not answer.", "Start it.")
        return await super().apply(batch)


def changes() -> list[bytes]:
    """Bodies of score changes as the scorer sends them."""
    log = Log()
    log.read(
        START_MS,
        event("account.created", START_MS, name="Acme", status="customer", seats=2),
        event("usage.feature", START_MS, feature="export", user="u"),
    )
    log.tick(START_MS + HOUR_MS)
    return [output.body for output in log.outputs if output.topic == "scores"]


def chunk(values: Sequence[bytes | None], acknowledged: list[int]) -> Any:
    records = [record(n, value) for n, value in enumerate(values)]
    message = SimpleNamespace(partition=0, value=records)
    return SimpleNamespace(message=message, ack=lambda: acknowledged.append(1))


def feed(view: MemoryView) -> ViewFeed:
    return ViewFeed(Settings(bootstrap="127.0.0.1:1"), ManualClock(), Metrics(), view)


async def test_changes_reach_the_view_before_they_are_acknowledged() -> None:
    view, acknowledged = MemoryView(), []
    await feed(view)._chunk(chunk(changes(), acknowledged))
    assert (await view.dump()).keys() == {"acme"}
    assert acknowledged == [1]


async def test_a_foreign_record_is_skipped_and_said(caplog: pytest.LogCaptureFixture) -> None:
    view, acknowledged = MemoryView(), []
    await feed(view)._chunk(chunk([b"{}", *changes(), None], acknowledged))
    assert (await view.dump()).keys() == {"acme"}
    assert acknowledged == [1]
    assert "partition 0, offset 0" in caplog.text
    assert "partition 0, offset 2" in caplog.text


async def test_a_dead_view_is_tried_again_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def at_once(self: ViewFeed, within_s: float) -> bool:
        return False

    monkeypatch.setattr(ViewFeed, "_told_to_hand_over", at_once)
    view, acknowledged = FailingView(3), []
    await feed(view)._chunk(chunk(changes(), acknowledged))
    assert (await view.dump()).keys() == {"acme"}
    assert acknowledged == [1]


async def test_a21_a_refresh_ranks_anew_in_bounded_batches_and_survives_an_outage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Days pass without an event; what is too much for once is left for the next time."""
    monkeypatch.setattr(view_feed, "REFRESH_ROWS", 2)
    monkeypatch.setattr(view_feed, "REFRESH_ROUNDS", 2)
    view, clock, metrics = MemoryView(), ManualClock(to_ms(NOW)), Metrics()
    running = ViewFeed(Settings(bootstrap="127.0.0.1:1"), clock, metrics, view)
    running.app.consumer.assignment = set
    rng = random.Random(1)
    await view.apply([customer(rng, f"c{n}", renewal_days=40) for n in range(5)])
    clock.advance(24 * HOUR_MS)
    view.outage = "Redis at nowhere does not answer."
    await running._timed_refresh()
    assert "does not answer" in caplog.text
    view.outage = None
    await running._timed_refresh()
    assert metrics.view_reranked._value.get() == 4
    await running._timed_refresh()
    await running._timed_refresh()
    assert metrics.view_reranked._value.get() == 5
    assert await view.refresh(clock.now_ms()) == 0


async def test_handing_over_does_not_wait_for_a_dead_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk is given up unacknowledged; whoever owns the partition next reads it again."""
    monkeypatch.setattr(view_feed, "RETRY_S_MAX", 3600)
    view, acknowledged = FailingView(10**9), []
    running = feed(view)
    abandoned: list[Any] = []
    monkeypatch.setattr(running.app, "abandon", abandoned.append)
    event_ = chunk(changes(), acknowledged)
    work = asyncio.ensure_future(running._chunk(event_))
    await view.asked.wait()
    await asyncio.wait_for(running._hand_over(), 10)
    await asyncio.wait_for(work, 10)
    assert abandoned == [event_]
    assert acknowledged == []


async def test_the_lag_is_what_the_partitions_held_here_have_untaken() -> None:
    metrics = Metrics()
    running = ViewFeed(Settings(bootstrap="127.0.0.1:1"), ManualClock(), metrics, MemoryView())
    held = {TP("health.scores.v1", 0), TP("health.scores.v1", 2), TP("other", 1)}
    running.app.consumer.assignment = lambda: held
    running.app.chunks.untaken = lambda tp: {0: 40, 1: 500, 2: None}[tp.partition]
    running.tell_lag()
    assert metrics.registry.get_sample_value("health_view_lag_records") == 40
