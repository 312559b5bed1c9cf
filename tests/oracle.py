"""A naive batch scorer: all events of one customer, a scorecard's text and a time, into a health.

It shares no method with the product, but the parser of metrics: it keeps no state, reads the
YAML document itself, works on the events as they came (not on signals), goes through all of
them for every question, and reckons in fractions. Slow and plain on purpose.

What it takes as given are the rules that ``docs/metrics.md`` and ``docs/scorecards.md`` state.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import yaml

from schemas.inbound import InboundEvent
from scoring.language import syntax
from scoring.language.parser import parse

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Tickets and invoices that nothing touched for longer than this are forgotten.
FORGET_DAYS = 400
#: The window in which an event id may come again and is dropped, by event time.
REPEAT_MS = {"usage.feature": 6 * HOUR_MS, "usage.activity": 6 * HOUR_MS}
REPEAT_MS_OTHERS = 72 * HOUR_MS
#: A pulse that does not say when it expires.
PULSE_DAYS = 90
PURSUIT_DAYS = 180
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Value = Fraction | str | bool
NUMBER, RATIO, DAYS, SECONDS, MONEY = "number", "ratio", "days", "seconds", "money"
TEXT, FLAG = "text", "flag"


@dataclass(frozen=True)
class Expected:
    """What a customer's health must be. ``band`` and ``pending`` come from :class:`Bands`."""

    score: int | None
    letter: str | None
    coverage: Fraction
    values: dict[str, Fraction | str | None]
    points: dict[str, int | None]
    overrides: list[str]
    capped_by: int
    nominal: int
    forced_red: bool
    scored: bool
    #: Measures with a logistic curve: their points in hundredths, not rounded. The product may
    #: be off by 5 hundredths there.
    logistic: dict[str, Fraction] = field(default_factory=dict)
    #: The class by whose variant of the card the customer is judged; empty: by none.
    variant: str = ""


def millis(at: datetime) -> int:
    """Unix milliseconds, rounded down."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def without_repeats(events: Sequence[InboundEvent], read_ms: Sequence[int]) -> list[InboundEvent]:
    """The first of each (source, event id), as long as its time is within the window when read.

    ``read_ms`` is the partition's time when each event was read: that of the last tick.
    """
    kept: list[InboundEvent] = []
    for event, now_ms in zip(events, read_ms, strict=True):
        window_ms = REPEAT_MS.get(event.type, REPEAT_MS_OTHERS)
        if millis(event.occurred_at) < now_ms // HOUR_MS * HOUR_MS - window_ms or not any(
            (known.source, known.event_id) == (event.source, event.event_id) for known in kept
        ):
            kept.append(event)
    return kept


class Oracle:
    """One scorecard, read from its text."""

    def __init__(self, card_text: str) -> None:
        document = yaml.load(card_text, Loader=yaml.BaseLoader)  # everything a text
        self.classes = {kind: document.get(kind, {}) for kind in ("segments", "lifecycle")}
        self.variants = document.get("variants", {})
        self.weights = document["weights"]
        self.groups = document["groups"]
        self.measures = {name: one for of in self.groups.values() for name, one in of.items()}
        self.letters = document["letters"]
        defaults = document.get("defaults", {})
        self.missing = defaults.get("missing", "leave_out")
        self.minimum = defaults.get("minimum_coverage", "60%")
        scored = document.get("scored", {})
        self.statuses = scored.get("status", ["trial", "customer", "notice"])
        self.internal = scored.get("internal", "false") == "true"
        self.overrides = document.get("overrides", {})
        #: The values of all customers at the last snapshot, by measure and segment (None: of all
        #: segments), in millionths; None before it.
        self.population: Mapping[tuple[str, str | None], Sequence[int]] | None = None
        self.card = CardFacts(
            money=document.get("money") or {},
            actions=document.get("actions") or {},
            measures={name: parse(one["metric"]) for name, one in self.measures.items()},
            calendar=document.get("calendar") or {},
        )

    def metric(self, text: str, events: Iterable[InboundEvent], now_ms: int) -> Any:
        """The value of any metric or condition: a Fraction, text or flag; None without data."""
        return Facts(list(events), now_ms, self.card).value(parse(text))

    def health(self, events: Iterable[InboundEvent], now_ms: int) -> Expected:
        """The health at ``now_ms`` of the customer whose events these are, in any order."""
        facts = Facts(list(events), now_ms, self.card)
        if not self._is_scored(facts):
            return Expected(None, None, Fraction(0), {}, {}, [], 0, 0, False, scored=False)
        self._find_classes(facts)
        of_class = self._of_class(facts)
        points_of_group = {name: _number(of) for name, of in of_class["weights"].items()}
        overrides = of_class["overrides"]
        values: dict[str, Any] = {}
        exact: dict[str, Fraction | None] = {}
        weights: dict[str, dict[str, Fraction]] = {}
        for group, measures in self.groups.items():
            weights[group] = {}
            for name, measure in measures.items():
                values[name] = facts.value(self.card.measures[name])
                exact[name] = self._points(name, values[name], facts)
                if exact[name] is not None:
                    weights[group][name] = (
                        points_of_group[group] * _number(measure["share"]) / 10_000
                    )
        points = {name: None if x is None else _round(x) for name, x in exact.items()}
        said: dict[str, Any] = {
            "values": values,
            "points": points,
            "logistic": {
                name: exact[name]
                for name, measure in self.measures.items()
                if "logistic" in measure and values[name] is not None
            },
        }
        coverage = sum((sum(of.values(), Fraction(0)) for of in weights.values()), Fraction(0))
        nominal = sum(
            (
                weight * (points[name] or 0)
                for of in weights.values()
                for name, weight in of.items()
            ),
            Fraction(0),
        )
        acting = [
            name for name, rule in overrides.items() if facts.value(parse(rule["when"])) is True
        ]
        said |= {
            "coverage": coverage,
            "overrides": acting,
            "nominal": _round(nominal),
            "forced_red": any(overrides[name].get("band") == "red" for name in acting),
            "scored": True,
            "variant": of_class["name"],
        }
        if coverage == 0 or coverage < _number(of_class["minimum_coverage"]) / 100:
            return Expected(score=None, letter=None, capped_by=0, **said)
        score = uncapped = self._mean(points_of_group, weights, points)
        for name in acting:
            if "cap" in overrides[name]:
                score = min(score, _round(_number(overrides[name]["cap"]) * 100))
        return Expected(
            score=score,
            letter=_letter(of_class["letters"], score),
            capped_by=uncapped - score,
            **said,
        )

    def _is_scored(self, facts: "Facts") -> bool:
        status = facts.account("status")
        if status is not None and status not in self.statuses:
            return False
        return self.internal or not facts.account("internal")

    def _find_classes(self, facts: "Facts") -> None:
        """The first segment, then the first stage whose condition is met."""
        for section, kind in (("segments", "segment"), ("lifecycle", "lifecycle")):
            for name, when in self.classes[section].items():
                if when == "otherwise" or facts.value(parse(when)) is True:
                    facts.known[kind] = name
                    break

    def _of_class(self, facts: "Facts") -> dict[str, Any]:
        """What holds for the customer's class: its variant's sections, else the card's own."""
        known = set(facts.known.values())
        name = next((name for name in self.variants if name in known), "")
        own = {
            "name": name,
            "minimum_coverage": self.minimum,
            "letters": self.letters,
            "overrides": self.overrides,
            "weights": next(
                (line for of, line in self.weights.items() if of in known), self.weights
            ),
        }
        return own | self.variants.get(name, {})

    def _mean(
        self,
        points_of_group: dict[str, Fraction],
        weights: dict[str, dict[str, Fraction]],
        points: dict[str, int | None],
    ) -> int:
        """A group without data gives its weight to the others, a measure to its siblings."""
        total = rest = Fraction(0)
        for group, of in weights.items():
            present = sum(of.values(), Fraction(0))
            if present == 0:
                continue
            mean = sum((w * (points[name] or 0) for name, w in of.items()), Fraction(0)) / present
            total += points_of_group[group] * mean
            rest += points_of_group[group]
        return _round(total / rest)

    def _points(self, name: str, value: Value | None, facts: "Facts") -> Fraction | None:
        """Points in hundredths, not yet rounded; None: no data."""
        measure = self.measures[name]
        unit = facts.unit(self.card.measures[name])
        points = None
        if isinstance(value, str):
            steps = measure["steps"]
            found = steps.get(value, steps.get("otherwise"))
            points = None if found is None else _number(found)
        elif value is not None:
            assert isinstance(value, Fraction)
            if "percentile" in measure:
                points = self._rank(name, measure["percentile"], value, facts)
            else:
                points = _shaped(measure, value, unit)
        if points is None:
            missing = measure.get("missing", self.missing)
            points = None if missing == "leave_out" else _number(missing)
        return None if points is None else points * 100

    def _rank(self, name: str, written: Any, value: Fraction, facts: "Facts") -> Fraction | None:
        """Percent of the others below, and half of those that are equal; None for fewer than 20."""
        if isinstance(written, str):
            written = {"within": written}
        within = facts.known.get("segment", "") if written["within"] == "segment" else None
        others = [Fraction(n, 1_000_000) for n in (self.population or {}).get((name, within), [])]
        if len(others) < 20:
            return None
        dots = []
        for x in sorted(set(others)):
            below, same = sum(one < x for one in others), others.count(x)
            rank = Fraction(_round(Fraction(10_000 * (2 * below + same), 2 * len(others))), 100)
            dots.append((x, 100 - rank if written.get("best") == "lowest" else rank))
        return _on_lines(dots, value)


