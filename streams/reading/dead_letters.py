"""Dead letters, and what became of each: a fold of two topics.

A refusal may be repeated after a crash: letters with the same key are one. Their
values are not kept here, for there may be many: whoever sends them reads them again.
"""

import hashlib
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from schemas.dead_letters import DeadLetter
from schemas.inbound import Reason
from schemas.redrives import Redrive
from schemas.signals import ROLLUP
from schemas.topics import SOURCES, Topics
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import open_topic
from streams.settings import Settings

__all__ = ["Filter", "Letter", "digest_of", "fold", "ledger", "letters", "read_again", "why_not"]


class Letter(NamedTuple):
    """A dead letter without its value, where its record stands, and what became of it."""

    head: DeadLetter
    digest: str
    #: Partition and offset in the topic of dead letters.
    place: tuple[int, int]
    #: Bytes of the value that were kept.
    kept_bytes: int
    settled: Redrive | None = None

    @property
    def key(self) -> str:
        """The source position."""
        return self.head.key

    @property
    def state(self) -> str:
        """``open``, ``redriven`` or ``dropped``."""
        return "open" if self.settled is None else self.settled.outcome


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; what is not given takes all. Times are those of the refusal."""

    topic: str | None = None
    reason: Reason | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def takes_all(self) -> bool:
        """Whether nothing is given."""
        return self == Filter()

    def takes(self, letter: DeadLetter, topics: Topics) -> bool:
        """Whether a letter is meant; ``topic`` may be a family, a topic, and with the prefix."""
        if self.topic is not None:
            names = {letter.topic, letter.topic.removeprefix(topics.prefix)}
            if self.topic not in names and SOURCES.get(self.topic) not in names:
                return False
        return (
            (self.reason is None or letter.reason is self.reason)
            and (self.since is None or letter.rejected_at >= self.since)
            and (self.until is None or letter.rejected_at < self.until)
        )


def digest_of(letter: DeadLetter) -> str:
    """Of what was refused, not of when: a refusal that is repeated has the same."""
    digest = hashlib.sha256(f"{letter.key}:{letter.raw_bytes}:".encode())
    digest.update(letter.raw)
    return digest.hexdigest()[:32]


def why_not(letter: Letter, topics: Topics) -> str | None:
    """Why a letter cannot be sent again; None if it can.

    Of the account hierarchy the letter holds an event that was made to be sent again.
    What outreach could not read is no event: sent into a source it would fail anew.
    """
    head = letter.head
    if head.topic != ROLLUP and head.topic not in {topics.source(each) for each in SOURCES}:
        return f"{head.topic} is no source of events: nothing reads it from there again"
    if not head.raw_bytes:
        return "it has no value: there is nothing to send"
    if letter.kept_bytes < head.raw_bytes:
        return (
            f"of its {head.raw_bytes:,} bytes the first {letter.kept_bytes:,} were kept:"
            f" have its producer send it again, or copy it from {head.topic}"
        )
    return None


def fold(found: Iterable[Letter], settled: dict[str, Redrive]) -> list[Letter]:
    """One letter for each key, in the order of their refusal, each with what became of it."""
    last: dict[str, Letter] = {}
    for letter in found:
        # A topic that was created anew gives its positions again: the later refusal stands.
        known = last.get(letter.key)
        if known is None or letter.head.rejected_at >= known.head.rejected_at:
            last[letter.key] = letter
    with_state = []
    for key, letter in last.items():
        was = settled.get(key)
        same = was is not None and was.digest == letter.digest
        with_state.append(letter._replace(settled=was if same else None))
    return sorted(with_state, key=lambda each: (each.head.rejected_at, each.key))


async def ledger(settings: Settings) -> dict[str, Redrive]:
    """What is settled, by the dead letter's key.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if there is no such topic.
    """
    found: dict[str, Redrive] = {}
    async with open_topic(settings, settings.topics.name("redrives")) as reader:
        span = (await reader.spans([0]))[0]
        async with aclosing(reader.read({0: span.first}, {0: span.end})) as chunks:
            async for records in chunks:
                for record in records:
                    try:
                        one = Redrive.model_validate_json(record.value or b"")
                    except ValidationError:
                        continue
                    found[(record.key or b"").decode(errors="replace")] = one
    return found


async def letters(settings: Settings, on_read: OnRead) -> list[Letter]:
    """All dead letters that are kept, settled or not; a record that is none is left out.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if a topic is missing.
    """
    found: list[Letter] = []
    count = Count(on_read)
    settled = await ledger(settings)
    async with open_topic(settings, settings.topics.name("dead_letters")) as reader:
        spans = await reader.spans()
        count.total = sum(span.end - span.first for span in spans.values())
        starts = {p: span.first for p, span in spans.items()}
        ends = {p: span.end for p, span in spans.items()}
        async with aclosing(reader.read(starts, ends)) as chunks:
            async for records in chunks:
                count.add(len(records))
                found += (
                    Letter(
                        one.model_copy(update={"raw_base64": ""}),
                        digest_of(one),
                        (record.partition, record.offset),
                        len(one.raw),
                    )
                    for record in records
                    if (one := _letter(record.value)) is not None
                )
    return fold(found, settled)


async def read_again(
    settings: Settings, chosen: Collection[Letter]
) -> AsyncGenerator[Sequence[tuple[Letter, bytes]], None]:
    """The chosen letters with their values, in chunks; one that was deleted meanwhile is left out.

    Raises:
        NamedExit: exit code 2, when the broker stops answering.
    """
    wanted = {letter.place: letter for letter in chosen}
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for partition, offset in wanted:
        starts[partition] = min(starts.get(partition, offset), offset)
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    if not wanted:
        return
    async with open_topic(settings, settings.topics.name("dead_letters")) as reader:
        spans = await reader.spans(starts)
        starts = {p: max(offset, spans[p].first) for p, offset in starts.items()}
        async with aclosing(reader.read(starts, ends)) as chunks:
            async for records in chunks:
                held = []
                for record in records:
                    letter = wanted.get((record.partition, record.offset))
                    one = None if letter is None else _letter(record.value)
                    if letter is not None and one is not None and digest_of(one) == letter.digest:
                        held.append((letter, one.raw))
                if held:
                    yield held


def _letter(value: bytes | None) -> DeadLetter | None:
    try:
        return DeadLetter.model_validate_json(value or b"")
    except ValidationError:
        return None
