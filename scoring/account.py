"""Readings of what is known of the account: facts, dates, seats, MRR, what a person said."""

from operator import itemgetter

from scoring.levels import Level, movement
from scoring.moment import NO_DATA, Moment, Reading, reading_of
from scoring.money import Rates
from scoring.own_past import CHANGE_MAX
from scoring.state import DAY_MS, HOUR_MS, CustomerState
from scoring.units import MICRO
from scoring.windows import Read, Window, since

__all__ = [
    "FACTS",
    "Mark",
    "attribute",
    "cancel_scheduled",
    "days_to_renewal",
    "fact",
    "internal",
    "mrr",
    "mrr_change",
    "mrr_movement",
    "mrr_on",
    "not_pursued",
    "pulse",
    "pursuit_of",
    "seats",
    "seats_change",
    "tenure",
]

PULSE_DAYS = 90
#: How long "not pursued" lasts where nobody said until when.
PURSUIT_DAYS = 180
#: What a person set, as it is told: since when, who, why, until when (None: it has no end).
Mark = tuple[int, str, str, int | None]
_PULSES = frozenset({"good", "unsure", "worried", "lost"})
#: Texts of the account that a card may read.
FACTS = ("status", "country", "owner", "plan", "parent", "zone", "name", "currency")


def fact(name: str) -> Read:
    """A text of the account, as last said."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        value = state.fact(name)
        return NO_DATA if value is None else reading_of(str(value))

    return read


def attribute(name: str) -> Read:
    """One of the account's own attributes."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        value = (state.fact("attributes") or {}).get(name)
        return NO_DATA if value is None else reading_of(str(value))

    return read


def internal(state: CustomerState, moment: Moment) -> Reading:
    """Whether it is an internal or test account; it is not unless it was said."""
    return reading_of(bool(state.fact("internal")))


def seats(state: CustomerState, moment: Moment) -> Reading:
    """Seats paid for."""
    value = state.fact("seats")
    return NO_DATA if value is None else reading_of(value * MICRO)


def mrr(rates: Rates) -> Read:
    """Monthly recurring revenue in the card's currency, at today's rate."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        _, amount_minor, currency = (_told_mrr(state) or [(0, None, "")])[-1]
        if amount_minor is None:
            return NO_DATA
        return reading_of(
            rates.convert(amount_minor, currency, moment.day),
            rates.next_change_ms(currency, moment.day),
        )

    return read


def _told_mrr(state: CustomerState) -> list[tuple[int, int | None, str]]:
    """What was told of MRR, in order of time: day, amount, and its currency, else the account's."""
    account = state.fact("currency") or ""
    told = sorted(
        ((entry[:2], name, day, entry[2]) for name, level in _mrr_levels(state)
         for day, entry in level.days.items()),
        key=itemgetter(0, 1),
    )  # fmt: skip
    return [(day, amount, name.partition(":")[2] or account) for _, name, day, amount in told]


def _mrr_levels(state: CustomerState) -> list[tuple[str, Level]]:
    """The histories of MRR, one for each currency."""
    return [(name, level) for name, level in state.levels.items() if name.startswith("mrr:")]


def seats_change(window: Window) -> Read:
    """Seats now against a window ago."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        level = state.levels.get("seats")
        if level is None:
            return NO_DATA
        return _change(level.at(moment.day - window.buckets), level.at(_FAR), moment)

    return read


def _change(before: int | None, now: int | None, moment: Moment) -> Reading:
    tomorrow_ms = (moment.day + 1) * DAY_MS
    if not before or before < 0 or now is None:
        return reading_of(None, tomorrow_ms)
    return reading_of(min((now - before) * MICRO // before, CHANGE_MAX), tomorrow_ms)


#: After every day that a level may have: what lies ahead of a tick counts with today.
_FAR = 10**9


def _worth(rates: Rates, amount_minor: int | None, currency: str, day_no: int) -> int | None:
    """An amount at a day's rate; None: there is none of either."""
    return None if amount_minor is None else rates.convert(amount_minor, currency, day_no)