def _letter(letters: dict[str, str], score: int) -> str:
    reached = {
        _number(level): letter for letter, level in letters.items() if score >= _number(level) * 100
    }
    return reached[max(reached)]


def _shaped(measure: dict[str, Any], value: Fraction, unit: str) -> Fraction:
    """The points that a measure's curve, steps, logistic or target gives to a value."""
    if "logistic" in measure:
        low, high = (_x(measure["logistic"][end], unit) for end in ("low", "high"))
        return _logistic((value - (low + high) / 2) / ((high - low) / 2))
    if "target" in measure:
        (best_from, best_to), (below, above) = (
            [None if x in ("null", "~", "") else _x(x, unit) for x in measure["target"][side]]
            for side in ("best", "zero")
        )
        if value < best_from:
            return _side(value, best_from, below)
        return _side(-value, -best_to, None if above is None else -above)
    dots = sorted(
        (_x(x, unit), _number(y)) for x, y in (measure.get("curve") or measure["steps"]).items()
    )
    if "steps" in measure:
        return next((y for x, y in reversed(dots) if x <= value), dots[0][1])
    return _on_lines(dots, value)


def _on_lines(dots: Sequence[tuple[Fraction, Fraction]], value: Fraction) -> Fraction:
    """On the straight lines between dots, level before the first and beyond the last."""
    if value <= dots[0][0]:
        return dots[0][1]
    if value >= dots[-1][0]:
        return dots[-1][1]
    for (x0, y0), (x1, y1) in pairwise(dots):
        if x0 <= value < x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    raise AssertionError("the dots have a gap")


def _side(value: Fraction, best: Fraction, zero: Fraction | None) -> Fraction:
    """100 points from ``best`` on, straight down to 0 at ``zero``, which lies below it."""
    if value >= best or zero is None:
        return Fraction(100)
    return Fraction(0) if value <= zero else 100 * (value - zero) / (best - zero)


def _logistic(steps: Fraction) -> Fraction:
    """10 points at -1, 50 at 0, 90 at 1."""
    with localcontext(prec=40):
        bounded = min(max(steps, Fraction(-40)), Fraction(40))
        odds = Decimal(9) ** (Decimal(-bounded.numerator) / Decimal(bounded.denominator))
        return Fraction(Decimal(100) / (1 + odds))


class _Levels:
    """The levels and holds of a ``bands`` section, in hundredths and milliseconds."""

    def __init__(self, bands: Mapping[str, Any]) -> None:
        def level(band: str, which: str) -> Fraction:
            return _number(re.sub(r"[<>=\s]", "", bands[band][which])) * 100

        self.green = level("green", "enter"), level("green", "leave")
        self.red = level("red", "enter"), level("red", "leave")
        self.hold_ms = {
            "green": _seconds(bands["green"].get("hold", "0s")) * 1000,
            "red": _seconds(bands["red"].get("hold", "0s")) * 1000,
            "yellow": 0,
        }


class Bands:
    """The band after each of a customer's evaluations, in order."""

    def __init__(self, card_text: str) -> None:
        document = yaml.load(card_text, Loader=yaml.BaseLoader)
        self._levels = {"": _Levels(document["bands"])}
        for name, variant in document.get("variants", {}).items():
            self._levels[name] = _Levels(variant.get("bands", document["bands"]))
        self.band = "unknown"
        self.asked: tuple[str, int] | None = None

    def evaluate(self, health: Expected, now_ms: int) -> str:
        """The band after an evaluation at ``now_ms``."""
        levels = self._levels[health.variant]
        wanted = self._wanted(health, levels)
        if wanted == self.band:
            self.asked = None
        elif "unknown" in (wanted, self.band) or health.overrides or not levels.hold_ms[wanted]:
            self.band, self.asked = wanted, None
        else:
            if self.asked is None or self.asked[0] != wanted:
                self.asked = wanted, now_ms
            if now_ms - self.asked[1] >= levels.hold_ms[wanted]:
                self.band, self.asked = wanted, None
        return self.band

    def _wanted(self, health: Expected, levels: "_Levels") -> str:
        if health.forced_red:
            return "red"
        if health.score is None:
            return "unknown"
        stays_green = self.band == "green" and not health.score < levels.green[1]
        stays_red = self.band == "red" and not health.score >= levels.red[1]
        if stays_green or (health.score >= levels.green[0] and not stays_red):
            return "green"
        return "red" if stays_red or health.score < levels.red[0] else "yellow"


# -- what a metric may speak of -----------------------------------------------------------------

