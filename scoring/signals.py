"""From an event to a signal: the compact form in which it enters a customer's log.

Pure and total: every valid event becomes exactly one signal. Times become Unix
milliseconds, ratings parts per million of their scale, durations milliseconds,
so that everything after this line is integers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas.account import AccountChanged, AccountClosed, AccountCreated
from schemas.base import Happening
from schemas.billing import BillingChanged
from schemas.engagement import (
    CampaignReacted,
    CommunityActed,
    ContactMade,
    FeedbackGiven,
    GoalChanged,
    LearningUsed,
    LifecycleEntered,
    PulseSet,
    SiteVisited,
    StateSet,
    SurveyAnswered,
)
from schemas.inbound import InboundEvent
from schemas.signals import Kind, Signal
from schemas.tickets import TicketChanged
from schemas.usage import ActivityRecorded, FeatureUsed
from scoring.fields import PROPERTIES_AT

__all__ = ["USER_KINDS", "at_ms", "signal_of"]

_ACCOUNT_FIELDS = (
    "name",
    "status",
    "internal",
    "attributes",
    "country",
    "zone",
    "seats",
    "mrr_minor",
    "currency",
    "renewal_at",
    "started_at",
    "owner",
    "parent",
)
#: How a signal says who acted.
USER_KINDS = {"human": 0, "automated": 1, "staff": 2}
#: A survey's own scale where the event does not state one.
_SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}


def at_ms(at: datetime) -> int:
    """Unix milliseconds of an aware time, rounded down."""
    return int(at.timestamp() * 1000 // 1)


def signal_of(event: InboundEvent, offset: int, source_ix: int) -> Signal:
    """An event's signal; ``offset`` is its source's, ``source_ix`` its index in the block."""
    payload = _PAYLOADS[type(event)](event)
    signal = [
        offset, at_ms(event.occurred_at), event.customer_id, source_ix, event.event_id, *payload,
    ]  # fmt: skip
    if isinstance(event, Happening):
        own_at = PROPERTIES_AT.get(payload[0])
        if own_at is not None and event.properties:
            signal += [None] * (own_at - len(signal))
            signal.append(event.properties)
    return signal


def _ms(at: datetime | None) -> int | None:
    return None if at is None else at_ms(at)


def _ppm(value: float | None, low: float, high: float) -> int | None:
    """Where ``value`` lies on its scale, in millionths; beyond the scale is its end."""
    if value is None or high <= low:
        return None
    return round(min(max((value - low) / (high - low), 0.0), 1.0) * 1_000_000)


def _account(event: AccountCreated | AccountChanged) -> tuple[Any, ...]:
    given = event.model_fields_set
    fields = {name: getattr(event, name) for name in _ACCOUNT_FIELDS if name in given}
    for name in ("renewal_at", "started_at"):
        if name in fields:
            fields[name] = _ms(fields[name])
    if fields.get("status") is not None:
        fields["status"] = str(fields["status"])
    if isinstance(event, AccountCreated):
        fields["created_at"] = at_ms(event.occurred_at)
    return (Kind.ACCOUNT, fields)


def _closed(event: AccountClosed) -> tuple[Any, ...]:
    return (Kind.ACCOUNT, {"status": "churned"})


def _feature(event: FeatureUsed) -> tuple[Any, ...]:
    return (
        Kind.FEATURE,
        event.feature,
        event.user,
        USER_KINDS[event.user_kind],
        event.quantity,
        round(event.duration_s * 1000),
        1 if event.outcome == "failed" else 0,
    )


def _activity(event: ActivityRecorded) -> tuple[Any, ...]:
    rating = _ppm(event.rating, 0.0, float(event.rating_scale_max))
    return (
        Kind.ACTIVITY,
        str(event.activity),
        event.user,
        event.amount_minor,
        event.currency,
        rating,
        *_given(event.item),
    )


def _ticket(event: TicketChanged) -> tuple[Any, ...]:
    scale_max = float(event.satisfaction_scale_max)
    low = 1.0 if scale_max > 1 else 0.0
    return (
        Kind.TICKET,
        event.ticket_id,
        str(event.change),
        None if event.priority is None else str(event.priority),
        event.category,
        None if event.first_response_s is None else round(event.first_response_s * 1000),
        None if event.resolution_s is None else round(event.resolution_s * 1000),
        _ppm(event.satisfaction, low, scale_max),
    )


def _billing(event: BillingChanged) -> tuple[Any, ...]:
    return (
        Kind.BILLING,
        str(event.change),
        event.invoice_id,
        _ms(event.due_at),
        event.amount_minor,
        event.currency,
        event.mrr_minor,
        event.seats,
        event.plan,
        _ms(event.renewal_at),
        event.reason,
        event.subscription_id,
    )


def _survey(event: SurveyAnswered) -> tuple[Any, ...]:
    low, high = _SCALES[event.survey]
    low = low if event.scale_min is None else float(event.scale_min)
    high = high if event.scale_max is None else float(event.scale_max)
    ppm, milli = _ppm(event.score, low, high), round(event.score * 1000)
    return (Kind.SURVEY, str(event.survey), ppm, milli, *_given(event.respondent))


def _feedback(event: FeedbackGiven) -> tuple[Any, ...]:
    return (Kind.FEEDBACK, str(event.sentiment), event.feature)


def _contact(event: ContactMade) -> tuple[Any, ...]:
    return (Kind.CONTACT, str(event.kind), str(event.direction), *_given(event.by))


def _goal(event: GoalChanged) -> tuple[Any, ...]:
    return (Kind.GOAL, event.goal_id, event.kind, str(event.change), _ms(event.due_at))


def _pulse(event: PulseSet) -> tuple[Any, ...]:
    return (Kind.PULSE, str(event.pulse), event.reason, event.author, _ms(event.expires_at))


def _state(event: StateSet) -> tuple[Any, ...]:
    return (Kind.STATE, event.state, event.reason, event.author, _ms(event.expires_at))


def _lifecycle(event: LifecycleEntered) -> tuple[Any, ...]:
    return (Kind.LIFECYCLE, event.stage)


def _campaign(event: CampaignReacted) -> tuple[Any, ...]:
    what = f"campaign.{event.reaction}"
    return (Kind.TOUCH, what, 0, *_given(event.campaign, event.contact))


def _community(event: CommunityActed) -> tuple[Any, ...]:
    sentiment = None if event.sentiment is None else str(event.sentiment)
    what = f"community.{event.activity}"
    return (Kind.TOUCH, what, 0, *_given(event.channel, event.user, sentiment))


def _learning(event: LearningUsed) -> tuple[Any, ...]:
    what = f"learning.{event.kind}"
    return (Kind.TOUCH, what, int(event.completed), *_given(event.item, event.user))


def _visit(event: SiteVisited) -> tuple[Any, ...]:
    return (Kind.TOUCH, "visit", 0, *_given(event.page, event.user))


def _given(*fields: str | None) -> tuple[str | None, ...]:
    """Fields at the end of a payload, without what is None after the last one given."""
    most = max((n for n, field in enumerate(fields, 1) if field is not None), default=0)
    return fields[:most]


_PAYLOADS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    AccountCreated: _account,
    AccountChanged: _account,
    AccountClosed: _closed,
    FeatureUsed: _feature,
    ActivityRecorded: _activity,
    TicketChanged: _ticket,
    BillingChanged: _billing,
    SurveyAnswered: _survey,
    FeedbackGiven: _feedback,
    ContactMade: _contact,
    GoalChanged: _goal,
    CampaignReacted: _campaign,
    CommunityActed: _community,
    LearningUsed: _learning,
    SiteVisited: _visit,
    PulseSet: _pulse,
    StateSet: _state,
    LifecycleEntered: _lifecycle,
}
