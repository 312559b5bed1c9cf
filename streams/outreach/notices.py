"""Sources that stopped, told once each.

Every process folds the control topic; the one that owns the outbox's first partition
writes. A crash loses nothing: whoever owns the partition next has folded the same
decisions, makes the same message with the same id, and the notification log knows
whether it was sent.
"""

from collections.abc import Awaitable, Callable

from schemas.control import SourceStalled, Undecided, decision_in
from schemas.sources import SourceStopped, SourceStoppedData
from schemas.topics import SOURCES
from streams.clock import from_ms
from streams.engine.app import VitalsApp
from streams.engine.fatal import guarded
from streams.engine.followed import Followed
from streams.intake.source_states import Decided, Place, SourceStates
from streams.settings import Settings

__all__ = ["Notices"]

#: Makes the messages about a source durable in the outbox.
Write = Callable[[SourceStopped], Awaitable[None]]


class Notices:
    """The sources that are stopped now, and which of them were told by this process."""

    def __init__(self, settings: Settings, app: VitalsApp, write: Write) -> None:
        self._app = app
        self._write = write
        self._topic = settings.topics.name("control")
        self._families = {settings.topics.source(family): family for family in SOURCES}
        self._states = SourceStates()
        #: Stalls that follow from a pause, which has a message of its own.
        self._implied: set[int] = set()
        self._told: set[int] = set()
        self._owner = False
        self._decisions = Followed(settings, self._topic, self.take)

    def begin(self, *, owner: bool) -> None:
        """Partitions were assigned; the owner of the outbox's first writes."""
        self._owner = owner
        # Who owned it before may have ended before it wrote: the log knows what was sent.
        self._told.clear()

    def release(self) -> None:
        """Partitions are handed over."""
        self._owner = False

    async def run(self) -> None:
        """Until the app stops."""
        await guarded(self._run())

    async def _run(self) -> None:
        await self._decisions.follow(lambda: self._app.should_stop, self._write_at_end)

    async def _write_at_end(self) -> None:
        """At the end only: what is over by now needs nobody."""
        if self._decisions.is_at_end():
            await self.write()

    def take(self, offset: int, value: bytes | None) -> None:
        """The next decision."""
        decision = decision_in(value)
        if isinstance(decision, Undecided):
            return
        if isinstance(decision, SourceStalled) and self._states.pauses_of(decision.topic):
            self._implied.add(offset)
        self._states.take(offset, decision)

    def stopped(self) -> list[SourceStopped]:
        """What is stopped now and worth a message, in the order of the decisions."""
        found = [(decided, place, True) for place, decided in self._states.paused.items()]
        found += [
            (decided, Place(topic), False)
            for topic, decided in self._states.stalled.items()
            if decided.offset not in self._implied
        ]
        return [
            self._event(decided, place, paused=paused) for decided, place, paused in sorted(found)
        ]

    def _event(self, decided: Decided, place: Place, *, paused: bool) -> SourceStopped:
        """A function of the decision: the same bytes whenever it is made."""
        source = self._families.get(place.topic, place.topic)
        return SourceStopped(
            id=f"source/{place}/{decided.offset}",
            source=f"/vitals/{self._topic}",
            subject=str(place),
            time=from_ms(decided.at_ms),
            data=SourceStoppedData(
                source=source,
                topic=place.topic,
                partition=place.partition,
                paused=paused,
                since=from_ms(decided.at_ms),
                author=decided.author,
                reason=decided.reason,
                control_offset=decided.offset,
            ),
        )

    async def write(self) -> None:
        """Write what is new, if that is for this process to do."""
        for event in self.stopped():
            number = event.data.control_offset
            if self._owner and number not in self._told:
                await self._write(event)
                self._told.add(number)
