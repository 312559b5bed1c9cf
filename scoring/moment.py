"""When and of whom a metric is read, and what a reading says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from schemas.signals import Kind
from scoring.state import DAY_MS, CustomerState

__all__ = [
    "NO_DATA", "VALUE_MAX", "Moment", "Reading", "Value", "earliest", "next_of", "reading_of",
    "tuple_of",
]  # fmt: skip

#: A value: millionths of the metric's unit, a text, a flag; None is no data, which is never zero.
Value = int | str | bool | None
#: What a row can hold of a value, in millionths: no valid event may stop a partition.
VALUE_MAX = 2**62


class Reading(NamedTuple):
    """A metric's value, and when it changes if nothing happens.

    ``next_ms`` is the next instant at which it can change by itself. ``jump_ms`` is
    when it leaves its drift: where a curve is level the next step of a drift does
    not matter, but a jump does. ``origin_ms`` is the instant from which (or to
    which) a span is counted.
    """

    value: Value
    next_ms: int | None = None
    jump_ms: int | None = None
    origin_ms: int | None = None


NO_DATA = Reading(None)
#: A tuple of a class from its fields, without the call of its constructor in Python.
tuple_of: Any = tuple.__new__


def reading_of(
    value: Value,
    next_ms: int | None = None,
    jump_ms: int | None = None,
    origin_ms: int | None = None,
) -> Reading:
    """A reading, made without the call of a constructor in Python."""
    made: Reading = tuple_of(Reading, (value, next_ms, jump_ms, origin_ms))
    return made


class Moment:
    """An instant in the life of one customer.

    ``began`` tells since when each series has been kept of this customer, for
    those that were not from its beginning. ``frozen`` has the kinds of signals whose
    source is stalled, and since when. ``known`` is what the evaluation has said so
    far: the segment, the stage, the band; ``asked`` the conditions that it asked, with the
    answers and until when these hold.
    """

    __slots__ = ("_began", "_frozen", "_readings", "asked", "day", "known", "now_ms")

    def __init__(
        self,
        now_ms: int,
        began: Mapping[int, int] | None = None,
        frozen: Mapping[Kind, int] | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.day = now_ms // DAY_MS
        self._began = began
        self._frozen = frozen
        self.known: dict[str, str] = {}
        self.asked: list[tuple[Any, Value, int | None]] = []
        #: By the metric's ``id``: the card keeps it while it is evaluated.
        self._readings: dict[int, Reading] = {}

    def read(self, metric: Any, state: CustomerState) -> Reading:
        """What a metric reads off the customer's state now; read once, however often it is asked.

        A measure is named by many conditions. The state is the same all the while.
        """
        known = self._readings.get(id(metric))
        if known is None:
            known = self._readings[id(metric)] = metric.read(state, self)
        return known

    def complete_from(self, key: int) -> int | None:
        """From when on a series has everything; None: from the customer's beginning."""
        return None if self._began is None else self._began.get(key)

    @property
    def is_any_frozen(self) -> bool:
        """Whether there are kinds of signals that do not come any more."""
        return bool(self._frozen)

    def frozen_since(self, kinds: frozenset[Kind]) -> int | None:
        """Since when one of these kinds does not come any more; None: all of them do."""
        frozen = self._frozen or {}
        return min((at for kind, at in frozen.items() if kind in kinds), default=None)

    def at(self, now_ms: int) -> "Moment":
        """Another instant of the same customer, of whom the same is known."""
        other = Moment(now_ms, self._began)
        other.known = self.known
        return other

    def later(self, now_ms: int) -> "Moment":
        """An instant to come, of which nothing is said yet; what is stalled stays stalled."""
        return Moment(now_ms, self._began, self._frozen)


def earliest(a: int | None, b: int | None) -> int | None:
    """The earlier of two instants; None is never."""
    if a is None or b is None:
        return b if a is None else a
    return a if a < b else b


def next_of(
    times_ms: Sequence[int | None],
    asked: Sequence[tuple[Any, Value, int | None]],
    rest_ms: int | None,
) -> int | None:
    """The first of many instants: of measures, of conditions that were asked, and of the rest."""
    next_ms = rest_ms
    for at_ms in times_ms:
        if at_ms is not None and (next_ms is None or at_ms < next_ms):
            next_ms = at_ms
    for _, _, at_ms in asked:
        if at_ms is not None and (next_ms is None or at_ms < next_ms):
            next_ms = at_ms
    return next_ms
