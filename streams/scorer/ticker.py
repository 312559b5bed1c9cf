"""Ticks into the signals log: for whom, how often, and whether the clock is right. The shell.

Who is to be evaluated the partitions' folds say, how far apart rounds are :mod:`.pace`.
"""

import asyncio
from collections.abc import Callable, Mapping

from schemas import signals
from schemas.topics import SOURCES
from scoring.partition import PartitionFold
from streams.clock import Clock
from streams.engine.app import VitalsApp
from streams.engine.broker_clock import BrokerClock
from streams.engine.fatal import guarded
from streams.scorer.pace import ROUND_TICKS_MAX, Rounds, apart_ms
from streams.scorer.tick_timer import TickTimer
from streams.settings import Settings

__all__ = ["Ticker"]


class Ticker:
    """Appends the ticks of the partitions that this worker holds; ``folds`` are theirs.

    ``tell_ages`` is called at each look, with the time by the clock (Unix ms).
    """

    def __init__(
        self,
        settings: Settings,
        app: VitalsApp,
        folds: Mapping[int, PartitionFold],
        clock: Clock,
        broker_clock: BrokerClock,
        tell_ages: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._app = app
        self._folds = folds
        self._clock = clock
        self._broker_clock = broker_clock
        self._tell_ages = tell_ages
        self._log_topic = settings.topics.name("signals")
        self._rounds = Rounds()
        self._timer = TickTimer(settings.tick_ms / 1000)
        self._known_sources: frozenset[str] | None = None

    async def run(self) -> None:
        """Until the app stops."""
        await self._timer.run(
            lambda: guarded(self.tick()), self.is_idle, self._app.sleep,
            lambda: self._app.should_stop,
        )  # fmt: skip

    def begin(self) -> None:
        """Partitions were taken over: nothing of theirs is under way."""
        self._rounds = Rounds(self._clock.now_ms())

    def applied(self) -> None:
        """Something of the log was applied, and may have made somebody due."""
        self._timer.applied()

    def read(self, partition: int) -> None:
        """A tick has come back through the log."""
        self._rounds.read(partition)

    def is_idle(self) -> bool:
        """Whether nobody can be due before something more of the log is applied, or time passes."""
        now_ms = self._clock.now_ms()
        return self._broker_clock.trusted and not any(
            fold.may_be_due(now_ms) for fold in self._folds.values()
        )

    async def tick(self) -> None:
        """Append the ticks that are wanted; one round at a time for each partition."""
        if self._app.rebalancing or self._app.should_stop:
            return
        client = self._app.batches.client
        now_ms = self._clock.now_ms()
        self._tell_ages(now_ms)
        if not self._broker_clock.trusted:
            await self._ask_the_time()
            return
        sources = await self._sources()
        futures = []
        for partition, fold in list(self._folds.items()):
            if self._rounds.is_under_way(partition) or not fold.may_be_due(now_ms):
                continue
            apart = apart_ms(now_ms, fold.read_to_ms(sources) or 0)
            if now_ms < self._not_before_ms(fold, apart):
                continue
            ticks = fold.ticks(
                now_ms, self._settings.tick_customers, sources, ROUND_TICKS_MAX,
                may_look_ahead=not apart,  # in a backlog nobody is looked at ahead
            )  # fmt: skip
            if not ticks:
                continue
            self._app.lease.check()
            self._rounds.append(partition, now_ms, len(ticks))
            futures += [
                await client.send(self._log_topic, signals.encode(tick), partition=partition)
                for tick in ticks
            ]
        if futures:
            answers = await asyncio.gather(*futures)
            if self._settings.parts == "score":  # else intake, beside us, looks at the clock
                self._broker_clock.answered(now_ms, answers, self._clock.now_ms())

    async def _ask_the_time(self) -> None:
        """While the clock is off: a record that says nothing, to see whether it is right again."""
        partition = min(self._folds, default=None)
        if partition is not None:
            sent_ms = self._clock.now_ms()
            client, nothing = self._app.batches.client, signals.encode(signals.Progress({}))
            answer = await client.send_and_wait(self._log_topic, nothing, partition=partition)
            self._broker_clock.answered(sent_ms, [answer], self._clock.now_ms())

    def _not_before_ms(self, fold: PartitionFold, apart: int) -> int:
        """The earliest instant for a partition's next round of ticks."""
        if self._settings.clock != "wall" or fold.is_mid_round:
            return 0
        return self._rounds.not_before_ms(fold.partition, apart)

    def is_behind(self) -> bool:
        """Whether the sources of some partition have far to go; not before they are known."""
        now_ms, sources = self._clock.now_ms(), self._known_sources
        return sources is not None and any(
            apart_ms(now_ms, fold.read_to_ms(sources) or 0) for fold in self._folds.values()
        )

    async def _sources(self) -> frozenset[str]:
        """All source partitions: time waits until each has been heard of."""
        if self._known_sources is None:
            client = self._app.batches.client
            found = []
            for family in SOURCES:
                topic = self._settings.topics.source(family)
                found += [f"{topic}/{p}" for p in await client.partitions_for(topic)]
            self._known_sources = frozenset(found)
        return self._known_sources
