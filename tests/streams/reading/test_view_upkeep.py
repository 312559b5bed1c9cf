"""Rebuilding and verifying beside a worker: what is on its way is neither lost nor wrong."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from confluent_kafka import Producer

from histories import known
from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, event
from schemas.scores import ScoreChanged
from schemas.views import CustomerHealth
from scoring.outputs import Output
from streams.clock import SystemClock
from streams.engine.topics import create_topics
from streams.exits import Exit, NamedExit
from streams.reading import view_upkeep
from streams.reading.view_upkeep import rebuild, verify
from streams.settings import Settings
from streams.views.memory_view import MemoryView

pytestmark = pytest.mark.integration


def unseen(done: int, total: int) -> None:
    """Nobody looks at the progress."""


class Stand:
    """A log that was folded in memory, and what of it has reached the broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = Log()
        self.view = MemoryView()
        self._producer = Producer({"bootstrap.servers": settings.bootstrap})

    def live(self, day: int) -> list[Output]:
        """A day in which scores change; its outputs."""
        now_ms = START_MS + day * DAY_MS
        told = len(self.log.outputs)
        for name in ("acme", "zed"):
            if day == 1:
                self.log.read(now_ms, *known(name, now_ms))
            ids = {"event_id": f"{name}{day}", "ticket_id": f"t{day}"}
            self.log.read(
                now_ms,
                event("ticket.changed", now_ms, name, change="opened", priority="urgent", **ids),
            )
        self.log.tick(now_ms + HOUR_MS)
        made = self.log.outputs[told:]
        assert {output.customer for output in made if output.topic == "scores"} == {"acme", "zed"}
        return made

    def send_outputs(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if output.topic == "scores":
                self._send("scores", output.customer.encode(), output.body)

    def send_rows(self) -> None:
        for key, value in self.log.fold.checkpoint():
            self._send("customers", key, value)

    def _send(self, topic: str, key: bytes, value: bytes | None) -> None:
        self._producer.produce(self.settings.topics.name(topic), value, key, partition=1)
        assert self._producer.flush(30) == 0

    async def feed(self, outputs: Iterable[Output]) -> None:
        """The live feed writes the view."""
        for output in outputs:
            if output.topic == "scores":
                change = ScoreChanged.model_validate_json(output.body)
                await self.view.apply([CustomerHealth.of(change)])


@pytest.fixture
def stand(kafka: Any, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Stand:
    settings = Settings(
        bootstrap=kafka.bootstrap, prefix=topic_prefix, signals_partitions=3, source_partitions=1
    )
    create_topics(settings)
    monkeypatch.setattr(view_upkeep, "SETTLE_S", 0)
    return Stand(settings)


async def rebuilt(stand: Stand) -> Mapping[str, CustomerHealth]:
    await rebuild(stand.settings, stand.view, SystemClock(), unseen)
    return await stand.view.dump()


async def test_n7_a_score_whose_row_is_on_its_way_is_not_lost(stand: Stand) -> None:
    """It was in the view already, and emptying the view must not take it away for good."""
    first = stand.live(1)
    stand.send_outputs(first)
    stand.send_rows()
    second = stand.live(2)
    stand.send_outputs(second)
    await stand.feed([*first, *second])
    before = await stand.view.dump()
    assert await rebuilt(stand) == before


async def test_a_rebuild_takes_the_newest_row(stand: Stand) -> None:
    """Also where the score changes are no longer in their topic."""
    outputs = stand.live(1)
    stand.send_rows()
    outputs += stand.live(2)
    stand.send_rows()
    await stand.feed(outputs)
    before = await stand.view.dump()
    assert await rebuilt(stand) == before
    assert (await verify(stand.settings, stand.view, unseen)).differences == []


async def test_a_rebuild_forgets_whom_no_row_knows(stand: Stand) -> None:
    outputs = stand.live(1)
    stand.send_rows()
    await stand.feed(outputs)
    stand._send("customers", b"zed", None)
    assert (await rebuilt(stand)).keys() == {"acme"}


async def test_what_the_view_has_first_is_looked_at_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row reaches the changelog between the two looks."""
    outputs = stand.live(1)
    stand.send_rows()
    outputs += stand.live(2)
    await stand.feed(outputs)
    dump = stand.view.dump

    async def dump_then_checkpoint() -> Mapping[str, CustomerHealth]:
        found = await dump()
        stand.send_rows()
        return found

    monkeypatch.setattr(stand.view, "dump", dump_then_checkpoint)
    verified = await verify(stand.settings, stand.view, unseen)
    assert verified == (2, [])


async def test_what_the_rows_have_first_is_looked_at_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed writes the view between the two looks."""
    outputs = stand.live(1)
    stand.send_rows()
    await stand.feed(outputs[:1])
    dump = stand.view.dump

    async def dump_then_feed() -> Mapping[str, CustomerHealth]:
        found = await dump()
        await stand.feed(outputs)
        return found

    monkeypatch.setattr(stand.view, "dump", dump_then_feed)
    assert (await verify(stand.settings, stand.view, unseen)).differences == []


async def test_what_lasts_is_a_difference(stand: Stand) -> None:
    outputs = stand.live(1)
    stand.send_rows()
    late = stand.live(2)
    stand.send_rows()
    await stand.feed([*outputs, *(o for o in late if o.customer == "acme")])
    verified = await verify(stand.settings, stand.view, unseen)
    assert verified.customers == 2
    assert {line.partition(":")[0] for line in verified.differences} == {"zed"}
    assert "zed: sequence: expected 2, found 1" in verified.differences


async def test_s7_a_damaged_row_is_a_named_end(stand: Stand) -> None:
    stand.live(1)
    stand.send_rows()
    stand._send("customers", b"acme", b"\x01")
    name = stand.settings.topics.name("customers")
    for work in (
        verify(stand.settings, stand.view, unseen),
        rebuild(stand.settings, stand.view, SystemClock(), unseen),
    ):
        with pytest.raises(NamedExit) as ended:
            await work
        assert ended.value.code is Exit.CHANGELOG_DAMAGED
        assert f"{name}, partition 1: offset" in ended.value.message
