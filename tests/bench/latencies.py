"""How long a produced event takes until somebody reads the score that it changed.

Some customers exist for nothing else: they stand at the edge of a band, and a ticket that is
opened and solved in turn moves them over it, so that every event of theirs is told. The time runs
from the event's time stamp in Kafka, which is when it was handed to the producer, until the
customer's row, as a page or an API reads it from the view, shows the event; the reader follows the
view's log of changes.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from confluent_kafka import Producer
from redis.asyncio import Redis

from bench.contenders import Failed, Stand, cpu_s
from bench.feeding import feeding
from bench.job import DAY_S
from bench.load import Shape, encoded, first_events, producer_to, send, source
from bench.peers.ours import Ours, create_sources
from schemas.topics import Topics
from servers.waiting import until
from streams.demo.company import Event, Pen
from streams.demo.probes import Probes
from streams.demo.roster import Account, accounts
from streams.views.redis_changes import ChangeLog
from streams.views.redis_view import RedisView

__all__ = ["Latencies", "history_of", "latencies", "probe_accounts"]

PROBE_CUSTOMERS = 100
PROBES_PER_S = 20
#: Uses on so many days: 55 points without an open ticket, 49 with one; red is below 50.
EDGE_DAYS = 5
#: Not counted: the load begins, everything is warmed up.
WARM_S = 10.0
READY_S_MAX = 600.0
TELL_EVERY_S = 30.0
#: Who falls behind by more than this share of the time does not keep up.
BEHIND_SHARE_MAX = 0.02
#: The last probes are waited for so long.
TAIL_S_MAX = 60.0


@dataclass
class Latencies:
    """Milliseconds of each probe, in order, and the load that came meanwhile."""

    ms: list[float] = field(default_factory=list)
    fed_events_per_s: float = 0.0
    #: Of a core, by the worker.
    cpu_share: float = 0.0

    def kept_up(self, seconds: float) -> bool:
        """Whether the latency did not grow through the run, as it does when work piles up."""
        fifth = max(1, len(self.ms) // 5)
        grown_ms = median(self.ms[-fifth:]) - median(self.ms[:fifth])
        return grown_ms < BEHIND_SHARE_MAX * seconds * 1000

    def quantile(self, share: float) -> float:
        """As many of them as ``share`` says were not longer."""
        return sorted(self.ms)[max(0, -int(-len(self.ms) * share // 1) - 1)]


def probe_accounts(wanted: Callable[[str], bool] = lambda _: True) -> list[Account]:
    """Customers to probe with: accounts of the demonstration's company, by id."""
    found = [one for one in accounts(7, PROBE_CUSTOMERS * 10) if wanted(one.customer_id)]
    return found[:PROBE_CUSTOMERS]


def history_of(account: Account, now_s: float, days: int = EDGE_DAYS) -> list[Event]:
    """A use on each of some days: afterwards a ticket moves it into another band."""
    pen = Pen(account, "h")
    return [
        pen.write(
            int((now_s - day * DAY_S) * 1000), "usage.feature", feature="f", user="u", duration_s=60
        )
        for day in range(1, days + 1)
    ]


def latencies(
    stand: Stand, shape: Shape, rate: float, seconds: float, probed: Sequence[Account]
) -> Latencies:
    """One worker, a load at a rate for so many seconds, probes among it; nothing is left over."""
    prefix, ours, found = f"{shape.name}.", Ours(), Latencies()
    create_sources(stand.bootstrap, [prefix])
    with ours.topics(stand, prefix, keep_sources=False):
        producer, now_s = producer_to(stand.bootstrap, linger_ms=5), time.time()
        for family, key, event in first_events(shape, now_s):
            send(producer, source(prefix, family), encoded(event), key)
        for account in probed:
            for use in history_of(account, now_s):
                send(producer, source(prefix, "usage"), encoded(use), account.customer_id)
        producer.flush(60)
        known = shape.customers + len(probed)
        with ours.running(stand, prefix, shape.name) as (worker,):
            stand.say(f"  waiting until {known:,} customers have their first score")
            if not until(lambda: worker.metric("health_view_rows_total") >= known, READY_S_MAX):
                raise Failed(f"the customers have no scores after {READY_S_MAX:g} s")
            stand.say(f"  {rate:,.0f} events/s for {seconds:g} s, probes among them")
            with feeding(stand.bootstrap, prefix, shape, rate) as fed:
                began_s, used_s = time.monotonic(), cpu_s(worker.pid)
                asyncio.run(_Probing(stand, prefix, producer, probed).run(seconds, found.ms))
                used_s = cpu_s(worker.pid) - used_s
                found.cpu_share = used_s / (time.monotonic() - began_s)
            found.fed_events_per_s = fed.events_per_s
    return found


class _Probing:
    """Sends probes and sees them come back."""

    def __init__(
        self, stand: Stand, prefix: str, producer: Producer, probed: Sequence[Account]
    ) -> None:
        self._client: Redis = Redis.from_url(stand.redis, decode_responses=True)
        self._view = RedisView(self._client, prefix, stand.redis)
        self._log = ChangeLog(self._client, self._view.keys.changes, stand.redis)
        self._producer, self._topic = producer, Topics(prefix).source("tickets")
        self._probes = Probes(probed)
        self._ids = {account.customer_id for account in probed}
        self._say = stand.say

    async def run(self, seconds: float, ms: list[float]) -> None:
        """Append the latency of each probe that was sent after the warm-up."""
        reader = asyncio.create_task(self._read(await self._view.position(), ms))
        try:
            await self._send_for(WARM_S, reader)
            ms.clear()
            await self._send_for(seconds, reader)
        finally:
            reader.cancel()
            await self._client.aclose()

    async def _send_for(self, seconds: float, reader: asyncio.Task[None]) -> None:
        """Probes at an even rate, whatever comes back; then wait until all have."""
        began_s, sent, told_s = time.monotonic(), 0, 0.0
        while (here_s := time.monotonic() - began_s) < seconds:
            while sent < here_s * PROBES_PER_S:
                self._send()
                sent += 1
            if here_s >= told_s + TELL_EVERY_S:
                told_s += TELL_EVERY_S
                self._say(f"    {here_s:.0f} of {seconds:g} s, {self._probes.unanswered} under way")
            await self._pause(reader, 0.5 / PROBES_PER_S)
        give_up_s = time.monotonic() + TAIL_S_MAX
        while self._probes.unanswered and time.monotonic() < give_up_s:
            await self._pause(reader, 0.05)
        if self._probes.unanswered:
            raise Failed(f"{self._probes.unanswered} probes were not shown within {TAIL_S_MAX:g} s")

    async def _pause(self, reader: asyncio.Task[None], seconds: float) -> None:
        self._producer.poll(0)
        await asyncio.wait({reader}, timeout=seconds)
        if reader.done():
            reader.result()

    def _send(self) -> None:
        at_s = time.time()
        event = self._probes.next(int(at_s * 1000), at_s)
        self._producer.produce(
            self._topic, encoded(event), event["customer_id"], timestamp=int(at_s * 1000)
        )

    async def _read(self, place: str, ms: list[float]) -> None:
        async for news in self._log.follow(place, wait_s=1.0):
            for _, customer_id in news.customers:
                if customer_id in self._ids:
                    row = await self._view.customer(customer_id)
                    if row is not None:
                        ms.extend(self._probes.seen(customer_id, row.events, time.time()))
