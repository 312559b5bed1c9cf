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
from schemas.signals import BLOCK_BYTES_MAX, Block
from scoring.signals import signal_of

__all__ = ["Chunk", "ChunkResult", "RawRecord", "TimeBounds", "blocks_of"]

#: What a signal may take beyond its record's bytes.
_SIGNAL_OVERHEAD_BYTES = 32


class RawRecord(Protocol):
    """What is read of a Kafka record."""

    offset: int
    timestamp: int
    value: bytes | None


class Router(Protocol):
    """Which signals partition a customer belongs to."""

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

    __slots__ = ("block", "room", "source_ix")

    def __init__(self, topic: str, partition: int) -> None:
        self.block = Block(topic, partition, [], [])
        self.source_ix: dict[str, int] = {}
        self.room = BLOCK_BYTES_MAX


def blocks_of(chunk: Chunk, route: Router, bounds: TimeBounds, now_ms: int) -> ChunkResult:
    """The blocks and dead letters of a chunk."""
    result = ChunkResult()
    open_blocks: dict[int, _Open] = {}
    family, topic, source_partition = chunk.family, chunk.topic, chunk.partition
    earliest_ms, latest_ms = bounds.earliest_ms, bounds.latest_ms
    for record in chunk.records:
        event = parse(family, record.value)
        if isinstance(event, Rejection):
            result.dead_letters.append(_dead(chunk, record, event, now_ms))
            continue
        signal = signal_of(event, record.offset, 0)
        at_ms = signal[1]
        if not earliest_ms <= at_ms <= latest_ms:
            result.dead_letters.append(_dead(chunk, record, _out_of_bounds(at_ms, bounds), now_ms))
            continue
        partition = route(signal[2])
        size = len(record.value or b"") + _SIGNAL_OVERHEAD_BYTES
        block = open_blocks.get(partition)
        if block is None or block.room < size:
            if block is not None:
                result.blocks.append((partition, block.block))
            block = open_blocks[partition] = _Open(topic, source_partition)
        block.room -= size
        source = event.source
        index = block.source_ix.get(source)
        if index is None:
            index = block.source_ix[source] = len(block.block.sources)
            block.block.sources.append(source)
        signal[3] = index
        block.block.signals.append(signal)
        result.latest_ms = max(result.latest_ms, at_ms)
    result.blocks += [(partition, block.block) for partition, block in open_blocks.items()]
    result.signals = len(chunk.records) - len(result.dead_letters)
    return result


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
