"""What an activation did to all customers, added up from the partitions' reports. Pure.

Each partition reports each tick that moved customers, and the end. A report that
came before (the same activation, partition and log offset) is dropped: after a
crash it may come again, and then without customers that had been moved before it.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from schemas.activations import (
    ActivationReport,
    Crossings,
    ScorecardApplied,
    ScorecardAppliedData,
    TurnedRed,
)
from schemas.scores import Band

__all__ = ["NAMED_MAX", "Tally", "tally"]

#: So many of those that turned red are named.
NAMED_MAX = 10


class Tally:
    """One activation. It is complete when every partition has reported its end."""

    def __init__(self, first: ActivationReport) -> None:
        self.control_offset = first.control_offset
        self.about = first
        #: Partitions that score with the card, or did until another one came.
        self.done: set[int] = set()
        self.refused: set[int] = set()
        self.evaluated = 0
        self.pending: Counter[tuple[Band, Band]] = Counter()
        self.problem = ""
        self.crossings: Counter[tuple[Band, Band]] = Counter()
        self.turned_red: list[TurnedRed] = []
        self._seen: set[tuple[int, int]] = set()
        self._ended_at: datetime = first.at

    @property
    def changed(self) -> int:
        """Customers that are in another band because of the card."""
        return self.crossings.total()

    @property
    def ended(self) -> int:
        """Partitions that have said their last word."""
        return len(self.done | self.refused)

    def take(self, report: ActivationReport) -> None:
        """Add a report of this activation, in the order of the topic; a repeat adds nothing."""
        place = report.partition, report.offset
        if place in self._seen:
            return
        self._seen.add(place)
        if self.about.outcome == "refused":
            self.about = report  # who follows it knows how its scores are shown
        if report.outcome == "refused":
            self.refused.add(report.partition)
            self.problem = self.problem or report.problem
        elif report.outcome != "running":
            self.done.add(report.partition)
        self.evaluated += report.evaluated
        for counted, found in (
            (self.crossings, report.crossings),
            (self.pending, report.pending),
        ):
            for crossed in found:
                counted[crossed.before, crossed.after] += crossed.customers
        red = [*self.turned_red, *report.turned_red]
        self.turned_red = sorted(red, key=_greatest_first)[:NAMED_MAX]
        self._ended_at = max(self._ended_at, report.at)

    def is_complete(self, partitions: int) -> bool:
        """Whether all partitions of the signals log have reported their end."""
        return self.ended >= partitions

    def event(self) -> ScorecardApplied:
        """The sum as an event, a function of the reports: the same bytes whenever it is made."""
        about = self.about
        return ScorecardApplied(
            id=f"scorecard/{about.scorecard.hash}/{self.control_offset}",
            source="/vitals/health.activations.v1",
            subject=about.scorecard.name,
            time=self._ended_at,
            data=ScorecardAppliedData(
                scorecard=about.scorecard,
                author=about.author,
                reason=about.reason,
                activated_at=about.activated_at,
                control_offset=self.control_offset,
                evaluated=self.evaluated,
                customers_changed=self.changed,
                crossings=_counted(self.crossings),
                pending=_counted(self.pending),
                turned_red=tuple(self.turned_red),
                partitions=self.ended,
                refused_partitions=len(self.refused),
                problem=self.problem,
            ),
        )


def tally(reports: Iterable[ActivationReport]) -> dict[int, Tally]:
    """The activations in reports, by their offset in the control topic."""
    found: dict[int, Tally] = {}
    for report in reports:
        found.setdefault(report.control_offset, Tally(report)).take(report)
    return found


def _counted(crossings: Counter[tuple[Band, Band]]) -> tuple[Crossings, ...]:
    return tuple(
        Crossings(before=before, after=after, customers=count)
        for (before, after), count in sorted(crossings.items())
    )


def _greatest_first(red: TurnedRed) -> tuple[bool, int, str]:
    return red.mrr_reporting_minor is None, -(red.mrr_reporting_minor or 0), red.customer_id
