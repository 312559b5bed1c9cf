"""Series: what is remembered of a customer's events for the metrics of a scorecard.

A :class:`Series` says which events count, what is taken of each, and in which
shape it is kept. Each costs an event one dictionary access or two, whatever the
window, and takes events in any order:

- ``count``: bucket -> how many
- ``total``: bucket -> [how many, sum]
- ``extremes``: bucket -> [least, greatest]
- ``money``: bucket -> {currency: [how many, sum in minor units]}
- ``distinct``: see :mod:`scoring.distinct`
- ``latest``: [event time, event id, value], the youngest wins
- ``samples``: the youngest :data:`SAMPLES_MAX` of [event time, event id, value]

A bucket is a UTC day, or an hour for series that are asked in hours. What is
summed is in millionths of the field's unit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from schemas.signals import Kind, Signal
from scoring.fields import PROPERTIES_AT, Field, raw_of, text_of_property, value_of
from scoring.state import DAY_MS, HOUR_MS
from scoring.things import FAMILY_OF, Thing
from scoring.units import Unit

__all__ = [
    "Series", "Shape", "Test", "Value", "field_value", "is_use", "key_of", "property_value",
    "thing_test",
]  # fmt: skip

#: Whether an event counts. What has no data is not met.
Test = Callable[[Signal], bool]
#: What is taken of an event; None: it has none.
Value = Callable[[Signal], Any]


class Shape(StrEnum):
    """How a series is kept."""

    COUNT = "count"
    TOTAL = "total"
    EXTREMES = "extremes"
    MONEY = "money"
    DISTINCT = "distinct"
    LATEST = "latest"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class Series:
    """One series; two with the same text are the same.

    ``tests`` and ``values`` are by kind of signal; a kind without a test takes all.
    ``times`` counts an event as often as it says. ``keeps_first`` keeps the first
    120 days for ever: the customer's own anchor is in them.
    """

    text: str
    shape: Shape
    kinds: tuple[Kind, ...]
    tests: Mapping[Kind, Test] = field(compare=False, default_factory=dict)
    values: Mapping[Kind, Value] = field(compare=False, default_factory=dict)
    times: bool = False
    hourly: bool = False
    keeps_first: bool = False
    #: How rows name it. This and the next two are worked out once: every reading asks for them.
    key: int = field(init=False, compare=False)
    #: How long a bucket is.
    size_ms: int = field(init=False, compare=False)
    #: Bits of the families of which one must have been heard.
    families: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what follows from the rest."""
        bits = 0
        for kind in self.kinds:
            bits |= FAMILY_OF[kind]
        object.__setattr__(self, "key", key_of(self.text))
        object.__setattr__(self, "size_ms", HOUR_MS if self.hourly else DAY_MS)
        object.__setattr__(self, "families", bits)


def key_of(text: str) -> int:
    """The key of a series' text: 63 bits of its digest.

    Two texts with one key are not to be expected; a card that has them is refused.
    """
    return int.from_bytes(sha256(text.encode()).digest()[:8]) >> 1


def is_use(signal: Signal) -> bool:
    """Whether a signal of a feature says that it was used: it may say that it was not."""
    return bool(signal[9] > 0)


#: Uses: an event may say that it was none.
_USES: dict[str, Test] = {
    "use": is_use,
    "human_use": lambda signal: signal[9] > 0 and signal[8] == 0,
    "failed_use": lambda signal: signal[9] > 0 and signal[11] == 1,
}


def thing_test(thing: Thing, kind: Kind) -> Test | None:
    """What makes a signal of the right kind such a thing; None: all are."""
    if kind is Kind.FEATURE and thing.quantity:
        return _USES[thing.name]
    if thing.only is None:
        return None
    at, values = thing.only
    if thing.also is None:
        return lambda signal: signal[at] in values
    other_at, other_values = thing.also
    return lambda signal: signal[at] in values and signal[other_at] in other_values


def field_value(wanted: Field, kind: Kind) -> Value:
    """What a field takes of the signals of a kind: text, or millionths of its unit."""
    at = wanted.at[kind]
    if wanted.name == "user" and kind is Kind.FEATURE:
        return lambda signal: signal[7] if signal[8] == 0 else None
    if wanted.only is not None:
        where, value = wanted.only
        return lambda signal: value_of(wanted, signal, at) if signal[where] == value else None
    if wanted.unit is Unit.TEXT and wanted.words is None:
        return lambda signal: raw_of(signal, at)
    return lambda signal: value_of(wanted, signal, at)


def property_value(name: str, kind: Kind) -> Value:
    """What an own property takes of the signals of a kind."""
    at = PROPERTIES_AT[kind]

    def read(signal: Signal) -> int | str | None:
        own = raw_of(signal, at)
        return None if own is None else text_of_property(own.get(name))

    return read
