"""When a source topic is declared stalled, and when it is declared back."""

from types import SimpleNamespace
from typing import Any

from aiokafka.structs import OffsetAndTimestamp
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import (
    ControlRecord,
    IntakePaused,
    IntakeResumed,
    SourceResumed,
    SourceStalled,
)
from streams.clock import from_ms
from streams.intake.pausing import AUTHOR
from streams.intake.silence import HOUR_MS, SilencePolicy
from streams.intake.source_states import SourceStates
from streams.scorer.stall_watch import StallWatch, WatchedTopic
from streams.settings import Settings

USAGE = "health.usage.v1"
NOW_MS = 1_772_000_000_000
LIMIT_MS = 2 * HOUR_MS


class Watched:
    """A topic of two partitions whose silence of two hours was stated, and what was declared."""

    def __init__(self, stated_ms: int = LIMIT_MS) -> None:
        self.topic = WatchedTopic(USAGE, stated_ms, SilencePolicy())
        self.states = SourceStates()
        self.now_ms = NOW_MS
        self.end = 0
        self.read_to_ms = {f"{USAGE}/0": NOW_MS, f"{USAGE}/1": NOW_MS, "health.billing.v1/0": 0}
        self.declared: list[ControlRecord] = []
        self.look()

    def look(self, *, comes: int = 0, after_ms: int = 1000) -> ControlRecord | None:
        """Some time later, with so many records more."""
        self.now_ms += after_ms
        self.end += comes
        self.topic.reaches(self.end, self.now_ms)
        found = self.topic.decide(self.states, self.read_to_ms, self.now_ms)
        if found is not None:
            self.hear(found)
            self.declared.append(found)
        return found

    def hear(self, record: ControlRecord) -> None:
        self.states.take(len(self.declared), record)

    def read(self, *partitions: int) -> None:
        """Intake has come to the ends of these."""
        self.read_to_ms |= {f"{USAGE}/{p}": self.now_ms for p in partitions}

    def said(self, author: str = "dana") -> dict[str, Any]:
        return {"topic": USAGE, "at": from_ms(self.now_ms), "author": author, "reason": "why"}


def test_a_silent_topic_is_declared_stalled_once() -> None:
    watched = Watched()
    watched.look(comes=1)
    assert watched.look(after_ms=LIMIT_MS) is None
    stalled = watched.look()
    assert isinstance(stalled, SourceStalled)
    assert (stalled.topic, stalled.author) == (USAGE, AUTHOR)
    assert stalled.reason == "nothing came for 2 h, longer than 2 h"
    assert watched.look(after_ms=30 * HOUR_MS) is None
    assert len(watched.declared) == 1


def test_t4_one_busy_partition_is_enough() -> None:
    """What counts is the topic: seven of eight that are idle are no stall."""
    watched = Watched()
    for _ in range(10):
        watched.look(comes=1, after_ms=HOUR_MS)
    assert watched.declared == []


def test_it_is_back_when_records_come_and_all_that_lay_there_is_read() -> None:
    watched = Watched()
    watched.look(comes=1)
    watched.look(after_ms=LIMIT_MS + 1)
    assert watched.look(comes=5000) is None
    watched.read(0)
    assert watched.look() is None  # the other partition is behind
    watched.read(0, 1)
    back = watched.look()
    assert isinstance(back, SourceResumed)
    assert watched.states.stalled == {}


def test_a_new_owner_does_not_declare_back_what_is_still_silent() -> None:
    """It has learnt nothing of a source that has been silent for weeks."""
    watched = Watched()
    watched.hear(SourceStalled(**watched.said(AUTHOR)))
    for _ in range(3):
        assert watched.look(after_ms=40 * 24 * HOUR_MS) is None
        watched.read(0, 1)


