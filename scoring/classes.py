"""Classes: segments, lifecycle stages, archetypes, the outlook. The first match wins.

A class once entered is kept for the card's ``min_stay``, so that a customer at a
boundary does not flap; then the first class that matches is entered. The first
one is entered at once.
"""

from dataclasses import dataclass
from typing import NamedTuple

from scoring.metrics import Metric, ask
from scoring.moment import Moment
from scoring.state import CustomerState

__all__ = ["Class", "Classification", "Place", "classify"]


@dataclass(frozen=True, slots=True)
class Class:
    """One class: its name, what people read, and its condition (None: otherwise)."""

    name: str
    label: str
    when: Metric | None
    says: str
    #: The level of the score to expect, see scoring.expected.
    expects: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """Classes in their declared order."""

    kind: str
    classes: tuple[Class, ...]
    min_stay_ms: int = 0

    def named(self, name: str) -> Class | None:
        """The class of this name, None if the card has none."""
        return next((one for one in self.classes if one.name == name), None)


class Place(NamedTuple):
    """The class that a customer is in (empty: none), and since when."""

    name: str
    since_ms: int


def classify(
    found: Classification, state: CustomerState, moment: Moment, known: Place | None
) -> tuple[Place, int | None]:
    """The customer's class, and when it is free to leave it, where it waits for that.

    When the answers change by themselves the moment says, which notes the conditions asked.
    """
    name = ""
    for one in found.classes:
        if one.when is None:
            name = one.name
            break
        if ask(one.when, state, moment)[0] is True:
            name = one.name
            break
    if known is None:
        return Place(name, moment.now_ms), None
    if name == known.name:
        return known, None
    free_ms = known.since_ms + found.min_stay_ms
    if moment.now_ms < free_ms and (not known.name or found.named(known.name) is not None):
        return known, free_ms
    return Place(name, moment.now_ms), None
