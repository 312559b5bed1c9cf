"""Terms: the parts of an expression once their meaning is known, and what combines them.

A term has a unit and a ``read``. Whatever is computed from no data is no data;
a comparison with no data is neither met nor not met, and ``and``, ``or`` and
``not`` keep it so until it no longer matters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from schemas.signals import Kind
from scoring.feeds import Feed
from scoring.moment import NO_DATA, Moment, Reading, Value, earliest, reading_of
from scoring.series import Series
from scoring.state import HOUR_MS, CustomerState
from scoring.units import CALLED, MICRO, ORDERED, Unit
from scoring.windows import Read

__all__ = [
    "Drift",
    "Mismatch",
    "Term",
    "arithmetic",
    "both",
    "by_class",
    "compared",
    "crosses_ms",
    "either",
    "in_unit",
    "known",
    "literal",
    "member",
    "negated",
    "picked",
]

DAY_S = 86_400


class Drift(StrEnum):
    """How a value moves while nothing happens; where the curve is level there, nothing is due."""

    WINDOW = "window"
    RISES = "rises"
    FALLS = "falls"


class Mismatch(ValueError):
    """Two units that do not go together."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression. ``constant`` is its value where it always has the same.

    ``behind`` reads how many events it was made from, where that can be told. ``feeds``
    are the events that feed it beside those that its series keep.
    """

    unit: Unit
    read: Read
    drift: Drift = Drift.WINDOW
    series: tuple[Series, ...] = ()
    kinds: frozenset[Kind] = frozenset()
    constant: Value = None
    is_span: bool = False
    behind: Read | None = None
    feeds: tuple[Feed, ...] = ()
    #: Of values that stand in the card, one for each class: the same in another unit.
    recast: Callable[[Unit], "Term"] | None = None
    #: Whether it stands in the card and is more than 0: what is divided by it drifts as before.
    is_positive: bool = False

    @property
    def is_written(self) -> bool:
        """Whether its value stands in the card, be it another for each class."""
        return self.constant is not None or self.recast is not None


def literal(value: Value, unit: Unit, *, is_span: bool = False) -> Term:
    """A value that stands in the card itself."""
    reading = reading_of(value)
    is_positive = isinstance(value, int) and value > 0 and unit in ORDERED
    return Term(
        unit,
        lambda state, moment: reading,
        constant=value,
        is_span=is_span,
        is_positive=is_positive,
    )


def known(unit: Unit, read: Read, feed: Feed, drift: Drift = Drift.WINDOW) -> Term:
    """A term that needs no series: what it reads is always kept."""
    return Term(unit, read, drift, kinds=frozenset(feed.tests), feeds=(feed,))


def _joined(a: Term, b: Term, unit: Unit, read: Read) -> Term:
    return Term(
        unit, read, series=a.series + b.series, kinds=a.kinds | b.kinds, feeds=a.feeds + b.feeds
    )


def _aligned(a: Term, b: Term) -> tuple[Term, Term]:
    """Both in one unit, where a literal can take the other's."""
    if a.unit is b.unit:
        return a, b
    return _as(a, b.unit), _as(b, a.unit)


