"""Readings: raw quantities read off a customer's state, one function per metric.

Each is ``read(state, now_ms, window_days) -> Reading``: the value in millionths
of its unit (None: no data, which is never zero), and the next instant at which
it changes if nothing happens. A window of ``n`` days is the last ``n`` UTC days
with today: a day leaves it at midnight. Days after today count too: a tick waits
for the slowest source, and may lag behind what was read of the others.
Time-valued metrics move in steps of one hour, so that the instants of change
are finite.

What counts as *no data* is said with each metric, in ``scoring.metrics``.
"""

from collections.abc import Iterable
from statistics import median_low
from typing import NamedTuple, TypeVar

from scoring.state import DAY_MS, HORIZON_DAYS, CustomerState

__all__ = [
    "PULSE_DAYS",
    "Reading",
    "active_users_per_seat",
    "days_overdue",
    "days_since_contact",
    "days_since_use",
    "days_to_renewal",
    "distinct_features",
    "failed_payments",
    "failed_share",
    "first_response_median",
    "nps_last",
    "open_tickets",
    "pulse",
    "satisfaction_mean",
    "urgent_tickets",
    "usage_change",
    "uses_per_seat",
]

T = TypeVar("T")
HOUR_MS = 3_600_000
MICRO = 1_000_000
#: A change of more than this many times is shown as this.
CHANGE_MAX = 10 * MICRO
_PULSE = {"good": 100, "unsure": 50, "worried": 25, "lost": 0}
PULSE_DAYS = 90


class Reading(NamedTuple):
    """A metric's value in millionths, and when it changes by itself.

    ``jump_ms`` is when it leaves its drift: a level curve hides the next step of a
    drift, but not a jump.
    """

    value: int | None
    next_ms: int | None = None
    jump_ms: int | None = None


NO_DATA = Reading(None)


def _uses_known(state: CustomerState) -> bool:
    return state.last_use_ms >= 0 or state.ever_feature


def _within(by_day: dict[int, T], oldest: int, youngest: int) -> Iterable[tuple[int, T]]:
    """The days that may lie in (oldest, youngest]: look-ups, or all where those are fewer."""
    if len(by_day) <= youngest - oldest:
        return by_day.items()
    return [(day, by_day[day]) for day in range(oldest + 1, youngest + 1) if day in by_day]


def _uses(state: CustomerState, oldest: int, youngest: int) -> tuple[int, int | None]:
    """Uses in (oldest, youngest], and the first day with any."""
    total, first = 0, None
    for day_no, day in _within(state.days, oldest, youngest):
        if day.uses and oldest < day_no <= youngest:
            total += day.uses
            if first is None or day_no < first:
                first = day_no
    return total, first


def _current(state: CustomerState, now_ms: int, window_days: int) -> tuple[int, int]:
    """The window's bounds: the day before its first, and its last."""
    today = now_ms // DAY_MS
    return today - window_days, max(today, state.last_day)


def _leaves(first: int | None, window_days: int) -> int | None:
    """When a window's first day leaves it."""
    return None if first is None else (first + window_days) * DAY_MS


