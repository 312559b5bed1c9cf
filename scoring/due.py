"""Who is to be evaluated next: those touched, and those whose time comes.

A due-queue in place of a nightly sweep: for each customer the instant at which
its score can change although nothing happens. Entries may be outdated; whoever
takes a customer out asks the customer itself.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from itertools import pairwise

from schemas.signals import Tick

__all__ = ["DueQueue", "in_range"]


class DueQueue:
    """Customers that wait for a tick, and those that wait for time to pass."""

    def __init__(self) -> None:
        self.ready: set[str] = set()
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first_ms(self) -> int | None:
        """When the first of those that wait for time to pass is due."""
        return self._heap[0][0] if self._heap else None

    def fill(self, due: Iterable[tuple[int, str]]) -> None:
        """Put in many at once."""
        self._heap += due
        heapify(self._heap)

    def push(self, due_ms: int, customer_id: str) -> None:
        """The customer is due at ``due_ms``."""
        heappush(self._heap, (due_ms, customer_id))

    def advance(self, now_ms: int) -> None:
        """Those due at or before ``now_ms`` are ready."""
        heap, ready = self._heap, self.ready
        while heap and heap[0][0] <= now_ms:
            ready.add(heappop(heap)[1])

    def take(self, tick: Tick) -> list[str]:
        """The ready customers in a tick's range, in their fixed order; they are ready no more."""
        taken = sorted(customer_id for customer_id in self.ready if in_range(customer_id, tick))
        self.ready.difference_update(taken)
        return taken

    def ticks(self, now_ms: int, customers_max: int, ahead_max: int = 0) -> list[Tick]:
        """Ticks at ``now_ms`` for all that are ready, each with about ``customers_max`` of them.

        They look ahead where at most ``ahead_max`` customers wait.
        """
        self.advance(now_ms)
        if not self.ready:
            return []
        waiting = sorted(self.ready)
        bounds = waiting[customers_max - 1 : -1 : customers_max]
        edges: list[str | None] = [None, *bounds, None]
        ahead = len(waiting) <= ahead_max
        return [Tick(now_ms, after, to, ahead) for after, to in pairwise(edges)]


def in_range(customer_id: str, tick: Tick) -> bool:
    """Whether a tick concerns a customer."""
    return (tick.after is None or customer_id > tick.after) and (
        tick.through is None or customer_id <= tick.through
    )
