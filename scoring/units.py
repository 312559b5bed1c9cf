"""What a value is measured in, and how it is written on a scorecard."""

from enum import StrEnum

__all__ = ["CALLED", "MICRO", "ORDERED", "Unit"]

#: Values are whole millionths of their unit.
MICRO = 1_000_000


class Unit(StrEnum):
    """What a value is measured in."""

    COUNT = "number"
    RATIO = "ratio"
    DAYS = "days"
    SECONDS = "seconds"
    MONEY = "money"
    TEXT = "text"
    FLAG = "flag"


#: What a value of it is called in a message.
CALLED = {
    Unit.COUNT: "a number",
    Unit.RATIO: "a ratio",
    Unit.DAYS: "a span of days",
    Unit.SECONDS: "a span of seconds",
    Unit.MONEY: "an amount of money",
    Unit.TEXT: "a text",
    Unit.FLAG: "a flag",
}
#: Those that are more or less; the others are equal or not.
ORDERED = frozenset({Unit.COUNT, Unit.RATIO, Unit.DAYS, Unit.SECONDS, Unit.MONEY})
