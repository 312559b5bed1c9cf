"""The tasks of a running demonstration: produce, watch, measure, show."""

import asyncio
import re
from collections import deque
from collections.abc import Iterable
from typing import Any, NoReturn

import httpx
from pydantic import SecretStr

from schemas.topics import Topics
from streams.clock import Clock, from_ms
from streams.demo.company import history
from streams.demo.embedded import PARTITIONS
from streams.demo.feed import Feed
from streams.demo.garbage import bad_records
from streams.demo.live import Live
from streams.demo.plan import Plan, Screen
from streams.demo.probes import INTERVAL_S, Probes
from streams.demo.processes import Household
from streams.demo.roster import accounts
from streams.demo.stack import Addresses
from streams.demo.tally import Phase, Tally
from streams.demo.watch import BrokerWatch
from streams.settings import Settings
from streams.views.base import View
from streams.views.redis_view import open_view

__all__ = ["Run", "end"]

_SHOW_S = 0.25
_LOOK_S = 0.5
_LIVE_STEP_S = 0.05
_GARBAGE_EVERY_S = 7.0
_GARBAGE_AT_FIRST = 3
#: The past counts as read when so few of its records wait to be acknowledged.
_CAUGHT_UP = 50
_SCORED_S_MAX = 60.0
#: ... and as evaluated when no score has changed for so long: a few ticks and a look.
_SETTLED_S = 1.0
_RATE_WINDOW = 6
_CANCEL_AGAIN_S = 0.2
_SIGNALS = re.compile(r"^health_signals_total (\S+)$", re.MULTILINE)


