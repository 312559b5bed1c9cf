"""Hypothesis strategies for histories: what happens to a customer, step by step.

Narrow on purpose: few users, tickets and invoices, and times that collide and lie
on bounds, so that the events of one history have to do with each other. What is
merely odd (names, huge numbers) is drawn by ``strategies``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from partitionlog import DAY_MS, HOUR_MS, START_MS, at, event
from schemas.inbound import InboundEvent
from schemas.signals import Kind, Signal

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
    currency=st.sampled_from(["EUR", "EUR", "USD"]),
    renewal_at=_days_ahead,
    status=st.sampled_from(["trial", "customer", "customer", "notice", "prospect", "churned"]),
    internal=st.sampled_from([False, False, False, True]),
    name=st.sampled_from(["Acme", "Acme Inc"]),
)
_own = st.fixed_dictionaries(
    {}, optional={"team": st.sampled_from(["red", "blue", True]), "size": st.integers(-2, 9)}
)
_feature_use = st.fixed_dictionaries(
    {
        "feature": _features,
        "user": _users,
        "user_kind": st.sampled_from(["human", "human", "automated", "staff"]),
        "quantity": st.sampled_from([0, 1, 1, 3, 40]),
        "outcome": st.sampled_from(["ok", "failed"]),
    },
    optional={"duration_s": st.sampled_from([0, 60, 7200.25]), "properties": _own},
)
_activity = st.fixed_dictionaries(
    {"activity": st.sampled_from(["order", "visit"]), "user": _users},
    optional={
        "amount_minor": st.sampled_from([-500, 0, 1999, 10_000]),
        "currency": st.sampled_from(["EUR", "USD", "JPY"]),
        "properties": _own,
    },
)
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
        mrr_minor=st.sampled_from([None, 9_900, 20_000]),
        currency=st.sampled_from(["EUR", "USD"]),
        subscription_id=st.sampled_from([None, "s1"]),
    ),
)
_survey = st.fixed_dictionaries(
    {"survey": st.sampled_from(["nps", "nps", "csat", "ces"]), "score": st.integers(-1, 11)},
    optional={"scale_max": st.sampled_from([1, 5, 100])},
)
_contact = st.fixed_dictionaries(
    {"kind": st.sampled_from(["call", "mail"])},
    optional={"direction": st.sampled_from(["inbound", "outbound"])},
)
_goal = st.builds(
    lambda goal_id, change, more: {"goal_id": goal_id, "change": change, **more},
    st.sampled_from(["g", "h"]),
    st.sampled_from(["set", "due", "reached", "dropped"]),
    _dated(due_at=_days_ahead),
)
_pulse = st.builds(
    lambda pulse, more: {"pulse": pulse, "reason": "r", "author": "a", **more},
    st.sampled_from(["good", "unsure", "worried", "lost"]),
    _dated(expires_at=_days_ahead),
)
_state = st.builds(
    lambda state, more: {"state": state, "reason": "r", "author": "a", **more},
    st.sampled_from(["pursued", "not_pursued", "handled", "not_handled"]),
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
    "engagement.contact": _contact,
    "engagement.feedback": st.fixed_dictionaries(
        {"sentiment": st.sampled_from(["negative", "positive"])}, optional={"feature": _features}
    ),
    "engagement.visit": st.fixed_dictionaries({"page": st.just("/")}, optional={"user": _users}),
    "engagement.learning": st.fixed_dictionaries(
        {"kind": st.just("tutorial"), "item": st.just("first"), "completed": st.booleans()},
        optional={"user": _users},
    ),
    "engagement.goal": _goal,
    "engagement.lifecycle": st.just({"stage": "steady"}),
    "engagement.state": _state,
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


# -- signals as the fold sees them ----------------------------------------------------------------

#: Nine more than a bucket keeps apart, and none.
CURRENCIES = [None, "EUR", "USD", *(f"X{letter}X" for letter in "ABCDEFGHIJKLMNO")]
_own_properties = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {}, optional={"team": st.sampled_from(["red", "blue", True]), "size": st.integers(-2, 9)}
    ),
)
_ids = st.sampled_from(["a", "b", "c"])
_maybe_ids = st.one_of(st.none(), _ids)
_due_ms = st.one_of(st.none(), st.integers(-60, 200).map(lambda days: START_MS + days * DAY_MS))
_amounts = st.sampled_from([None, -500, 0, 1999, 10_000])
_nothing = st.none()
#: Of each kind: what stands at each place of its payload.
_SIGNALS: dict[Kind, tuple[st.SearchStrategy[Any], ...]] = {
    Kind.ACCOUNT: (
        st.fixed_dictionaries(
            {},
            optional={
                "seats": _seats,
                "mrr_minor": st.sampled_from([None, 0, 5_000, 9_000]),
                "currency": st.sampled_from(["EUR", "USD"]),
                "renewal_at": _due_ms,
                "attributes": st.sampled_from([None, {"size": "big"}, {"size": "small"}]),
            },
        ),
    ),
    Kind.FEATURE: (
        *(_features, _users, st.integers(0, 2), st.sampled_from([0, 1, 3])),
        *(st.sampled_from([0, 60_000]), st.integers(0, 1), _own_properties),
    ),
    Kind.ACTIVITY: (
        *(st.sampled_from(["order", "visit"]), _users, _amounts, st.sampled_from(CURRENCIES)),
        *(st.sampled_from([None, 0, 800_000]), _maybe_ids, _own_properties),
    ),
    Kind.TICKET: (
        *(_ids, st.sampled_from(["opened", "reopened", "solved", "escalated", "rated"])),
        *(st.sampled_from([None, "low", "urgent"]), st.sampled_from([None, "bug"])),
        *(st.sampled_from([None, 1000, 2000]),) * 2,
        *(st.sampled_from([None, 0, 500_000]), _own_properties),
    ),
    Kind.BILLING: (
        st.sampled_from(["invoice_due", "invoice_paid", "refund", "cancelled", "trial_started"]),
        *(_maybe_ids, _due_ms, _amounts, st.sampled_from(CURRENCIES)),
        *(st.sampled_from([None, 5_000]), _seats, _nothing, _due_ms, _nothing, _maybe_ids),
        _own_properties,
    ),
    Kind.SURVEY: (
        *(st.sampled_from(["nps", "csat"]), st.sampled_from([None, 0, 750_000])),
        *(st.integers(0, 10).map(lambda n: n * 1000), _maybe_ids, _own_properties),
    ),
    Kind.CONTACT: (st.just("call"), st.sampled_from(["inbound", "outbound"]), _maybe_ids),
    Kind.GOAL: (
        *(_ids, st.sampled_from(["goal", "milestone"])),
        *(st.sampled_from(["set", "due", "reached", "dropped"]), _due_ms, _own_properties),
    ),
    Kind.PULSE: (st.sampled_from(["good", "lost"]), st.just("r"), st.just("a"), _due_ms),
    Kind.TOUCH: (
        *(st.sampled_from(["visit", "learning.tutorial"]), st.integers(0, 1)),
        *(_maybe_ids, _users, _nothing, _own_properties),
    ),
}


_USUAL = (Kind.FEATURE,) * 4 + (Kind.ACTIVITY,) * 2 + (Kind.BILLING, Kind.TICKET)


def signals(
    max_size: int = 25,
    days: st.SearchStrategy[int] | None = None,
    kinds: Sequence[Kind] = (*_SIGNALS, *_USUAL),
) -> st.SearchStrategy[list[Signal]]:
    """Signals of one customer whose times and ids collide; ``days`` before START_MS."""
    of_kind = {
        kind: st.tuples(st.just(int(kind)), *payload).map(list)
        for kind, payload in _SIGNALS.items()
    }
    when = st.tuples(
        st.one_of(st.integers(0, 1), st.integers(-2, 3), st.integers(-2, 430))
        if days is None
        else days,
        st.sampled_from([0, 1, HOUR_MS, DAY_MS - 1]),
    ).map(lambda drawn: START_MS - drawn[0] * DAY_MS + drawn[1])
    one = st.tuples(when, _sources, _ids, st.sampled_from(kinds).flatmap(of_kind.__getitem__)).map(
        lambda drawn: [0, drawn[0], "acme", drawn[1], drawn[2], *drawn[3]]
    )
    return st.lists(one, max_size=max_size)


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Scorecards of every shape: metrics of every function, any shares, curves and levels."""
    groups = draw(st.permutations(sorted(_MEASURES)))[: draw(st.integers(1, len(_MEASURES)))]
    weights = _shares(draw, len(groups))
    lines = [
        "scorecard: drawn",
        'version: "1"',
        "objective: To be drawn at random",
        "owner: test",
        "money: {currency: EUR, rates: {USD: {2026-01-01: 0.9, 2026-06-01: 0.8}}}",
        "calendar: {zone: America/New_York, holidays: account.country}",
        "lifecycle: {young: tenure < 90d, old: otherwise}",
        "actions: {steps: {tutorial: 5, use: {points: 1, per_day: 3}, negative_feedback: -10}}",
        "defaults:",
        f"  missing: {draw(st.sampled_from(['leave_out', 'leave_out', '50']))}",
        f"  minimum_coverage: {draw(st.sampled_from([0, 30, 60, 100]))}%",
        f"emit: {{at_least: {draw(st.sampled_from(['0.01', '0.5', '5']))}}}",
        f"weights: {{{', '.join(f'{g}: {w}' for g, w in zip(groups, weights, strict=True))}}}",
        "groups:",
    ]
    for group in groups:
        lines.append(f"  {group}:")
        known = _MEASURES[group]
        names = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=8, unique=True))
        for name, share in zip(names, _shares(draw, len(names)), strict=True):
            metric, shapes = known[name]
            shape = draw(st.sampled_from(shapes))
            missing = draw(st.sampled_from(["", "", ", missing: 100", ", missing: leave_out"]))
            lines.append(f'    {name}: {{share: {share}, metric: "{metric}", {shape}{missing}}}')
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
        "  quiet: {when: days_since(human_use) > 20, cap: 40.5}",
        '  idle: {when: "count(use, 7d) / account.seats < 0.5", cap: 60, band: red}',
        "  unseen: {when: 'days_since(contact) > by(lifecycle, young: 20d, old: 45d)', cap: 65}",
        '  unhappy: {when: "pulse in [worried, lost] and not days_to_renewal > 90", cap: 70}',
    ]
    if draw(st.booleans()):
        lines += [
            "variants:",
            "  young:",
            "    minimum_coverage: 50%",
            (
                '    bands: {green: {enter: ">= 60", leave: "< 55", hold: 2h}, '
                'red: {enter: "< 20", leave: ">= 40", hold: 3h}}'
            ),
            "    letters: {A: 60, F: 0}",
            "    overrides: {late: {when: days_overdue >= 10, cap: 10}}",
        ]
    return "\n".join(lines) + "\n"


