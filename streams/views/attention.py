"""Who needs attention first: risk x value x closeness of the renewal, in integers. Pure.

- *risk*, hundredths of a point: 10,000 less the score, at least 100. A red customer on
  whom an override acts is at 7,500 at least, whatever the score. Without a score it is
  4,000; an account that its card does not score is at 100.
- *value*, in 1,024ths: 1 + log2(1 + MRR), MRR in whole units of the card's currency;
  the logarithm is drawn with straight lines between the powers of two. A negative MRR
  counts as 0, one that is not known as 100.
- *closeness*, in ten-thousandths: 10,000 on the day of the renewal and for 30 days after
  it, 25 less for each day before it, never below 2,500. A renewal that is not known, or
  longer ago, is at 2,500.

The three multiplied are the *weight*; the greatest comes first. Customers that somebody
handled come after all others, those not pursued after them. docs/view.md says why.
"""

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from schemas.base import parse_time
from schemas.currencies import minor_digits
from schemas.scores import Band
from schemas.view_rows import Row, RowHealth
from streams.clock import to_ms

__all__ = ["WEIGHT_MAX", "Attention", "Standing", "attention_of"]

DAY_MS = 86_400_000
RISK_MAX, RISK_MIN = 10_000, 100
RISK_FORCED_RED, RISK_UNKNOWN = 7_500, 4_000
VALUE_ONE, MRR_UNKNOWN, MRR_MAX = 1_024, 100, 2**62
NEAR_MAX, NEAR_MIN, NEAR_PER_DAY = 10_000, 2_500, 25
#: A renewal that has passed is as close as can be for so long: nobody said yet how it went.
OVERDUE_DAYS = 30
WEIGHT_MAX = RISK_MAX * 64 * VALUE_ONE * NEAR_MAX
#: On this day before the renewal closeness leaves its floor.
_LEAVES_FLOOR_DAYS = (NEAR_MAX - NEAR_MIN) // NEAR_PER_DAY - 1


class Standing(IntEnum):
    """Which part of the attention order a customer is in."""

    OPEN = 0
    HANDLED = 1
    NOT_PURSUED = 2


class Attention(NamedTuple):
    """Why a customer stands where it stands. ``next_ms``: when closeness takes its next step."""

    standing: Standing
    risk: int
    value: int
    closeness: int
    days_to_renewal: int | None
    next_ms: int | None

    @property
    def weight(self) -> int:
        """By what customers of one standing are ordered, the greatest first."""
        return self.risk * self.value * self.closeness


def attention_of(row: Row, now_ms: int) -> Attention:
    """The customer's place in the attention order at an instant."""
    closeness, days, next_ms = _closeness(row, now_ms)
    return Attention(
        _standing(row.health), _risk(row.health), _value(row), closeness, days, next_ms
    )


def _standing(health: RowHealth) -> Standing:
    if health.not_pursued is not None:
        return Standing.NOT_PURSUED
    return Standing.OPEN if health.handled is None else Standing.HANDLED


def _risk(health: RowHealth) -> int:
    if not health.contributions:
        return RISK_MIN
    risk = RISK_UNKNOWN if health.score is None else max(RISK_MAX - health.score, RISK_MIN)
    if health.band is Band.RED and health.overrides:
        return max(risk, RISK_FORCED_RED)
    return risk


def _value(row: Row) -> int:
    minor = row.attributes.get("mrr_reporting_minor")
    mrr = MRR_UNKNOWN
    if isinstance(minor, int):
        mrr = minor // 10 ** minor_digits(str(row.attributes.get("reporting_currency", "")))
    x = 1 + min(max(mrr, 0), MRR_MAX)
    power = x.bit_length() - 1
    return VALUE_ONE * (1 + power) + ((x << 10) >> power) - VALUE_ONE


def _closeness(row: Row, now_ms: int) -> tuple[int, int | None, int | None]:
    """How close the renewal is, the days to it (negative: since it), and the next step."""
    told = row.attributes.get("renewal_at")
    renewal_ms = _ms(told) if isinstance(told, str) else None
    if renewal_ms is None:
        return NEAR_MIN, None, None
    days = -((now_ms - renewal_ms) // DAY_MS)
    if days < -OVERDUE_DAYS:
        return NEAR_MIN, None, None
    if days <= 0:
        return NEAR_MAX, days, renewal_ms + (OVERDUE_DAYS + 1) * DAY_MS
    closeness = max(NEAR_MIN, NEAR_MAX - NEAR_PER_DAY * days)
    step = min(days - 1, _LEAVES_FLOOR_DAYS)
    return closeness, days, renewal_ms - step * DAY_MS


@lru_cache(maxsize=4_096)  # many accounts renew on the same days
def _ms(told: str) -> int | None:
    try:
        return to_ms(parse_time(told))
    except ValueError:
        return None  # not ours: the scorer writes RFC 3339