def uses_per_seat(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    seats = state.fact("seats")
    if not seats or not _uses_known(state):
        return NO_DATA
    total, first = _uses(state, *_current(state, now_ms, window_days))
    return Reading(total * MICRO // seats, _leaves(first, window_days))


def usage_change(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    oldest, youngest = _current(state, now_ms, window_days)
    current, current_first = _uses(state, oldest, youngest)
    before, before_first = _uses(state, oldest - window_days, oldest)
    next_ms = _earliest(_leaves(current_first, window_days), _leaves(before_first, 2 * window_days))
    if not before:
        return Reading(None, next_ms)
    return Reading(min((current - before) * MICRO // before, CHANGE_MAX), next_ms)


def failed_share(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    oldest, youngest = _current(state, now_ms, window_days)
    total, first = _uses(state, oldest, youngest)
    if not total:
        return NO_DATA
    failed = sum(
        day.failed
        for day_no, day in _within(state.days, oldest, youngest)
        if oldest < day_no <= youngest
    )
    return Reading(failed * MICRO // total, _leaves(first, window_days))


def _seen(by_day: dict[int, int], oldest: int, youngest: int) -> tuple[int, int | None]:
    """How many were seen in (oldest, youngest], and the first such day."""
    total, first = 0, None
    for day_no, count in _within(by_day, oldest, youngest):
        if oldest < day_no <= youngest:
            total += count
            if first is None or day_no < first:
                first = day_no
    return total, first


def distinct_features(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    if not _uses_known(state):
        return NO_DATA
    total, first = _seen(state.features.by_day, *_current(state, now_ms, window_days))
    return Reading(total * MICRO, _leaves(first, window_days))


def active_users_per_seat(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    seats = state.fact("seats")
    if not seats or not state.ever_user:
        return NO_DATA
    total, first = _seen(state.users.by_day, *_current(state, now_ms, window_days))
    return Reading(total * MICRO // seats, _leaves(first, window_days))


def _days_since(at_ms: int, now_ms: int) -> Reading:
    hours = max(now_ms - at_ms, 0) // HOUR_MS
    return Reading(hours * MICRO // 24, at_ms + (hours + 1) * HOUR_MS)


def days_since_use(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    return NO_DATA if state.last_use_ms < 0 else _days_since(state.last_use_ms, now_ms)


def days_since_contact(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    return NO_DATA if state.last_contact_ms < 0 else _days_since(state.last_contact_ms, now_ms)


def _open(state: CustomerState, now_ms: int, priorities: tuple[str, ...]) -> Reading:
    if not state.ever_ticket:
        return NO_DATA
    oldest_ms = (now_ms // DAY_MS - HORIZON_DAYS) * DAY_MS
    count, first = 0, None
    for ticket in state.tickets.values():
        if ticket.open and ticket.touched_ms >= oldest_ms:
            if priorities and ticket.priority not in priorities:
                continue
            count += 1
            if first is None or ticket.touched_ms < first:
                first = ticket.touched_ms
    next_ms = None if first is None else (first // DAY_MS + HORIZON_DAYS + 1) * DAY_MS
    return Reading(count * MICRO, next_ms)


def open_tickets(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    return _open(state, now_ms, ())


def urgent_tickets(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    return _open(state, now_ms, ("urgent",))


def _sampled(
    samples: list[tuple[int, int]], now_ms: int, window_days: int
) -> tuple[list[int], int | None]:
    """The values of (at_ms, value) samples within the window, and when the first leaves."""
    oldest = now_ms // DAY_MS - window_days
    inside = [(at_ms // DAY_MS, value) for at_ms, value in samples if at_ms // DAY_MS > oldest]
    if not inside:
        return [], None
    return [value for _, value in inside], (min(day for day, _ in inside) + window_days) * DAY_MS


def first_response_median(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    values, next_ms = _sampled(
        [
            (ticket.first_response_key[0], ticket.first_response_ms)
            for ticket in state.tickets.values()
            if ticket.first_response_ms is not None
        ],
        now_ms,
        window_days,
    )
    return Reading(median_low(values) * 1000, next_ms) if values else NO_DATA


def satisfaction_mean(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    samples = [
        (ticket.satisfaction_key[0], ticket.satisfaction_ppm)
        for ticket in state.tickets.values()
        if ticket.satisfaction_ppm is not None
    ]
    survey = state.fact("survey.csat")
    if survey is not None and survey[1] is not None:
        samples.append((survey[0], survey[1]))
    values, next_ms = _sampled(samples, now_ms, window_days)
    return Reading(sum(values) // len(values), next_ms) if values else NO_DATA


def _billing_known(state: CustomerState) -> bool:
    return state.ever_invoice or "mrr_minor" in state.facts


def days_overdue(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    if not _billing_known(state):
        return NO_DATA
    oldest_ms = (now_ms // DAY_MS - HORIZON_DAYS) * DAY_MS
    due = [
        (invoice.due_ms, invoice.touched_ms)
        for invoice in state.invoices.values()
        if invoice.owed and invoice.due_ms is not None and invoice.touched_ms >= oldest_ms
    ]
    if not due:
        return Reading(0)
    due_ms, touched_ms = min(due)
    forgotten_ms = (touched_ms // DAY_MS + HORIZON_DAYS + 1) * DAY_MS
    return _days_since(due_ms, now_ms)._replace(jump_ms=forgotten_ms)


def failed_payments(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    total, first = 0, None
    oldest, youngest = _current(state, now_ms, window_days)
    for day_no, day in _within(state.days, oldest, youngest):
        if day.payments_failed and oldest < day_no <= youngest:
            total += day.payments_failed
            if first is None or day_no < first:
                first = day_no
    if not total and not _billing_known(state):
        return NO_DATA
    return Reading(total * MICRO, _leaves(first, window_days))


def days_to_renewal(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    renewal_ms = state.fact("renewal_at")
    if renewal_ms is None:
        return NO_DATA
    if now_ms >= renewal_ms:
        return Reading(0)
    hours = -((now_ms - renewal_ms) // HOUR_MS)
    return Reading(hours * MICRO // 24, renewal_ms - (hours - 1) * HOUR_MS)


def nps_last(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    answer = state.fact("survey.nps")
    if answer is None or answer[1] is None:
        return NO_DATA
    expires_ms = (answer[0] // DAY_MS + window_days) * DAY_MS
    if now_ms >= expires_ms:
        return NO_DATA
    return Reading(answer[1] * 10, expires_ms)


def pulse(state: CustomerState, now_ms: int, window_days: int) -> Reading:
    """See its entry in ``scoring.metrics``."""
    register = state.facts.get("pulse")
    if register is None or register[2] is None or register[2][0] not in _PULSE:
        return NO_DATA
    expires_ms = register[2][3] or register[0] + window_days * DAY_MS
    if now_ms >= expires_ms:
        return NO_DATA
    return Reading(_PULSE[register[2][0]] * MICRO, expires_ms)


def _earliest(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)