_FEATURE, _ACTIVITY, _TICKET, _BILLING = (
    "usage.feature", "usage.activity", "ticket.changed", "billing.changed",
)  # fmt: skip
_SURVEY, _FEEDBACK, _CONTACT, _GOAL = (
    f"engagement.{kind}" for kind in ("survey", "feedback", "contact", "goal")
)
_CAMPAIGN, _COMMUNITY, _LEARNING, _VISIT = _TOUCH = tuple(
    f"engagement.{kind}" for kind in ("campaign", "community", "learning", "visit")
)
#: Of one family is what lets "none" be zero.
_FAMILIES = (
    {_FEATURE, _ACTIVITY}, {_TICKET}, {_BILLING}, {_SURVEY}, {_FEEDBACK}, {_CONTACT}, {_GOAL},
    set(_TOUCH),
)  # fmt: skip
_WITH_PROPERTIES = tuple(sorted(kind for family in _FAMILIES for kind in family))

Test = Callable[[Any], bool]


def _things() -> Iterator[tuple[str, tuple[str, ...], Test]]:
    def said(kind: str, attribute: str, *values: str) -> tuple[tuple[str, ...], Test]:
        return (kind,), lambda event: getattr(event, attribute) in values

    used = (_FEATURE, _ACTIVITY)
    yield "use", used, lambda event: True
    yield "human_use", used, lambda event: event.type == _ACTIVITY or event.user_kind == "human"
    yield "failed_use", *said(_FEATURE, "outcome", "failed")
    yield "activity", (_ACTIVITY,), lambda event: True
    for word in ("order", "visit", "booking", "review"):
        yield word, *said(_ACTIVITY, "activity", word)
    yield "ticket", *said(_TICKET, "change", "opened")
    for word in ("answered", "solved", "reopened", "closed", "escalated", "rated"):
        yield f"ticket_{word}", *said(_TICKET, "change", word)
    for word in (
        "invoice_issued", "invoice_due", "invoice_paid", "invoice_overdue", "invoice_voided",
        "payment_failed", "dispute", "refund", "subscription_started", "subscription_changed",
        "subscription_paused", "subscription_resumed", "subscription_renewed", "trial_started",
        "trial_ended",
    ):  # fmt: skip
        yield word, *said(_BILLING, "change", word)
    yield "cancellation_scheduled", *said(_BILLING, "change", "cancel_scheduled")
    yield "subscription_cancelled", *said(_BILLING, "change", "cancelled")
    yield "survey", (_SURVEY,), lambda event: True
    for word in ("nps", "csat", "ces"):
        yield word, *said(_SURVEY, "survey", word)
    yield "feedback", (_FEEDBACK,), lambda event: True
    for word in ("positive", "negative"):
        yield f"{word}_feedback", *said(_FEEDBACK, "sentiment", word)
    yield "contact", (_CONTACT,), lambda event: True
    for word in ("check_in", "call", "mail"):
        yield word, *said(_CONTACT, "kind", word)
    for word in ("set", "reached", "dropped"):
        yield f"goal_{word}", *said(_GOAL, "change", word)
    for word in (
        "opened", "clicked", "replied", "registered", "attended", "unsubscribed", "bounced",
    ):  # fmt: skip
        yield f"campaign_{word}", *said(_CAMPAIGN, "reaction", word)
    yield "community", (_COMMUNITY,), lambda event: True
    for word in ("post", "reply", "like", "mention", "review", "referral"):
        yield f"community_{word}", *said(_COMMUNITY, "activity", word)
    for word in ("training", "help_article", "tutorial", "in_app_guide"):
        yield word, *said(_LEARNING, "kind", word)
    for word in ("training", "tutorial", "in_app_guide"):
        yield (
            f"{word}_finished",
            (_LEARNING,),
            lambda event, word=word: event.kind == word and event.completed,
        )
    yield "site_visit", (_VISIT,), lambda event: True


#: Name -> the types of event that it may be, and which of them it is.
THINGS: dict[str, tuple[tuple[str, ...], Test]] = {name: tuple(rest) for name, *rest in _things()}  # type: ignore[misc]
#: Name -> its unit, and where events of a type have it: an attribute, or a way to find it.
FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    "feature": (TEXT, {_FEATURE: "feature", _FEEDBACK: "feature"}),
    "user": (
        TEXT,
        {
            **dict.fromkeys((_FEATURE, _ACTIVITY, _COMMUNITY, _LEARNING, _VISIT), "user"),
            _CAMPAIGN: "contact",
        },
    ),
    "user_kind": (TEXT, {_FEATURE: "user_kind"}),
    "quantity": (NUMBER, {_FEATURE: "quantity"}),
    "active_time": (SECONDS, {_FEATURE: "duration_s"}),
    "outcome": (TEXT, {_FEATURE: "outcome"}),
    "activity": (TEXT, {_ACTIVITY: "activity"}),
    "amount": (MONEY, {_ACTIVITY: "amount_minor", _BILLING: "amount_minor"}),
    "rating": (RATIO, {_ACTIVITY: "rating"}),
    "item": (TEXT, {_ACTIVITY: "item", _CAMPAIGN: "campaign", _LEARNING: "item", _VISIT: "page"}),
    "change": (TEXT, {_TICKET: "change", _BILLING: "change", _GOAL: "change"}),
    "priority": (TEXT, {_TICKET: "priority"}),
    "category": (TEXT, {_TICKET: "category"}),
    "first_response": (SECONDS, {_TICKET: "first_response_s"}),
    "resolution": (SECONDS, {_TICKET: "resolution_s"}),
    "satisfaction": (RATIO, {_TICKET: "satisfaction"}),
    "plan": (TEXT, {_BILLING: "plan"}),
    "reason": (TEXT, {_BILLING: "reason"}),
    "survey": (TEXT, {_SURVEY: "survey"}),
    "nps": (NUMBER, {_SURVEY: "score"}),
    "csat": (RATIO, {_SURVEY: "score"}),
    "ces": (RATIO, {_SURVEY: "score"}),
    "score": (NUMBER, {_SURVEY: "score"}),
    "respondent": (TEXT, {_SURVEY: "respondent"}),
    "sentiment": (TEXT, {_FEEDBACK: "sentiment", _COMMUNITY: "sentiment"}),
    "contact": (TEXT, {_CONTACT: "kind"}),
    "direction": (TEXT, {_CONTACT: "direction"}),
    "by": (TEXT, {_CONTACT: "by"}),
    "goal": (TEXT, {_GOAL: "goal_id"}),
    "touch": (TEXT, dict.fromkeys(_TOUCH, "type")),
}
#: These count once a ticket, with what was last said of it.
_ONCE_A_TICKET = ("first_response", "resolution", "satisfaction")
_ACCOUNT_UNITS = {"seats": NUMBER, "mrr": MONEY, "internal": FLAG}
_NAME_UNITS = {
    "stage": TEXT, "tenure": DAYS, "days_to_renewal": DAYS, "days_overdue": DAYS,
    "open_invoices": NUMBER, "cancel_scheduled": FLAG, "pulse": TEXT, "not_pursued": FLAG,
    "days_paused": DAYS, "goals_planned": NUMBER, "goals_due": NUMBER, "goals_reached": NUMBER,
    "open_tickets": NUMBER, "oldest_open_ticket": DAYS,
}  # fmt: skip
_FUNCTION_UNITS = {
    "count": NUMBER, "distinct": NUMBER, "active_days": NUMBER, "streak": NUMBER,
    "days_since": DAYS, "working_days_since": NUMBER, "change": RATIO, "share": RATIO,
    "open_tickets": NUMBER, "oldest_open_ticket": DAYS, "mrr_movement": MONEY, "points": NUMBER,
    "against_own": RATIO,
}  # fmt: skip


