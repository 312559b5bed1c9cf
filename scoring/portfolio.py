"""How values are spread over customers: what a snapshot of percentiles is made of. Pure."""

from array import array
from typing import NamedTuple

from schemas.control import PercentileGroup
from scoring.card import Card
from scoring.evaluate import Assessment
from scoring.percentiles import Ranked, cuts_of

__all__ = ["Portfolio"]


class _Group(NamedTuple):
    measure: str
    segment: str | None


class Portfolio:
    """The present values of a card's percentile measures, eight bytes each, by group.

    A group is a measure with a segment of the card, or with all customers, as the measure
    says. Who is not scored, or has no value, or is in no segment, is in no group.
    """

    def __init__(self, card: Card) -> None:
        self._card = card
        self._groups: dict[_Group, array[int]] = {
            _Group(measure.name, segment): array("q")
            for measure in card.ranked
            for segment in _segments(card, measure.curve)
        }

    def add(self, found: Assessment) -> None:
        """Count a customer in."""
        for measure, value in zip(self._card.measures, found.values, strict=False):
            curve = measure.curve
            if isinstance(curve, Ranked) and type(value) is int:
                segment = found.segment if curve.within_segment else None
                group = self._groups.get(_Group(measure.name, segment))
                if group is not None:
                    group.append(value)

    def groups(self) -> tuple[PercentileGroup, ...]:
        """Each group with its cuts, in the card's order."""
        return tuple(
            PercentileGroup(
                measure=group.measure,
                segment=group.segment,
                customers=len(values),
                cuts=cuts_of(values),
            )
            for group, values in self._groups.items()
        )


def _segments(card: Card, curve: object) -> tuple[str | None, ...]:
    if isinstance(curve, Ranked) and curve.within_segment and card.segments is not None:
        return tuple(each.name for each in card.segments.classes)
    return (None,)
