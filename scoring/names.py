"""Near misses: what somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["near"]


def near(name: str, known: Iterable[str]) -> str:
    """A hint to append to "no ... named x": the nearest name, or all of them if there are few."""
    names = list(known)
    found = get_close_matches(name, names, n=1)
    if found:
        return f"; did you mean {found[0]}?"
    return f"; there are {', '.join(names)}" if len(names) <= 24 else ""
