"""A floor under a ratio: the benchmark as a test, which no absolute figure can be."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Floor", "below", "floor_in"]

#: Name of a ratio, the least it may be.
Floor = tuple[str, float]


def floor_in(text: str) -> Floor:
    """``vitals/faust=20``: an option's text.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    name, _, least = text.partition("=")
    try:
        found = name, float(least)
    except ValueError:
        found = name, 0.0
    if "/" not in name or not 0 < found[1] < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no floor; write one as vitals/faust=20")
    return found


def below(found: Mapping[str, Any], floors: Sequence[Floor]) -> list[str]:
    """A line for each floor that does not hold; a ratio that is not there is below any."""
    ratios, absent, lines = found.get("ratios", {}), found.get("absent", {}), []
    for name, least in floors:
        ratio = ratios.get(name)
        if ratio is None:
            why = [f"{one}: {absent[one]}" for one in name.split("/") if one in absent]
            said = "; ".join(why) or "no such system, or its outputs differ"
            lines.append(f"{name} is to be at least {least:g} and was not measured ({said})")
        elif ratio < least:
            lines.append(f"{name} is {ratio:g}, below its floor of {least:g}")
    return lines
