"""How far apart ticks are while the sources are behind.

A tick evaluates whoever was touched since the last one. In a backlog the same
customers are touched again and again, and a score of hours ago is overtaken
before anybody can read it: evaluating less often is quicker, and tells fewer
changes that were none. The further behind, the further apart.
"""

__all__ = ["BEHIND_MS", "apart_ms"]

#: Sources that have been read no further than this before now are behind.
BEHIND_MS = 10_000
#: So much of what they are behind lies between ticks: a fifth.
SHARE = 5
#: Never further apart than this: somebody looks at how it catches up.
APART_MS_MAX = 10_000


def apart_ms(now_ms: int, read_to_ms: int) -> int:
    """The least time between two rounds of ticks, by the clock; 0 while the sources keep up.

    ``read_to_ms`` is how far the slowest of them has been read.
    """
    behind_ms = now_ms - read_to_ms
    return min(behind_ms // SHARE, APART_MS_MAX) if behind_ms > BEHIND_MS else 0
