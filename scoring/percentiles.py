"""Percentile ranks: a customer's value among those of others, as points.

The *rank* of a value is the share of customers with a lower value plus half the
share with the same one (mid-rank), in hundredths of a percent: 0 to 10000. Ranks are
looked up in a snapshot, never in the other customers themselves: a score does not
depend on what else a worker happens to hold.

A snapshot keeps a group's values as *cuts*, each with its rank. It is a
:class:`~scoring.curves.Curve`: straight lines between two cuts, level before the first
and beyond the last. Where no more than 100 different values were seen, all of
them are cuts, and each customer's rank is exact; otherwise ranks are off by less
than 2 percent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from schemas.control import PercentileGroup
from scoring.curves import FULL, Curve

__all__ = ["CUSTOMERS_MIN", "CUTS_MAX", "GROUPS_MAX", "Ranked", "cuts_of"]

#: With fewer a rank says more about who happens to be there than about the customer.
CUSTOMERS_MIN = 20
CUTS_MAX = 100
#: Measures times segments of a card, so that a snapshot fits into one record of 1 MiB.
GROUPS_MAX = 300
#: Of many values the first and the last within each such stretch of ranks are cuts.
_STRETCH = 2 * FULL // CUTS_MAX
#: Under which the whole portfolio stands beside the segments.
_PORTFOLIO = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Points by rank. ``curves`` are those of the last snapshot, by segment; none before it."""

    within_segment: bool
    lowest_best: bool
    curves: Mapping[str, Curve]

    def curve(self, segment: str) -> Curve | None:
        """From value to points for a customer of a segment; None: there is no rank for it."""
        return self.curves.get(segment if self.within_segment else _PORTFOLIO)

    def taken(self, groups: Iterable[PercentileGroup]) -> "Ranked":
        """The same with the snapshot's curves; ``groups`` are those of one measure."""
        found = {
            _PORTFOLIO if group.segment is None else group.segment: self._curve(group)
            for group in groups
            if group.cuts and (group.segment is not None) is self.within_segment
        }
        return replace(self, curves=found)

    def _curve(self, group: PercentileGroup) -> Curve:
        values, ranks = zip(*group.cuts, strict=True)
        return Curve(values, tuple(FULL - rank for rank in ranks) if self.lowest_best else ranks)


def cuts_of(values: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Values with their ranks, a hundred at most; none where there are too few customers."""
    ordered = sorted(values)
    count = len(ordered)
    if count < CUSTOMERS_MIN:
        return ()
    ranked: list[tuple[int, int]] = []
    below = 0
    for value, same in groupby(ordered):
        equal = sum(1 for _ in same)
        # (below + equal / 2) / count, a half rounded up.
        ranked.append((value, ((2 * below + equal) * FULL + count) // (2 * count)))
        below += equal
    if len(ranked) <= CUTS_MAX:
        return tuple(ranked)
    cuts: list[tuple[int, int]] = []
    for _, stretch in groupby(ranked, lambda cut: cut[1] // _STRETCH):
        first, *rest = stretch
        cuts += [first, *rest[-1:]]
    return tuple(cuts)
