"""Hypothesis strategies for histories: what happens to a customer, step by step.

Narrow on purpose: few users, tickets and invoices, and times that collide and lie
on bounds, so that the events of one history have to do with each other. What is
merely odd (names, huge numbers) is drawn by ``strategies``.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from partitionlog import DAY_MS, HOUR_MS, START_MS, at, event
from schemas.inbound import InboundEvent

#: How long ago an event happened when it is read: mostly now, sometimes long ago, or not yet.
AGES_MS = st.one_of(
    st.integers(0, 5 * 60_000),
    st.integers(0, 40).map(lambda days: days * DAY_MS),
    st.sampled_from([-4 * 60_000, 0, HOUR_MS, 23 * HOUR_MS, DAY_MS, 90 * DAY_MS, 399 * DAY_MS]),
    st.integers(-5 * 60_000, 430 * DAY_MS),
)
#: How much time passes before a step.
GAPS_MS = st.one_of(
    st.sampled_from([0, 1, HOUR_MS - 1, HOUR_MS, DAY_MS]),
    st.integers(0, 3 * HOUR_MS),
    st.integers(0, 2 * DAY_MS),
    st.integers(0, 9).map(lambda days: days * DAY_MS),
    st.sampled_from([DAY_MS, 28 * DAY_MS, 90 * DAY_MS, 401 * DAY_MS]),
)
_users = st.sampled_from(["ann", "bob", "cy", None])
_features = st.sampled_from(["board", "export", "search"])
_days_ahead = st.integers(-60, 200)
_seats = st.sampled_from([0, 1, 2, 10, None])
_seconds = st.sampled_from([None, 0, 1800, 3600, 7200.5, 86_400, 200_000])


def _when(days: int | None) -> str | None:
    return None if days is None else at(START_MS + days * DAY_MS)


def _dated(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Fields of which some are left out; one that ends in ``_at`` is drawn in days."""
    return st.fixed_dictionaries({}, optional=fields).map(
        lambda drawn: {k: _when(v) if k.endswith("_at") else v for k, v in drawn.items()}
    )


_account = _dated(
    seats=_seats,
    mrr_minor=st.sampled_from([0, 50_000, None]),
    currency=st.just("EUR"),
    renewal_at=_days_ahead,
    status=st.sampled_from(["trial", "customer", "customer", "notice", "prospect", "churned"]),
    internal=st.sampled_from([False, False, False, True]),
    name=st.sampled_from(["Acme", "Acme Inc"]),
)
_feature_use = st.fixed_dictionaries(
    {
        "feature": _features,
        "user": _users,
        "user_kind": st.sampled_from(["human", "human", "automated", "staff"]),
        "quantity": st.sampled_from([0, 1, 1, 3, 40]),
        "outcome": st.sampled_from(["ok", "failed"]),
    }
)
_activity = st.fixed_dictionaries({"activity": st.sampled_from(["order", "visit"]), "user": _users})
_ticket = st.fixed_dictionaries(
    {
        "ticket_id": st.sampled_from(["t1", "t2", "t3"]),
        "change": st.sampled_from(
            ["opened", "opened", "answered", "solved", "reopened", "escalated", "deleted", "rated"]
        ),
        "priority": st.sampled_from([None, "low", "urgent"]),
        "first_response_s": _seconds,
        "satisfaction": st.sampled_from([None, 0, 1, 2, 3.5, 5, 9]),
    },
    optional={"satisfaction_scale_max": st.sampled_from([1, 5, 10])},
)
_billing = st.builds(
    lambda change, more: {"change": change, **more},
    st.sampled_from(
        [
            *("invoice_issued", "invoice_due", "invoice_paid", "invoice_overdue"),
            *("invoice_voided", "payment_failed", "payment_failed", "subscription_started"),
            *("subscription_renewed", "cancel_scheduled", "cancelled", "trial_started"),
        ]
    ),
    _dated(
        invoice_id=st.sampled_from(["i1", "i2", None]),
        due_at=_days_ahead,
        renewal_at=_days_ahead,
        seats=_seats,
        mrr_minor=st.sampled_from([None, 9_900]),
        subscription_id=st.sampled_from([None, "s1"]),
    ),
)
_survey = st.fixed_dictionaries(
    {"survey": st.sampled_from(["nps", "nps", "csat", "ces"]), "score": st.integers(-1, 11)},
    optional={"scale_max": st.sampled_from([1, 5, 100])},
)
_pulse = st.builds(
    lambda pulse, more: {"pulse": pulse, "reason": "r", "author": "a", **more},
    st.sampled_from(["good", "unsure", "worried", "lost"]),
    _dated(expires_at=_days_ahead),
)
FIELDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "account.created": _account,
    "account.changed": _account,
    "account.closed": st.just({}),
    "usage.feature": _feature_use,
    "usage.activity": _activity,
    "ticket.changed": _ticket,
    "billing.changed": _billing,
    "engagement.survey": _survey,
    "engagement.contact": st.just({"kind": "call"}),
    "engagement.feedback": st.just({"sentiment": "negative"}),
    "engagement.visit": st.just({"page": "/"}),
    "engagement.goal": st.just({"goal_id": "g", "change": "set"}),
    "engagement.lifecycle": st.just({"stage": "steady"}),
    "engagement.state": st.just({"state": "pursued", "reason": "r", "author": "a"}),
    "engagement.pulse": _pulse,
}
#: Use, tickets and billing more often than the rest; a closed account seldom.
_kinds = st.sampled_from(
    [kind for kind in FIELDS if kind != "account.closed"]
    + ["usage.feature"] * 6
    + ["ticket.changed"] * 3
    + ["billing.changed"] * 3
    + ["account.changed", "account.closed"]
)
_payloads = _kinds.flatmap(lambda kind: st.tuples(st.just(kind), FIELDS[kind]))
_sources = st.sampled_from(["app", "crm"])


