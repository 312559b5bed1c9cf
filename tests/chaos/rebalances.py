"""What hand-overs cost, from histories alone: generations of groups, and how long work stood."""

import struct
from collections import defaultdict
from itertools import pairwise

from records import records_of
from scoring.row import HEADER_KEY

__all__ = ["generations_of", "pauses_of"]

OFFSETS = "__consumer_offsets"
#: Version of the keys under which the coordinator keeps what a group is.
GROUP = 2


def generations_of(bootstrap: str) -> dict[str, int]:
    """Group -> its generation, as the coordinator wrote it down; one more for each rebalance."""
    found = {}
    for message in records_of(bootstrap, OFFSETS):
        key, value = message.key() or b"", message.value()
        if value is None or struct.unpack_from(">h", key)[0] != GROUP:
            continue
        group, _ = _text(key, 2)
        _, at = _text(value, 2)  # behind the version: the kind of protocol
        found[group] = struct.unpack_from(">i", value, at)[0]
    return found


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    (size,) = struct.unpack_from(">h", data, at)
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size


def pauses_of(bootstrap: str, changelog: str, since_ms: int, until_ms: int) -> dict[int, list[int]]:
    """Partition -> times between its checkpoints, in milliseconds, the longest first.

    While events come all the time there is a checkpoint every few tenths of a second: what
    is longer is a partition that stood still, and that is what a hand-over costs.
    """
    times = defaultdict(list)
    for message in records_of(bootstrap, changelog):
        at_ms = message.timestamp()[1]
        if message.key() == HEADER_KEY and since_ms <= at_ms <= until_ms:
            times[message.partition() or 0].append(at_ms)
    return {
        partition: sorted((b - a for a, b in pairwise(each)), reverse=True)
        for partition, each in times.items()
    }
