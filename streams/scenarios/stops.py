"""Sources that stop for a while: what they would have brought reaches us when they are back."""

from difflib import get_close_matches
from typing import NamedTuple

from schemas.scenario import parse_local
from schemas.topics import SOURCES
from streams.scenarios.times import ZoneTimes

__all__ = ["Stop", "read_stop"]

#: What can stop: the topics that events come by. Redrive is no source of its own.
_NAMES = tuple(name for name in SOURCES if name != "redrive")
_EXPECTED = "expected source NAME stops FIRST..LAST, such as tickets stops 2026-06-10 02:00..10:00"


class Stop(NamedTuple):
    """A span in which a source brings nothing; Unix milliseconds, the end exclusive."""

    family: str
    first_ms: int
    end_ms: int

    @property
    def topic(self) -> str:
        """The source topic that is declared stalled."""
        return SOURCES[self.family]

    def holds(self, family: str, at_ms: int) -> bool:
        """Whether what comes by this family at this time has to wait for the end."""
        return family == self.family and self.first_ms <= at_ms < self.end_ms


def read_stop(text: str, times: ZoneTimes) -> Stop:
    """The stop in ``tickets stops 2026-06-10 02:00..10:00``; the last day may be another one.

    Raises:
        ValueError: with what was expected.
    """
    name, _, rest = text.partition(" ")
    word, _, span = rest.strip().partition(" ")
    first_text, dots, last_text = span.partition("..")
    if word not in ("stops", "stops,") or not dots:
        raise ValueError(f"{_EXPECTED}, got {text!r}")
    if name not in _NAMES:
        near = get_close_matches(name, _NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"expected one of the sources {', '.join(_NAMES)}, got {name!r}{hint}")
    first = parse_local(first_text.strip())
    last_text = last_text.strip()
    if ":" in last_text and "-" not in last_text:
        last_text = f"{first.day} {last_text}"
    last = parse_local(last_text)
    first_ms, end_ms = times.ms(first), times.ms(last)
    if end_ms <= first_ms:
        raise ValueError(f"{last_text} does not lie after {first_text.strip()}")
    return Stop(name, first_ms, end_ms)
