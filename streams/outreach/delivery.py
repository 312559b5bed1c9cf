"""The courier: takes actions, writes the log, sends, retries.

What is promised: an action is sent until its log line is final, also across
restarts and rebalances, and never after that. A crash between a receiver's answer
and our line repeats that one send, with the same id and the same body; at most as
many as the sink has sends in flight at once (``Pace.concurrency``).

Each sink has a queue of its own, so one that is dead or slow delays no other.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from schemas.actions import Action, Delivery, Outcome
from schemas.activations import ScorecardApplied
from schemas.sources import SourceStopped
from streams.clock import Clock, to_ms
from streams.metrics import Metrics
from streams.outreach.backoff import STANDARD, Backoff
from streams.outreach.lane import Lane, Ticket
from streams.outreach.log import NotificationLog, Standing, expire, intent, settle, standing
from streams.sinks.base import Result, Sink, retryable

__all__ = ["Courier"]

logger = logging.getLogger(__name__)

#: A sink that keeps its word ends sooner; one that does not is cut off here.
ATTEMPT_S_MAX = 20.0
#: The wall clock may be set while we wait: look at it this often.
NAP_S_MAX = 30.0


class Courier:
    """Delivers the actions of the partitions that this process owns.

    Args:
        sinks: the configured ones; an action for another sink waits in the log until
            a process that has it owns the partition, or it expires.
        log: the notification log.
        clock: the only source of time.
        metrics: counters of attempts and outcomes.
        failed: called when the log cannot be written; the process must end then,
            because what was sent can no longer be remembered.
        backoff: when to try again.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        log: NotificationLog,
        clock: Clock,
        metrics: Metrics,
        failed: Callable[[BaseException], None],
        backoff: Backoff = STANDARD,
    ) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._lanes = {name: Lane(sink.pace) for name, sink in self._sinks.items()}
        self._log = log
        self._clock = clock
        self._metrics = metrics
        self._failed = failed
        self._backoff = backoff
        self._owned: set[int] = set()
        self._sending: dict[asyncio.Task[None], int] = {}
        self._poke = asyncio.Event()

    @property
    def waiting(self) -> dict[str, int]:
        """Messages not yet settled, per sink."""
        return {name: len(lane) for name, lane in self._lanes.items()}

    def take_over(self, partition: int, lines: Iterable[Delivery]) -> int:
        """Own a partition and queue the unsettled of its lines; returns how many.

        ``lines`` are all lines of the partition, in any order.
        """
        self._owned.add(partition)
        open_lines = [line for line in lines if not line.outcome.final]
        # Per customer in the order of the crossings, as they were queued the first time.
        for line in sorted(open_lines, key=_age):
            self._queue(partition, line)
        return len(open_lines)

    async def accept(self, partition: int, actions: Sequence[Action]) -> list[Standing]:
        """Take actions from the outbox; what is new is in the log when this returns.

        From then on the outbox record is not needed any more: the line holds the action
        and the time of its next attempt.
        """
        now_ms = self._clock.now_ms()
        standings, fresh = [], dict[str, Delivery]()
        for action in actions:
            line = fresh.get(action.id) or self._log.get(partition, action.id)
            standings.append(standing(line))
            if line is None:
                fresh[action.id] = intent(action, now_ms)
        if fresh:
            await self._log.append(partition, list(fresh.values()))
        for line in fresh.values():
            self._queue(partition, line)
        return standings

    def start_due(self) -> int | None:
        """Start every send that is due; returns when to call again (Unix ms), None if unknown."""
        now_ms = self._clock.now_ms()
        wakes = []
        for name, lane in self._lanes.items():
            while (ticket := lane.take(now_ms)) is not None:
                task = asyncio.create_task(self._send(self._sinks[name], lane, ticket))
                self._sending[task] = ticket.partition
                task.add_done_callback(self._ended)
            wake_ms = lane.wake_ms()
            if wake_ms is not None:
                wakes.append(wake_ms)
        return min(wakes, default=None)

    async def run(self) -> None:
        """Send what is due, for ever; ends by cancellation."""
        while True:
            self._poke.clear()
            wake_ms = self.start_due()
            nap_s = NAP_S_MAX
            if wake_ms is not None:
                nap_s = min(nap_s, max(0, wake_ms - self._clock.now_ms()) / 1000)
            try:
                await asyncio.wait_for(self._poke.wait(), nap_s)
            except TimeoutError:
                continue

    async def settled(self) -> None:
        """Wait until no send is under way."""
        while self._sending:
            await asyncio.wait(list(self._sending))

    async def release(self, partitions: Collection[int], within_s: float) -> None:
        """Give partitions up: no new send, those under way get ``within_s`` to end.

        What is cut off stays an intent in the log; the next owner sends it again,
        with the same id.
        """
        self._owned.difference_update(partitions)
        for lane in self._lanes.values():
            lane.drop(partitions)
        mine = [task for task, partition in self._sending.items() if partition in partitions]
        if not mine:
            return
        _, late = await asyncio.wait(mine, timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d messages cut off; they will be sent again", len(late))
            await asyncio.wait(late)

    async def release_all(self, within_s: float) -> None:
        """Give up all partitions."""
        await self.release(self._owned | set(self._sending.values()), within_s)

    async def close(self, within_s: float) -> None:
        """Release everything and close the sinks."""
        await self.release_all(within_s)
        for sink in self._sinks.values():
            await sink.close()

    def _queue(self, partition: int, line: Delivery) -> None:
        lane = self._lanes.get(line.sink)
        if lane is None:
            logger.warning("%s waits: sink %s is not configured here", line.action_id, line.sink)
            return
        if partition not in self._owned:
            return
        due_ms = to_ms(line.next_attempt_at or line.at)
        lane.offer(Ticket(line.action_id, line.customer_id or "", partition, due_ms))
        self._poke.set()

    async def _send(self, sink: Sink, lane: Lane, ticket: Ticket) -> None:
        """One attempt, from the log's line to the log's next line."""
        retry_ms = None
        try:
            line = self._log.get(ticket.partition, ticket.action_id)
            if line is None or line.outcome.final:
                return
            line = expire(line, self._clock.now_ms()) or await self._attempt(sink, lane, line)
            await self._log.append(ticket.partition, [line])
            self._tell(line)
            if line.next_attempt_at is not None:
                retry_ms = to_ms(line.next_attempt_at)
        finally:
            lane.settle(ticket, retry_ms)

    async def _attempt(self, sink: Sink, lane: Lane, line: Delivery) -> Delivery:
        """Send once; the line to write."""
        self._log.check()
        result = await self._deliver(sink, line)
        now_ms = self._clock.now_ms()
        if result.after_s is not None:
            lane.hold(now_ms + int(self._backoff.asked_s(result.after_s) * 1000))
        return settle(line, result, self._backoff, now_ms)

    async def _deliver(self, sink: Sink, line: Delivery) -> Result:
        assert line.action is not None, "an intent holds its action"
        self._metrics.delivery_attempts.labels(sink.name).inc()
        began_s = self._clock.elapsed_s()
        try:
            async with asyncio.timeout(ATTEMPT_S_MAX):
                return await sink.deliver(line.action, line.attempts + 1, self._clock.now_ms())
        except TimeoutError:
            return retryable(f"no end within {ATTEMPT_S_MAX:g} s")
        except Exception as error:
            # A defect in one sink: it must neither stop the others nor lose the message.
            logger.exception("sink %s failed on %s", sink.name, line.action_id)
            return retryable(f"defect: {type(error).__name__}")
        finally:
            self._metrics.delivery_s.labels(sink.name).observe(self._clock.elapsed_s() - began_s)

    def _tell(self, line: Delivery) -> None:
        said = f"{line.action_id}: attempt {line.attempts}, {line.outcome} ({line.detail})"
        if not line.outcome.final:
            logger.info("%s, next at %s", said, line.next_attempt_at)
            return
        self._metrics.deliveries.labels(line.sink, line.outcome.value).inc()
        if line.outcome is Outcome.DELIVERED:
            logger.debug("%s", said)
        else:
            logger.warning("%s: given up", said)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._poke.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)


def _age(line: Delivery) -> tuple[int, int]:
    """Sorts the crossings of one customer, and what was decided about many."""
    if line.action is None:
        raise AssertionError(f"{line.action_id} is an intent without its action")
    event = line.action.event
    if isinstance(event, ScorecardApplied | SourceStopped):
        return event.data.control_offset, 0
    return event.data.epoch, event.data.sequence
