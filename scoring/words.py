"""Values in words, as people say them."""

from functools import lru_cache

from scoring.card import MeasureSpec
from scoring.moment import Value
from scoring.units import MICRO, Unit

__all__ = ["joined", "span", "spoken", "value_in_words", "words_of"]

_ABBREVIATIONS = frozenset({"api", "arr", "ces", "csat", "id", "mrr", "nps", "sla"})


@lru_cache(maxsize=4096)
def spoken(name: str) -> str:
    """A name of the scorecard as a word in a sentence: ``last_nps`` is ``last NPS``."""
    words = name.replace(".", " ").replace("_", " ").split()
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def joined(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def words_of(spec: MeasureSpec, value: Value) -> str:
    """A measure's value in words: its ``says`` text with the value in it."""
    shown = "no data" if value is None else value_in_words(spec.shown, value)
    says = None if value is None else spec.says_at.get(value, spec.says)
    if says is not None:
        return says.replace("{value}", shown)
    return f"{spoken(spec.name)}: {shown}"


def value_in_words(unit: Unit, value: Value) -> str:
    """A value with its unit, rounded to what people read."""
    if not isinstance(value, int):
        return str(value)
    if unit is Unit.RATIO:
        return f"{round(value / 10_000)} %"
    if unit is Unit.SECONDS:
        return span(value // MICRO)
    if unit is Unit.DAYS:
        return span((value * 86_400 + 500_000) // MICRO)
    number = value / MICRO
    if unit is Unit.MONEY:
        return f"{number:,.0f}"
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}".removesuffix(".0")


def span(seconds: int) -> str:
    """A time span as people say it: the largest unit that fits, rounded down."""
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {one}" if count == 1 else f"{count} {one}s"
    return "under a minute"
