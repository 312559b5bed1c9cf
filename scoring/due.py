"""Who is to be evaluated next: those touched, and those whose time comes.

A due-queue in place of a nightly sweep: for each customer the instant at which
its score can change although nothing happens. Entries may be outdated; whoever
takes a customer out asks the customer itself.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

from schemas.signals import Tick

__all__ = ["DueQueue"]


_DUE = struct.Struct(">Q")


class DueQueue:
    """Customers that wait for a tick, and those that wait for time to pass.

    An entry is one text of bytes, the instant before the id: a million of them take 65 MB, and in
    pairs of a number and a text more than twice as much. They are in order of time as they are.
    """

    def __init__(self) -> None:
        #: Who was touched or became due lately, for whoever touches them to add to.
        self.ready: set[str] = set()
        #: The others that are ready, sorted: a tick takes a slice of them. To look through all of
        #: them for each tick takes the square of their number.
        self._waiting: list[str] = []
        self._heap: list[bytes] = []
        #: Behind this customer a round of ticks goes on that was not appended whole.
        self._round_after: str | None = None

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first_ms(self) -> int | None:
        """When the first of those that wait for time to pass is due."""
        return _due_ms(self._heap[0]) if self._heap else None

    def fill(self, due: Iterable[tuple[int, bytes]]) -> None:
        """Put in many at once; ids in UTF-8."""
        packed = _DUE.pack
        self._heap += [packed(due_ms) + customer_id for due_ms, customer_id in due]
        heapify(self._heap)

    def push(self, due_ms: int, customer_id: str) -> None:
        """The customer is due at ``due_ms``."""
        # Whatever lies before 1970 is due at once.
        heappush(self._heap, _DUE.pack(max(due_ms, 0)) + customer_id.encode())

    def advance(self, now_ms: int) -> None:
        """Those due at or before ``now_ms`` are ready."""
        heap, ready = self._heap, self.ready
        while heap and _due_ms(heap[0]) <= now_ms:
            ready.add(heappop(heap)[_DUE.size :].decode())

    @property
    def is_anybody_ready(self) -> bool:
        """Whether a tick would find somebody."""
        return bool(self.ready or self._waiting)

    def take(self, tick: Tick) -> list[str]:
        """The ready customers in a tick's range, in their fixed order; they are ready no more."""
        self._sort()
        waiting = self._waiting
        low = 0 if tick.after is None else bisect_right(waiting, tick.after)
        high = len(waiting) if tick.through is None else bisect_right(waiting, tick.through)
        taken = waiting[low:high]
        del waiting[low:high]
        return taken

    def _sort(self) -> None:
        """Put those who are ready since to the others."""
        waiting, ready = self._waiting, self.ready
        if ready:
            waiting += [each for each in ready if not _holds(waiting, each)] if waiting else ready
            waiting.sort()
            ready.clear()

    @property
    def is_mid_round(self) -> bool:
        """Whether the last ticks were only the first of their round."""
        return self._round_after is not None

    def ticks(
        self,
        now_ms: int,
        customers_max: int,
        ahead_max: int = 0,
        ticks_max: int | None = None,
    ) -> list[Tick]:
        """Ticks at ``now_ms`` for all that are ready, each with about ``customers_max`` of them.

        They look ahead where at most ``ahead_max`` customers wait. With ``ticks_max`` there
        are at most so many, and the next call goes on behind them: whoever has lower ids and is
        ready again does not keep the others waiting.
        """
        self.advance(now_ms)
        self._sort()
        waiting, after = self._waiting, self._round_after
        begin = 0 if after is None else bisect_right(waiting, after)
        if begin == len(waiting):
            after, begin = None, 0
        count = len(waiting) - begin
        most = count if ticks_max is None else ticks_max * customers_max + 1
        first = waiting[begin : begin + most]
        if not first:
            self._round_after = None
            return []
        bounds = first[customers_max - 1 : -1 : customers_max]
        is_part = len(first) < count
        self._round_after = bounds[-1] if is_part else None
        edges = [after, *bounds] if is_part else [after, *bounds, None]
        ahead = count <= ahead_max
        return [Tick(now_ms, low, high, ahead) for low, high in pairwise(edges)]


def _due_ms(entry: bytes) -> int:
    due_ms: int = _DUE.unpack_from(entry)[0]
    return due_ms


def _holds(waiting: Sequence[str], customer_id: str) -> bool:
    """Whether a customer is among those sorted."""
    at = bisect_left(waiting, customer_id)
    return at < len(waiting) and waiting[at] == customer_id