@dataclass(frozen=True)
class Step:
    """Time passes until ``now_ms``; then ``event`` is read, if there is one."""

    now_ms: int
    event: InboundEvent | None


def made(
    payload: tuple[str, dict[str, Any]], number: int, ms: int, customer: str, source: str = "app"
) -> InboundEvent:
    """An event whose id nobody else has."""
    kind, fields = payload
    return event(kind, ms, customer, event_id=f"e{number}", source=source, **fields)


def known(customer: str, ms: int) -> list[InboundEvent]:
    """What makes a customer known at ``ms``: the shipped card has data for nearly all of it."""

    def said(kind: str, days_ago: int, /, **fields: Any) -> InboundEvent:
        when_ms = ms - days_ago * DAY_MS
        return event(kind, when_ms, customer, event_id=f"{customer}-{kind}-{days_ago}", **fields)

    return [
        said("account.created", 90, seats=2, mrr_minor=1000, renewal_at=at(ms + 200 * DAY_MS)),
        said("engagement.survey", 20, survey="nps", score=9),
        said("engagement.contact", 10, kind="call"),
        *[said("usage.feature", days, feature="board", user="ann") for days in (45, 40, 20, 2, 0)],
        said("usage.feature", 3, feature="export", user="bob", quantity=20),
    ]


@st.composite
def steps(
    draw: st.DrawFn, max_size: int = 25, customers: tuple[str, ...] = ("acme",)
) -> list[Step]:
    """A history of up to ``max_size`` steps; about one in eight is time alone.

    Three in four begin with customers that are known.
    """
    drawn = draw(
        st.lists(
            st.tuples(
                GAPS_MS,
                st.one_of(*[_payloads] * 7, st.none()),
                AGES_MS,
                _sources,
                st.sampled_from(customers),
            ),
            min_size=min(max_size, draw(st.sampled_from([1, 8]))),
            max_size=max_size,
        )
    )
    now_ms, found = START_MS, []
    if draw(st.sampled_from([True, True, True, False])):
        found += [Step(now_ms, one) for customer in customers for one in known(customer, now_ms)]
    for number, (gap_ms, payload, age_ms, source, customer) in enumerate(drawn):
        now_ms += gap_ms
        one = None
        if payload is not None:
            one = made(payload, number, now_ms - age_ms, customer, source)
        found.append(Step(now_ms, one))
    return found