@dataclass(frozen=True)
class CardFacts:
    """What a card adds to the language."""

    money: Mapping[str, Any]
    actions: Mapping[str, Mapping[str, Any]]
    measures: Mapping[str, syntax.Node]
    calendar: Mapping[str, str] = field(default_factory=dict)

    def works(self, day: date, country: str | None) -> bool:
        """Whether people work on a date: not on other weekdays, nor on their holidays."""
        names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] * 2
        listed: set[str] = set()
        for part in self.calendar.get("working_days", "mon-fri").split(","):
            first, _, last = (word.strip() for word in part.partition("-"))
            at = names.index(first)
            listed |= set(names[at : names.index(last or first, at) + 1])
        if names[day.weekday()] not in listed:
            return False
        by_country = self.calendar.get("holidays") == "account.country"
        return not (by_country and country and day in _holidays_of(country, day.year))

    def worth(self, amount_minor: int, currency: str | None, day: int) -> Fraction | None:
        """An amount in the card's currency, at the rate of a day; None where there is no rate."""
        home = self.money.get("currency")
        currency = currency or home
        rate: Any = "1" if currency == home else self.money.get("rates", {}).get(currency)
        if isinstance(rate, dict):
            from_day = {
                (date.fromisoformat(when) - date(1970, 1, 1)).days: r for when, r in rate.items()
            }
            known = [since for since in from_day if since <= day]
            rate = from_day[max(known) if known else min(from_day)]
        if rate is None:
            return None
        return _floor(Fraction(amount_minor, 10 ** _decimals(currency)) * Fraction(rate))


@lru_cache
def _holidays_of(country: str, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year, expand=False))


def _decimals(currency: str | None) -> int:
    """Of a currency's minor unit: ISO 4217."""
    none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    if currency in none.split():
        return 0
    if currency in ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]:
        return 3
    return 4 if currency in ("CLF", "UYW") else 2


@dataclass(frozen=True)
class Window:
    """So many days or hours, up to the one that ``now`` lies in."""

    size: int
    slot_ms: int

    def holds(self, event: InboundEvent, now_ms: int, before: int = 0) -> bool:
        """Whether the event is in the window, or in the one before. Later ones are in this one."""
        ago = now_ms // self.slot_ms - millis(event.occurred_at) // self.slot_ms
        if not before:
            return ago < self.size
        return self.size * before <= ago < self.size * (before + 1)


def _window(node: syntax.Node) -> Window:
    assert isinstance(node, syntax.Number)
    if node.unit == "h":
        return Window(int(node.value), HOUR_MS)
    return Window(int(node.value) * {"d": 1, "w": 7}[node.unit], DAY_MS)


