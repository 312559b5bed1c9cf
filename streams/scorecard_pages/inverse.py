"""From points back to a value: where a curve gives what is asked for. Pure."""

from collections.abc import Callable
from itertools import pairwise

from scoring.curves import Curve

__all__ = ["shown_span", "told_values", "value_at"]

_SAMPLES = 64
#: A line of more dots was made from a formula: its dots say nothing to people.
_DOTS_MAX = 24


def told_values(curve: Curve) -> tuple[int, ...]:
    """The values that tell a curve: its dots, or where it gives 10, 50 and 90 points."""
    if _is_written(curve):
        return curve.xs
    return tuple(sorted({value_at(curve, points) for points in (1_000, 5_000, 9_000)}))


def shown_span(curve: Curve) -> tuple[int, int]:
    """The values between which a curve is worth a look: its dots, or 2 to 98 points."""
    if _is_written(curve):
        return curve.xs[0], curve.xs[-1]
    low, high = sorted((value_at(curve, 200), value_at(curve, 9_800)))
    return low, high


def _is_written(curve: Curve) -> bool:
    """Whether somebody wrote its dots down; else they are many, in one direction."""
    ys = curve.ys
    one_way = list(ys) in (sorted(ys), sorted(ys, reverse=True)) and ys[0] != ys[-1]
    return curve.stepped or len(ys) <= _DOTS_MAX or not one_way


def value_at(curve: Curve, wanted: int) -> int:
    """A value whose points are ``wanted``, or as near to it as the curve comes."""
    first, last = curve.xs[0], curve.xs[-1]
    even = (first + (last - first) * n // _SAMPLES for n in range(_SAMPLES + 1))
    asked = sorted({*curve.xs, *even})

    def off(value: int) -> int:
        return curve.points(value) - wanted

    crossed = [_crossing(low, high, off) for low, high in pairwise(asked) if _turns(low, high, off)]
    return _roundest(min([*asked, *crossed], key=lambda value: abs(off(value))), off)


def _roundest(value: int, off: Callable[[int], int]) -> int:
    """A rounder value with points that are as near: 5 rather than 4.999875."""
    for grain in (1_000_000, 100_000, 10_000, 1_000):
        rounded = (2 * value + grain) // (2 * grain) * grain
        if abs(off(rounded)) <= abs(off(value)):
            return rounded
    return value


def _turns(low: int, high: int, off: Callable[[int], int]) -> bool:
    return (off(low) < 0) != (off(high) < 0)


def _crossing(low: int, high: int, off: Callable[[int], int]) -> int:
    """The value between two at which the points come nearest, by halving."""
    below = off(low) < 0
    while high - low > 1:
        middle = (low + high) // 2
        if (off(middle) < 0) == below:
            low = middle
        else:
            high = middle
    return min((low, high), key=lambda value: abs(off(value)))
