"""A parent account's score from its children's: mean, worst, or weighted by MRR.

The account's own measures have the share that the card gives them. Where they have no
score the children count whole; where no child has one, the own measures do. One division
at the end, a half rounded up.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from scoring.kin import Sums
from scoring.weighting import rounded
from scoring.windows import Read

__all__ = [
    "CHILDREN", "Children", "Hierarchy", "Mean", "children_of", "joined", "mean_of",
    "words_of_children",
]  # fmt: skip

PPM = 1_000_000
#: The name, and the kind, of the children's line.
CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The card's section, compiled; ``mrr`` reads what a child weighs, where that counts."""

    parent: Literal["mean", "worst", "weighted_by_mrr"]
    own_ppm: int
    mrr: Read | None


class Children(NamedTuple):
    """What the children give their parent: points in hundredths, and how many they are."""

    points: int
    accounts: int
    #: What the card leaves to the parent's own measures, in millionths.
    own_ppm: int


def children_of(hierarchy: Hierarchy | None, sums: Sums | None) -> Children | None:
    """What they give; None without a hierarchy, or where no child has a score.

    A child without MRR does not weigh; where none has any, the plain mean counts.
    """
    if hierarchy is None or sums is None or not sums.count:
        return None
    if hierarchy.parent == "worst":
        return Children(min(sums.spread), sums.count, hierarchy.own_ppm)
    top, bottom = sums.scores, sums.count
    if hierarchy.parent == "weighted_by_mrr" and int(sums.mrr) > 0:
        top, bottom = int(sums.weighted), int(sums.mrr)
    return Children(rounded((top, bottom)), sums.count, hierarchy.own_ppm)


class Mean(NamedTuple):
    """The mean of an account's measures and its children, before overrides."""

    points: int | None
    coverage_ppm: int
    #: What the own measures weigh in it: 0 where they have no score.
    own_ppm: int
    children: Children | None


def mean_of(
    own: tuple[int, int] | None,
    coverage_ppm: int,
    coverage_ppm_min: int,
    children: Children | None,
) -> Mean:
    """Both together; ``own`` is the own measures' mean, a fraction, with its coverage."""
    if children is None:
        points = None if own is None else rounded(own)
        return Mean(points, coverage_ppm, PPM, None)
    own_ppm = children.own_ppm
    covered_ppm = PPM - own_ppm + coverage_ppm * own_ppm // PPM
    if own is None or not own_ppm or coverage_ppm < coverage_ppm_min:
        return Mean(children.points, covered_ppm, 0, children)
    return Mean(rounded(joined(own_ppm, own, children)), covered_ppm, own_ppm, children)


def joined(own_ppm: int, own: tuple[int, int], children: Children) -> tuple[int, int]:
    """The own mean, a fraction, at its share, and the children at the rest: not rounded."""
    top, bottom = own
    return own_ppm * top + (PPM - own_ppm) * children.points * bottom, bottom * PPM


def words_of_children(hierarchy: Hierarchy | None, points: int, count: int) -> str:
    """The children's line in words, such as ``children: mean of 4 accounts 62``."""
    what = "worst" if hierarchy is not None and hierarchy.parent == "worst" else "mean"
    by = " by MRR" if hierarchy is not None and hierarchy.parent == "weighted_by_mrr" else ""
    accounts = "1 account" if count == 1 else f"{count:,} accounts"
    shown = f"{points / 100:.1f}".removesuffix(".0")
    return f"children: {what} of {accounts}{by} {shown}"
