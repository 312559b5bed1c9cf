"""Who weighs how much: the tree of groups, and the weighted mean with its re-spread.

Missing weight goes to the siblings that have data, by their weights; a group
without any gives its own to its siblings in the same way. So a group's mean is
the mean of its members that have data, weighted by their shares, whatever the
depth. All of it is exact: one division at the end, a half rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

__all__ = ["Tree", "Weighting", "adds_up", "rounded", "wholes_of"]

#: What products are in: millionths of millionths of a hundredth.
_WHOLE = 10**12


@dataclass(frozen=True, slots=True)
class Tree:
    """Groups within groups: for each group its parent's index (-1: the card itself).

    Parents stand before their members. ``measures`` has each measure's group.
    """

    parents: tuple[int, ...]
    measures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights in millionths of the whole card: of each group and of each measure."""

    name: str
    groups: tuple[int, ...]
    measures: tuple[int, ...]
    #: Each group weighs what its members do, so where all have points nothing is spread.
    adds_up: bool = False

    def coverage_ppm(self, points: Sequence[int | None]) -> int:
        """The share of the card's weight that has points."""
        covered = 0
        measures = self.measures
        for index, of in enumerate(points):
            if of is not None:
                covered += measures[index]
        return covered

    def mean(self, tree: Tree, points: Sequence[int | None]) -> int | None:
        """The weighted mean of the measures that have points, None if none weighs anything."""
        exact = self.exact_mean(tree, points)
        return None if exact is None else rounded(exact)

    def exact_mean(self, tree: Tree, points: Sequence[int | None]) -> tuple[int, int] | None:
        """The same mean as a fraction that is not rounded."""
        if self.adds_up and None not in points:
            return sum(map(mul, self.measures, points)), sum(self.measures)
        count = len(self.groups)
        # Of each group the sum over its members as a fraction, top / bottom, and their weight;
        # the last is the card itself, which the parent -1 points at.
        top, bottom, weight = [0] * (count + 1), [1] * (count + 1), [0] * (count + 1)
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            if of is not None:
                top[group] += own * of
                weight[group] += own
        for group in range(count - 1, -1, -1):
            if not weight[group]:
                continue
            # The group's mean is top / (bottom * weight); it counts with the group's own weight.
            t, b, own = top[group], bottom[group], self.groups[group]
            if weight[group] != own:
                t, b = t * own, b * weight[group]
            parent = tree.parents[group]
            weight[parent] += own
            if b == bottom[parent]:
                top[parent] += t
            else:
                top[parent] = top[parent] * b + t * bottom[parent]
                bottom[parent] *= b
        if not weight[-1]:
            return None
        return top[-1], bottom[-1] * weight[-1]

    def effective_ppm(self, tree: Tree, points: Sequence[int | None]) -> list[int]:
        """What each measure weighs once missing weight is spread, in millionths, rounded down."""
        if self.adds_up and None not in points:
            total = sum(self.measures)
            return [own * 1_000_000 // total for own in self.measures]
        count = len(self.groups)
        has = [0] * (count + 1)
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            if of is not None:
                has[group] += own
        for group in range(count - 1, -1, -1):
            if has[group]:
                has[tree.parents[group]] += self.groups[group]
        # Of each group what reaches its members, as a fraction; the card's own stands last.
        factors = [(0, 1)] * count + [(1_000_000, has[-1])]
        for group in range(count):
            above_top, above_bottom = factors[tree.parents[group]]
            factors[group] = (above_top * self.groups[group], above_bottom * max(has[group], 1))
        found = []
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            top, bottom = factors[group]
            found.append(0 if of is None or not bottom else own * top // bottom)
        return found


def rounded(exact: tuple[int, int]) -> int:
    """A fraction as a whole number, a half rounded up."""
    top, bottom = exact
    return (2 * top + bottom) // (2 * bottom)


def adds_up(tree: Tree, groups: Sequence[int], measures: Sequence[int]) -> bool:
    """Whether each group weighs exactly what its members do: their shares divided evenly."""
    left = list(groups)
    for group, weight in zip(tree.measures, measures, strict=True):
        left[group] -= weight
    for group, parent in enumerate(tree.parents):
        if parent >= 0:
            left[parent] -= groups[group]
    return not any(left) and sum(measures) > 0


def wholes_of(products: list[int]) -> list[int]:
    """Products of points and two shares in millionths, as whole hundredths that add up.

    The fractions that are left over go to the largest remainders, of equal ones to the earlier.
    """
    nominal = rounded((sum(products), _WHOLE))
    wholes = [product // _WHOLE for product in products]
    left = nominal - sum(wholes)
    if left:
        by_fraction = sorted(range(len(products)), key=lambda index: -(products[index] % _WHOLE))
        for index in by_fraction[:left]:
            wholes[index] += 1
    return wholes
