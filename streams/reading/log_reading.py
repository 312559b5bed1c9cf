"""The signals log, record by record, from where a person wants to look."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from streams.exits import Exit, NamedExit
from streams.intake.routing import partition_of
from streams.reading.log_entries import Wanted, entry_of
from streams.reading.terminal import OnRead
from streams.reading.topic import Span, open_topic
from streams.settings import Settings

__all__ = ["Stretch", "entries"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of the log: a partition (None: all), and from where.

    ``begin`` is ``beginning``, ``end``, an offset, or negative: so many before the end.
    """

    partition: int | None
    begin: str | int
    follow: bool

    def start(self, span: Span) -> int:
        """The first offset to read of a partition; never outside what it holds."""
        if self.begin == "beginning":
            return span.first
        if isinstance(self.begin, int):
            wanted = self.begin if self.begin >= 0 else span.end + self.begin
            return min(max(wanted, span.first), span.end)
        return span.end


async def entries(
    settings: Settings, stretch: Stretch, wanted: Wanted, on_read: OnRead
) -> AsyncGenerator[dict[str, Any], None]:
    """The wanted records by names, as they are read.

    Raises:
        NamedExit: exit code 2 for a partition that does not exist or is not the
            customer's, and when no broker answers; 71 if there is no such topic.
    """
    async with open_topic(settings, settings.topics.name("signals")) as reader:
        spans = await reader.spans(_partitions(stretch, wanted, len(reader.partitions)))
        start = {partition: stretch.start(span) for partition, span in spans.items()}
        until = None if stretch.follow else {p: span.end for p, span in spans.items()}
        done, total = 0, sum(span.end - start[p] for p, span in spans.items())
        async with aclosing(reader.read(start, until)) as chunks:
            async for records in chunks:
                for r in records:
                    entry = entry_of(r.partition, r.offset, r.timestamp, r.value, wanted)
                    if entry is not None:
                        yield entry
                done += len(records)
                on_read(done, max(total, done))


def _partitions(stretch: Stretch, wanted: Wanted, count: int) -> list[int]:
    partition = stretch.partition
    if partition is not None and partition >= count:
        raise NamedExit(
            Exit.USAGE, f"--partition {partition}: the signals log has {count}, 0 to {count - 1}"
        )
    if wanted.customer is None:
        return list(range(count)) if partition is None else [partition]
    home = partition_of(wanted.customer, count)
    if partition not in (None, home):
        raise NamedExit(
            Exit.USAGE, f"--partition {partition}: customer {wanted.customer} lives in {home}"
        )
    return [home]