def test_a_source_that_is_not_to_be_judged_any_more_is_declared_back() -> None:
    watched = Watched(stated_ms=0)
    watched.hear(SourceStalled(**watched.said(AUTHOR)))
    assert watched.look() is None
    watched.read(0, 1)
    assert isinstance(watched.look(), SourceResumed)
    assert watched.look(after_ms=99 * HOUR_MS) is None


def test_s11_a_paused_partition_stalls_its_topic_until_it_has_caught_up() -> None:
    watched = Watched()
    watched.look(comes=1)
    watched.hear(IntakePaused(partition=1, **watched.said()))
    stalled = watched.look()
    assert isinstance(stalled, SourceStalled)
    assert stalled.reason == "intake of partition 1 is paused"
    assert watched.look(comes=100) is None
    watched.hear(IntakeResumed(partition=1, **watched.said()))
    assert watched.look(after_ms=5000) is None
    watched.read(0)
    assert watched.look() is None
    watched.read(0, 1)
    assert isinstance(watched.look(), SourceResumed)


def test_what_a_person_declared_a_person_takes_back() -> None:
    watched = Watched()
    watched.hear(SourceStalled(**watched.said()))
    watched.look(comes=9)
    watched.read(0, 1)
    assert watched.look(comes=9) is None


def test_what_a_person_declares_back_is_silent_anew_only_after_the_limit() -> None:
    watched = Watched()
    watched.look(comes=1)
    watched.look(after_ms=LIMIT_MS + 1)
    watched.hear(SourceResumed(**watched.said()))
    assert watched.look(after_ms=LIMIT_MS) is None
    assert isinstance(watched.look(), SourceStalled)


steps = st.tuples(
    st.integers(0, 1), st.sampled_from([1000, HOUR_MS, 3 * HOUR_MS]), st.booleans(),
    st.sampled_from(["", "", "pause", "resume"]),
)  # fmt: skip


@given(st.lists(steps, max_size=25))
def test_declarations_alternate_and_never_come_back_too_early(
    taken: list[tuple[int, int, bool, str]],
) -> None:
    """Stalled, resumed, stalled, ...; and never resumed while paused or unread."""
    watched = Watched()
    for comes, after_ms, reads, decided in taken:
        if decided == "pause":
            watched.hear(IntakePaused(partition=1, **watched.said()))
        elif decided == "resume":
            watched.hear(IntakeResumed(partition=1, **watched.said()))
        if reads:
            watched.read(0, 1)
        found = watched.look(comes=comes, after_ms=after_ms)
        if isinstance(found, SourceResumed):
            assert not watched.states.paused
    kinds = [type(one) for one in watched.declared]
    assert kinds == [(SourceStalled, SourceResumed)[n % 2] for n in range(len(kinds))]


class Arriving:
    """A broker's answers: a record comes whenever somebody has asked for times."""

    def __init__(self) -> None:
        self.end = 1

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, self.end)

    async def offsets_for_times(self, wanted: dict[Any, int]) -> dict[Any, Any]:
        known = {tp: OffsetAndTimestamp(0, NOW_MS - 1) for tp, at in wanted.items() if at < NOW_MS}
        self.end += 1
        return dict.fromkeys(wanted) | known


async def test_a_record_that_comes_while_a_new_owner_learns_is_not_missed() -> None:
    """It is too young for what is learnt, and must not count as what lay there before."""
    times = SimpleNamespace(now_ms=lambda: NOW_MS)

    async def partitions_for(topic: str) -> set[int]:
        return {0}

    client = SimpleNamespace(partitions_for=partitions_for)
    app: Any = SimpleNamespace(batches=SimpleNamespace(client=client))
    clock: Any = times
    watch = StallWatch(Settings(), app, {}, clock)
    broker: Any = Arriving()
    await watch._begin(broker)
    assert watch._topics[USAGE].habit.last_ms == NOW_MS - 1
    times.now_ms = lambda: NOW_MS + 5
    await watch._measure(broker)
    assert watch._topics[USAGE].habit.last_ms == NOW_MS + 5
