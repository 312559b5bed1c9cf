"""One sink's queue: what may be sent now, and when to look again. No clock, no I/O.

Messages of one customer leave in the order in which they came, so one that waits
for its next attempt holds back the customer's later ones, and nobody else's.
"""

import heapq
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count

from streams.sinks.base import Pace

__all__ = ["Lane", "Ticket"]


@dataclass(slots=True, eq=False)
class Ticket:
    """A message's place in the queue."""

    action_id: str
    #: Empty for messages about many: they have a queue of their own.
    customer_id: str
    partition: int
    due_ms: int
    dropped: bool = False

    @property
    def queue(self) -> tuple[int, str]:
        """Messages with the same value keep their order."""
        return self.partition, self.customer_id


class Lane:
    """The queue. Tickets taken must be settled, unless they were dropped."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._queues: dict[tuple[int, str], deque[Ticket]] = {}  # by partition and customer
        self._heads: list[tuple[int, int, Ticket]] = []  # each queue's first ticket, by due time
        self._ids: set[str] = set()
        self._order = count()
        self._in_flight = 0
        self._free_ms = 0

    def __len__(self) -> int:
        """Messages that wait or are being sent."""
        return len(self._ids)

    def offer(self, ticket: Ticket) -> bool:
        """Append a message; False when it already has a place."""
        if ticket.action_id in self._ids:
            return False
        self._ids.add(ticket.action_id)
        queue = self._queues.setdefault(ticket.queue, deque())
        queue.append(ticket)
        if len(queue) == 1:
            self._push(ticket)
        return True

    def take(self, now_ms: int) -> Ticket | None:
        """The next message to send now, None when there is none or the sink is not free."""
        self._skip_dropped()
        if not self._heads or self._in_flight >= self._pace.concurrency:
            return None
        if now_ms < max(self._free_ms, self._heads[0][0]):
            return None
        self._in_flight += 1
        self._free_ms = now_ms + self._pace.spacing_ms
        return heapq.heappop(self._heads)[2]

    def settle(self, ticket: Ticket, retry_ms: int | None) -> None:
        """A send ended: due again at ``retry_ms``, or done when None."""
        self._in_flight -= 1
        if ticket.dropped:
            return
        if retry_ms is not None:
            ticket.due_ms = retry_ms
            self._push(ticket)
            return
        self._ids.discard(ticket.action_id)
        queue = self._queues[ticket.queue]
        queue.popleft()
        if queue:
            self._push(queue[0])
        else:
            del self._queues[ticket.queue]

    def hold(self, until_ms: int) -> None:
        """Nothing leaves before ``until_ms``: the receiver asked for it."""
        self._free_ms = max(self._free_ms, until_ms)

    def drop(self, partitions: Collection[int]) -> None:
        """Forget the messages of these partitions; those being sent are marked."""
        for key in [key for key in self._queues if key[0] in partitions]:
            for ticket in self._queues.pop(key):
                ticket.dropped = True
                self._ids.discard(ticket.action_id)

    def wake_ms(self) -> int | None:
        """When something can be sent next; None until an offer or a settlement changes that."""
        self._skip_dropped()
        if not self._heads or self._in_flight >= self._pace.concurrency:
            return None
        return max(self._free_ms, self._heads[0][0])

    def _push(self, ticket: Ticket) -> None:
        heapq.heappush(self._heads, (ticket.due_ms, next(self._order), ticket))

    def _skip_dropped(self) -> None:
        while self._heads and self._heads[0][2].dropped:
            heapq.heappop(self._heads)
