"""How far apart ticks and checkpoints are while the sources are behind.

A tick evaluates whoever was touched since the last one, a checkpoint writes their
rows. In a backlog the same customers are touched again and again: a score of hours
ago is overtaken before anybody can read it, and a row before anybody needs it. Doing
both less often is quicker, and tells fewer changes that were none.
"""

__all__ = ["BEHIND_MS", "ROUND_TICKS_MAX", "SLICE_EVALUATIONS", "apart_ms", "checkpoint_is_due"]

#: So many ticks of a partition are under way, at most. Where many customers are due at one
#: instant the other partitions get their turn between, and each evaluation need not wait for all.
ROUND_TICKS_MAX = 8
#: After so many evaluations whatever else the process does gets its turn, a checkpoint too.
SLICE_EVALUATIONS = 500

#: Sources that have been read no further than this before now are behind.
BEHIND_MS = 10_000
#: So much of what they are behind lies between ticks: a third. Whatever a tick tells comes at
#: most a third later than it must.
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
    behind_ms = now_ms - read_to_ms
    return min(behind_ms // SHARE, APART_MS_MAX) if behind_ms > BEHIND_MS else 0


def checkpoint_is_due(skipped: int, rows: int, *, behind: bool) -> bool:
    """Whether to write a checkpoint now, after so many were skipped, with so many rows waiting.

    One without rows says how far the log was read, which is worth less than its transactions.
    """
    waits = behind or not rows
    return not waits or skipped + 1 >= CHECKPOINTS_IN_ONE or rows >= CHECKPOINT_ROWS
