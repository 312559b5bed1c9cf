"""Declares sources stalled, and back: the owner of the first signals partition does. The shell.

A topic is declared stalled when it is silent beyond its habits, or while intake has paused
some of it: nobody knows which customers the missing records are about, so all measures of
that source freeze rather than let some of them look silent. It is declared back when
records come again, or are read again, *and* all that lay there has been read: what is
judged at the next tick must not be half of it.

The decisions are folded as any others are, and one that is repeated changes nothing. So a
worker that was frozen while another took over does no harm.
"""

import logging
from collections.abc import Mapping

import aiokafka
from aiokafka.errors import KafkaError

from schemas.control import ControlRecord, SourceResumed, SourceStalled, Undecided, decision_in
from schemas.topics import SOURCES
from scoring.partition import PartitionFold
from streams.clock import Clock, from_ms
from streams.engine.app import VitalsApp
from streams.engine.fatal import guarded
from streams.engine.followed import Followed
from streams.intake.pausing import AUTHOR
from streams.intake.silence import (
    Habit,
    Judgement,
    SilencePolicy,
    Verdict,
    judge,
    learn,
    silences_in,
)
from streams.intake.source_states import SourceStates
from streams.settings import Settings

__all__ = ["StallWatch", "WatchedTopic"]

log = logging.getLogger(__name__)

#: The signals partition whose owner decides.
DECIDES = 0
#: Sent by hand, when somebody sends: its silence says nothing.
NEVER_JUDGED = "redrive"


class WatchedTopic:
    """One source topic under watch."""

    def __init__(self, name: str, stated_ms: int | None, policy: SilencePolicy) -> None:
        self.name = name
        self.stated_ms = stated_ms
        self._policy = policy
        self.habit = Habit(policy)
        self._end: int | None = None
        #: Since when there is nothing against declaring it back.
        self._back_ms: int | None = None

    def reaches(self, end: int, now_ms: int) -> None:
        """The sum of the ends of its partitions: if it grew, something came."""
        if self._end is not None and end > self._end:
            self.habit.came(now_ms)
        self._end = end

    def decide(
        self, states: SourceStates, read_to_ms: Mapping[str, int], now_ms: int
    ) -> ControlRecord | None:
        """What is to be declared now, None if nothing is.

        ``read_to_ms`` tells, for each ``topic/partition``, up to which time it was read.
        """
        judgement = judge(
            self.habit, now_ms, self._policy, self.stated_ms, states.resumed_ms.get(self.name, 0)
        )
        why, stalled = self._why(states, judgement), states.stalled.get(self.name)
        if why:
            self._back_ms = None
            return None if stalled else SourceStalled(**self._said(now_ms, why))
        # Whom a person declared stalled, a person declares back.
        if stalled is None or stalled.author != AUTHOR:
            self._back_ms = None
            return None
        came_ms = max(self.habit.last_ms or 0, states.went_on_ms.get(self.name, 0))
        judged = judgement.verdict is not Verdict.NOT_JUDGED
        if came_ms <= stalled.at_ms and judged:
            return None
        if self._back_ms is None:
            self._back_ms = now_ms
        read = [at for tp, at in read_to_ms.items() if tp.rpartition("/")[0] == self.name]
        if min(read, default=0) < self._back_ms:
            return None
        why = "its records are read again" if judged else "its silence is not judged any more"
        return SourceResumed(**self._said(now_ms, why))

    def _why(self, states: SourceStates, judgement: Judgement) -> str:
        """Why it counts as stalled; empty if it does not."""
        paused = states.pauses_of(self.name)
        if any(place.partition is None for place in paused):
            return "intake of it is paused"
        if paused:
            numbers = ", ".join(str(place.partition) for place in sorted(paused))
            return f"intake of partition {numbers} is paused"
        if judgement.verdict is not Verdict.SILENT or judgement.limit_ms is None:
            return ""
        silent, limit = _span(judgement.silent_ms), _span(judgement.limit_ms)
        return f"nothing came for {silent}, longer than {limit}"

    def _said(self, now_ms: int, reason: str) -> dict[str, object]:
        return {"topic": self.name, "at": from_ms(now_ms), "author": AUTHOR, "reason": reason}


