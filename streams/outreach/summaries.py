"""Reports about activations, counted until each activation can be summed up.

The reports of all partitions meet in one topic. Every process reads it from its
beginning and counts; the one that owns the outbox's first partition writes the
sums. So a crash loses nothing: whoever owns the partition next has counted the same
reports, makes the same message with the same id, and the notification log knows
whether it was sent.
"""

import logging
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from schemas.activations import ActivationReport, ScorecardApplied
from streams.engine.app import VitalsApp
from streams.engine.fatal import guarded
from streams.engine.followed import Followed
from streams.metrics import Metrics
from streams.outreach.tally import Tally
from streams.settings import Settings

__all__ = ["Summaries"]

log = logging.getLogger(__name__)

#: Makes the messages about an activation durable in the outbox.
Write = Callable[[ScorecardApplied], Awaitable[None]]


class Summaries:
    """The activations so far. ``partitions`` is the number of partitions of the signals log."""

    def __init__(
        self,
        settings: Settings,
        app: VitalsApp,
        partitions: int,
        metrics: Metrics,
        write: Write,
    ) -> None:
        self._reports = Followed(settings, settings.topics.name("activations"), self.take)
        self._app = app
        self._partitions = partitions
        self._metrics = metrics
        self._write = write
        self._tallies: dict[int, Tally] = {}
        self._complete: dict[int, ScorecardApplied] = {}
        self._owner = False

    def begin(self, *, owner: bool) -> None:
        """Partitions were assigned; the owner of the outbox's first writes the sums."""
        self._owner = owner
        # Who owned it before may have ended before it wrote: the log knows what was sent.
        self._complete = {
            number: tally.event()
            for number, tally in self._tallies.items()
            if tally.is_complete(self._partitions)
        }

    def release(self) -> None:
        """Partitions are handed over."""
        self._owner = False

    async def run(self) -> None:
        """Until the app stops."""
        await guarded(self._run())

    async def _run(self) -> None:
        await self._reports.follow(lambda: self._app.should_stop, self.write)

    def take(self, offset: int, value: bytes | None) -> None:
        """Count a record of the topic; one that is no report is told and left out."""
        try:
            report = ActivationReport.model_validate_json(value or b"")
        except ValidationError as error:
            log.warning("skipped record %d, which is no report: %s", offset, error)
            return
        number = report.control_offset
        tally = self._tallies.setdefault(number, Tally(report))
        before = tally.is_complete(self._partitions)
        tally.take(report)
        if not before and tally.is_complete(self._partitions):
            self._complete[number] = tally.event()
        latest = self._tallies[max(self._tallies)]
        self._metrics.reports_missing.set(self._partitions - latest.ended)

    async def write(self) -> None:
        """Write what is complete, if that is for this process to do."""
        while self._owner and self._complete:
            number = min(self._complete)
            await self._write(self._complete[number])
            self._complete.pop(number, None)
