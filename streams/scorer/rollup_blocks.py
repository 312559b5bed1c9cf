"""What accounts tell each other, in blocks: one for each signals partition that is told.

As intake's blocks are: split at :data:`schemas.signals.BLOCK_BYTES_MAX`, in order, never a
record for each message. The source is ``rollup/PARTITION``, the one that they come from.
"""

from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from schemas.signals import BLOCK_BYTES_MAX, ROLLUP, Block, Signal, encode
from scoring.outputs import Output

__all__ = ["RollupBlocks"]


class RollupBlocks:
    """Collects the messages of one partition's chunk.

    ``route`` knows where an account lives among so many ``partitions`` (0: not to be told).
    """

    def __init__(self, partition: int, route: Callable[[str], int], partitions: int = 0) -> None:
        self._partition = partition
        self._partitions = partitions
        self._route = route
        self._open: dict[int, list[bytes]] = {}
        self._sizes: dict[int, int] = {}
        self._full: list[tuple[int, bytes]] = []

    def add(self, output: Output) -> None:
        """Add one message, an output of the topic ``signals``."""
        target, size = self._route(output.customer), len(output.body)
        if self._sizes.get(target, 0) + size > BLOCK_BYTES_MAX:
            self._close(target)
        self._open.setdefault(target, []).append(output.body)
        self._sizes[target] = self._sizes.get(target, 0) + size

    def take(self) -> Iterator[tuple[int, bytes]]:
        """The blocks, each with its partition of the signals log; afterwards there are none."""
        for target in list(self._open):
            self._close(target)
        full, self._full = self._full, []
        yield from full

    def _close(self, target: int) -> None:
        raw = [cast("Signal", msgspec.Raw(body)) for body in self._open.pop(target)]
        self._sizes.pop(target)
        block = Block(ROLLUP, self._partition, [ROLLUP], raw, self._partitions)
        self._full.append((target, encode(block)))
