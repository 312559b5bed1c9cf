"""From a metric's value to points: dots joined by lines, steps, S-curves and targets, in integers.

The bounds rule, once: a curve passes exactly through its points and is level
beyond its first and last; a step holds from its ``x`` on (inclusive) up to the
next, and below the first ``x`` the first step's points hold. Values are
integers in millionths, points are hundredths (0 to 10000); a half is rounded up.

Every shape is a :class:`Curve`: :func:`logistic` and :func:`target` compile theirs
into dots, so that there is one evaluation, one bounds rule and one way back from
points to a value (:meth:`Curve.nearest`), which answers what it would take.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

__all__ = ["Curve", "logistic", "target"]

FULL = 10_000
#: Dots per half-span of a logistic: a straight line between two is within 0.023 points of it.
_DOTS = 16
#: Dots to each side of the middle: the first at which it is 0.00 (or 100.00), rounded.
_REACH = 73
#: Up to this span, in millionths, each whole number has a dot.
_NARROW = 8 * _DOTS


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

    def leaves_above(self, value: int) -> int | None:
        """The least greater value that gives other points; None: the curve is level from here."""
        xs, ys, points = self.xs, self.ys, self.points(value)
        for i in range(bisect_right(xs, value), len(xs)):
            if ys[i] != points:
                if self.stepped:
                    return xs[i]
                return _leaves(xs[i - 1], xs[i], ys[i - 1], ys[i], points)
        return None

    def leaves_below(self, value: int) -> int | None:
        """The greatest smaller value that gives other points; None: it is level down from here."""
        xs, ys, points = self.xs, self.ys, self.points(value)
        if self.stepped:
            # The first step's points hold below it too.
            for i in range(bisect_right(xs, value) - 1, 0, -1):
                if ys[i - 1] != points:
                    return xs[i] - 1
            return None
        for i in range(bisect_left(xs, value) - 1, -1, -1):
            if ys[i] != points:
                return -_leaves(-xs[i + 1], -xs[i], ys[i + 1], ys[i], points)
        return None

    def nearest(self, value: int, points: int, grid: int = 1) -> int | None:
        """The value nearest to ``value`` at which the curve gives at least ``points``.

        ``value`` itself if it does already. Otherwise the nearest such multiple of ``grid``
        (a million where only whole numbers make sense), of two equally near ones the
        smaller. None if there is none. Any shape: a curve may rise and fall.
        """
        below = self.nearest_below(value, points, grid)
        above = self.nearest_above(value, points, grid)
        if below is None or above is None:
            return above if below is None else below
        return below if value - below <= above - value else above

    def nearest_above(self, value: int, points: int, grid: int = 1) -> int | None:
        """As :meth:`nearest`, looking only at values that are not less than ``value``."""
        at = value
        while self.points(at) < points:
            first = self._next_above(at, points)
            if first is None:
                return None
            at = -(-first // grid) * grid
        return at

    def nearest_below(self, value: int, points: int, grid: int = 1) -> int | None:
        """As :meth:`nearest`, looking only at values that are not greater than ``value``."""
        at = value
        while self.points(at) < points:
            last = self._next_below(at, points)
            if last is None:
                return None
            at = last // grid * grid
        return at

    def _next_above(self, at: int, points: int) -> int | None:
        """The least value above ``at`` that gives ``points``; ``at`` itself gives fewer."""
        xs, ys = self.xs, self.ys
        for i in range(bisect_right(xs, at), len(xs)):
            if ys[i] >= points:
                if self.stepped:
                    return xs[i]
                x0, run, rise = xs[i - 1], xs[i] - xs[i - 1], ys[i] - ys[i - 1]
                return x0 - (-run * (2 * (points - ys[i - 1]) - 1)) // (2 * rise)
        return None

    def _next_below(self, at: int, points: int) -> int | None:
        """The greatest value below ``at`` that gives ``points``; ``at`` itself gives fewer."""
        xs, ys = self.xs, self.ys
        for i in range(bisect_left(xs, at) - 1, -1, -1):
            if ys[i] >= points:
                if self.stepped:
                    return xs[i + 1] - 1
                run, fall = xs[i + 1] - xs[i], ys[i] - ys[i + 1]
                return xs[i] + run * (2 * (ys[i] - points) + 1) // (2 * fall)
        return None


def _leaves(x0: int, x1: int, y0: int, y1: int, points: int) -> int:
    """The first value on the way from ``x0`` to ``x1`` that does not give ``points``.

    ``points`` are those of a value on the line before it; ``y1`` is another number of points.
    """
    run = x1 - x0
    if y1 > y0:
        return x0 - (-run * (2 * (points - y0) + 1)) // (2 * (y1 - y0))
    return x0 + run * (2 * (y0 - points) + 1) // (2 * (y0 - y1)) + 1


def logistic(low: int, high: int) -> Curve:
    """The S-curve with 10 points at ``low``, 50 half-way and 90 at ``high``, in millionths.

    It falls if ``high`` is the smaller. It is within 0.05 points of the true
    ``100 / (1 + 9 ** (1 - 2 * (x - low) / (high - low)))`` everywhere: 0.00 and 100.00 are
    reached 1.8 spans beyond ``low`` and ``high``.

    Raises:
        ValueError: if ``low`` and ``high`` are the same.
    """
    if low == high:
        raise ValueError("expected two different values, one for 10 points and one for 90")
    # In steps of 1 / (2 * _DOTS) of the span, whole numbers only, rounded away from the middle.
    middle, span = _DOTS * (low + high), abs(high - low)
    below = {(middle - i * span) // (2 * _DOTS) for i in range(_REACH + 1)}
    above = {-(-(middle + i * span) // (2 * _DOTS)) for i in range(_REACH + 1)}
    xs = tuple(sorted(below | above))
    if span <= _NARROW:
        xs = tuple(range(xs[0], xs[-1] + 1))  # steps of whole numbers would be too uneven
    with localcontext(Context(prec=30)):
        ln_9 = Decimal(9).ln()
        ys = tuple(
            int(FULL / (1 + (ln_9 * (low + high - 2 * x) / (high - low)).exp()) + Decimal("0.5"))
            for x in xs
        )
    return Curve(xs, ys)


def target(
    best_from: int, best_to: int, zero_below: int | None = None, zero_above: int | None = None
) -> Curve:
    """100 points from ``best_from`` to ``best_to``, straight down to 0 at each side.

    0 points are reached at ``zero_below`` and ``zero_above`` exactly. Where one of them
    is None that side is open: 100 points however far.

    Raises:
        ValueError: if they are not in order, or both sides are open.
    """
    if best_from > best_to:
        raise ValueError("the best values end before they begin")
    if zero_below is None and zero_above is None:
        raise ValueError("expected a value with 0 points on one side at least")
    dots: dict[int, int] = {}
    if zero_below is not None:
        if zero_below >= best_from:
            raise ValueError("the 0 points below must lie below the best values")
        dots |= {zero_below: 0, best_from: FULL}
    if zero_above is not None:
        if zero_above <= best_to:
            raise ValueError("the 0 points above must lie above the best values")
        dots |= {best_to: FULL, zero_above: 0}
    return Curve(tuple(dots), tuple(dots.values()))