@st.composite
def batches(
    draw: st.DrawFn, max_size: int = 12, customers: tuple[str, ...] = ("acme",)
) -> list[InboundEvent]:
    """Events that are read between two ticks at :data:`START_MS`, none of them in the future."""
    drawn = draw(
        st.lists(
            st.tuples(_payloads, AGES_MS, _sources, st.sampled_from(customers)),
            min_size=1,
            max_size=max_size,
        )
    )
    return [
        made(payload, number, START_MS - max(age_ms, 0), customer, source)
        for number, (payload, age_ms, source, customer) in enumerate(drawn)
    ]


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Scorecards of every shape: the usual measures with other shares, curves and levels."""
    groups = draw(st.permutations(sorted(_MEASURES)))[: draw(st.integers(1, len(_MEASURES)))]
    weights = _shares(draw, len(groups))
    lines = [
        "scorecard: drawn",
        'version: "1"',
        "objective: To be drawn at random",
        "owner: test",
        "defaults:",
        f"  missing: {draw(st.sampled_from(['leave_out', 'leave_out', '50']))}",
        f"  minimum_coverage: {draw(st.sampled_from([0, 30, 60, 100]))}%",
        f"emit: {{at_least: {draw(st.sampled_from(['0.01', '0.5', '5']))}}}",
        f"weights: {{{', '.join(f'{g}: {w}' for g, w in zip(groups, weights, strict=True))}}}",
        "groups:",
    ]
    for group in groups:
        lines.append(f"  {group}:")
        names = draw(st.lists(st.sampled_from(_MEASURES[group]), min_size=1, unique=True))
        for metric, share in zip(names, _shares(draw, len(names)), strict=True):
            name = metric.partition("(")[0]
            shape = draw(_SHAPES[name])
            missing = draw(st.sampled_from(["", "", ", missing: 100", ", missing: leave_out"]))
            lines.append(f"    {name}: {{share: {share}, metric: {metric}, {shape}{missing}}}")
    red, green = draw(st.sampled_from([(50, 75), (30, 31), (50, 50), (0, 100)]))
    slack = draw(st.sampled_from([0, 0, (green - red) // 2]))
    hold = draw(st.sampled_from(["0s", "1h", "24h"]))
    lines += [
        "bands:",
        f'  green: {{enter: ">= {green}", leave: "< {green - slack}", hold: {hold}}}',
        f'  red: {{enter: "< {red}", leave: ">= {red + slack}", hold: {hold}}}',
        "letters: {A: 85, B: 70, C: 49.99, D: 0}",
        "overrides:",
        "  unpaid: {when: days_overdue >= 30, cap: 25}",
        "  leaving: {when: cancel_scheduled, band: red}",
        "  quiet: {when: days_since_use > 20, cap: 40.5}",
        "  idle: {when: uses_per_seat(7d) < 0.5, cap: 60, band: red}",
    ]
    return "\n".join(lines) + "\n"


def _shares(draw: st.DrawFn, n: int) -> list[int]:
    """``n`` whole numbers that total 100, zero among them now and then."""
    cuts = sorted(draw(st.integers(0, 100)) for _ in range(n - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


_MEASURES = {
    "usage": [
        "uses_per_seat(7d)",
        "usage_change(28d)",
        "failed_share(28d)",
        "distinct_features(28d)",
        "active_users_per_seat(1d)",
        "days_since_use",
    ],
    "support": [
        "open_tickets",
        "urgent_tickets",
        "first_response_median(400d)",
        "satisfaction_mean(30d)",
    ],
    "money": ["days_overdue", "failed_payments(28d)", "days_to_renewal"],
    "people": ["nps_last(90d)", "days_since_contact", "pulse(30d)"],
}
_RATIO = ["curve: {-60%: 0, -25%: 50, 0%: 80, 20%: 100}", "curve: {0%: 100, 33.3%: 0}"]
_COUNT = ["steps: {0: 100, 1: 50, 3: 0}", "curve: {0: 0, 3: 70.25, 7: 100}"]
_DAYS = ["curve: {1: 100, 7: 70, 14: 35, 30: 0}", "steps: {0: 0, 12h: 50, 5: 100}"]
_SHAPES = {
    name: st.sampled_from(shapes)
    for shapes, names in (
        (_RATIO, ("usage_change", "failed_share", "active_users_per_seat", "satisfaction_mean")),
        (
            _COUNT,
            ("uses_per_seat", "distinct_features", "open_tickets", "urgent_tickets"),
        ),
        (_COUNT, ("failed_payments", "nps_last")),
        (["curve: {0: 0, 100: 100}", "steps: {0: 0, 50: 100}"], ("pulse",)),
        (["curve: {1h: 100, 8h: 60, 24h: 0}"], ("first_response_median",)),
        (_DAYS, ("days_since_use", "days_overdue", "days_to_renewal", "days_since_contact")),
    )
    for name in names
}
