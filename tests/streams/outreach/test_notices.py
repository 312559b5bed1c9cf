"""One message for each source that stops: when there is one, and its words."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.sources import decision, stopped
from samples.transitions import NOON_MS
from schemas.actions import Severity
from schemas.control import ControlRecord
from schemas.sources import SourceStopped
from streams.outreach.decide import AGE_MAX_MS, Reason
from streams.outreach.notice import notify
from streams.outreach.notices import Notices
from streams.settings import Settings


def text_of(event: SourceStopped) -> str:
    [told] = notify(event, ["webhook"], NOON_MS)
    assert told.action is not None
    assert told.action.message.severity is Severity.NOTICE
    return told.action.message.text


def test_a_paused_partition_says_who_why_and_what_to_do() -> None:
    text = text_of(stopped())
    assert text.startswith("Source usage/3 is paused\nWhy: Dana, 02 Mar 2026 12:00 UTC: a bad")
    assert text.endswith("vitals intake resume usage/3")


def test_a_silent_source_says_that_it_comes_back_by_itself() -> None:
    text = text_of(stopped(paused=False, partition=None))
    assert text.startswith("Source usage is silent\n")
    assert "resume" not in text


def test_each_sink_gets_its_own_and_the_ids_are_stable() -> None:
    told = notify(stopped(), ["slack", "webhook"], NOON_MS)
    again = notify(stopped(), ["slack", "webhook"], NOON_MS + 60_000)
    ids = [one.action.id for one in told if one.action]
    assert ids == ["source/health.usage.v1/3/7/slack", "source/health.usage.v1/3/7/webhook"]
    assert [one.action.id for one in again if one.action] == ids


def test_what_stopped_yesterday_and_no_sink_at_all_message_nobody() -> None:
    assert [one.reason for one in notify(stopped(), ["x"], NOON_MS + AGE_MAX_MS + 1)] == [
        Reason.TOO_OLD
    ]
    assert [one.reason for one in notify(stopped(), [], NOON_MS)] == [Reason.SINK_NOT_CONFIGURED]


class Process:
    """One outreach process that owns the outbox's first partition."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.notices = Notices(Settings(), SimpleNamespace(should_stop=False), self.write)  # type: ignore[arg-type]
        self.offset = 0
        self.notices.begin(owner=True)

    async def write(self, event: SourceStopped) -> None:
        self.written.append(event.id.removeprefix("source/health."))

    async def hear(self, *decisions: ControlRecord) -> None:
        """The decisions, up to the end of the topic."""
        for each in decisions:
            self.notices.take(self.offset, each.model_dump_json().encode())
            self.offset += 1
        await self.notices.write()


PAUSED, RESUMED = decision("intake.paused", partition=3), decision("intake.resumed", partition=3)
STALLED, BACK = decision("source.stalled"), decision("source.resumed")


@pytest.fixture
def process() -> Process:
    return Process()


async def test_one_message_for_each_stop_however_often_it_is_decided(process: Process) -> None:
    await process.hear(STALLED, STALLED)
    await process.hear(STALLED)
    assert process.written == ["usage.v1/0"]
    await process.hear(BACK, STALLED)
    assert process.written == ["usage.v1/0", "usage.v1/4"]


async def test_the_stall_that_a_pause_brings_has_no_message_of_its_own(process: Process) -> None:
    """Nor when the pause has ended, and the source is not declared back yet."""
    await process.hear(PAUSED, STALLED)
    await process.hear(RESUMED)
    assert process.written == ["usage.v1/3/0"]
    await process.hear(BACK, STALLED)
    assert process.written == ["usage.v1/3/0", "usage.v1/4"]


async def test_what_is_over_when_it_is_read_messages_nobody(process: Process) -> None:
    await process.hear(STALLED, BACK, PAUSED, RESUMED)
    assert process.written == []


async def test_only_the_owner_writes_and_the_next_one_writes_what_is_open(process: Process) -> None:
    process.notices.release()
    await process.hear(PAUSED)
    assert process.written == []
    process.notices.begin(owner=False)
    await process.hear()
    assert process.written == []
    process.notices.begin(owner=True)
    await process.hear()
    assert process.written == ["usage.v1/3/0"]


async def test_what_is_no_decision_is_passed_over(process: Process) -> None:
    process.notices.take(0, b"{")
    process.notices.take(1, None)
    await process.notices.write()
    assert process.written == []


kinds = st.sampled_from(["intake.paused", "intake.resumed", "source.stalled", "source.resumed"])


@given(st.lists(kinds, max_size=12))
async def test_what_is_told_is_open_and_told_once(taken: list[str]) -> None:
    """Read one by one, each stop is told at its first decision, and nothing twice."""
    process, expected = Process(), []
    paused = stalled = False
    for number, kind in enumerate(taken):
        fields: dict[str, Any] = {"partition": 3} if kind.startswith("intake") else {}
        await process.hear(decision(kind, **fields))
        if kind == "intake.paused" and not paused:
            expected.append(f"usage.v1/3/{number}")
        if kind == "source.stalled" and not stalled and not paused:
            expected.append(f"usage.v1/{number}")
        paused = kind == "intake.paused" or (paused and kind != "intake.resumed")
        stalled = kind == "source.stalled" or (stalled and kind != "source.resumed")
    assert process.written == expected