def _span(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 1:
        return f"{ms / 1000:g} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


class StallWatch:
    """Looks at the source topics while this process owns the deciding partition."""

    def __init__(
        self, settings: Settings, app: VitalsApp, folds: dict[int, PartitionFold], clock: Clock
    ) -> None:
        self._settings = settings
        self._app = app
        self._folds = folds
        self._clock = clock
        self._control = settings.topics.name("control")
        self._every_s = settings.progress_ms / 1000
        self._policy = SilencePolicy()
        self._states = SourceStates()
        self._topics: dict[str, WatchedTopic] = {}
        self._partitions: list[aiokafka.TopicPartition] = []

    async def run(self) -> None:
        """Until the app stops; not where time is that of the events: it waits for them."""
        if self._settings.clock == "wall":
            await guarded(self._run())

    async def _run(self) -> None:
        while not self._app.should_stop:
            if self._decides():
                await self._watch()
            await self._app.sleep(self._every_s)

    def _decides(self) -> bool:
        return DECIDES in self._folds and not self._app.rebalancing

    async def _watch(self) -> None:
        """From taking the partition over to letting it go."""
        self._states = SourceStates()
        decisions = Followed(self._settings, self._control, self._take)
        try:
            await decisions.start()
            asks = await decisions.asks()
            await self._begin(asks)
            looked_s = 0.0
            while self._decides() and not self._app.should_stop:
                await decisions.step()
                now_s = self._clock.elapsed_s()
                if now_s - looked_s >= self._every_s and decisions.is_at_end():
                    looked_s = now_s
                    await self._look(asks)
        except KafkaError as error:
            log.warning("looking at the source topics failed, it is tried again: %r", error)
        finally:
            await decisions.stop()

    def _take(self, offset: int, value: bytes | None) -> None:
        decision = decision_in(value)
        if not isinstance(decision, Undecided):
            self._states.take(offset, decision)

    async def _begin(self, client: aiokafka.AIOKafkaConsumer) -> None:
        """Learn from the broker what there is, and when it came."""
        self._topics, self._partitions = {}, []
        stated = silences_in(self._settings.stalled_after)
        for family in SOURCES:
            name = self._settings.topics.source(family)
            count = len(await self._app.batches.client.partitions_for(name))
            self._partitions += [aiokafka.TopicPartition(name, p) for p in range(count)]
            silence_ms = stated.get(family, 0 if family == NEVER_JUDGED else None)
            self._topics[name] = WatchedTopic(name, silence_ms, self._policy)
        # The ends first: what comes while we learn lies behind them, and is seen at the next look.
        await self._measure(client)
        now_ms = self._clock.now_ms()
        for name, topic in self._topics.items():
            if topic.stated_ms == 0 or self._settings.broker_embedded:
                continue  # the embedded broker knows no times
            tps = [tp for tp in self._partitions if tp.topic == name]

            async def first_since_ms(
                at_ms: int, tps: list[aiokafka.TopicPartition] = tps
            ) -> int | None:
                found = await client.offsets_for_times(dict.fromkeys(tps, at_ms))
                return min((one.timestamp for one in found.values() if one), default=None)

            await learn(topic.habit, first_since_ms, now_ms, self._policy)

    async def _measure(self, client: aiokafka.AIOKafkaConsumer) -> None:
        """How far the topics reach now."""
        ends = await client.end_offsets(self._partitions)
        now_ms = self._clock.now_ms()
        for name, topic in self._topics.items():
            topic.reaches(sum(end for tp, end in ends.items() if tp.topic == name), now_ms)

    async def _look(self, client: aiokafka.AIOKafkaConsumer) -> None:
        await self._measure(client)
        now_ms, fold = self._clock.now_ms(), self._folds.get(DECIDES)
        if fold is None:
            return
        for topic in self._topics.values():
            decision = topic.decide(self._states, fold.header.progress_ms, now_ms)
            if decision is not None:
                await self._declare(decision)

    async def _declare(self, decision: ControlRecord) -> None:
        self._app.lease.check()
        answer = await self._app.batches.client.send_and_wait(
            self._control, decision.model_dump_json().encode(), partition=0
        )
        self._states.take(answer.offset, decision)
        log.warning("%s: %s", decision.type, decision.reason)