def _shares(draw: st.DrawFn, n: int) -> list[int]:
    """``n`` whole numbers that total 100, zero among them now and then."""
    cuts = sorted(draw(st.integers(0, 100)) for _ in range(n - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


_RATIO = ["curve: {-60%: 0, -25%: 50, 0%: 80, 20%: 100}", "curve: {0%: 100, 33.3%: 0}"]
_COUNT = ["steps: {0: 100, 1: 50, 3: 0}", "curve: {0: 0, 3: 70.25, 7: 100}"]
_DAYS = ["curve: {1: 100, 7: 70, 14: 35, 30: 0}", "steps: {0: 0, 12h: 50, 5: 100}"]
_SPAN = ["curve: {1h: 100, 8h: 60, 24h: 0}"]
_MONEY = ["curve: {-100: 0, 0: 50, 100: 100}", "target: {best: [10, 50], zero: [0, 500]}"]
_PULSE = ["steps: {good: 100, unsure: 50, worried: 25, lost: 0}", "steps: {lost: 0, otherwise: 90}"]
_WORDS = ["steps: {call: 100, otherwise: 20}"]
_FAILED = "where: outcome == failed"
#: By group and name: the metric, and the shapes that fit it.
_MEASURES: dict[str, dict[str, tuple[str, list[str]]]] = {
    "usage": {
        "depth": ("count(use, 7d) / account.seats", _COUNT),
        "trend": ("change(use, 28d)", _RATIO),
        "failing": (f"share(use, 28d, {_FAILED})", _RATIO),
        "breadth": ("distinct(feature, 28d)", _COUNT),
        "active_seats": ("distinct(user, 1d) / account.seats", _RATIO),
        "last_use": ("days_since(human_use)", _DAYS),
        "burst": ("count(use, 6h, where: feature == board)", _COUNT),
        "regular": ("active_days(human_use, 14d)", _COUNT),
        "streak": ("streak(use)", _COUNT),
        "busiest": ("max(quantity, 30d)", _COUNT),
        "longest": ("quantile(active_time, 90%, 48h)", _SPAN),
        "time_spent": ("change(sum(active_time), 12h)", _RATIO),
        "against_own": ("against_own(use)", _RATIO),
        "fair_trend": ("change(use, 28d, per: working_day)", _RATIO),
        "fair_depth": ("count(use, 7d, per: working_day)", _COUNT),
        "idle": ("working_days_since(use)", _COUNT),
        "teams": ("distinct(property.team, 90d)", _COUNT),
        "size": ("mean(property.size, 28d)", _COUNT),
    },
    "support": {
        "open": ("open_tickets", _COUNT),
        "urgent_open": ("open_tickets(priority: urgent)", _COUNT),
        "oldest_open": ("oldest_open_ticket", _DAYS),
        "first_response": ("median(first_response, 400d)", _SPAN),
        "satisfaction": ("mean(satisfaction, 30d)", _RATIO),
        "reopened": ("count(ticket_reopened, 30d)", _COUNT),
    },
    "money": {
        "overdue": ("days_overdue", _DAYS),
        "failed_payments": ("count(payment_failed, 28d)", _COUNT),
        "renewal": ("days_to_renewal", _DAYS),
        "unpaid": ("open_invoices", _COUNT),
        "spent": ("sum(amount, 90d, of: order)", _MONEY),
        "basket": ("mean(amount, 48h, of: order)", _MONEY),
        "worth": ("account.mrr", _MONEY),
        "grown": ("mrr_movement(28d, kind: expansion)", _MONEY),
        "seats": ("change(account.seats, 28d)", _RATIO),
        "tenure": ("tenure", _DAYS),
        "paused": ("days_paused", _DAYS),
        "large": ("count(order, 30d, where: amount >= 10)", _COUNT),
    },
    "people": {
        "nps": ("last(nps, 90d)", _COUNT),
        "last_contact": ("days_since(contact)", _DAYS),
        "cadence": ("days_since(contact) / by(lifecycle, young: 14d, old: 60d)", _RATIO),
        "planned": ("goals_reached / goals_planned", _RATIO),
        "pulse": ("pulse", _PULSE),
        "csat": ("at_least(mean(csat, 60d), 2)", _RATIO),
        "how": ("last(direction)", ["steps: {inbound: 100, otherwise: 20}"]),
        "goals": ("goals_reached / goals_due", _RATIO),
        "points": ("points(steps, half_life: 7d)", _COUNT),
        "heard": ("lowest(days_since(contact), days_since(feedback))", _DAYS),
    },
}