def _mrr_values(state: CustomerState, rates: Rates) -> list[tuple[int, int | None]]:
    """MRR at the end of each day on which it was told, in millionths of the card's currency."""
    last = {day: (amount, currency) for day, amount, currency in _told_mrr(state)}
    return [(day, _worth(rates, amount, currency, day)) for day, (amount, currency) in last.items()]


def mrr_on(state: CustomerState, rates: Rates, day_no: int, rate_day: int) -> int:
    """MRR at the end of a day, at the rate of another; 0 for none, a credit, an unknown worth."""
    told = [entry for entry in _told_mrr(state) if entry[0] <= day_no]
    _, amount_minor, currency = told[-1] if told else (0, None, "")
    return max(rates.convert(amount_minor or 0, currency, rate_day) or 0, 0)


def mrr_change(window: Window, rates: Rates) -> Read:
    """MRR now against a window ago, each at the rate of its day."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        told, end = _told_mrr(state), moment.day - window.buckets
        then = [entry for entry in told if entry[0] <= end]
        if not then:
            return reading_of(None, (moment.day + 1) * DAY_MS) if told else NO_DATA
        before, now = (
            _worth(rates, amount, currency, day)
            for (_, amount, currency), day in ((then[-1], end), (told[-1], moment.day))
        )
        return _change(before, now, moment)

    return read


def mrr_movement(window: Window, kind: str | None, rates: Rates) -> Read:
    """What MRR gained and lost in the window."""

    def read(state: CustomerState, moment: Moment) -> Reading:
        values = _mrr_values(state, rates)
        if all(value is None for _, value in values):
            return NO_DATA
        firsts = (level.first_day for _, level in _mrr_levels(state))
        first = min((day for day in firsts if day is not None), default=None)
        moved = movement(values, window.before_first(moment), _FAR, first)
        amount = moved.total if kind is None else int(getattr(moved, kind))
        return reading_of(amount, (moment.day + 1) * DAY_MS)

    return read


def tenure(state: CustomerState, moment: Moment) -> Reading:
    """Days since the contract began; else since the account was created."""
    started_ms = state.fact("started_at")
    if started_ms is None:
        started_ms = state.fact("created_at")
    return NO_DATA if started_ms is None else since(started_ms, moment.now_ms)


def days_to_renewal(state: CustomerState, moment: Moment) -> Reading:
    """Days to the renewal date, by whole hours rounded up; 0 once it has passed."""
    renewal_ms = state.fact("renewal_at")
    if renewal_ms is None:
        return NO_DATA
    if moment.now_ms >= renewal_ms:
        return reading_of(0)
    hours = -((moment.now_ms - renewal_ms) // HOUR_MS)
    next_ms = renewal_ms - (hours - 1) * HOUR_MS
    return reading_of(hours * MICRO // 24, next_ms, origin_ms=renewal_ms)


def cancel_scheduled(state: CustomerState, moment: Moment) -> Reading:
    """Whether a cancellation is scheduled."""
    return reading_of(bool(state.fact("cancel_scheduled")))


def pulse(state: CustomerState, moment: Moment) -> Reading:
    """What a person thinks, until it expires."""
    register = state.facts.get("pulse")
    if register is None or register[2] is None or register[2][0] not in _PULSES:
        return NO_DATA
    expires_ms = register[2][3] or register[0] + PULSE_DAYS * DAY_MS
    return reading_of(register[2][0], expires_ms) if moment.now_ms < expires_ms else NO_DATA


def pursuit_of(state: CustomerState, now_ms: int) -> Mark | None:
    """The mark "not pursued", None where it was never set, taken back, or has ended."""
    register = state.facts.get("pursuit")
    if register is None or register[2] is None or register[2][0] != "not_pursued":
        return None
    at_ms, _, (_, reason, author, expires_ms) = register
    until_ms = at_ms + PURSUIT_DAYS * DAY_MS if expires_ms is None else expires_ms
    return (at_ms, author, reason, until_ms) if now_ms < until_ms else None


def not_pursued(state: CustomerState, moment: Moment) -> Reading:
    """Whether a person set this state, until it expires."""
    mark = pursuit_of(state, moment.now_ms)
    return reading_of(False) if mark is None else reading_of(True, mark[3])
