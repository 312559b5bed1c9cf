"""Numbers of a card as words: amounts in a metric's unit, points, weights, holds, curves.

Nothing that somebody wrote is rounded: what a card says is said exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from itertools import pairwise

from scoring.curves import Curve
from scoring.percentiles import Ranked
from scoring.units import Unit
from streams.scorecard_pages.inverse import told_values

__all__ = [
    "amount", "curve_in_words", "listed", "percent", "percents", "points", "rank_in_words",
    "sentence", "span", "tick_label", "weights_in_words",
]  # fmt: skip

_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60
#: Significant digits: more than any value has, and as many as an axis has room for.
_EXACT, _SHORT_DIGITS = 28, 4
_SHORT = {"day": "d", "hour": "h", "minute": "min", "second": "s"}


def amount(unit: Unit, millionths: int, digits: int = _EXACT) -> str:
    """A value in its unit: ``20 %``, ``7 days``, ``8 hours``, ``5``."""
    count, one = _in_unit(unit, millionths, digits)
    if one in ("", "%"):
        return f"{count} {one}".rstrip()
    return f"{count} {one}" if count == "1" else f"{count} {one}s"


def tick_label(unit: Unit, millionths: int) -> str:
    """A value as it stands at an axis: ``20 %``, ``7 d``, ``8 h``, ``5``; rounded."""
    count, one = _in_unit(unit, millionths, _SHORT_DIGITS)
    return f"{count} {_SHORT.get(one, one)}".rstrip()


def _in_unit(unit: Unit, millionths: int, digits: int) -> tuple[str, str]:
    """The number, in at most so many digits, and the name of one of what it counts."""
    if unit is Unit.RATIO:
        return _number(millionths, 10_000, digits), "%"
    if unit is Unit.SECONDS:
        return _time(millionths, digits)
    # Hours and minutes of a day are no whole millionths: to the second they are exact.
    seconds = (2 * millionths * _DAY_S + 1_000_000) // 2_000_000
    if unit is Unit.DAYS and seconds % _DAY_S and seconds % 60 == 0 and abs(seconds) < 2 * _DAY_S:
        return _time(seconds * 1_000_000, digits)
    return _number(millionths, 1_000_000, digits), "day" if unit is Unit.DAYS else ""


def _time(millionths: int, digits: int) -> tuple[str, str]:
    """Seconds in the largest unit that leaves no rest; a single day is 24 hours."""
    for size, one, at_least in (
        (_DAY_S, "day", 2 * _DAY_S), (_HOUR_S, "hour", _HOUR_S), (_MINUTE_S, "minute", _MINUTE_S),
    ):  # fmt: skip
        if abs(millionths) >= at_least * 1_000_000 and millionths % (size * 1_000_000) == 0:
            return _number(millionths, size * 1_000_000, digits), one
    return _number(millionths, 1_000_000, digits), "second"


def span(seconds: int) -> str:
    """A time to wait: ``24 hours``."""
    return amount(Unit.SECONDS, seconds * 1_000_000)


def points(hundredths: int) -> str:
    """Points without needless zeros: 7500 is ``75``, 7550 is ``75.5``."""
    return _number(hundredths, 100)


def percent(ppm: int) -> str:
    """A weight: millionths as ``13.5 %``."""
    return f"{_number(ppm, 10_000)} %"


def percents(weights_ppm: Sequence[int]) -> str:
    """Weights of the same under several weightings: ``13.5 %``, ``9 to 21 %``."""
    low, high = min(weights_ppm), max(weights_ppm)
    return percent(low) if low == high else f"{_number(low, 10_000)} to {percent(high)}"


def weights_in_words(weightings: Sequence[str], weights_ppm: Sequence[int]) -> str:
    """Each weight with what chooses it: ``50 % in Onboarding and 30 % in Renewal``."""
    if len(weightings) < 2:
        return percent(weights_ppm[0])
    told = zip(weightings, weights_ppm, strict=True)
    return listed(f"{percent(weight)} in {name}" for name, weight in told)


def _number(value: int, divisor: int, digits: int = _EXACT) -> str:
    """A decimal number in at most so many digits, the minus a minus sign."""
    number = Context(prec=digits).divide(Decimal(value), Decimal(divisor))
    return f"{number.normalize():f}".replace("-", "−")


def sentence(words: str) -> str:
    """The words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    *rest, end = words
    return f"{', '.join(rest)} {last} {end}" if rest else end


def curve_in_words(curve: Curve, unit: Unit) -> str:
    """What becomes of a value: ``100 up to 1 day, falling to 70 at 7 days and 0 at 30 days``."""

    def at(value: int) -> str:
        return amount(unit, value)

    told = told_values(curve)
    dots = [(x, curve.points(x)) for x in told]
    if curve.stepped:
        return _steps(dots, at)
    if told == curve.xs:
        return _lines(dots, at)
    return _smooth(curve, dots, lambda value: amount(unit, value, _SHORT_DIGITS))


def rank_in_words(ranked: Ranked) -> str:
    """What becomes of a value that is compared with those of others."""
    among = "the customers of its segment" if ranked.within_segment else "all customers"
    lowest, highest = ("100", "0") if ranked.lowest_best else ("0", "100")
    return (
        f"the rank among {among}, as last taken:"
        f" from near {lowest} for the lowest value to near {highest} for the highest;"
        " drawn over the share of customers that do worse"
    )


def _steps(dots: list[tuple[int, int]], at: Callable[[int], str]) -> str:
    if len(dots) == 1:
        return f"always {points(dots[0][1])}"
    parts = [f"{points(dots[0][1])} below {at(dots[1][0])}"]
    parts += [f"{points(y)} from {at(x)} on" for x, y in dots[1:]]
    return listed(parts)


def _smooth(curve: Curve, dots: list[tuple[int, int]], at: Callable[[int], str]) -> str:
    """A curve that was made from a formula: where it comes from, where it goes, some values."""
    first, last = curve.ys[0], curve.ys[-1]
    verb = "rising" if last > first else "falling"
    stops = listed([f"{points(y)} at {at(x)}" for x, y in dots])
    return f"{verb} smoothly from {points(first)} to {points(last)}: {stops}"


def _lines(dots: list[tuple[int, int]], at: Callable[[int], str]) -> str:
    """Runs in one direction, each told with its verb; 0 is an end, no need for "up to"."""
    first_x, first_y = dots[0]
    start = f"{points(first_y)} {'at' if first_x == 0 else 'up to'} {at(first_x)}"
    runs: list[tuple[str, list[str]]] = []
    for (_, before), (x, y) in pairwise(dots):
        verb = "staying at" if y == before else "rising to" if y > before else "falling to"
        if not runs or runs[-1][0] != verb:
            runs.append((verb, []))
        runs[-1][1].append(f"{points(y)} {'until' if y == before else 'at'} {at(x)}")
    told = [f"{verb} {listed(stops)}" for verb, stops in runs]
    return ", then ".join([f"{start}, {told[0]}", *told[1:]]) if told else start
