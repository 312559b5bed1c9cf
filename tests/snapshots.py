"""A card with percentile measures, and snapshots for it."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from hypothesis import strategies as st

from partitionlog import START_MS, at
from schemas.control import PercentileGroup, PercentilesTaken
from schemas.signals import ControlCopy
from scoring.card import hash_of
from scoring.percentiles import cuts_of

#: The values of the others, by measure and segment (None: all customers), in millionths.
Population = Mapping[tuple[str, str | None], Sequence[int]]

CARD = """\
scorecard: ranks
version: "1"
objective: Compare customers with those like them.
owner: test
defaults: {missing: leave_out, minimum_coverage: 0%}
emit: {at_least: 0.01}
segments: {large: account.seats >= 100, small: otherwise}
weights: {usage: 100}
groups:
  usage:
    depth: {share: 40, metric: "count(use, 28d)", percentile: segment}
    breadth: {share: 30, metric: "distinct(feature, 28d)", curve: {0: 0, 10: 100}}
    silence: {share: 30, metric: days_since(use), percentile: {within: portfolio, best: lowest}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 0s}
  red: {enter: "< 50", leave: ">= 56", hold: 24h}
letters: {A: 85, B: 70, C: 50, D: 0}
"""


def snapshot_of(card_text: str, population: Population, reason: str = "test") -> PercentilesTaken:
    """The record that `vitals percentiles take` makes of these values."""
    return PercentilesTaken(
        at=at(START_MS),
        author="test",
        reason=reason,
        name="ranks",
        version="1",
        hash=hash_of(card_text),
        groups=tuple(
            PercentileGroup(
                measure=measure, segment=segment, customers=len(values), cuts=cuts_of(values)
            )
            for (measure, segment), values in population.items()
        ),
    )


def copy_of(taken: PercentilesTaken, offset: int = 1) -> ControlCopy:
    """The copy of a snapshot's record in a partition's log."""
    return ControlCopy(offset, taken.model_dump_json().encode())


def naive_rank(values: Iterable[int], value: int) -> Fraction:
    """The share of values below, and half of those that are equal, in percent."""
    values = list(values)
    below = sum(1 for one in values if one < value)
    equal = sum(1 for one in values if one == value)
    return Fraction(100 * (2 * below + equal), 2 * len(values))


def portfolios(distinct: int = 8, customers: int = 45) -> st.SearchStrategy[list[int]]:
    """Values of a group's customers, in millionths, many of them equal; often 19 or 20."""
    sizes = st.one_of(st.sampled_from([0, 1, 19, 20, 21]), st.integers(0, customers))
    one = st.integers(-2, distinct).map(lambda n: n * 1_000_000 // 3)
    return sizes.flatmap(lambda n: st.lists(one, min_size=n, max_size=n))
