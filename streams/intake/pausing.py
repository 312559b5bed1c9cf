"""Source partitions that are not read: found out here, or decided by a person. The shell.

A pause is a record of the control topic, so it outlives workers and moves with the
partition. Whoever was assigned a partition first reads that topic to its end, and only
then handles what came: no worker floods on where another one stopped. While it is paused
the partition is not fetched, the client polls on, and the others do not notice.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NamedTuple

from faust.types import TP

from schemas.control import IntakePaused, Undecided, decision_in
from schemas.topics import SOURCES
from streams.clock import Clock, from_ms
from streams.engine.app import VitalsApp
from streams.engine.fatal import guarded
from streams.engine.followed import Followed
from streams.intake.bad_input import BadInput, BadInputPolicy, PauseReason
from streams.intake.source_states import SourceStates
from streams.metrics import Metrics
from streams.settings import Settings

__all__ = ["AUTHOR", "Limit", "Pausing"]

log = logging.getLogger(__name__)
#: Of decisions that nobody but the product took.
AUTHOR = "vitals worker"


class Limit(NamedTuple):
    """A limit that a chunk reaches: with how many of its records, and which one."""

    records: int
    reason: PauseReason


class Pausing:
    """Knows which partitions are paused, counts bad records, holds and lets go.

    ``go_on`` has a partition read again from where it stood.
    """

    def __init__(
        self,
        settings: Settings,
        app: VitalsApp,
        clock: Clock,
        metrics: Metrics,
        go_on: Callable[[TP], Awaitable[None]],
    ) -> None:
        self.states = SourceStates()
        self._app = app
        self._clock = clock
        self._metrics = metrics
        self._go_on = go_on
        self._topic = settings.topics.name("control")
        self._sources = [settings.topics.source(family) for family in SOURCES]
        bad_max = settings.pause_after_bad
        self._policy = BadInputPolicy(in_a_row=bad_max) if bad_max else None
        self._counts: dict[TP, BadInput] = {}
        self._generation: int | None = None
        #: Paused by this process, with the decision's offset, until it has come back.
        self._told: dict[TP, int] = {}
        self.decisions = Followed(settings, self._topic, self._take)

    def is_paused(self, tp: TP) -> bool:
        """Whether a partition is not to be read."""
        return tp in self._told or self.states.pause_of(tp.topic, tp.partition) is not None

    async def known(self) -> bool:
        """Wait until all is known that was decided before partitions were assigned to us.

        False when the process stops before that: then nothing may be handled.
        """
        generation = self._app.consumer_generation_id
        if self._generation != generation:
            if not await self.decisions.caught_up():
                return False
            if self._generation != generation:  # several agents wait here
                self._counts.clear()  # others may have read on meanwhile
                self._generation = generation
        return True

    def limit_in(self, tp: TP, records: Sequence[Any], bad: Collection[int]) -> Limit | None:
        """Count a chunk; ``bad`` has the offsets of its bad records. Which limit it reaches."""
        if self._policy is None:
            return None
        count = self._counts.get(tp)
        if count is None:
            count = self._counts[tp] = BadInput(self._policy)
        known_to = self.states.known_to.get((tp.topic, tp.partition), 0)
        if not bad and records[0].offset >= known_to:
            count.take_good(records)
            return None
        for number, record in enumerate(records, 1):
            if record.offset >= known_to:
                reason = count.take(record.timestamp, bad=record.offset in bad)
                if reason is not None:
                    return Limit(number, reason)
        return None

    async def pause(self, tp: TP, reason: PauseReason) -> None:
        """Decide that a partition is paused, durably, and hold it."""
        assert self._policy is not None, "without a policy no limit is reached"
        decision = IntakePaused(
            at=from_ms(self._clock.now_ms()),
            author=AUTHOR,
            reason=self._policy.says(reason),
            topic=tp.topic,
            partition=tp.partition,
        )
        self._app.lease.check()
        answer = await self._app.batches.client.send_and_wait(
            self._topic, decision.model_dump_json().encode(), partition=0
        )
        self._told[tp] = answer.offset
        self._counts.pop(tp, None)
        self._app.chunks.hold(tp)
        log.error(
            "%s/%d is paused: %s. What was refused is in the dead letters."
            " `vitals intake status` shows it; after the fix `vitals intake resume`",
            tp.topic, tp.partition, decision.reason,
        )  # fmt: skip

    async def run(self) -> None:
        """Until the app stops."""
        await guarded(self._run())

    async def _run(self) -> None:
        await self.decisions.follow(lambda: self._app.should_stop, self._follow)

    async def _follow(self) -> None:
        """Hold what is paused of the partitions here, let go what is not any more."""
        if self._app.rebalancing:
            return
        chunks = self._app.chunks
        paused = dict.fromkeys(self._sources, 0)
        for tp in [TP(*tp) for tp in self._app.consumer.assignment()]:
            if self.is_paused(tp):
                paused[tp.topic] = paused.get(tp.topic, 0) + 1
                chunks.hold(tp)
            elif chunks.holds(tp):
                self._counts.pop(tp, None)
                await self._go_on(tp)
                log.info("%s/%d is read again", tp.topic, tp.partition)
        for topic in self._sources:
            self._metrics.intake_paused.labels(topic).set(paused[topic])
            self._metrics.sources_stalled.labels(topic).set(topic in self.states.stalled)

    def _take(self, offset: int, value: bytes | None) -> None:
        decision = decision_in(value)
        if not isinstance(decision, Undecided):
            self.states.take(offset, decision)
        self._told = {tp: told for tp, told in self._told.items() if told > offset}
