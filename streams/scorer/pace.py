"""How far apart ticks and checkpoints are while the sources are behind.

A tick evaluates whoever was touched since the last one, a checkpoint writes their
rows. In a backlog the same customers are touched again and again: a score of hours
ago is overtaken before anybody can read it, and a row before anybody needs it. Doing
both less often is quicker, and tells fewer changes that were none.
"""

__all__ = [
    "BEHIND_MS", "ROUND_TICKS_MAX", "SLICE_EVALUATIONS", "Rounds", "apart_ms", "checkpoint_is_due",
]  # fmt: skip

#: So many ticks of a partition are under way, at most. Where many customers are due at one
#: instant the other partitions get their turn between, and each evaluation need not wait for all.
ROUND_TICKS_MAX = 8
#: After so many evaluations whatever else the process does gets its turn, a checkpoint too.
SLICE_EVALUATIONS = 500

#: Sources that have been read no further than this before now are behind. Intake says each
#: second how far it is, of a source without events as of its last fetch: 2 s are no backlog yet.
BEHIND_MS = 4_000
#: So much of what they are behind beyond that lies between ticks: a third. Whatever a tick tells
#: comes at most a third later than it must.
SHARE = 3
#: Never further apart than this: somebody looks at how it catches up.
APART_MS_MAX = 30_000
#: In a backlog, and where nothing happens, so many checkpoints are one ...
CHECKPOINTS_IN_ONE = 4
#: ... unless so many rows wait for it: whoever takes a partition over waits for them.
CHECKPOINT_ROWS = 20_000


def apart_ms(now_ms: int, read_to_ms: int) -> int:
    """The least time between two rounds of ticks, by the clock; 0 while the sources keep up.

    ``read_to_ms`` is how far the slowest of them has been read.
    """
    return min(max(now_ms - read_to_ms - BEHIND_MS, 0) // SHARE, APART_MS_MAX)


def checkpoint_is_due(skipped: int, rows: int, *, behind: bool) -> bool:
    """Whether to write a checkpoint now, after so many were skipped, with so many rows waiting.

    One without rows says how far the log was read, which is worth less than its transactions.
    """
    waits = behind or not rows
    return not waits or skipped + 1 >= CHECKPOINTS_IN_ONE or rows >= CHECKPOINT_ROWS


class Rounds:
    """The latest round of ticks of each partition: when it was appended, and what is under way.

    The ticks under way are those that were appended and not read yet. The partitions were taken
    over at ``began_ms``: the first round in a backlog comes as far behind that as the others
    behind each other. What customers are after their first few events is of no use to anybody.
    """

    def __init__(self, began_ms: int = 0) -> None:
        self._first_ms = began_ms
        self._began_ms: dict[int, int] = {}
        self._under_way: dict[int, int] = {}

    def append(self, partition: int, now_ms: int, ticks: int) -> None:
        """So many ticks are appended now."""
        self._began_ms[partition] = now_ms
        self._under_way[partition] = ticks

    def read(self, partition: int) -> None:
        """One of them was read."""
        self._under_way[partition] = max(self._under_way.get(partition, 0) - 1, 0)

    def is_under_way(self, partition: int) -> bool:
        """Whether ticks of the partition are yet to be read."""
        return self._under_way.get(partition, 0) > 0

    def not_before_ms(self, partition: int, apart_ms: int) -> int:
        """The earliest instant for the partition's next round, so far behind the last one."""
        return self._began_ms.get(partition, self._first_ms) + apart_ms
