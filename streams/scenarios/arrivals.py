"""What happens, as intake writes it: blocks of signals, in the order in which we hear of it.

The events go through intake's own code (``streams.intake.blocks``), one chunk for
each source topic and instant. What would be a dead letter is a problem of the
file here.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from schemas.inbound import Rejection, family_of, parse
from schemas.signals import Block
from schemas.topics import SOURCES
from streams.intake.blocks import AGE_MS_MAX, FUTURE_MS_MAX, Chunk, TimeBounds, blocks_of
from streams.intake.plain_events import PlainEvents
from streams.intake.routing import CustomerRouter
from streams.scenarios.document import Where
from streams.scenarios.stops import Stop
from streams.scenarios.story import EVENTS_MAX, Happening, Silence

__all__ = ["AGE_MS_MAX", "FUTURE_MS_MAX", "Arrival", "Arrivals"]


class Arrival(NamedTuple):
    """What the sources bring at one instant."""

    at_ms: int
    blocks: list[Block]


@dataclass(slots=True)
class _Record:
    """A record of a source topic, as intake reads it."""

    offset: int
    timestamp: int
    value: bytes | None


class _Heard(NamedTuple):
    heard_ms: int
    kind: str
    body: bytes
    where: Where


class Arrivals:
    """Collects what happens, step by step; ``build`` makes blocks of it."""

    def __init__(self) -> None:
        #: What is wrong: places in the file, and what was expected there.
        self.problems: list[tuple[Where, str]] = []
        #: Silences with events in them: the silence, its place, and the place of the events.
        self.broken: list[tuple[Silence, Where, Where]] = []
        #: Spans in which a source brings nothing.
        self.stops: list[Stop] = []
        self._heard: list[_Heard] = []
        self._silences: list[tuple[Silence, Where]] = []
        self._families: dict[str, str] = {}
        self._offsets: defaultdict[str, int] = defaultdict(int)
        self._plain = PlainEvents()
        self._router = CustomerRouter(1)

    def add(self, happenings: Iterable[Happening], where: Where) -> None:
        """Events that a place in the file stands for."""
        self._heard += [_Heard(*happening, where) for happening in happenings]
        if len(self._heard) > EVENTS_MAX:
            self.problems.append((where, f"more than {EVENTS_MAX} events in one scenario"))
            self._heard = []

    def keep_silent(self, silence: Silence, where: Where) -> None:
        """A span in which nothing may happen."""
        self._silences.append((silence, where))

    def stop(self, stop: Stop, where: Where) -> None:
        """A span in which a source brings nothing: it comes when the source is back."""
        for other in self.stops:
            apart = stop.end_ms <= other.first_ms or other.end_ms <= stop.first_ms
            if stop.family == other.family and not apart:
                self.problems.append((where, f"{stop.family} has stopped already at that time"))
                return
        self.stops.append(stop)

    def build(self) -> list[Arrival]:
        """All arrivals, in order of time; problems are added to :attr:`problems`."""
        self._heard = [self._waited(one) for one in self._heard]
        self._heard.sort(key=attrgetter("heard_ms"))
        order = {family: number for number, family in enumerate(SOURCES)}
        arrivals = []
        for at_ms, at_once in groupby(self._heard, key=attrgetter("heard_ms")):
            by_family: defaultdict[str, list[_Heard]] = defaultdict(list)
            for one in at_once:
                by_family[self._family(one)].append(one)
            blocks: list[Block] = []
            for family in sorted(by_family, key=order.__getitem__):
                blocks += self._blocks(family, at_ms, by_family[family])
            arrivals.append(Arrival(at_ms, blocks))
        return arrivals

    def _blocks(self, family: str, at_ms: int, heard: Sequence[_Heard]) -> list[Block]:
        topic = SOURCES[family]
        first = self._offsets[topic]
        self._offsets[topic] += len(heard)
        records = [_Record(first + n, at_ms, one.body) for n, one in enumerate(heard)]
        bounds = TimeBounds(at_ms - AGE_MS_MAX, at_ms + FUTURE_MS_MAX)
        chunk = Chunk(topic, 0, family, records)
        result = blocks_of(chunk, self._router, bounds, at_ms, self._plain)
        for letter in result.dead_letters:
            self.problems.append((heard[letter.offset - first].where, letter.detail))
        blocks = [block for _, block in result.blocks]
        for silence, where in self._silences:
            for block in blocks:
                for signal in block.signals:
                    if silence.first_ms <= signal[1] < silence.end_ms:
                        self.broken.append((silence, where, heard[signal[0] - first].where))
        return blocks

    def _waited(self, one: _Heard) -> _Heard:
        """The same, at the time at which its source is there to bring it."""
        for stop in sorted(self.stops):
            if stop.holds(self._family(one), one.heard_ms):
                one = one._replace(heard_ms=stop.end_ms)
        return one

    def _family(self, one: _Heard) -> str:
        """The family of an event, known by its type; what cannot be read goes where any may."""
        known = self._families.get(one.kind)
        if known is None:
            event = parse("redrive", one.body)
            known = "redrive" if isinstance(event, Rejection) else family_of(event)
            self._families[one.kind] = known
        return known
