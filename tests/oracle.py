"""A naive batch scorer: all events of one customer, a scorecard's text and a time, into a health.

It shares no method with the product: it keeps no state, reads the YAML document
itself, works on the events as they came (not on signals), starts from nothing for
every question, and reckons in fractions. Slow and plain on purpose.

What it takes as given are the rules that ``docs/scorecards.md`` states.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import yaml

from schemas.inbound import InboundEvent

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Tickets and invoices that nothing touched for longer than this are forgotten.
FORGET_DAYS = 400
#: The window in which an event id may come again and is dropped, by event time.
REPEAT_MS = {"usage.feature": 6 * HOUR_MS, "usage.activity": 6 * HOUR_MS}
REPEAT_MS_OTHERS = 72 * HOUR_MS
_DEFAULT_DAYS = {
    "uses_per_seat": 28,
    "usage_change": 28,
    "failed_share": 28,
    "distinct_features": 28,
    "active_users_per_seat": 28,
    "failed_payments": 28,
    "first_response_median": 90,
    "satisfaction_mean": 180,
    "nps_last": 180,
    "pulse": 90,
}
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Expected:
    """What a customer's health must be. ``band`` and ``pending`` come from :class:`Bands`."""

    score: int | None
    letter: str | None
    coverage: Fraction
    values: dict[str, Fraction | None]
    points: dict[str, int | None]
    overrides: list[str]
    capped_by: int
    nominal: int
    forced_red: bool
    scored: bool


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
        self.document = document
        self.weights = {group: _number(share) for group, share in document["weights"].items()}
        self.groups = document["groups"]
        defaults = document.get("defaults", {})
        self.minimum = _number(defaults.get("minimum_coverage", "60%")) / 100
        self.missing = defaults.get("missing", "leave_out")
        self.letters = {letter: _number(level) for letter, level in document["letters"].items()}
        scored = document.get("scored", {})
        self.statuses = scored.get("status", ["trial", "customer", "notice"])
        self.internal = scored.get("internal", "false") == "true"
        self.overrides = document.get("overrides", {})

    def health(self, events: Iterable[InboundEvent], now_ms: int) -> Expected:
        """The health at ``now_ms`` of the customer whose events these are, in any order."""
        facts = Facts(list(events), now_ms)
        if not self._is_scored(facts):
            return Expected(None, None, Fraction(0), {}, {}, [], 0, 0, False, scored=False)
        values: dict[str, Fraction | None] = {}
        points: dict[str, int | None] = {}
        weights: dict[str, dict[str, Fraction]] = {}
        for group, measures in self.groups.items():
            weights[group] = {}
            for name, measure in measures.items():
                values[name] = facts.metric(measure["metric"])
                points[name] = self._points(measure, values[name])
                if points[name] is not None:
                    weights[group][name] = self.weights[group] * _number(measure["share"]) / 10_000
        coverage = sum((sum(of.values(), Fraction(0)) for of in weights.values()), Fraction(0))
        nominal = sum(
            (
                weight * (points[name] or 0)
                for of in weights.values()
                for name, weight in of.items()
            ),
            Fraction(0),
        )
        acting = [name for name, rule in self.overrides.items() if self._acts(rule["when"], facts)]
        forced = any(self.overrides[name].get("band") == "red" for name in acting)
        if coverage == 0 or coverage < self.minimum:
            return Expected(
                None,
                None,
                coverage,
                values,
                points,
                acting,
                0,
                _round(nominal),
                forced,
                scored=True,
            )
        score = uncapped = self._mean(weights, points)
        for name in acting:
            if "cap" in self.overrides[name]:
                score = min(score, _round(_number(self.overrides[name]["cap"]) * 100))
        return Expected(
            score,
            self._letter(score),
            coverage,
            values,
            points,
            acting,
            uncapped - score,
            _round(nominal),
            forced,
            scored=True,
        )

    def _is_scored(self, facts: "Facts") -> bool:
        status = facts.field("status")
        if status is not None and str(status) not in self.statuses:
            return False
        return self.internal or not facts.field("internal")

    def _mean(self, weights: dict[str, dict[str, Fraction]], points: dict[str, int | None]) -> int:
        """A group without data gives its weight to the others, a measure to its siblings."""
        total = rest = Fraction(0)
        for group, of in weights.items():
            present = sum(of.values(), Fraction(0))
            if present == 0:
                continue
            mean = sum((w * (points[name] or 0) for name, w in of.items()), Fraction(0)) / present
            total += self.weights[group] * mean
            rest += self.weights[group]
        return _round(total / rest)

    def _points(self, measure: dict[str, Any], value: Fraction | None) -> int | None:
        if value is None:
            missing = measure.get("missing", self.missing)
            return None if missing == "leave_out" else _round(_number(missing) * 100)
        unit = _unit(measure["metric"])
        shape = measure.get("curve") or measure["steps"]
        dots = sorted((_x(x, unit), _number(y) * 100) for x, y in shape.items())
        if value <= dots[0][0]:
            return _round(dots[0][1])
        if value >= dots[-1][0]:
            return _round(dots[-1][1])
        for (x0, y0), (x1, y1) in pairwise(dots):
            if x0 <= value < x1:
                if "steps" in measure:
                    return _round(y0)
                return _round(y0 + (y1 - y0) * (value - x0) / (x1 - x0))
        raise AssertionError("the dots have a gap")

    def _acts(self, when: str, facts: "Facts") -> bool:
        if when == "cancel_scheduled":
            return facts.cancel_scheduled()
        metric, operator, level_text = re.fullmatch(r"(.+?) *(>=|<=|>|<) *(\S+)", when).groups()
        value, level = facts.metric(metric), _x(level_text, _unit(metric))
        if value is None:
            return False
        return {
            ">=": value >= level,
            ">": value > level,
            "<=": value <= level,
            "<": value < level,
        }[operator]

    def _letter(self, score: int) -> str:
        reached = {level: letter for letter, level in self.letters.items() if score >= level * 100}
        return reached[max(reached)]


