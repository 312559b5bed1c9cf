"""From so many partitions of customers to more: whose row goes where, and what the headers say.

A customer's state is the same in any partition; its position is not: an offset in one
log. So a row that moves gets the position of the last record before those that its new
partition reads next. What belongs to a partition is the same in each new one, because all
that was written for the old ones has been applied (the caller sees to that):

- of each source the greatest offset: up to it every partition has had its signals;
- the latest time, which moves forward only;
- the decisions, which must be the same in all old ones (:func:`uneven`);
- the ids of events seen in those old partitions from which customers can come.

A series that was not kept from the beginning has its own instant in each old partition. A
new one can hold one for all its customers: the last, for those whom it concerned. So who
came while partitions took a scorecard over may have to wait for its window like the others.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from math import gcd

from schemas.signals import ROLLUP
from scoring.header import Header, encode_header
from scoring.row import (
    CARD_KEY,
    HEADER_KEY,
    PERCENTILES_KEY,
    SEGMENT_KEY,
    at_position,
    is_customer,
    number_in,
    numbered,
    prefix_of,
)
from scoring.seal import Seal
from scoring.segment import decode_segment, encode_segment
from scoring.upward import INDEX_BITS
from scoring.versions import RowError

__all__ = ["Move", "Write", "uneven"]

#: Where, under which key, and what; None deletes a row.
Write = tuple[int, bytes, bytes | None]


def uneven(headers: Sequence[Header]) -> str | None:
    """Why partitions cannot be made into others now, in words; None if they can.

    Decisions reach one partition after the other. Between them customers are judged
    differently, and those of two partitions cannot live in one.
    """
    offsets = {header.control_offset for header in headers}
    if len(offsets) > 1:
        return (
            f"some partitions have taken over the decisions up to {min(offsets)},"
            f" others up to {max(offsets)}"
        )
    for number, header in enumerate(headers):
        if header.activation is not None:
            card = f"{header.activation.name} {header.activation.version}"
            return f"partition {number} is still being moved to scorecard {card}"
    if len({_decided(header) for header in headers}) > 1:
        return "partitions follow different decisions: some refused what others follow"
    return None


def _decided(header: Header) -> tuple[object, ...]:
    return (
        header.version,
        header.card_hash,
        header.previous_hash,
        tuple(sorted(header.stalled)),
        tuple(sorted(header.percentiles.items())),
    )


class Move:
    """Takes the old partitions one after the other; says what to write, header last.

    Args:
        headers: of the old partitions, in order.
        positions: of each new partition the offset of its log to be applied next.
        route: the new partition of a customer: a hash modulo their number.
    """

    def __init__(
        self, headers: Sequence[Header], positions: Sequence[int], route: Callable[[str], int]
    ) -> None:
        self._headers = headers
        self._positions = positions
        self._route = route
        self._seals = [Seal() for _ in positions]
        self._began: list[dict[int, tuple[int, int]]] = [{} for _ in positions]
        self._segments: list[dict[int, int]] = [{} for _ in positions]
        # Above all that there are: no key of an old segment is one of a new segment.
        self._segment_next = max(header.segment_next for header in headers)
        self._shared: dict[bytes, bytes] = {}
        self.customers = 0
        #: Customers that change their partition.
        self.moved = 0

    def take(self, partition: int, rows: Mapping[bytes, bytes]) -> Iterator[Write]:
        """What becomes of the rows of an old partition.

        Raises:
            RowError: if one cannot be read.
        """
        for key, value in rows.items():
            if is_customer(key):
                yield from self._customer(partition, key, value)
            elif key.startswith(SEGMENT_KEY):
                yield from self._segment(partition, key, value)
            elif key.startswith(CARD_KEY):
                self._shared[key] = value
            elif key.startswith(PERCENTILES_KEY):
                if number_in(key, PERCENTILES_KEY) in self._headers[0].percentiles.values():
                    self._shared[key] = value
                else:
                    yield partition, key, None
            elif key != HEADER_KEY:
                raise RowError(f"a row that this release does not know: {key!r}")

    def _customer(self, partition: int, key: bytes, value: bytes) -> Iterator[Write]:
        target = self._route(key.decode())
        self.customers += 1
        epoch = prefix_of(value).epoch
        began = self._began[target]
        for series, (seen_ms, at_ms) in self._headers[partition].began.items():
            if seen_ms >= epoch:
                last = began.get(series, (0, 0))
                began[series] = (max(last[0], epoch), max(last[1], at_ms))
        if target == partition:
            self._seal(target, key, value)
            return
        self.moved += 1
        yield partition, key, None
        yield self._put(target, key, at_position(value, self._positions[target] - 1))

    def _segment(self, partition: int, key: bytes, value: bytes) -> Iterator[Write]:
        yield partition, key, None
        number = number_in(key, SEGMENT_KEY)
        if number not in self._headers[partition].segments:
            return  # left by a crash before its deletion
        segment = decode_segment(value)
        apart = gcd(len(self._headers), len(self._positions))
        for target in range(partition % apart, len(self._positions), apart):
            mine = self._segments[target]
            new = self._segment_next + len(mine)
            mine[new] = segment.last_hour
            segment.position = self._positions[target]
            yield self._put(target, numbered(SEGMENT_KEY, new), encode_segment(segment))

    def finish(self) -> Iterator[Write]:
        """After the last old partition: what belongs to the new ones."""
        for target in range(len(self._positions)):
            for key, value in self._shared.items():
                yield self._put(target, key, value)
            yield target, HEADER_KEY, encode_header(self._header(target))

    def _header(self, target: int) -> Header:
        old, segments = self._headers[0], self._segments[target]
        stalled = {
            topic: min(header.stalled[topic] for header in self._headers) for topic in old.stalled
        }
        return Header(
            version=old.version,
            position=self._positions[target],
            sources=self._sources(),
            progress_ms=_greatest(header.progress_ms for header in self._headers),
            tick_ms=max(header.tick_ms for header in self._headers),
            card_hash=old.card_hash,
            stalled=stalled,
            control_offset=old.control_offset,
            partitions=len(self._positions),
            segments=segments,
            segment_next=self._segment_next + len(segments),
            previous_hash=old.previous_hash,
            began=self._began[target],
            percentiles=dict(old.percentiles),
            seal=self._seals[target],
        )

    def _sources(self) -> dict[str, int]:
        """Of each source the last offset; of what accounts told each other all before the move."""
        found = _greatest(header.sources for header in self._headers)
        told = {tp for tp in found if tp.startswith(f"{ROLLUP}/")}
        return {tp: last for tp, last in found.items() if tp not in told} | {
            f"{ROLLUP}/{number}": (position << INDEX_BITS) - 1
            for number, position in enumerate(self._positions)
            if told
        }

    def _put(self, target: int, key: bytes, value: bytes) -> Write:
        self._seal(target, key, value)
        return target, key, value

    def _seal(self, target: int, key: bytes, value: bytes) -> None:
        self._seals[target] = self._seals[target].changed(key, None, value)


def _greatest(found: Iterator[Mapping[str, int]]) -> dict[str, int]:
    greatest: MutableMapping[str, int] = {}
    for each in found:
        for name, value in each.items():
            greatest[name] = max(value, greatest.get(name, value))
    return dict(greatest)
