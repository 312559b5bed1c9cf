"""Metrics: what a measure can look at. Each has a reading, a unit, and a default window.

What counts as *no data* is said with each metric.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from schemas.signals import Kind
from scoring import readings
from scoring.readings import Reading
from scoring.state import HORIZON_DAYS, CustomerState

__all__ = ["METRICS", "Drift", "Metric", "Unit"]


class Unit(StrEnum):
    """What a value is measured in."""

    COUNT = "count"
    RATIO = "ratio"
    DAYS = "days"
    SECONDS = "seconds"
    SCORE = "score"


class Drift(StrEnum):
    """How a value moves while nothing happens; where the curve is level there, nothing is due."""

    WINDOW = "window"
    RISES = "rises"
    FALLS = "falls"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: how it is read, in what unit, and which kinds of signals move it."""

    name: str
    read: Callable[[CustomerState, int, int], Reading]
    unit: Unit
    drift: Drift
    kinds: tuple[Kind, ...]
    window_days: int | None
    about: str
    window_days_max: int = HORIZON_DAYS


_USE = (Kind.FEATURE, Kind.ACTIVITY)
_SEATS = (Kind.ACCOUNT, Kind.BILLING)

#: Every metric by name. docs/scorecards.md lists them from here.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "uses_per_seat",
            readings.uses_per_seat,
            Unit.COUNT,
            Drift.WINDOW,
            (*_USE, *_SEATS),
            28,
            "Uses in the window per seat paid. No data: no seats known, or never used.",
        ),
        Metric(
            "usage_change",
            readings.usage_change,
            Unit.RATIO,
            Drift.WINDOW,
            _USE,
            28,
            "Uses in the window against the window before. No data: nothing in the window before.",
            HORIZON_DAYS // 2,
        ),
        Metric(
            "failed_share",
            readings.failed_share,
            Unit.RATIO,
            Drift.WINDOW,
            _USE,
            28,
            "Share of the uses in the window that failed. No data: no use in it.",
        ),
        Metric(
            "distinct_features",
            readings.distinct_features,
            Unit.COUNT,
            Drift.WINDOW,
            _USE,
            28,
            "Different features used in the window. No data: never used.",
        ),
        Metric(
            "active_users_per_seat",
            readings.active_users_per_seat,
            Unit.RATIO,
            Drift.WINDOW,
            (*_USE, *_SEATS),
            28,
            "Different people active in the window per seat paid."
            " No data: no seats or no user known.",
        ),
        Metric(
            "days_since_use",
            readings.days_since_use,
            Unit.DAYS,
            Drift.RISES,
            _USE,
            None,
            "Days since a person last used it. No data: never used.",
        ),
        Metric(
            "open_tickets",
            readings.open_tickets,
            Unit.COUNT,
            Drift.WINDOW,
            (Kind.TICKET,),
            None,
            "Open tickets. No data: never a ticket.",
        ),
        Metric(
            "urgent_tickets",
            readings.urgent_tickets,
            Unit.COUNT,
            Drift.WINDOW,
            (Kind.TICKET,),
            None,
            "Open tickets of priority urgent, or escalated. No data: never a ticket.",
        ),
        Metric(
            "first_response_median",
            readings.first_response_median,
            Unit.SECONDS,
            Drift.WINDOW,
            (Kind.TICKET,),
            90,
            "Median first-response time in the window (the lower middle). No data: none measured.",
        ),
        Metric(
            "satisfaction_mean",
            readings.satisfaction_mean,
            Unit.RATIO,
            Drift.WINDOW,
            (Kind.TICKET, Kind.SURVEY),
            180,
            "Mean satisfaction in the window, on its scale. No data: no rating.",
        ),
        Metric(
            "days_overdue",
            readings.days_overdue,
            Unit.DAYS,
            Drift.RISES,
            (Kind.BILLING,),
            None,
            "Days that the longest overdue invoice is unpaid. No data: no billing known.",
        ),
        Metric(
            "failed_payments",
            readings.failed_payments,
            Unit.COUNT,
            Drift.WINDOW,
            (Kind.BILLING,),
            28,
            "Failed payments in the window. No data: no billing known.",
        ),
        Metric(
            "days_to_renewal",
            readings.days_to_renewal,
            Unit.DAYS,
            Drift.FALLS,
            _SEATS,
            None,
            "Days until the renewal; 0 once it has passed. No data: no renewal date.",
        ),
        Metric(
            "nps_last",
            readings.nps_last,
            Unit.SCORE,
            Drift.WINDOW,
            (Kind.SURVEY,),
            180,
            "The last answer to the NPS question, 0 to 10, until it is a window old.",
        ),
        Metric(
            "days_since_contact",
            readings.days_since_contact,
            Unit.DAYS,
            Drift.RISES,
            (Kind.CONTACT,),
            None,
            "Days since the last check-in, call or mail. No data: never one.",
        ),
        Metric(
            "pulse",
            readings.pulse,
            Unit.SCORE,
            Drift.WINDOW,
            (Kind.PULSE,),
            readings.PULSE_DAYS,
            "What a person thinks: good 100, unsure 50, worried 25, lost 0, until it expires.",
        ),
    )
}