class Bands:
    """The band after each of a customer's evaluations, in order."""

    def __init__(self, card_text: str) -> None:
        bands = yaml.load(card_text, Loader=yaml.BaseLoader)["bands"]

        def level(band: str, which: str) -> Fraction:
            return _number(re.sub(r"[<>=\s]", "", bands[band][which])) * 100

        self.green = level("green", "enter"), level("green", "leave")
        self.red = level("red", "enter"), level("red", "leave")
        self.hold_ms = {
            "green": _seconds(bands["green"].get("hold", "0s")) * 1000,
            "red": _seconds(bands["red"].get("hold", "0s")) * 1000,
            "yellow": 0,
        }
        self.band = "unknown"
        self.asked: tuple[str, int] | None = None

    def evaluate(self, health: Expected, now_ms: int) -> str:
        """The band after an evaluation at ``now_ms``."""
        wanted = self._wanted(health)
        if wanted == self.band:
            self.asked = None
        elif "unknown" in (wanted, self.band) or health.overrides or not self.hold_ms[wanted]:
            self.band, self.asked = wanted, None
        else:
            if self.asked is None or self.asked[0] != wanted:
                self.asked = wanted, now_ms
            if now_ms - self.asked[1] >= self.hold_ms[wanted]:
                self.band, self.asked = wanted, None
        return self.band

    def _wanted(self, health: Expected) -> str:
        if health.forced_red:
            return "red"
        if health.score is None:
            return "unknown"
        stays_green = self.band == "green" and not health.score < self.green[1]
        stays_red = self.band == "red" and not health.score >= self.red[1]
        if stays_green or (health.score >= self.green[0] and not stays_red):
            return "green"
        return "red" if stays_red or health.score < self.red[0] else "yellow"