class Facts:
    """What one customer's events say at a time; each question goes through all of them again."""

    def __init__(
        self,
        events: list[InboundEvent],
        now_ms: int,
        card: CardFacts,
        known: Mapping[str, str] | None = None,
    ) -> None:
        #: The customer's segment and lifecycle stage, as far as they are found out.
        self.known = dict(known or {})
        self.events: list[Any] = sorted(
            (event for event in events if getattr(event, "user_kind", None) != "staff"),
            key=lambda event: (millis(event.occurred_at), event.event_id),
        )
        self.now_ms = now_ms
        self.today = now_ms // DAY_MS
        self.card = card

    # -- units -------------------------------------------------------------------------------

    def unit(self, node: syntax.Node) -> str:
        """What a node's value is measured in."""
        match node:
            case syntax.Number(_, unit):
                return _literal_unit(unit)
            case syntax.Text():
                return TEXT
            case syntax.Flag():
                return FLAG
            case syntax.Name(("account", name, *_)):
                return _ACCOUNT_UNITS.get(name, TEXT)
            case syntax.Name(("segment" | "lifecycle",)):
                return TEXT
            case syntax.Name((name,)):
                return _NAME_UNITS.get(name) or self.unit(self.card.measures[name])
            case syntax.Call("by", _, ((_, first), *_)):
                return self.unit(first)
            case syntax.Call("at_least", (of, *_)):
                return self.unit(of)
            case syntax.Call("first" | "lowest" | "highest", of):
                return self._common(of)
            case syntax.Call(name, arguments):
                return _FUNCTION_UNITS.get(name) or _field_unit(arguments[0])
            case syntax.Negative(of):
                return self.unit(of)
            case syntax.Binary("+" | "-", left, right):
                return self._common((left, right))
            case syntax.Binary("*", left, right):
                units = self.unit(left), self.unit(right)
                return next((u for u in units if u not in (NUMBER, RATIO)), None) or (
                    NUMBER if NUMBER in units else RATIO
                )
            case syntax.Binary("/", left, right):
                left_unit, right_unit = self._divided(left, right)
                return RATIO if left_unit == right_unit else left_unit
            case _:
                return FLAG

    def _common(self, nodes: Sequence[syntax.Node]) -> str:
        """The unit of several of one kind: a number as written takes that of the others."""
        told = [self.unit(node) for node in nodes if not _is_literal(node)]
        return told[0] if told else self.unit(nodes[0])

    def _divided(self, left: syntax.Node, right: syntax.Node) -> tuple[str, str]:
        """A span as written is in the unit of the other side; a plain number is a number."""
        units = [self.unit(left), self.unit(right)]
        for this, other, node in ((0, 1, left), (1, 0, right)):
            if _is_literal(node) and {units[this], units[other]} == {DAYS, SECONDS}:
                units[this] = units[other]
        return units[0], units[1]

    # -- values ------------------------------------------------------------------------------

    def value(self, node: syntax.Node, unit: str | None = None) -> Any:
        """A Fraction to a millionth, a text or a flag; None: no data.

        ``unit`` is the one that a number as written takes.
        """
        match node:
            case syntax.Number():
                return _literal(node, unit)
            case syntax.Text(value) | syntax.Flag(value):
                return value
            case syntax.Name(parts):
                return self._name(parts)
            case syntax.Call("by", (syntax.Name((kind,)),), named):
                told = dict(named)
                chosen = told.get(self.known[kind], told.get("otherwise"))
                return None if chosen is None else _literal(chosen, unit)
            case syntax.Call():
                return self._call(node)
            case syntax.Negative(of):
                found = self.value(of, unit)
                return None if found is None else -found
            case syntax.Binary(operator, left, right):
                return self._arithmetic(operator, left, right)
            case _:
                return self._truth(node, self._compared)

    def _arithmetic(self, operator: str, left: syntax.Node, right: syntax.Node) -> Any:
        if operator in "+-":
            units = (self._common((left, right)),) * 2
        elif operator == "/":
            units = self._divided(left, right)
        else:
            units = self.unit(left), self.unit(right)
        a, b = self.value(left, units[0]), self.value(right, units[1])
        if a is None or b is None or (operator == "/" and b == 0):
            return None
        if operator == "/":
            return _floor(a / b)
        return _floor({"+": a + b, "-": a - b, "*": a * b}[operator])

    def _truth(self, node: syntax.Node, compared: Callable[[Any], tuple[Any, list[Any]]]) -> Any:
        """Whether a condition is met; None: not known, and its ``not`` neither."""
        match node:
            case syntax.All(of):
                met = [self._truth(one, compared) for one in of]
                return False if False in met else None if None in met else True
            case syntax.Any(of):
                met = [self._truth(one, compared) for one in of]
                return True if True in met else None if None in met else False
            case syntax.Not(of):
                one = self._truth(of, compared)
                return None if one is None else not one
            case syntax.Comparison(operator):
                left, (right,) = compared(node)
                if left is None or right is None:
                    return None
                if operator in ("==", "!="):
                    return (left == right) == (operator == "==")
                return {
                    "<": left < right,
                    "<=": left <= right,
                    ">": left > right,
                    ">=": left >= right,
                }[operator]
            case syntax.Membership(_, _, negated):
                left, listed = compared(node)
                return None if left is None else (left in listed) != negated
            case _:
                return self.value(node)

    def _compared(self, node: syntax.Comparison | syntax.Membership) -> tuple[Any, list[Any]]:
        """Both sides; a bare name opposite a text is a text."""
        left = node.of if isinstance(node, syntax.Membership) else node.left
        rights = node.items if isinstance(node, syntax.Membership) else (node.right,)
        unit = self._common((left, *rights)) if _is_literal(left) else self.unit(left)
        if unit == TEXT:
            return self.value(left), [self._text(right) for right in rights]
        return self.value(left, unit), [self.value(right, unit) for right in rights]

    def _text(self, node: syntax.Node) -> Any:
        match node:
            case syntax.Name((name,)):
                return name
            case _:
                return self.value(node)

    def _name(self, parts: tuple[str, ...]) -> Any:
        match parts:
            case ("account", "attributes", name):
                return (self._said("attributes") or {}).get(name)
            case ("account", "seats"):
                seats = self._said("seats")
                return None if seats is None else Fraction(seats)
            case ("account", "mrr"):
                return self._mrr(self.now_ms)
            case ("account", name):
                return self.account(name)
            case ("segment" | "lifecycle" as kind,):
                return self.known[kind]
            case (name,) if name in _NAME_UNITS:
                return getattr(self, name)()
            case (name,):
                return self.value(self.card.measures[name])
        raise AssertionError(parts)

    def _call(self, call: syntax.Call) -> Any:
        named = dict(call.named)
        match call.name, call.arguments:
            case "first", of:
                unit = self._common(of)
                return next((v for x in of if (v := self.value(x, unit)) is not None), None)
            case "lowest" | "highest", of:
                unit = self._common(of)
                known = [v for x in of if (v := self.value(x, unit)) is not None]
                return (min if call.name == "lowest" else max)(known) if known else None
            case "at_least", (syntax.Call() as of, syntax.Number(n)):
                return self.value(of) if len(self._behind(of)) >= n else None
            case "open_tickets" | "oldest_open_ticket", ():
                wanted = {name: self._text(node) for name, node in call.named}
                return getattr(self, call.name)(**wanted)
            case "mrr_movement", (window,):
                kind = self._text(named["kind"]) if "kind" in named else None
                return self.mrr_movement(_window(window), kind)
            case "points", (syntax.Name((table,)),):
                half = _window(named["half_life"]).size if "half_life" in named else None
                return self.points(self.card.actions[table], half)
            case "change", (syntax.Name(("account", what)), window):
                return self._account_change(what, _window(window))
            case "change", (syntax.Call("sum") as total, *window):
                size = _window(window[0] if window else total.arguments[1])
                where = [(name, node) for name, node in call.named if name != "per"]
                total = syntax.Call("sum", total.arguments, (*total.named, *where))
                sums = [self._sum(total, size, before) for before in (0, 1)]
                return _growth(*self._per_day(call, size, sums))
            case (
                "count" | "active_days" | "streak" | "days_since" | "working_days_since"
                | "change" | "share",
                _,
            ):  # fmt: skip
                return self._of_thing(call)
            case "against_own", _:
                return self._against_own(call)
        return self._of_field(call)

    # -- functions of things -----------------------------------------------------------------

    def _times(self, call: syntax.Call, where: bool = True) -> list[tuple[Any, int]]:
        """The events that are such a thing and fit, and how many of it each is."""
        types, test = THINGS[call.arguments[0].parts[0]]  # type: ignore[union-attr]
        found = [event for event in self.events if event.type in types and test(event)]
        return [
            (event, event.quantity if event.type == _FEATURE else 1)
            for event in found
            if not where or self._fits(event, call)
        ]

    def _of_thing(self, call: syntax.Call) -> Fraction | None:
        times = self._times(call)
        days = {self._day(event) for event, n in times if n}
        window = _window(call.arguments[1]) if len(call.arguments) > 1 else Window(0, DAY_MS)

        def among(pairs: list[tuple[Any, int]], before: int = 0) -> Fraction:
            return Fraction(sum(n for e, n in pairs if window.holds(e, self.now_ms, before)))

        known = self._family_known(THINGS[call.arguments[0].parts[0]][0])  # type: ignore[union-attr]
        match call.name:
            case "count":
                (found,) = self._per_day(call, window, [among(times) if known else None])
                return None if found is None else _floor(found)
            case "active_days":
                within = [day for day in days if day > self.today - window.size]
                return Fraction(len(within)) if known else None
            case "streak":
                end = self.today if self.today in days else self.today - 1
                run = 0
                while end - run in days and run < 400:
                    run += 1
                return Fraction(run) if known else None
            case "days_since":
                return self._since(
                    max((millis(e.occurred_at) for e, n in times if n), default=None)
                )
            case "working_days_since":
                last = max((millis(e.occurred_at) for e, n in times if n), default=None)
                return None if last is None else Fraction(self._working_days_since(last))
            case "change":
                found = [among(times), among(times, 1)]
                return _growth(*self._per_day(call, window, found))
            case "share":
                total = among(self._times(call, where=False))
                return _floor(among(times) / total) if total else None
        raise AssertionError(call.name)

    def _per_day(
        self, call: syntax.Call, window: Window, found: list[Fraction | None]
    ) -> list[Fraction | None]:
        """Of the window and those before it, what each of their working days has."""
        if "per" not in dict(call.named):
            return found
        shared: list[Fraction | None] = []
        for before, total in enumerate(found):
            youngest = self.today - before * window.size
            days = sum(
                self.card.works(_date(day), self._said("country"))
                for day in range(youngest - window.size + 1, youngest + 1)
            )
            shared.append(total / days if total is not None and days else None)
        return shared

    def _working_days_since(self, at_ms: int) -> int:
        """Working days that have begun after the zone's day of an instant."""
        zone = ZoneInfo(self.card.calendar["zone"])
        first, last = (
            datetime.fromtimestamp(ms / 1000, zone).date() for ms in (at_ms, self.now_ms)
        )
        days = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
        return sum(self.card.works(day, self._said("country")) for day in days)

    def _against_own(self, call: syntax.Call) -> Fraction | None:
        """The last 28 days against four times the higher of two weekly means before them."""
        times = [(self._day(event), n) for event, n in self._times(call) if n]
        if not times:
            return None
        first, last = min(day for day, _ in times), self.today - 28

        def uses(after: int, through: int) -> int:
            return sum(n for day, n in times if after < day <= through)

        days_before = min(last - first + 1, 84)
        if days_before < 56:
            return None
        weekly = Fraction(uses(last - days_before, last) * 7, days_before)
        if first + 119 <= last:
            weekly = max(weekly, Fraction(uses(first + 28, first + 119), 13))
        now = sum(n for day, n in times if day > last)
        return min(_floor(now / (4 * weekly)), Fraction(10)) if weekly else None

    def points(self, table: Mapping[str, Any], half_life: int | None) -> Fraction | None:
        """Points for actions, fading, or for 400 days."""
        total, known = Fraction(0), False
        for action, told in table.items():
            told = told if isinstance(told, dict) else {"points": told}
            known = known or self._family_known(THINGS[action][0])
            by_day: dict[int, int] = {}
            for event, n in self._times(syntax.Call("count", (syntax.Name((action,)),))):
                by_day[self._day(event)] = by_day.get(self._day(event), 0) + n
            for day, n in by_day.items():
                counted = min(n, int(told["per_day"])) if "per_day" in told else n
                worth, age = Decimal(told["points"]) * counted, max(self.today - day, 0)
                if age >= FORGET_DAYS:
                    continue
                left = Fraction(1)
                if half_life is not None:
                    with localcontext(prec=40):
                        left = _floor(Fraction(Decimal(2) ** (Decimal(-age) / half_life)))
                total += _floor(Fraction(worth) * left)
        return total if known else None

    # -- functions of fields -----------------------------------------------------------------

    def _having(self, call: syntax.Call, kinds: tuple[type, ...]) -> list[tuple[Any, Any]]:
        """The events that have the field and fit, and its value there, oldest first."""
        parts = call.arguments[0].parts  # type: ignore[union-attr]
        narrowed = dict(call.named).get("of")
        types, test = THINGS[narrowed.parts[0]] if narrowed else (_WITH_PROPERTIES, lambda _: True)  # type: ignore[union-attr]
        found = [
            (event, value)
            for event in self.events
            if event.type in types and test(event)
            if not (narrowed and getattr(event, "quantity", 1) == 0)  # that is no use
            if isinstance(value := self._field(event, parts), kinds) and self._fits(event, call)
        ]
        if parts[0] in _ONCE_A_TICKET:
            found = list({event.ticket_id: (event, value) for event, value in found}.values())
        return sorted(found, key=lambda pair: (millis(pair[0].occurred_at), pair[0].event_id))

    def _of_field(self, call: syntax.Call) -> Any:
        quantile = call.name == "quantile"
        window = _window(call.arguments[1 + quantile]) if len(call.arguments) > 1 else None
        if call.name == "sum":
            (found,) = self._per_day(call, window, [self._sum(call, window, 0)])
            return None if found is None else _floor(found)
        is_text = _field_unit(call.arguments[0]) == TEXT
        kinds = (str,) if is_text else (Fraction,)
        if call.name == "distinct":
            kinds = (str, Fraction, bool)
        pairs = self._having(call, kinds)
        ever = bool(pairs)
        if window is not None:
            pairs = [pair for pair in pairs if window.holds(pair[0], self.now_ms)]
        values = [value for _, value in pairs]
        if call.name == "distinct":
            different = {(type(value), value) for value in values}
            return Fraction(len(different)) if ever else None
        if not values:
            return None
        ordered = values if is_text else sorted(values)
        match call.name:
            case "mean":
                return _floor(sum(values, Fraction(0)) / len(values))
            case "min":
                return ordered[0]
            case "max":
                return ordered[-1]
            case "median":
                return ordered[(len(values) - 1) // 2]
            case "quantile":
                share = _literal(call.arguments[1], RATIO)
                return next(
                    x for x in ordered if sum(y <= x for y in ordered) >= share * len(ordered)
                )
            case "last":
                return self._last(pairs)
        raise AssertionError(call.name)

    def _sum(self, call: syntax.Call, window: Window, before: int) -> Fraction | None:
        pairs = self._having(call, (Fraction,))
        total = sum((v for e, v in pairs if window.holds(e, self.now_ms, before)), Fraction(0))
        return total if self._field_family_known(call) else None

    def _behind(self, call: syntax.Call) -> list[Any]:
        """The events that a value is made of."""
        if call.name == "share":
            window = _window(call.arguments[1])
            events = [event for event, n in self._times(call, where=False) if n]
        else:
            window = _window(call.arguments[1 + (call.name == "quantile")])
            events = [event for event, _ in self._having(call, (Fraction,))]
        return [event for event in events if window.holds(event, self.now_ms)]

    def _field(self, event: Any, parts: tuple[str, ...]) -> Any:
        """A field of an event as a Fraction, text or flag; None if it does not have it."""
        if parts[0] == "property":
            own = getattr(event, "properties", None) or {}
            value = own.get(parts[1])
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _floor(Fraction(str(value)))
            return value
        name = parts[0]
        unit, attributes = FIELDS[name]
        if event.type not in attributes:
            return None
        value = getattr(event, attributes[event.type])
        if value is None:
            return None
        match name:
            case "user":
                automated = getattr(event, "user_kind", None) == "automated"
                return None if automated else value
            case "amount":
                return self.card.worth(value, event.currency, self._day(event))
            case "rating":
                return _part_of(value, event.rating_scale_max)
            case "satisfaction":
                return _part_of(value, event.satisfaction_scale_max)
            case "active_time" | "first_response" | "resolution":
                return Fraction(round(value * 1000), 1000)
            case "nps" | "csat" | "ces":
                if event.survey != name:
                    return None
                low, top = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[name]
                low = Fraction(low if event.scale_min is None else event.scale_min)
                top = Fraction(top if event.scale_max is None else event.scale_max)
                if top <= low:
                    return None
                return _part(value, low, top) * (10 if name == "nps" else 1)
            case "score":
                return Fraction(round(value * 1000), 1000)
            case "touch":
                word = getattr(event, "reaction", None) or getattr(event, "activity", None)
                word = word or getattr(event, "kind", None)
                kind = event.type.removeprefix("engagement.")
                return f"{kind}.{word}" if word else kind
        return Fraction(value) if unit == NUMBER else str(value)

    # -- conditions on events ----------------------------------------------------------------

    def _fits(self, event: Any, call: syntax.Call) -> bool:
        """Whether the event meets the function's ``where``, if it has one."""
        where = dict(call.named).get("where")
        if where is None:
            return True

        def compared(node: syntax.Comparison | syntax.Membership) -> tuple[Any, list[Any]]:
            left = node.of if isinstance(node, syntax.Membership) else node.left
            rights = node.items if isinstance(node, syntax.Membership) else (node.right,)
            assert isinstance(left, syntax.Name)
            value = self._field(event, left.parts)
            unit = _field_unit(left)
            listed = []
            for right in rights:
                if isinstance(right, syntax.Name):
                    listed.append(".".join(right.parts))
                else:
                    listed.append(self.value(right, unit))
            ordered = isinstance(node, syntax.Comparison) and node.operator[0] in "<>"
            if ordered and not isinstance(value, type(listed[0])):
                return None, listed  # an own field of another kind: neither more nor less
            return value, listed

        return self._truth(where, compared) is True

    # -- the account -------------------------------------------------------------------------

    def account(self, name: str) -> Any:
        """A text or flag of the account."""
        said = self._said(name)
        return bool(said) if name == "internal" else said

    def _said(self, name: str, through: Test = lambda _: True) -> Any:
        """What the youngest event that speaks of a field says; None also if it was cleared."""
        said = []
        for event in filter(through, self.events):
            if event.type in ("account.created", "account.changed"):
                if name in event.model_fields_set:
                    value = getattr(event, name)
                    said.append((event, str(value) if name == "status" and value else value))
            elif event.type == "account.closed" and name == "status":
                said.append((event, "churned"))
            elif event.type == _BILLING:
                if name == "status" and event.subscription_id is None:
                    status = {
                        "subscription_started": "customer",
                        "subscription_renewed": "customer",
                        "trial_started": "trial",
                        "cancelled": "churned",
                    }.get(event.change)
                    said += [(event, status)] if status else []
                elif name == "currency":  # of the subscription, not of some invoice
                    said += [(event, event.currency)] * bool(
                        event.currency and event.mrr_minor is not None
                    )
                elif name in ("seats", "mrr_minor", "renewal_at", "plan"):
                    value = getattr(event, name)
                    said += [(event, value)] if value is not None else []
        return self._last(said)

    def _last(self, said: list[tuple[Any, Any]]) -> Any:
        """The value with the greatest event time and id."""
        return max(
            said,
            key=lambda one: (millis(one[0].occurred_at), one[0].event_id, repr(one[1])),
            default=(None, None),
        )[1]

    def _mrr(self, at_ms: int, through: Test = lambda _: True) -> Fraction | None:
        """In the card's currency, at the rate of a time."""
        said = []
        for event in filter(through, self.events):
            is_account = event.type in ("account.created", "account.changed")
            if (is_account and "mrr_minor" in event.model_fields_set) or (
                event.type == _BILLING and event.mrr_minor is not None
            ):
                said.append((event, (event.mrr_minor, event.currency)))
        amount, currency = self._last(said) or (None, None)
        if amount is None:
            return None
        currency = currency or self._said("currency")
        return self.card.worth(amount, currency, at_ms // DAY_MS)

    def _account_change(self, what: str, window: Window) -> Fraction | None:
        end = self.now_ms // window.slot_ms - window.size

        def through(event: Any) -> bool:
            return millis(event.occurred_at) // window.slot_ms <= end

        if what == "seats":
            return _growth(self._said("seats"), self._said("seats", through))
        return _growth(self._mrr(self.now_ms), self._mrr(end * window.slot_ms, through))

    def mrr_movement(self, window: Window, kind: str | None) -> Fraction | None:
        """What MRR gained and lost in the window, with its sign."""
        by_day: dict[int, Any] = {}
        for event in self.events:  # in order of time: the last of a day stands at its end
            is_account = event.type in ("account.created", "account.changed")
            if (is_account and "mrr_minor" in event.model_fields_set) or (
                event.type == _BILLING and event.mrr_minor is not None
            ):
                by_day[self._day(event)] = event
        total, known, had, before = Fraction(0), False, False, Fraction(0)
        for day, event in sorted(by_day.items()):
            currency = event.currency or self._said("currency")
            worth = None
            if event.mrr_minor is not None:
                worth = self.card.worth(event.mrr_minor, currency, day)
            now = worth or Fraction(0)
            if before <= 0 < now:
                movement = "reactivation" if had else "new"
            elif now <= 0 < before:
                movement = "churn"
            else:
                movement = "expansion" if now > before else "contraction"
            if kind in (None, movement) and day > self.today - window.size:
                total += now - before
            known, before, had = known or worth is not None, now, had or now > 0
        return total if known else None

    def stage(self) -> str | None:
        return self._last([(e, e.stage) for e in self._of("engagement.lifecycle")])

    def tenure(self) -> Fraction | None:
        started = self._said("started_at")
        if started is None:
            created = [e.occurred_at for e in self.events if e.type == "account.created"]
            started = max(created, default=None)
        return None if started is None else self._since(millis(started))

    def days_to_renewal(self) -> Fraction | None:
        renewal = self._said("renewal_at")
        if renewal is None:
            return None
        left_ms = max(millis(renewal) - self.now_ms, 0)
        return _floor(Fraction(math.ceil(Fraction(left_ms, HOUR_MS)), 24))

    def cancel_scheduled(self) -> bool:
        changes = ("cancel_scheduled", "subscription_renewed")
        said = [(e, e.change == changes[0]) for e in self._of(_BILLING) if e.change in changes]
        return bool(self._last(said))

    def pulse(self) -> str | None:
        said = []
        for event in self._of("engagement.pulse"):
            ends_ms = millis(event.occurred_at) + PULSE_DAYS * DAY_MS
            if event.expires_at is not None:
                ends_ms = millis(event.expires_at)
            said.append((event, (str(event.pulse), ends_ms)))
        pulse, ends_ms = self._last(said) or (None, 0)
        return pulse if self.now_ms < ends_ms else None

    def not_pursued(self) -> bool:
        said = []
        for event in self._of("engagement.state"):
            if event.state in ("handled", "not_handled"):
                continue  # says nothing of whether it is pursued
            ends_ms = millis(event.occurred_at) + PURSUIT_DAYS * DAY_MS
            if event.expires_at is not None:
                ends_ms = millis(event.expires_at)
            said.append((event, (event.state, ends_ms)))
        state, ends_ms = self._last(said) or (None, 0)
        return state == "not_pursued" and self.now_ms < ends_ms

    def goals_planned(self) -> Fraction | None:
        goals = self._goals()
        return Fraction(sum(state != "dropped" for state, _ in goals)) if goals else None

    def goals_due(self) -> Fraction | None:
        goals = self._goals()
        passed = [
            state == "reached" or (due_ms is not None and due_ms <= self.now_ms)
            for state, due_ms in goals
            if state != "dropped"
        ]
        return Fraction(sum(passed)) if goals else None

    def goals_reached(self) -> Fraction | None:
        goals = self._goals()
        return Fraction(sum(state == "reached" for state, _ in goals)) if goals else None

    def _goals(self) -> list[tuple[str | None, int | None]]:
        """The state and date of each goal and milestone."""
        found = []
        for changes in _by("goal_id", self._of(_GOAL)).values():
            if self._forgotten(changes):
                continue
            state, due_ms = None, None
            for event in changes:
                state = state if event.change == "due" else str(event.change)
                if event.due_at is not None:
                    due_ms = millis(event.due_at)
                elif event.change == "due":
                    due_ms = millis(event.occurred_at)
            found.append((state, due_ms))
        return found

    # -- tickets and invoices ----------------------------------------------------------------

    def open_tickets(self, **wanted: str) -> Fraction | None:
        opened = self._open(wanted)
        return None if opened is None else Fraction(len(opened))

    def oldest_open_ticket(self, **wanted: str) -> Fraction | None:
        opened = self._open(wanted)
        if opened is None:
            return None
        return self._since(min(opened)) if opened else Fraction(0)

    def _open(self, wanted: dict[str, str]) -> list[int] | None:
        """When each open ticket was opened; None: never a ticket."""
        tickets = _by("ticket_id", self._of(_TICKET))
        found = []
        for changes in tickets.values():
            is_open, said = False, {"priority": None, "category": None}
            for event in changes:
                if event.change in ("opened", "reopened"):
                    is_open = True
                elif event.change in ("solved", "closed", "merged", "deleted"):
                    is_open = False
                if event.priority is not None:
                    said["priority"] = str(event.priority)
                elif event.change == "escalated":
                    said["priority"] = "urgent"
                said["category"] = event.category or said["category"]
            if is_open and not self._forgotten(changes) and said | wanted == said:
                began = [e for e in changes if e.change in ("opened", "reopened")]
                found.append(millis(began[0].occurred_at))
        return found if tickets else None

    def days_overdue(self) -> Fraction | None:
        if not self._family_known((_BILLING,)):
            return None
        since = [due_ms for due_ms in self._owed() if due_ms is not None]
        return self._since(min(since)) if since else Fraction(0)

    def days_paused(self) -> Fraction | None:
        """Of the subscription that has been paused the longest, by the day; at most 400."""
        if not self._family_known((_BILLING,)):
            return None
        words = {"subscription_paused": True} | dict.fromkeys(
            ("subscription_resumed", "subscription_started", "subscription_renewed", "cancelled"),
            False,
        )
        since = []
        told = [event for event in self._of(_BILLING) if str(event.change) in words]
        for changes in _by("subscription_id", told).values():
            # The last word of each day, and the days up to now that all say paused.
            days = {self._day(event): event for event in changes}
            began = None
            for event in days.values():
                began = (began or event) if words[str(event.change)] else None
            since += [millis(began.occurred_at)] if began else []
        if not since:
            return Fraction(0)
        days = self._since(min(since))
        assert days is not None
        return min(days, Fraction(FORGET_DAYS))

    def open_invoices(self) -> Fraction | None:
        return Fraction(len(self._owed())) if self._family_known((_BILLING,)) else None

    def _owed(self) -> list[int | None]:
        """When each invoice that is neither paid nor voided falls due."""
        found = []
        invoices = [event for event in self._of(_BILLING) if event.invoice_id is not None]
        for changes in _by("invoice_id", invoices).values():
            owed, due_ms = True, None
            for event in changes:
                if event.change in ("invoice_issued", "invoice_due", "invoice_overdue"):
                    owed = True
                elif event.change in ("invoice_paid", "invoice_voided"):
                    owed = False
                if event.due_at is not None:
                    due_ms = millis(event.due_at)
                elif event.change in ("invoice_due", "invoice_overdue"):
                    due_ms = millis(event.occurred_at)
            if owed and not self._forgotten(changes):
                found.append(due_ms)
        return found

    # -- looking through the events ----------------------------------------------------------

    def _of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def _day(self, event: InboundEvent) -> int:
        return millis(event.occurred_at) // DAY_MS

    def _forgotten(self, changes: list[Any]) -> bool:
        return self._day(changes[-1]) < self.today - FORGET_DAYS

    def _family_known(self, types: Iterable[str]) -> bool:
        families = [family for family in _FAMILIES if family & set(types)]
        told = (e for e in self.events if e.type in ("account.created", "account.changed"))
        if _BILLING in set(types) and any("mrr_minor" in e.model_fields_set for e in told):
            return True
        return any(event.type in family for event in self.events for family in families)

    def _field_family_known(self, call: syntax.Call) -> bool:
        narrowed = dict(call.named).get("of")
        if narrowed is not None:
            return self._family_known(THINGS[narrowed.parts[0]][0])  # type: ignore[union-attr]
        name = call.arguments[0].parts[0]  # type: ignore[union-attr]
        return self._family_known(_WITH_PROPERTIES if name == "property" else FIELDS[name][1])

    def _since(self, at_ms: int | None) -> Fraction | None:
        """Whole hours since then, in days; none before it."""
        if at_ms is None:
            return None
        return _floor(Fraction(max(self.now_ms - at_ms, 0) // HOUR_MS, 24))


def _by(key: str, events: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for event in events:
        found.setdefault(getattr(event, key), []).append(event)
    return found


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _growth(now: Any, before: Any) -> Fraction | None:
    """Now against before, at most ten times as much again."""
    if now is None or not before or before < 0:
        return None
    return min(_floor(Fraction(now - before) / before), Fraction(10))


def _field_unit(node: Any) -> str:
    name = node.parts[0]
    return NUMBER if name == "property" else FIELDS[name][0]


def _is_literal(node: syntax.Node) -> bool:
    """A number as written, perhaps with a sign."""
    if isinstance(node, syntax.Call):
        return node.name == "by"  # a number as written, another for each class
    return isinstance(node.of if isinstance(node, syntax.Negative) else node, syntax.Number)


def _literal_unit(unit: str) -> str:
    if unit in ("d", "w"):
        return DAYS
    return {"": NUMBER, "%": RATIO}.get(unit, SECONDS)


def _literal(node: Any, unit: str | None) -> Fraction:
    """A number as written, in the unit that is wanted of it."""
    value = Fraction(node.value)
    if node.unit == "%":
        return _floor(value / 100)
    if node.unit:
        in_days = (unit or _literal_unit(node.unit)) == DAYS
        return _floor(value * _UNIT_S[node.unit] / (86_400 if in_days else 1))
    return _floor(value)


def _part(value: float, low: Fraction, top: Fraction) -> Fraction:
    """Where a rating lies on its scale, to a millionth; beyond the scale is its end."""
    part = min(max((Fraction(value) - low) / (top - low), Fraction(0)), Fraction(1))
    return Fraction(round(part * 1_000_000), 1_000_000)


def _part_of(value: float, scale_max: float) -> Fraction:
    """A rating on a scale that begins at 1, or at 0 if its end is no higher than 1."""
    return _part(value, Fraction(1 if scale_max > 1 else 0), Fraction(scale_max))


def _floor(value: Fraction) -> Fraction:
    """To a millionth, rounded down."""
    return Fraction(math.floor(value * 1_000_000), 1_000_000)


def _round(value: Fraction) -> int:
    """A half is rounded up."""
    return math.floor(value + Fraction(1, 2))


def _number(text: str) -> Fraction:
    return Fraction(text.strip().removesuffix("%").strip())


def _seconds(text: str) -> int:
    return 0 if text == "0" else int(Fraction(text[:-1].strip()) * _UNIT_S[text[-1]])


def _x(text: str, unit: str) -> Fraction:
    """A curve's x in the metric's unit, rounded down to a millionth."""
    if text.endswith("%"):
        return _floor(_number(text) / 100)
    if text[-1] in _UNIT_S and unit in (DAYS, SECONDS):
        seconds = Fraction(text[:-1].strip()) * _UNIT_S[text[-1]]
        return _floor(seconds if unit == SECONDS else seconds / 86_400)
    return _floor(Fraction(text))