class Run:
    """One demonstration whose processes are up. :meth:`until_over` runs it."""

    def __init__(
        self, plan: Plan, addresses: Addresses, tally: Tally, house: Household, clock: Clock
    ) -> None:
        self._plan, self._tally, self._house, self._clock = plan, tally, house, clock
        self._worker = addresses.worker
        topics = Topics()
        self._past = Feed(addresses.bootstrap, topics, tally, linger_ms=100)
        self._present = Feed(addresses.bootstrap, topics, tally, linger_ms=2)
        self._broker = BrokerWatch(addresses.bootstrap, topics, PARTITIONS)
        self._view: View = open_view(Settings(redis=SecretStr(addresses.redis_url), prefix=""))
        self._probes = Probes([a for a in accounts(plan.seed, plan.customers) if a.probe])
        self._began_s = clock.elapsed_s()
        self._progress: deque[tuple[float, int]] = deque(maxlen=_RATE_WINDOW)

    async def until_over(self, screen: Screen) -> None:
        """Run until the planned time is over, or for ever.

        Raises:
            ChildDied: a process ended by itself.
            Exception: whatever else made a task fail.
        """
        work = [
            self._supervise(), self._play(), self._look(), self._scrape(), self._count(),
            self._measure(), self._show(screen),
        ]  # fmt: skip
        over = asyncio.create_task(_over(self._plan.seconds))
        tasks = {over, *(asyncio.create_task(each) for each in work)}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # A task that fails because a process has gone is not the news: the process is.
            self._house.check()
            for task in done:
                task.result()
            await end(tasks - {over})
            await self._final_look()
        finally:
            await end(tasks)
            self._broker.close()
            await self._view.close()

    async def _supervise(self) -> NoReturn:
        while True:
            self._house.check()
            await asyncio.sleep(_LOOK_S)

    async def _show(self, screen: Screen) -> NoReturn:
        while True:
            self._tally.elapsed_s = self._clock.elapsed_s() - self._began_s
            screen.show(self._tally)
            await asyncio.sleep(_SHOW_S)

    async def _play(self) -> NoReturn:
        """The past at once, then the present as it happens."""
        plan, garbage = self._plan, bad_records(self._plan.seed)
        self._tally.phase = Phase.HISTORY
        until = from_ms(self._clock.now_ms())
        await self._past.all(
            history(plan.seed, plan.customers, plan.days, until), self._broker.unread
        )
        for _ in range(_GARBAGE_AT_FIRST):
            family, value, _ = next(garbage)
            self._present.record(family, value)
        await self._until_scored()
        self._tally.phase = Phase.LIVE
        live = Live(plan.seed, plan.customers, self._clock.now_ms(), rate=plan.rate)
        probe_s = garbage_s = self._clock.elapsed_s()
        while True:
            now_ms, now_s = self._clock.now_ms(), self._clock.elapsed_s()
            for event in live.until(now_ms):
                self._present.event(event)
            if now_s >= probe_s:
                probe_s += INTERVAL_S
                self._present.event(self._probes.next(now_ms, now_s))
            if now_s >= garbage_s:
                garbage_s += _GARBAGE_EVERY_S
                family, value, _ = next(garbage)
                self._present.record(family, value)
            self._present.poll()
            await asyncio.sleep(_LIVE_STEP_S)

    async def _until_scored(self) -> None:
        """Wait until the past is read, folded into the states and evaluated; not for ever."""
        give_up_s = self._clock.elapsed_s() + _SCORED_S_MAX
        while self._clock.elapsed_s() < give_up_s:
            changes = self._tally.score_changes
            await asyncio.sleep(_SETTLED_S)
            read = await asyncio.to_thread(self._broker.unread) <= _CAUGHT_UP
            folded = self._tally.signals >= self._tally.events_in - _GARBAGE_AT_FIRST
            if read and folded and 0 < changes == self._tally.score_changes:
                return

    async def _look(self) -> NoReturn:
        while True:
            await asyncio.to_thread(self._broker.look, self._tally)
            self._progress.append((self._clock.elapsed_s(), self._tally.events_in))
            (first_s, first), (last_s, last) = self._progress[0], self._progress[-1]
            if last_s > first_s:
                self._tally.events_per_s = (last - first) / (last_s - first_s)
            await asyncio.sleep(_LOOK_S)

    async def _scrape(self) -> NoReturn:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            while True:
                await self._scrape_once(client)
                await asyncio.sleep(_LOOK_S)

    async def _scrape_once(self, client: httpx.AsyncClient) -> None:
        """A worker too busy to answer is asked again; whether it lives, _supervise knows."""
        try:
            text = (await client.get(f"{self._worker}/metrics")).text
        except httpx.HTTPError:
            return
        for value in _SIGNALS.findall(text):
            self._tally.signals = int(float(value))

    async def _count(self) -> NoReturn:
        while True:
            self._tally.customers = dict(await self._view.counts())
            await asyncio.sleep(_LOOK_S)

    async def _measure(self) -> NoReturn:
        async for batch in self._view.changes():
            now_s = self._clock.elapsed_s()
            for change in batch:
                if change.customer is not None:
                    self._tally.latencies_ms.extend(
                        self._probes.seen(
                            change.customer.customer_id, change.customer.events, now_s
                        )
                    )
        raise AssertionError("the log of changes has no end")

    async def _final_look(self) -> None:
        """The last counts, so that the report does not miss the last half second."""
        await asyncio.to_thread(self._present.flush, 1.0)
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            await self._scrape_once(client)
        await asyncio.to_thread(self._broker.look, self._tally)
        self._tally.customers = dict(await self._view.counts())
        self._tally.probes_unanswered = self._probes.unanswered
        self._tally.elapsed_s = self._clock.elapsed_s() - self._began_s


async def _over(seconds: float | None) -> None:
    """Return when the time is over; without a time never."""
    if seconds is None:
        await asyncio.Event().wait()
    else:
        await asyncio.sleep(seconds)


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks until each has ended; what they raise then is not asked.

    Once is not enough: before Python 3.12 ``asyncio.wait_for``, which the Redis client
    uses, forgets a cancellation that comes while its result arrives.
    """
    tasks = list(tasks)
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # asked for, or asyncio would print it
