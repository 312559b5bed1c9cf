"""Who weighs how much: the tree of groups, and the weighted mean with its re-spread.

Missing weight goes to the siblings that have data, by their weights; a group
without any gives its own to its siblings in the same way. So a group's mean is
the mean of its members that have data, weighted by their shares, whatever the
depth. All of it is exact: one division at the end, a half rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Tree", "Weighting"]


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

    def coverage_ppm(self, points: Sequence[int | None]) -> int:
        """The share of the card's weight that has points."""
        return sum(w for w, p in zip(self.measures, points, strict=True) if p is not None)

    def mean(self, tree: Tree, points: Sequence[int | None]) -> int | None:
        """The weighted mean of the measures that have points, None if none weighs anything."""
        count = len(self.groups)
        # Of each group the sum over its members as a fraction: top / bottom, and their weight.
        top, bottom, weight = [0] * count, [1] * count, [0] * count
        whole_top, whole_bottom, whole_weight = 0, 1, 0
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            if of is not None:
                top[group] += own * of
                weight[group] += own
        for group in range(count - 1, -1, -1):
            if not weight[group]:
                continue
            # The group's mean is top / (bottom * weight); it counts with the group's own weight.
            t, b = top[group], bottom[group]
            own = self.groups[group]
            if weight[group] == own:
                pass
            else:
                t, b = t * own, b * weight[group]
            parent = tree.parents[group]
            if parent < 0:
                if b == whole_bottom:
                    whole_top += t
                else:
                    whole_top, whole_bottom = whole_top * b + t * whole_bottom, whole_bottom * b
                whole_weight += own
            elif b == bottom[parent]:
                top[parent] += t
                weight[parent] += own
            else:
                top[parent], bottom[parent] = (
                    top[parent] * b + t * bottom[parent],
                    bottom[parent] * b,
                )
                weight[parent] += own
        if not whole_weight:
            return None
        bottom_all = whole_bottom * whole_weight
        return (2 * whole_top + bottom_all) // (2 * bottom_all)

    def effective_ppm(self, tree: Tree, points: Sequence[int | None]) -> list[int]:
        """What each measure weighs once missing weight is spread, in millionths, rounded down."""
        count = len(self.groups)
        weight = [0] * count
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            if of is not None:
                weight[group] += own
        has = [0] * count
        for group in range(count - 1, -1, -1):
            has[group] += weight[group]
            if has[group] and tree.parents[group] >= 0:
                has[tree.parents[group]] += self.groups[group]
        whole = sum(
            self.groups[group] for group in range(count) if tree.parents[group] < 0 and has[group]
        )
        factors: list[tuple[int, int]] = []
        for group in range(count):
            parent = tree.parents[group]
            up_top, up_bottom = (1_000_000, whole) if parent < 0 else factors[parent]
            factors.append((up_top * self.groups[group], up_bottom * max(has[group], 1)))
        found = []
        for group, own, of in zip(tree.measures, self.measures, points, strict=True):
            top_factor, bottom_factor = factors[group]
            found.append(
                0 if of is None or not bottom_factor else own * top_factor // bottom_factor
            )
        return found