class Facts:
    """What one customer's events say at a time; each question goes through all of them again."""

    def __init__(self, events: list[InboundEvent], now_ms: int) -> None:
        self.events = sorted(events, key=lambda event: (millis(event.occurred_at), event.event_id))
        self.now_ms = now_ms
        self.today = now_ms // DAY_MS

    def metric(self, text: str) -> Fraction | None:
        """The value of ``NAME`` or ``NAME(WINDOW)``, rounded down to a millionth; None: no data."""
        name, window = re.fullmatch(r"(\w+)(?:\((\w+)\))?", text.replace(" ", "")).groups()
        days = _seconds(window) // 86_400 if window else _DEFAULT_DAYS.get(name)
        value = getattr(self, name)() if days is None else getattr(self, name)(days)
        return None if value is None else Fraction(math.floor(value * 1_000_000), 1_000_000)

    def field(self, name: str) -> Any:
        """An account field: what the latest event that speaks of it says."""
        found = None
        for event in self.events:
            if event.type in ("account.created", "account.changed"):
                if name in event.model_fields_set:
                    found = getattr(event, name)
            elif event.type == "account.closed" and name == "status":
                found = "churned"
            elif event.type == "billing.changed":
                if name == "status" and event.subscription_id is None:
                    found = {
                        "subscription_started": "customer",
                        "subscription_renewed": "customer",
                        "trial_started": "trial",
                        "cancelled": "churned",
                    }.get(event.change, found)
                elif name in ("seats", "mrr_minor", "renewal_at"):
                    given = getattr(event, name)
                    found = found if given is None else given
        return found

    def cancel_scheduled(self) -> bool:
        """Whether a cancellation is scheduled and no renewal came after it."""
        found = False
        for event in self._of("billing.changed"):
            if event.change == "cancel_scheduled":
                found = True
            elif event.change == "subscription_renewed":
                found = False
        return found

    # -- use ---------------------------------------------------------------------------------

    def uses_per_seat(self, days: int) -> Fraction | None:
        seats = self.field("seats")
        if not seats or not self._used():
            return None
        return Fraction(self._uses(self.today - days), seats)

    def usage_change(self, days: int) -> Fraction | None:
        before = self._uses(self.today - 2 * days, self.today - days)
        if not before:
            return None
        return min(Fraction(self._uses(self.today - days) - before, before), Fraction(10))

    def failed_share(self, days: int) -> Fraction | None:
        uses = self._uses(self.today - days)
        failed = sum(
            event.quantity
            for event in self._used()
            if event.type == "usage.feature"
            and event.outcome == "failed"
            and self._day(event) > self.today - days
        )
        return Fraction(failed, uses) if uses else None

    def distinct_features(self, days: int) -> Fraction | None:
        if not self._used():
            return None
        return Fraction(
            len({_feature(e) for e in self._used() if self._day(e) > self.today - days})
        )

    def active_users_per_seat(self, days: int) -> Fraction | None:
        seats = self.field("seats")
        people = [event for event in self._human() if event.user is not None]
        if not seats or not people:
            return None
        return Fraction(len({e.user for e in people if self._day(e) > self.today - days}), seats)

    def days_since_use(self) -> Fraction | None:
        return self._since(max((millis(e.occurred_at) for e in self._human()), default=None))

    # -- support -----------------------------------------------------------------------------

    def open_tickets(self) -> Fraction | None:
        return self._open(urgent=False)

    def urgent_tickets(self) -> Fraction | None:
        return self._open(urgent=True)

    def first_response_median(self, days: int) -> Fraction | None:
        times = []
        for changes in self._tickets().values():
            answered = [event for event in changes if event.first_response_s is not None]
            if answered and self._day(answered[-1]) > self.today - days:
                times.append(round(answered[-1].first_response_s * 1000))
        return Fraction(sorted(times)[(len(times) - 1) // 2], 1000) if times else None

    def satisfaction_mean(self, days: int) -> Fraction | None:
        rated = []
        for changes in self._tickets().values():
            ratings = [event for event in changes if event.satisfaction is not None]
            if ratings:
                top = Fraction(ratings[-1].satisfaction_scale_max)
                low = Fraction(1 if top > 1 else 0)
                rated.append((ratings[-1], _part(ratings[-1].satisfaction, low, top)))
        answers = [e for e in self._of("engagement.survey") if e.survey == "csat"]
        if answers:
            last = answers[-1]
            low = Fraction(1 if last.scale_min is None else last.scale_min)
            top = Fraction(5 if last.scale_max is None else last.scale_max)
            if top > low:
                rated.append((last, _part(last.score, low, top)))
        parts = [part for event, part in rated if self._day(event) > self.today - days]
        return sum(parts, Fraction(0)) / len(parts) if parts else None

    # -- money -------------------------------------------------------------------------------

    def days_overdue(self) -> Fraction | None:
        if not self._billing_known():
            return None
        since = []
        for changes in self._invoices().values():
            if self._day(changes[-1]) < self.today - FORGET_DAYS:
                continue
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
            if owed and due_ms is not None:
                since.append(due_ms)
        return self._since(min(since)) if since else Fraction(0)

    def failed_payments(self, days: int) -> Fraction | None:
        failed = [e for e in self._of("billing.changed") if e.change == "payment_failed"]
        recent = [event for event in failed if self._day(event) > self.today - days]
        return Fraction(len(recent)) if recent or self._billing_known() else None

    def days_to_renewal(self) -> Fraction | None:
        renewal = self.field("renewal_at")
        if renewal is None:
            return None
        left_ms = max(millis(renewal) - self.now_ms, 0)
        return Fraction(math.ceil(Fraction(left_ms, HOUR_MS)), 24)

    # -- people ------------------------------------------------------------------------------

    def nps_last(self, days: int) -> Fraction | None:
        answers = [e for e in self._of("engagement.survey") if e.survey == "nps"]
        if not answers or self._day(answers[-1]) <= self.today - days:
            return None
        last = answers[-1]
        low = Fraction(0 if last.scale_min is None else last.scale_min)
        top = Fraction(10 if last.scale_max is None else last.scale_max)
        return None if top <= low else _part(last.score, low, top) * 10

    def days_since_contact(self) -> Fraction | None:
        contacts = [millis(event.occurred_at) for event in self._of("engagement.contact")]
        return self._since(max(contacts, default=None))

    def pulse(self, days: int) -> Fraction | None:
        pulses = self._of("engagement.pulse")
        if not pulses:
            return None
        last = pulses[-1]
        ends_ms = millis(last.occurred_at) + days * DAY_MS
        if last.expires_at is not None:
            ends_ms = millis(last.expires_at)
        if self.now_ms >= ends_ms:
            return None
        return Fraction({"good": 100, "unsure": 50, "worried": 25, "lost": 0}[last.pulse])

    # -- looking through the events ----------------------------------------------------------

    def _of(self, *types: str) -> list[Any]:
        return [event for event in self.events if event.type in types]

    def _day(self, event: InboundEvent) -> int:
        return millis(event.occurred_at) // DAY_MS

    def _used(self) -> list[Any]:
        """All use but that by our own staff."""
        return [
            event
            for event in self._of("usage.feature", "usage.activity")
            if event.type == "usage.activity" or event.user_kind != "staff"
        ]

    def _human(self) -> list[Any]:
        return [
            event
            for event in self._used()
            if event.type == "usage.activity" or event.user_kind == "human"
        ]

    def _uses(self, after_day: int, through_day: int | None = None) -> int:
        return sum(
            event.quantity if event.type == "usage.feature" else 1
            for event in self._used()
            if self._day(event) > after_day
            and (through_day is None or self._day(event) <= through_day)
        )

    def _tickets(self) -> dict[str, list[Any]]:
        return _by("ticket_id", self._of("ticket.changed"))

    def _open(self, *, urgent: bool) -> Fraction | None:
        if not self._tickets():
            return None
        count = 0
        for changes in self._tickets().values():
            is_open, priority = False, None
            for event in changes:
                if event.change in ("opened", "reopened"):
                    is_open = True
                elif event.change in ("solved", "closed", "merged", "deleted"):
                    is_open = False
                if event.priority is not None:
                    priority = event.priority
                elif event.change == "escalated":
                    priority = "urgent"
            forgotten = self._day(changes[-1]) < self.today - FORGET_DAYS
            count += is_open and not forgotten and (not urgent or priority == "urgent")
        return Fraction(count)

    def _invoices(self) -> dict[str, list[Any]]:
        events = self._of("billing.changed")
        return _by("invoice_id", [event for event in events if event.invoice_id is not None])

    def _billing_known(self) -> bool:
        accounts = self._of("account.created", "account.changed")
        return (
            bool(self._invoices())
            or any("mrr_minor" in event.model_fields_set for event in accounts)
            or any(event.mrr_minor is not None for event in self._of("billing.changed"))
        )

    def _since(self, at_ms: int | None) -> Fraction | None:
        """Whole hours since then, in days; none before it."""
        if at_ms is None:
            return None
        return Fraction(max(self.now_ms - at_ms, 0) // HOUR_MS, 24)


def _by(key: str, events: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for event in events:
        found.setdefault(getattr(event, key), []).append(event)
    return found


def _feature(event: Any) -> str:
    return event.feature if event.type == "usage.feature" else str(event.activity)


def _part(value: float, low: Fraction, top: Fraction) -> Fraction:
    """Where a rating lies on its scale, to a millionth; beyond the scale is its end."""
    part = min(max((Fraction(value) - low) / (top - low), Fraction(0)), Fraction(1))
    return Fraction(round(part * 1_000_000), 1_000_000)


def _round(value: Fraction) -> int:
    """A half is rounded up."""
    return math.floor(value + Fraction(1, 2))


def _number(text: str) -> Fraction:
    return Fraction(text.strip().removesuffix("%").strip())


def _seconds(text: str) -> int:
    return 0 if text == "0" else int(Fraction(text[:-1].strip()) * _UNIT_S[text[-1]])


def _unit(metric: str) -> str:
    name = metric.partition("(")[0].strip()
    if name in ("usage_change", "failed_share", "active_users_per_seat", "satisfaction_mean"):
        return "ratio"
    if name.startswith("days_"):
        return "days"
    return "seconds" if name == "first_response_median" else "number"


def _x(text: str, unit: str) -> Fraction:
    """A curve's x in the metric's unit, rounded down to a millionth."""
    if text.endswith("%"):
        return _number(text) / 100
    if text[-1] in _UNIT_S and unit in ("days", "seconds"):
        seconds = Fraction(_seconds(text))
        return seconds if unit == "seconds" else Fraction(int(seconds * 1_000_000 // 86_400), 10**6)
    return Fraction(text)
