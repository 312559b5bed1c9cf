"""How far intake has read each source partition, and whether it reads it at all."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from schemas.topics import SOURCES
from streams.intake.source_states import Decided, SourceStates, states_of
from streams.reading.decisions import decisions
from streams.reading.groups import Committed, committed_of
from streams.reading.topic import Span, open_topic
from streams.settings import Settings

__all__ = ["SourcePartition", "Sources", "sources"]

#: Where a group goes on in what it never read: at the beginning.
_NOWHERE = Committed(0, "")


class SourcePartition(NamedTuple):
    """One partition of a source topic, as intake stands in it.

    ``waits_since_ms`` is the stamp of the first record that waits, None where none does.
    ``decided`` is what paused or stalled it, None while it runs.
    """

    family: str
    topic: str
    partition: int
    state: str
    decided: Decided | None
    next_offset: int
    end: int
    waits_since_ms: int | None

    @property
    def lag(self) -> int:
        """Offsets not read yet."""
        return max(self.end - self.next_offset, 0)


class Sources(NamedTuple):
    """All of them, and what was decided about them."""

    partitions: list[SourcePartition]
    states: SourceStates

    def of(self, topic: str, partition: int | None = None) -> list[SourcePartition]:
        """Those of a topic, or one of them."""
        return [
            one
            for one in self.partitions
            if one.topic == topic and partition in (None, one.partition)
        ]


async def sources(settings: Settings) -> Sources:
    """Each source partition, as of now.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if a topic is missing.
    """
    states = states_of(await decisions(settings))
    committed = await committed_of(settings, settings.topics.group_intake)
    found: list[SourcePartition] = []
    for family in SOURCES:
        topic = settings.topics.source(family)
        async with open_topic(settings, topic) as reader:
            spans = await reader.spans()
            at = {
                p: max(committed.get((topic, p), _NOWHERE).offset, span.first)
                for p, span in spans.items()
            }
            waits = await _first_waiting(reader, at, spans)
        for partition, span in sorted(spans.items()):
            paused = states.pause_of(topic, partition)
            stalled = states.stalled.get(topic)
            state = "paused" if paused else "stalled" if stalled else "running"
            found.append(
                SourcePartition(
                    family, topic, partition, state, paused or stalled,
                    at[partition], span.end, waits.get(partition),
                )
            )  # fmt: skip
    return Sources(found, states)


async def _first_waiting(
    reader: Any, at: Mapping[int, int], spans: Mapping[int, Span]
) -> dict[int, int]:
    """The stamps of the records at these offsets."""
    behind = {p: offset for p, offset in at.items() if offset < spans[p].end}
    found: dict[int, int] = {}
    until = {p: offset + 1 for p, offset in behind.items()}
    async with aclosing(reader.read(behind, until)) as chunks:
        async for records in chunks:
            found.setdefault(records[0].partition, records[0].timestamp)
    return found
