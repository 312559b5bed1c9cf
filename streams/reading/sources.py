"""How far intake has read each source partition, and whether it reads it at all."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.topics import SOURCES
from streams.engine.kafka import client_options
from streams.engine.topics import unreachable
from streams.exits import Exit, NamedExit
from streams.intake.source_states import Decided, SourceStates, states_of
from streams.reading.decisions import decisions
from streams.reading.topic import REQUEST_MS_MAX, Span, open_topic
from streams.settings import Settings

__all__ = ["SourcePartition", "Sources", "sources"]

_AGAIN_MS = 250


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
    committed = await _committed(settings)
    found: list[SourcePartition] = []
    for family in SOURCES:
        topic = settings.topics.source(family)
        async with open_topic(settings, topic) as reader:
            spans = await reader.spans()
            at = {p: max(committed.get((topic, p), 0), span.first) for p, span in spans.items()}
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


async def _committed(settings: Settings) -> dict[tuple[str, int], int]:
    """What intake's group has committed; a partition that it never read is left out."""
    admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_MS_MAX, **client_options(settings))
    group = settings.topics.group_intake
    try:
        await admin.start()
        offsets = await _offsets(admin, group)
    except KafkaConnectionError as error:
        raise unreachable(settings, error) from None
    except KafkaError as error:
        raise NamedExit(
            Exit.USAGE, f"Kafka at {settings.bootstrap} does not tell about group {group}: {error}"
        ) from None
    finally:
        with suppress(KafkaError):
            await admin.close()
    return {
        (tp.topic, tp.partition): found.offset for tp, found in offsets.items() if found.offset >= 0
    }


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> Any:
    """A broker that nobody has asked about a group before needs a moment for it."""
    for _ in range(REQUEST_MS_MAX // _AGAIN_MS):
        try:
            return await admin.list_consumer_group_offsets(group)
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(_AGAIN_MS / 1000)
    return await admin.list_consumer_group_offsets(group)