def _as(term: Term, unit: Unit) -> Term:
    """A literal in another unit: 7d beside days, 0.2 beside a ratio, 800 beside money."""
    if term.recast is not None and term.unit is not unit:
        return term.recast(unit)
    value = term.constant
    if not isinstance(value, int) or isinstance(value, bool) or term.unit is unit:
        return term
    if term.is_span and unit is Unit.DAYS:
        return literal(value // DAY_S, Unit.DAYS)
    if term.unit is Unit.COUNT and unit in ORDERED:
        return literal(value, unit)
    return term


def by_class(kind: str, values: Mapping[str, Term], otherwise: Term | None) -> Term:
    """A value that stands in the card, another for each class; no data for one that is not named.

    ``kind`` is what the customer's class is known as in the moment.

    Raises:
        Mismatch: if the values' units differ.
    """
    terms = [*values.values()] if otherwise is None else [*values.values(), otherwise]
    unit = terms[0].unit
    odd = next((term for term in terms if term.unit is not unit), None)
    if odd is not None:
        raise Mismatch(f"{unit} and {odd.unit} are not of one kind")
    of_class = {name: reading_of(term.constant) for name, term in values.items()}
    rest = NO_DATA if otherwise is None else reading_of(otherwise.constant)

    def read(state: CustomerState, moment: Moment) -> Reading:
        return of_class.get(moment.known.get(kind, ""), rest)

    def recast(wanted: Unit) -> Term:
        others = {name: _as(term, wanted) for name, term in values.items()}
        return by_class(kind, others, None if otherwise is None else _as(otherwise, wanted))

    return Term(
        unit,
        read,
        is_span=all(term.is_span for term in terms),
        recast=recast,
        is_positive=all(term.is_positive for term in terms),
    )


def in_unit(term: Term, unit: Unit) -> Value:
    """A literal's value in another unit."""
    return _as(term, unit).constant


def arithmetic(operator: str, a: Term, b: Term) -> Term:
    """``a operator b`` for ``+ - * /``.

    Raises:
        Mismatch: with what does not go together.
    """
    for term in (a, b):
        if term.unit not in ORDERED:
            raise Mismatch(f"{CALLED[term.unit]} cannot be reckoned with")
    if operator in "+-":
        a, b = _aligned(a, b)
        if a.unit is not b.unit:
            raise Mismatch(f"{a.unit} and {b.unit} cannot be added or subtracted")
        unit = a.unit
    elif operator == "*":
        scalar = {Unit.COUNT, Unit.RATIO}
        if a.unit not in scalar and b.unit not in scalar:
            raise Mismatch(f"{a.unit} times {b.unit} means nothing")
        unit = b.unit if a.unit in scalar and b.unit is not Unit.RATIO else a.unit
    else:
        if not a.is_written or not b.is_written:
            a, b = (a, _as(b, a.unit)) if b.is_span else (a, b)
        if a.unit is b.unit:
            unit = Unit.RATIO
        elif b.unit in (Unit.COUNT, Unit.RATIO):
            unit = a.unit
        else:
            raise Mismatch(f"{a.unit} divided by {b.unit} means nothing")
    reckon = _OPERATIONS[operator]
    if isinstance(b.constant, int) and operator == "/" and not b.constant:
        raise Mismatch("divided by zero: it would never have data")
    if isinstance(a.constant, int) and isinstance(b.constant, int):
        value = reckon(a.constant, b.constant)
        return literal(value, unit, is_span=unit is Unit.SECONDS and (a.is_span or b.is_span))
    left, right = a.read, b.read

    def read(state: CustomerState, moment: Moment) -> Reading:
        x, y = left(state, moment), right(state, moment)
        next_ms, jump_ms = earliest(x[1], y[1]), earliest(x[2], y[2])
        if x[0] is None or y[0] is None:
            return reading_of(None, next_ms, jump_ms)
        return reading_of(reckon(x[0], y[0]), next_ms, jump_ms)  # type: ignore[arg-type]

    drift = a.drift if operator in "*/" and b.is_positive else Drift.WINDOW
    return replace(_joined(a, b, unit, read), drift=drift)


def _divided(a: int, b: int) -> int | None:
    return a * MICRO // b if b else None


_OPERATIONS: dict[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b // MICRO,
    "/": _divided,
}

_TESTS: dict[str, Callable[[Value, Value], bool]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def compared(operator: str, a: Term, b: Term) -> Term:
    """``a operator b`` for the comparisons.

    Raises:
        Mismatch: with what does not go together.
    """
    a, b = _aligned(a, b)
    if a.unit is not b.unit:
        raise Mismatch(f"{a.unit} cannot be compared with {b.unit}")
    if a.unit not in ORDERED and operator not in ("==", "!="):
        raise Mismatch(f"{CALLED[a.unit]} is neither more nor less: write == or !=")
    if a.is_written and not b.is_written:
        a, b, operator = b, a, _MIRRORED[operator]
    if b.is_written and a.drift is not Drift.WINDOW and operator[0] in "<>":
        return _crossing(operator, a, b)
    test = _TESTS[operator]
    if a.constant is not None and b.constant is not None:
        return literal(test(a.constant, b.constant), Unit.FLAG)
    left, right = a.read, b.read

    def read(state: CustomerState, moment: Moment) -> Reading:
        x, y = left(state, moment), right(state, moment)
        next_ms = earliest(earliest(x[1], x[2]), earliest(y[1], y[2]))
        if x[0] is None or y[0] is None:
            return reading_of(None, next_ms)
        return reading_of(test(x[0], y[0]), next_ms)

    return _joined(a, b, Unit.FLAG, read)


def crosses_ms(origin_ms: int, drift: Drift, upper: int) -> int:
    """When a span in whole hours from (or to) an instant reaches a level, or falls below it.

    ``upper`` is in millionths of a day: the least value on the upper side.
    """
    hours = -(-upper * 24 // MICRO)
    return origin_ms + (hours if drift is Drift.RISES else 1 - hours) * HOUR_MS


def _crossing(operator: str, a: Term, b: Term) -> Term:
    """A span that grows or shrinks against a fixed level: it changes once, at a known instant."""
    test, left, right = _TESTS[operator], a.read, b.read
    above, drift = operator in (">=", "<"), a.drift

    def read(state: CustomerState, moment: Moment) -> Reading:
        value, next_ms, jump_ms, origin_ms = left(state, moment)
        level = right(state, moment)[0]
        if value is None or not isinstance(level, int):
            return reading_of(None, earliest(next_ms, jump_ms))
        if origin_ms is not None:
            turns_ms = crosses_ms(origin_ms, drift, level if above else level + 1)
            next_ms = turns_ms if turns_ms > moment.now_ms else None
        return reading_of(test(value, level), earliest(next_ms, jump_ms))

    return Term(Unit.FLAG, read, series=a.series, kinds=a.kinds, feeds=a.feeds)


def member(of: Term, values: frozenset[Value], *, negated: bool) -> Term:
    """Whether a value is one of a list's."""
    if of.constant is not None:
        return literal((of.constant in values) is not negated, Unit.FLAG)
    inner = of.read

    def read(state: CustomerState, moment: Moment) -> Reading:
        value, next_ms, jump_ms, _ = inner(state, moment)
        if value is None:
            return reading_of(None, earliest(next_ms, jump_ms))
        return reading_of((value in values) is not negated, earliest(next_ms, jump_ms))

    return Term(Unit.FLAG, read, series=of.series, kinds=of.kinds, feeds=of.feeds)


def negated(of: Term) -> Term:
    """``not of``; no data stays no data."""
    if of.constant is not None:
        return literal(not of.constant, Unit.FLAG)
    inner = of.read

    def read(state: CustomerState, moment: Moment) -> Reading:
        reading = inner(state, moment)
        return reading if reading[0] is None else reading._replace(value=not reading[0])

    return Term(Unit.FLAG, read, series=of.series, kinds=of.kinds, feeds=of.feeds)


def both(parts: list[Term]) -> Term:
    """``a and b and ...``: met if all are; not met as soon as one is not."""
    return _combined(parts, decides=False)


def either(parts: list[Term]) -> Term:
    """``a or b or ...``: met as soon as one is."""
    return _combined(parts, decides=True)


def _combined(parts: list[Term], *, decides: bool) -> Term:
    reads = [part.read for part in parts]

    def read(state: CustomerState, moment: Moment) -> Reading:
        value: bool | None = not decides
        next_ms: int | None = None
        for each in reads:
            found, changes_ms, jump_ms, _ = each(state, moment)
            next_ms = earliest(next_ms, earliest(changes_ms, jump_ms))
            if found is decides:
                value = decides
            elif found is None and value is not decides:
                value = None
        return reading_of(value, next_ms)

    return Term(
        Unit.FLAG,
        read,
        series=tuple(one for part in parts for one in part.series),
        kinds=frozenset(kind for part in parts for kind in part.kinds),
        feeds=tuple(feed for part in parts for feed in part.feeds),
    )


def picked(parts: list[Term], pick: Callable[[list[Value]], Value]) -> Term:
    """One of several values of one unit, among those that have data.

    Raises:
        Mismatch: if their units differ.
    """
    first = parts[0]
    aligned = [_as(part, first.unit) for part in parts]
    odd = next((part for part in aligned if part.unit is not first.unit), None)
    if odd is not None:
        raise Mismatch(f"{first.unit} and {odd.unit} are not of one kind")
    reads = [part.read for part in aligned]

    def read(state: CustomerState, moment: Moment) -> Reading:
        found: list[Value] = []
        next_ms: int | None = None
        for each in reads:
            value, changes_ms, jump_ms, _ = each(state, moment)
            next_ms = earliest(next_ms, earliest(changes_ms, jump_ms))
            if value is not None:
                found.append(value)
        return reading_of(pick(found) if found else None, next_ms)

    return Term(
        first.unit,
        read,
        series=tuple(one for part in parts for one in part.series),
        kinds=frozenset(kind for part in parts for kind in part.kinds),
        feeds=tuple(feed for part in parts for feed in part.feeds),
    )
