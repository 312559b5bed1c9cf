"""When too much of a source partition is bad to go on: the limit, and the count. Pure.

One bad record is a dead letter. A hundred in a row are a producer that was deployed
wrong: to go on would move all that it writes into the dead letters, and nobody
would look. Then the partition is paused, and a person decides.

Time is that of the records' own stamps, never a clock: after a crash the same records
from the same offset lead to the same decision, and six hours of backlog that are read
in a minute are judged as if they had been read when they came.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["BadInput", "BadInputPolicy", "PauseReason", "Stamped", "youngest_ms"]


class Stamped(Protocol):
    """A record with its own stamp, in Unix milliseconds."""

    @property
    def timestamp(self) -> int:
        """When it was written, as its writer or the broker says."""


class PauseReason(StrEnum):
    """Which limit was reached."""

    IN_A_ROW = "in_a_row"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class BadInputPolicy:
    """A partition is paused after ``in_a_row`` bad records without a good one between.

    Or, ``window_s`` of it looked at: more than half of its records are bad, and there are at
    least ``in_a_row`` of them, so that three bad records of a quiet night pause nothing.
    """

    in_a_row: int = 100
    window_s: int = 60

    def says(self, reason: PauseReason) -> str:
        """The reason as people read it."""
        if reason is PauseReason.IN_A_ROW:
            return f"{self.in_a_row} bad records in a row"
        return f"more than half of the records of {self.window_s} s are bad"


class BadInput:
    """The count of one source partition, from where its reader began.

    A stamp that lies before an earlier one counts as that one's. The window moves in
    seconds, so it is up to one second short. It takes ``window_s`` entries of memory.
    """

    __slots__ = ("_bad", "_in_a_row", "_policy", "_records", "_seconds")

    def __init__(self, policy: BadInputPolicy) -> None:
        self._policy = policy
        self._in_a_row = 0
        #: Of each second in the window: its number, records, bad ones among them.
        self._seconds: deque[list[int]] = deque()
        self._records = 0
        self._bad = 0

    def take(self, stamped_ms: int, *, bad: bool) -> PauseReason | None:
        """Count the next record; the limit that it reaches, None if it may be passed over."""
        second = stamped_ms // 1000
        seconds = self._seconds
        if seconds and second <= seconds[-1][0]:
            last = seconds[-1]
            last[1] += 1
            last[2] += bad
        else:
            seconds.append([second, 1, int(bad)])
            self._trim(second)
        self._records += 1
        self._bad += bad
        if not bad:
            self._in_a_row = 0
            return None
        self._in_a_row += 1
        if self._in_a_row >= self._policy.in_a_row:
            return PauseReason.IN_A_ROW
        if self._records >= self._policy.in_a_row and self._bad * 2 > self._records:
            return PauseReason.SHARE
        return None

    def take_good(self, records: Sequence[Stamped]) -> None:
        """Count records that are all good: most chunks are, and this is several times faster."""
        seconds = self._seconds
        if seconds and youngest_ms(records) // 1000 <= seconds[-1][0]:
            # All are of the last second, as most chunks of a backlog are.
            if records:
                seconds[-1][1] += len(records)
                self._records += len(records)
                self._in_a_row = 0
            return
        latest = seconds[-1][0] if seconds else None
        run = total = 0
        for record in records:
            second = record.timestamp // 1000
            if latest is None or second > latest:
                if run:
                    seconds[-1][1] += run
                seconds.append([second, 0, 0])
                latest, run = second, 0
            run += 1
            total += 1
        if latest is None or not total:
            return
        seconds[-1][1] += run
        self._records += total
        self._in_a_row = 0
        self._trim(latest)

    def _trim(self, second: int) -> None:
        """Forget what lies before the window that ends with this second."""
        seconds = self._seconds
        while seconds[0][0] <= second - self._policy.window_s:
            _, records, bad = seconds.popleft()
            self._records -= records
            self._bad -= bad


def youngest_ms(records: Sequence[Stamped]) -> int:
    """The youngest stamp of some records; 0 without any. Asked of every record."""
    youngest = 0
    for record in records:
        stamped_ms = record.timestamp
        youngest = max(youngest, stamped_ms)
    return youngest
