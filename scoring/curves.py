"""From a metric's value to points: piecewise-linear curves and steps, in integers.

The bounds rule, once: a curve passes exactly through its points and is level
beyond its first and last; a step holds from its ``x`` on (inclusive) up to the
next, and below the first ``x`` the first step's points hold. Values are
integers in millionths, points are hundredths (0 to 10000); a half is rounded up.
"""

from bisect import bisect_right
from dataclasses import dataclass

__all__ = ["Curve"]


@dataclass(frozen=True, slots=True)
class Curve:
    """``xs`` ascending, in millionths; ``ys`` in hundredths of a point."""

    xs: tuple[int, ...]
    ys: tuple[int, ...]
    stepped: bool = False

    def points(self, value: int) -> int:
        """The points at ``value``, 0 to 10000."""
        xs, ys = self.xs, self.ys
        i = bisect_right(xs, value)
        if i == 0:
            return ys[0]
        if i == len(xs) or self.stepped:
            return ys[i - 1]
        x0, x1, y0, y1 = xs[i - 1], xs[i], ys[i - 1], ys[i]
        run = x1 - x0
        return y0 + (2 * (y1 - y0) * (value - x0) + run) // (2 * run)

    def level_above(self, value: int) -> bool:
        """Whether no greater value gives other points."""
        return value >= self.xs[-1]

    def level_below(self, value: int) -> bool:
        """Whether no smaller value gives other points."""
        return value <= self.xs[0] if not self.stepped else len(self.xs) < 2 or value < self.xs[1]
