"""What differs between the rows that should be in the view and those that are."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.scores import Contribution
from schemas.views import CustomerHealth

__all__ = ["difference"]

_FIELDS: dict[str, Callable[[CustomerHealth], Any]] = {
    "epoch": lambda row: row.epoch,
    "sequence": lambda row: row.sequence,
    "score": lambda row: row.health.score,
    "band": lambda row: row.health.band.value,
    "letter": lambda row: row.health.letter,
    "coverage": lambda row: row.health.coverage_ppm,
    "segment": lambda row: row.health.segment and row.health.segment.name,
    "handled": lambda row: row.health.handled and row.health.handled.reason,
    "not pursued": lambda row: row.health.not_pursued and row.health.not_pursued.reason,
}


def difference(
    expected: Mapping[str, CustomerHealth], found: Mapping[str, CustomerHealth]
) -> list[str]:
    """One line for each customer and field that differs, ordered by customer; empty when equal.

    Compared are epoch, sequence, score, band, letter, coverage, segment, what a
    person set, and every contribution, not the words around them.
    """
    wrong: list[str] = []
    for customer_id in sorted(expected.keys() | found.keys()):
        if customer_id not in found:
            wrong.append(f"{customer_id}: missing in the view")
        elif customer_id not in expected:
            wrong.append(f"{customer_id}: in the view, but there is no such row")
        else:
            wrong += [
                f"{customer_id}: {what}"
                for what in _differing(expected[customer_id], found[customer_id])
            ]
    return wrong


def _differing(expected: CustomerHealth, found: CustomerHealth) -> list[str]:
    wrong = [
        f"{field}: expected {read(expected)}, found {read(found)}"
        for field, read in _FIELDS.items()
        if read(expected) != read(found)
    ]
    wanted, held = (_lines(row.health.contributions) for row in (expected, found))
    for name in sorted(wanted.keys() | held.keys()):
        one, other = wanted.get(name), held.get(name)
        if one != other:
            wrong.append(f"contribution {name}: expected {_says(one)}, found {_says(other)}")
    return wrong


def _lines(contributions: tuple[Contribution, ...]) -> dict[str, list[Contribution]]:
    lines: dict[str, list[Contribution]] = {}
    for line in contributions:
        lines.setdefault(line.name, []).append(line)
    return lines


def _says(lines: list[Contribution] | None) -> str:
    if lines is None:
        return "none"
    return "; ".join(
        f"{line.points} points"
        f" (value {line.value}, curve {line.curve_points}, weight {line.weight_ppm})"
        for line in lines
    )
