"""A chunk of raw records into blocks of signals, and dead letters. No I/O.

One block for each signals partition that the chunk has customers of, split at
:data:`schemas.signals.BLOCK_BYTES_MAX`. A record that cannot become a signal
becomes exactly one dead letter; nothing that is valid is lost.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from schemas.dead_letters import RAW_BYTES_MAX, DeadLetter
from schemas.inbound import Reason, Rejection, parse
from schemas.signals import BLOCK_BYTES_MAX, Block, Signal
from scoring.signals import signal_of
from streams.intake.plain_events import PlainEvents

__all__ = [
    "AGE_MS_MAX",
    "FUTURE_MS_MAX",
    "Chunk",
    "ChunkResult",
    "RawRecord",
    "TimeBounds",
    "blocks_of",
    "origin_of",
]

#: An event may lie so far ahead of the time at which it is read, and so far back.
FUTURE_MS_MAX = 5 * 60_000
AGE_MS_MAX = 10 * 365 * 86_400_000
#: Of a topic's id so much tells it from the one before it under the same name.
ID_CHARS = 8
#: What a signal may take beyond its record's bytes.
SIGNAL_OVERHEAD_BYTES = 32


class RawRecord(Protocol):
    """What is read of a Kafka record."""

    offset: int
    timestamp: int
    value: bytes | None


class Router(Protocol):
    """Which signals partition a customer belongs to; ``known`` has those asked for lately."""

    known: dict[str, int]

    def __call__(self, customer_id: str) -> int: ...


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """Event times outside of these are quarantined; Unix milliseconds, inclusive."""

    earliest_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Raw records of one source partition, in order."""

    topic: str
    partition: int
    family: str
    records: Sequence[RawRecord]
    #: The topic's id: one that was created anew starts its offsets over. Empty if nobody knows.
    topic_id: str = ""

    @property
    def origin(self) -> str:
        """The name under which the offsets of this topic are remembered."""
        return origin_of(self.topic, self.topic_id)


def origin_of(topic: str, topic_id: str) -> str:
    """The name under which a topic's offsets are remembered; without an id nobody knows it."""
    return f"{topic}@{topic_id[:ID_CHARS]}" if topic_id else topic


@dataclass(slots=True)
class ChunkResult:
    """What a chunk became."""

    blocks: list[tuple[int, Block]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    signals: int = 0
    #: Greatest event time among the valid events, -1 if there is none.
    latest_ms: int = -1


class _Open:
    """A block that is being filled."""

    __slots__ = ("block", "room", "signals", "source_ix")

    def __init__(self, topic: str, partition: int) -> None:
        self.signals: list[Signal] = []
        self.block = Block(topic, partition, [], self.signals)
        self.source_ix: dict[str, int] = {}
        self.room = BLOCK_BYTES_MAX


def blocks_of(
    chunk: Chunk, route: Router, bounds: TimeBounds, now_ms: int, plain: PlainEvents
) -> ChunkResult:
    """The blocks and dead letters of a chunk; ``plain`` reads what is plain the short way."""
    filling = _Filling(chunk, route, bounds, now_ms, plain)
    latest_ms = -1
    if chunk.family == "usage":
        latest_ms = plain.usage.fill(
            chunk.records, filling.take, route.known, filling.open_blocks,
            bounds.earliest_ms, bounds.latest_ms, SIGNAL_OVERHEAD_BYTES,
        )  # fmt: skip
    else:
        for record in chunk.records:
            filling.take(record)
    return filling.result(latest_ms)


class _Filling:
    """A chunk on its way into blocks, record by record."""

    def __init__(
        self, chunk: Chunk, route: Router, bounds: TimeBounds, now_ms: int, plain: PlainEvents
    ) -> None:
        self.open_blocks: dict[int, _Open] = {}
        self._chunk = chunk
        self._route = route
        self._bounds = bounds
        self._now_ms = now_ms
        self._read_plain = plain.reader(chunk.family)
        self._result = ChunkResult()
        self._latest_ms = -1

    def take(self, record: RawRecord) -> None:
        """One record into its block, or into the dead letters."""
        chunk, value, bounds = self._chunk, record.value, self._bounds
        found = self._read_plain(value, record.offset) or _read(chunk.family, value, record.offset)
        if not isinstance(found, Rejection) and not (
            bounds.earliest_ms <= found[1][1] <= bounds.latest_ms
        ):
            found = _out_of_bounds(found[1][1], bounds)
        if isinstance(found, Rejection):
            self._result.dead_letters.append(_dead(chunk, record, found, self._now_ms))
            return
        source, signal = found
        self._latest_ms = max(self._latest_ms, signal[1])
        partition = self._route(signal[2])
        size = len(value or b"") + SIGNAL_OVERHEAD_BYTES
        block = self.open_blocks.get(partition)
        if block is None or block.room < size:
            if block is not None:
                self._result.blocks.append((partition, block.block))
            block = self.open_blocks[partition] = _Open(chunk.origin, chunk.partition)
        block.room -= size
        index = block.source_ix.get(source)
        if index is None:
            index = block.source_ix[source] = len(block.block.sources)
            block.block.sources.append(source)
        signal[3] = index
        block.signals.append(signal)

    def result(self, latest_ms: int) -> ChunkResult:
        """What became of the chunk; the events that were put in elsewhere are no younger."""
        result = self._result
        result.blocks += [(p, block.block) for p, block in self.open_blocks.items()]
        result.signals = len(self._chunk.records) - len(result.dead_letters)
        result.latest_ms = max(self._latest_ms, latest_ms)
        return result


def _read(family: str, value: bytes | None, offset: int) -> tuple[str, Signal] | Rejection:
    """The reference way: a record's source and signal, or why there is none."""
    event = parse(family, value)
    if isinstance(event, Rejection):
        return event
    return event.source, signal_of(event, offset, 0)


def _out_of_bounds(at_ms: int, bounds: TimeBounds) -> Rejection:
    at = _time(at_ms)
    if at_ms > bounds.latest_ms:
        return Rejection(
            Reason.TIME_IN_FUTURE, f"occurred_at {at} lies beyond {_time(bounds.latest_ms)}"
        )
    return Rejection(
        Reason.TIME_TOO_OLD, f"occurred_at {at} lies before {_time(bounds.earliest_ms)}"
    )


def _dead(chunk: Chunk, record: RawRecord, rejection: Rejection, now_ms: int) -> DeadLetter:
    raw = record.value or b""
    return DeadLetter(
        topic=chunk.topic,
        partition=chunk.partition,
        offset=record.offset,
        reason=rejection.reason,
        detail=rejection.detail,
        rejected_at=datetime.fromtimestamp(now_ms / 1000, UTC),
        raw_base64=base64.b64encode(raw[:RAW_BYTES_MAX]).decode(),
        raw_bytes=len(raw),
    )


def _time(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"
