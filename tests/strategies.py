"""Hypothesis strategies for every inbound event, as JSON-like dictionaries and as models.

``event_dicts()`` and ``events()`` draw from all types; narrow them with ``types``,
``customers`` (a strategy of ids), ``times`` (a strategy of RFC 3339 texts) and
``event_ids``. ``usage_events()``, ``ticket_events()`` and so on are one family each.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from schemas.account import AccountStatus
from schemas.base import UserKind
from schemas.billing import BillingChange
from schemas.engagement import (
    ContactKind,
    Direction,
    GoalChange,
    LearningKind,
    Pulse,
    Sentiment,
    SurveyKind,
)
from schemas.inbound import AnyEvent, InboundEvent
from schemas.tickets import Priority, TicketChange
from schemas.usage import ActivityKind, Outcome

EventDict = dict[str, Any]
Optional = dict[str, st.SearchStrategy[Any]]


def times(
    first: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    last: datetime = datetime(2030, 1, 1, tzinfo=UTC),
) -> st.SearchStrategy[str]:
    """RFC 3339 texts between two instants, in any offset, with and without fractions."""
    whole = st.integers(0, int((last - first).total_seconds()))
    micros = st.one_of(st.just(0), st.integers(0, 999_999))
    offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))

    def text(seconds: int, micro: int, offset: timezone | None) -> str:
        at = first + timedelta(seconds=seconds, microseconds=micro)
        if offset is None:
            return at.isoformat().replace("+00:00", "Z")
        return at.astimezone(offset).isoformat()

    return st.builds(text, whole, micros, st.one_of(st.none(), offsets))


_visible = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"))
ids = st.one_of(
    st.from_regex(r"[a-z]{1,3}-[0-9]{1,4}", fullmatch=True),
    st.text(_visible, min_size=1, max_size=30),
)
names = st.one_of(
    st.sampled_from(["Dashboard", "export", "Ärger", "naïve ☕", "日本語"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
)
amounts_minor = st.one_of(st.integers(0, 10**6), st.integers(-(10**12), 10**12))
currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
seats = st.integers(0, 10_000_000)
ratings = st.one_of(
    st.integers(0, 10), st.floats(-1e9, 1e9, allow_nan=False), st.integers(-(10**9), 10**9)
)
scales = st.one_of(st.integers(1, 100), st.floats(0.5, 1e9, allow_nan=False))
seconds = st.one_of(st.integers(0, 10**6), st.floats(0, 10 * 366 * 86_400, allow_nan=False))
comments = st.text(st.characters(codec="utf-8"), max_size=200)
properties = st.dictionaries(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.one_of(st.booleans(), st.integers(-(10**12), 10**12), st.floats(-1e12, 1e12), names),
    max_size=3,
)


def _of(enum: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([member.value for member in enum])


def _nullable(**fields: st.SearchStrategy[Any]) -> Optional:
    """Fields that may be absent and may be null."""
    return {name: st.one_of(st.none(), strategy) for name, strategy in fields.items()}


def _account() -> Optional:
    return _nullable(
        name=st.text(min_size=1, max_size=30, alphabet=_visible),
        status=_of(AccountStatus),
        internal=st.booleans(),
        attributes=st.dictionaries(ids, names, max_size=3),
        country=st.sampled_from(["DE", "US", "JP"]),
        zone=st.sampled_from(["Europe/Berlin", "UTC"]),
        seats=seats,
        mrr_minor=amounts_minor,
        currency=currencies,
        renewal_at=times(),
        started_at=times(),
        owner=names,
        parent=ids,
    )


#: Type -> (required fields, optional fields), beyond the envelope.
FIELDS: dict[str, tuple[Optional, Optional]] = {
    "account.created": ({}, _account()),
    "account.changed": ({}, _account()),
    "account.closed": ({}, _nullable(reason=names)),
    "usage.feature": (
        {"feature": names},
        {
            **_nullable(user=ids),
            "user_kind": _of(UserKind),
            "quantity": st.one_of(st.integers(0, 50), st.integers(0, 10**9)),
            "duration_s": st.one_of(
                st.integers(0, 366 * 86_400), st.floats(0, 366 * 86_400, allow_nan=False)
            ),
            "outcome": _of(Outcome),
        },
    ),
    "usage.activity": (
        {"activity": _of(ActivityKind)},
        {
            **_nullable(
                user=ids,
                amount_minor=amounts_minor,
                currency=currencies,
                rating=ratings,
                item=names,
            ),
            "rating_scale_max": scales,
        },
    ),
    "ticket.changed": (
        {"ticket_id": ids, "change": _of(TicketChange)},
        {
            **_nullable(
                category=names,
                priority=_of(Priority),
                first_response_s=seconds,
                resolution_s=seconds,
                satisfaction=st.one_of(st.integers(1, 5), st.floats(0, 1e9, allow_nan=False)),
            ),
            "satisfaction_scale_max": scales,
        },
    ),
    "billing.changed": (
        {"change": _of(BillingChange)},
        _nullable(
            invoice_id=ids,
            subscription_id=ids,
            due_at=times(),
            amount_minor=amounts_minor,
            currency=currencies,
            mrr_minor=amounts_minor,
            seats=seats,
            plan=names,
            renewal_at=times(),
            reason=names,
        ),
    ),
    "engagement.survey": (
        {"survey": _of(SurveyKind), "score": ratings},
        _nullable(scale_min=ratings, scale_max=ratings, respondent=ids, comment=comments),
    ),
    "engagement.feedback": (
        {"sentiment": _of(Sentiment)},
        _nullable(feature=names, respondent=ids, comment=comments),
    ),
    "engagement.contact": (
        {"kind": _of(ContactKind)},
        {"direction": _of(Direction), **_nullable(by=names, subject=names)},
    ),
    "engagement.goal": (
        {"goal_id": ids, "change": _of(GoalChange)},
        {
            "kind": st.sampled_from(["goal", "milestone"]),
            **_nullable(title=names, due_at=times()),
        },
    ),
    "engagement.campaign": (
        {
            "campaign": names,
            "reaction": st.sampled_from(
                [
                    "opened",
                    "clicked",
                    "replied",
                    "registered",
                    "attended",
                    "unsubscribed",
                    "bounced",
                ]
            ),
        },
        _nullable(contact=ids),
    ),
    "engagement.community": (
        {"activity": st.sampled_from(["post", "reply", "like", "mention", "review", "referral"])},
        _nullable(channel=names, sentiment=_of(Sentiment), user=ids),
    ),
    "engagement.learning": (
        {"kind": _of(LearningKind), "item": names},
        {"completed": st.booleans(), **_nullable(user=ids)},
    ),
    "engagement.visit": ({"page": names}, _nullable(user=ids)),
    "engagement.pulse": (
        {"pulse": _of(Pulse), "reason": names, "author": names},
        _nullable(expires_at=times()),
    ),
    "engagement.state": (
        {
            "state": st.sampled_from(["not_pursued", "pursued", "handled", "not_handled"]),
            "reason": names,
            "author": names,
        },
        _nullable(expires_at=times()),
    ),
    "engagement.lifecycle": ({"stage": names}, {}),
}
TYPES = tuple(FIELDS)
#: What is said of the account as a whole: it has its own attributes.
WITHOUT_PROPERTIES = frozenset(
    {"engagement.pulse", "engagement.state", "engagement.lifecycle"}
    | {name for name in TYPES if name.startswith("account.")}
)


def event_dicts(
    types: Collection[str] = TYPES,
    *,
    customers: st.SearchStrategy[str] = ids,
    event_ids: st.SearchStrategy[str] = ids,
    times: st.SearchStrategy[str] = times(),  # noqa: B008 - a strategy is a value
) -> st.SearchStrategy[EventDict]:
    """Valid events of these types as what their JSON says."""

    def of(name: str) -> st.SearchStrategy[EventDict]:
        required, optional = FIELDS[name]
        envelope = {
            "event_id": event_ids,
            "customer_id": customers,
            "occurred_at": times,
            "source": st.sampled_from(["app", "crm", "desk"]),
            "type": st.just(name),
        }
        version = st.integers(0, 9999).map(lambda minor: f"1.{minor}")
        own = _nullable(properties=properties) if name not in WITHOUT_PROPERTIES else {}
        return st.fixed_dictionaries(
            {**envelope, **required}, optional={"schema_version": version, **own, **optional}
        )

    return st.sampled_from(sorted(types)).flatmap(of)


def events(types: Collection[str] = TYPES, **how: Any) -> st.SearchStrategy[InboundEvent]:
    """Valid events of these types, read back from their JSON; ``how`` as in event_dicts."""
    return event_dicts(types, **how).map(lambda fields: AnyEvent.validate_json(json.dumps(fields)))


def _family(prefix: str) -> tuple[str, ...]:
    return tuple(name for name in TYPES if name.startswith(prefix + "."))


def account_events(**how: Any) -> st.SearchStrategy[InboundEvent]:
    """Events of the accounts family."""
    return events(_family("account"), **how)


def usage_events(**how: Any) -> st.SearchStrategy[InboundEvent]:
    """Events of the usage family."""
    return events(_family("usage"), **how)


def ticket_events(**how: Any) -> st.SearchStrategy[InboundEvent]:
    """Events of the tickets family."""
    return events(_family("ticket"), **how)


def billing_events(**how: Any) -> st.SearchStrategy[InboundEvent]:
    """Events of the billing family."""
    return events(_family("billing"), **how)


def engagement_events(**how: Any) -> st.SearchStrategy[InboundEvent]:
    """Events of the engagement family."""
    return events(_family("engagement"), **how)
