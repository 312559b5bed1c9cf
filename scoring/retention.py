"""Retention: of those who paid when a period began, who still pays, and how much. Pure.

A figure of the portfolio and of each segment, never of one customer. Amounts are
millionths of the card's currency, both at the rates of the period's end: a rate that
moves gains and loses nobody.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from scoring.account import mrr_on
from scoring.card import Card
from scoring.classes import classify
from scoring.evaluate import PPM
from scoring.moment import Moment
from scoring.money import Rates
from scoring.state import HORIZON_DAYS, CustomerState

__all__ = ["DAYS_MAX", "Paid", "Portfolio", "Retention", "paid"]

#: The longest period in days: as long as a customer's MRR is remembered.
DAYS_MAX = HORIZON_DAYS


class Paid(NamedTuple):
    """What a customer paid a month when the period began and at its end; a credit is nothing.

    ``segment`` is the one in which it began: judged with the seats and the MRR of then, since
    one who left would else count among the smallest. Who paid nothing then is judged as of now.
    Empty: in none.
    """

    segment: str
    then: int
    now: int


def paid(state: CustomerState, card: Card, rates: Rates, moment: Moment, days: int) -> Paid | None:
    """The customer in the period of so many days that ends at ``moment``.

    None of an internal account (unless the card scores them), and of one that paid at
    neither end, or whose currency has no rate.
    """
    if state.fact("internal") and not card.scores_internal:
        return None
    began_day = moment.day - days
    then, now = (mrr_on(state, rates, day, moment.day) for day in (began_day, moment.day))
    if then == now == 0:
        return None
    judged = state if then == 0 else _as_it_was(state, began_day)
    segment = "" if card.segments is None else classify(card.segments, judged, moment, None)[0].name
    return Paid(segment, then, now)


def _as_it_was(state: CustomerState, day: int) -> CustomerState:
    """The state with the seats and the MRR of a day; all else is of now."""
    levels = {
        name: msgspec.structs.replace(
            level, days={day_no: entry for day_no, entry in level.days.items() if day_no <= day}
        )
        for name, level in state.levels.items()
    }
    facts, seats = state.facts, state.levels.get("seats")
    told = None if seats is None else seats.at(day)
    if told is not None:
        facts = facts | {"seats": (*facts["seats"][:2], told)}
    return msgspec.structs.replace(state, levels=levels, facts=facts)


@dataclass(frozen=True, slots=True)
class Retention:
    """The figures of one group, in millionths; shares None where nobody paid at the start.

    ``customers`` paid at the start, ``lost`` of them pay nothing now; ``won`` pay now and did
    not then, and are in no share. ``then`` is the MRR of the start, ``expansion``,
    ``contraction`` and ``churn`` what the same customers added and took away since.
    """

    customers: int = 0
    lost: int = 0
    won: int = 0
    then: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    new: int = 0

    @property
    def logo_ppm(self) -> int | None:
        """The share of the customers that still pay."""
        return _share(self.customers - self.lost, self.customers)

    @property
    def gross_ppm(self) -> int | None:
        """The share of the revenue that is left, without what was added."""
        return _share(self.then + self.contraction + self.churn, self.then)

    @property
    def net_ppm(self) -> int | None:
        """The share of the revenue that the same customers bring now; may exceed the whole."""
        kept = self.then + self.expansion + self.contraction + self.churn
        return _share(kept, self.then)

    @classmethod
    def of(cls, one: Paid) -> "Retention":
        """The figures of one customer."""
        moved = one.now - one.then
        if one.then == 0:
            return cls(won=1, new=moved)
        if one.now == 0:
            return cls(customers=1, lost=1, then=one.then, churn=moved)
        kind = "expansion" if moved > 0 else "contraction"
        return cls(customers=1, then=one.then, **{kind: moved})

    def __add__(self, other: "Retention") -> "Retention":
        """The figures of both groups together."""
        names = self.__dataclass_fields__
        return Retention(**{name: getattr(self, name) + getattr(other, name) for name in names})


def _share(part: int, whole: int) -> int | None:
    return part * PPM // whole if whole else None


@dataclass(slots=True)
class Portfolio:
    """The figures of each segment and of all customers, customer by customer."""

    segments: dict[str, Retention] = field(default_factory=dict)

    def add(self, one: Paid) -> None:
        """Count a customer in."""
        before = self.segments.get(one.segment, Retention())
        self.segments[one.segment] = before + Retention.of(one)

    @property
    def total(self) -> Retention:
        """The figures of all customers."""
        return sum(self.segments.values(), Retention())
