"""The scorecards that were activated, and what became of each: the history with its effects."""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from pydantic import ValidationError

from schemas.activations import ActivationReport
from schemas.control import ScorecardActivated
from streams.outreach.tally import Tally, tally
from streams.reading.decisions import decisions
from streams.reading.topic import open_topic
from streams.settings import Settings

__all__ = ["Activation", "Activations", "activations", "reports_of", "with_effects"]


class Activation(NamedTuple):
    """An activation: its place in the control topic, the decision, and what became of it.

    ``tally`` is None where no partition has reported: the first card moves nobody, and
    reports are kept for 90 days. ``counts`` is False where it changed nothing: all that
    reported refuse it, or it was a first card where one was active.
    """

    offset: int
    decision: ScorecardActivated
    tally: Tally | None
    counts: bool

    @property
    def refused(self) -> bool:
        """Whether every partition that has reported keeps the card before."""
        return self.tally is not None and bool(self.tally.refused) and not self.tally.done


class Activations(NamedTuple):
    """All of them, oldest first, and how many partitions there are to report."""

    all: Sequence[Activation]
    partitions: int

    @property
    def in_force(self) -> list[ScorecardActivated]:
        """Those that counted, oldest first: the last one is active."""
        return [each.decision for each in self.all if each.counts]


def with_effects(
    decided: Iterable[tuple[int, ScorecardActivated]], reports: Iterable[ActivationReport]
) -> list[Activation]:
    """Each activation with what the partitions reported about it."""
    tallies = tally(reports)
    found: list[Activation] = []
    for offset, decision in decided:
        first = decision.first and any(each.counts for each in found)
        one = Activation(offset, decision, tallies.get(offset), counts=True)
        found.append(one._replace(counts=not first and not one.refused))
    return found


async def activations(settings: Settings) -> Activations:
    """What was activated and what became of it, as far as it is known now.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if a topic is missing.
    """
    decided = [
        (offset, decision)
        for offset, decision in await decisions(settings)
        if isinstance(decision, ScorecardActivated)
    ]
    reports = await reports_of(settings)
    async with open_topic(settings, settings.topics.name("signals")) as reader:
        partitions = len(reader.partitions)
    return Activations(with_effects(decided, reports), partitions)


async def reports_of(settings: Settings) -> list[ActivationReport]:
    """What the partitions have reported, in order.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if the topic is missing.
    """
    reports = []
    async with open_topic(settings, settings.topics.name("activations")) as reader:
        span = (await reader.spans([0]))[0]
        async with aclosing(reader.read({0: span.first}, {0: span.end})) as chunks:
            async for records in chunks:
                for record in records:
                    try:
                        reports.append(ActivationReport.model_validate_json(record.value or b""))
                    except ValidationError:
                        continue
    return reports
