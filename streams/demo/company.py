"""The simulated company's past: what every customer did, asked, paid and said. Pure.

The same seed, customers, days and end give the same events, byte for byte. The
volume is kept low on purpose (one usage event per user, day and feature, with a
quantity), so that a quarter of a year is scored within seconds of the start.
"""

import heapq
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from streams.demo.roster import Account, Archetype, accounts

__all__ = ["DAY_MS", "Event", "Pen", "history"]

#: One event as JSON will hold it.
Event = dict[str, Any]

SECOND_MS, HOUR_MS, DAY_MS = 1000, 3_600_000, 86_400_000
_SOURCES = {
    "account": "crm", "usage": "product", "ticket": "helpdesk", "billing": "billing",
    "engagement": "crm",
}  # fmt: skip
_CATEGORIES = ("billing question", "how to", "bug", "integration", "performance", "permissions")


class Pen:
    """Writes the events of one account, with ids that are unique within a series."""

    def __init__(self, account: Account, series: str) -> None:
        self._customer_id = account.customer_id
        self._stem = f"{series}{account.number:05d}-"
        self._written = 0

    def write(self, at_ms: int, kind: str, /, **fields: Any) -> Event:
        """One event of type ``kind`` at ``at_ms``."""
        self._written += 1
        return {
            "event_id": f"{self._stem}{self._written}",
            "customer_id": self._customer_id,
            "occurred_at": rfc3339(at_ms),
            "source": _SOURCES[kind.partition(".")[0]],
            "type": kind,
            **fields,
        }


def rfc3339(at_ms: int) -> str:
    """A time as events carry it: UTC, milliseconds."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def history(seed: int, customers: int, days: int, until: datetime) -> Iterator[Event]:
    """All events of the ``days`` before ``until``, oldest first.

    About one event per customer, user and three calendar days: 60,000 for 200
    customers and 90 days. Nothing is stamped at or after ``until``.

    Raises:
        ValueError: for fewer than 1 or more than 365 days, or an impossible count of customers.
    """
    if not 1 <= days <= 365:
        raise ValueError(f"{days} days of history; 1 to 365 can be simulated")
    lives = [
        _Past(account, random.Random(f"past/{seed}/{account.number}"), days, until).events()
        for account in accounts(seed, customers)
    ]
    for _, _, event in heapq.merge(*lives):
        yield event


class _Past:
    """One account's past. Times are Unix milliseconds."""

    def __init__(self, account: Account, rng: random.Random, days: int, until: datetime) -> None:
        self.account, self.rng, self.days = account, rng, days
        self.until = until.astimezone(UTC)
        self.end_ms = int(until.timestamp() * 1000)
        self.start_ms = self.end_ms - days * DAY_MS
        self.silent_ms = self.end_ms - (account.silent_days or 0) * DAY_MS
        self.pen = Pen(account, "h")
        self.zone = ZoneInfo(account.zone)

    def events(self) -> Iterator[tuple[int, int, Event]]:
        """Everything, in order of time; the account's number breaks ties between accounts."""
        occasions = [
            *self._contract(), *self._invoices(), *self._tickets(), *self._voices(),
            *self._relationship(), *self._goals(),
        ]  # fmt: skip
        rare = sorted((item for item in occasions if item[0] < self.end_ms), key=lambda i: i[0])
        for at_ms, event in heapq.merge(rare, self._usage(), key=lambda item: item[0]):
            yield at_ms, self.account.number, event

    def _usage(self) -> Iterator[tuple[int, Event]]:
        first = (self.until - timedelta(days=self.days)).astimezone(self.zone).date()
        for ordinal in range(self.days + 2):
            day = first + timedelta(days=ordinal)
            if day.weekday() < 5:
                yield from sorted(self._day(day), key=lambda item: item[0])

    def _day(self, day: date) -> Iterator[tuple[int, Event]]:
        """Each user who comes uses one to three features, at working hours of their zone."""
        habits, rng = self.account.habits, self.rng
        morning_ms = int(datetime(day.year, day.month, day.day, 8, tzinfo=self.zone).timestamp())
        morning_ms *= 1000
        age = (morning_ms - self.start_ms) / (self.end_ms - self.start_ms)
        presence = habits.presence * (1 + (habits.trend - 1) * age)
        for user in self.account.users:
            if rng.random() >= presence:
                continue
            at_ms = morning_ms + int(rng.betavariate(2, 2) * 10 * HOUR_MS)
            if not self.start_ms + HOUR_MS <= at_ms < self.silent_ms:
                continue
            yield at_ms, use(self.pen, rng, self.account, user, at_ms, rng.randint(1, 3))

    def _contract(self) -> Iterator[tuple[int, Event]]:
        account, pen = self.account, self.pen
        at_ms = self.start_ms + self.rng.randrange(HOUR_MS // 2)
        renewal_at = rfc3339(self.end_ms + account.renewal_days * DAY_MS)
        money = {"mrr_minor": account.mrr_minor, "currency": account.currency}
        yield at_ms, pen.write(
            at_ms, "account.created", name=account.name, status="customer",
            attributes={"industry": account.industry, "plan": account.plan,
                        "region": account.region},
            country=account.country, zone=account.zone, seats=account.seats, **money,
            renewal_at=renewal_at, owner=account.owner,
            started_at=rfc3339(self.end_ms - account.tenure_days * DAY_MS),
        )  # fmt: skip
        yield at_ms + SECOND_MS, pen.write(
            at_ms + SECOND_MS, "billing.changed", change="subscription_started",
            subscription_id=f"sub-{account.number}", seats=account.seats, plan=account.plan,
            renewal_at=renewal_at, **money,
        )  # fmt: skip
        stage = "onboarding" if account.tenure_days < 120 else "steady"
        yield (
            at_ms + 2 * SECOND_MS,
            pen.write(at_ms + 2 * SECOND_MS, "engagement.lifecycle", stage=stage),
        )

    def _invoices(self) -> Iterator[tuple[int, Event]]:
        """One invoice a month, due after 14 days; habits decide whether it is paid in time."""
        account, rng = self.account, self.rng
        for ordinal in range(self.days):
            issued_ms = self.start_ms + ordinal * DAY_MS + 9 * HOUR_MS
            issued = datetime.fromtimestamp(issued_ms / 1000, UTC)
            if issued.day != account.invoice_day:
                continue
            due_ms = issued_ms + 14 * DAY_MS
            facts = {
                "invoice_id": f"inv-{account.number}-{issued:%Y%m}", "due_at": rfc3339(due_ms),
                "amount_minor": account.mrr_minor, "currency": account.currency,
            }  # fmt: skip
            late = rng.random() < account.habits.late_payment
            steps = [("invoice_issued", issued_ms)]
            paid_ms = issued_ms + rng.randint(1, 11) * DAY_MS
            if late:
                paid_ms = due_ms + rng.randint(3, 25) * DAY_MS
                steps += [("payment_failed", due_ms), ("invoice_overdue", due_ms + DAY_MS)]
            for change, at_ms in [*steps, ("invoice_paid", paid_ms + rng.randrange(HOUR_MS))]:
                if at_ms < self.end_ms:
                    yield at_ms, self.pen.write(at_ms, "billing.changed", change=change, **facts)

    def _tickets(self) -> Iterator[tuple[int, Event]]:
        account, rng = self.account, self.rng
        habits = account.habits
        at_ms = self.start_ms + HOUR_MS
        number = 0
        while habits.tickets:
            at_ms += int(rng.expovariate(habits.tickets / (30 * DAY_MS)))
            if at_ms >= self.silent_ms:
                return
            number += 1
            common = rng.choice(("low", "normal", "normal", "high"))
            priority = "urgent" if rng.random() < habits.urgent else common
            answer_s = round(habits.first_response_s * rng.uniform(0.3, 2.2))
            solve_s = answer_s + round(rng.uniform(0.5, 50) * 3600)
            ticket_id = f"t-{account.number}-{number}"
            yield from self._ticket(at_ms, ticket_id, priority, answer_s, solve_s)

    def _ticket(
        self, opened_ms: int, ticket_id: str, priority: str, answer_s: int, solve_s: int
    ) -> Iterator[tuple[int, Event]]:
        rng = self.rng
        facts = {
            "ticket_id": ticket_id,
            "category": rng.choice(_CATEGORIES),
            "priority": priority,
        }
        steps: list[tuple[str, int, dict[str, Any]]] = [
            ("opened", 0, {}),
            ("answered", answer_s, {"first_response_s": answer_s}),
            ("solved", solve_s, {"resolution_s": solve_s}),
        ]
        if rng.random() < 0.6:
            stars = min(5, max(1, round(rng.gauss(self.account.habits.csat, 0.6))))
            steps.append(("rated", solve_s + 1800, {"satisfaction": stars}))
        for change, after_s, more in steps:
            at_ms = opened_ms + after_s * 1000
            if at_ms < self.end_ms:
                yield at_ms, self.pen.write(at_ms, "ticket.changed", change=change, **facts, **more)

    def _voices(self) -> Iterator[tuple[int, Event]]:
        """Surveys once or twice a quarter, and what marketing sees."""
        account, rng = self.account, self.rng
        habits = account.habits
        answers = habits.nps if account.archetype is not Archetype.GHOST else 0
        for at_ms in self._moments(rng.randint(1, 2) if answers else 0):
            score = min(10, max(0, round(rng.gauss(answers, 0.9))))
            yield at_ms, self.pen.write(
                at_ms, "engagement.survey", survey="nps", score=score,
                respondent=rng.choice(account.users),
            )  # fmt: skip
        for at_ms in self._moments(round(habits.marketing * self.days / 30)):
            yield at_ms, applaud(self.pen, rng, account, at_ms)

    def _relationship(self) -> Iterator[tuple[int, Event]]:
        """Check-ins by the owner, and what the owner thinks of it."""
        account, rng = self.account, self.rng
        if account.archetype is Archetype.GHOST:
            return
        for at_ms in self._moments(max(1, self.days // 45), spare_ms=10 * DAY_MS):
            yield at_ms, self.pen.write(
                at_ms, "engagement.contact", kind=rng.choice(("check_in", "check_in", "call")),
                direction="outbound", by=account.owner,
            )  # fmt: skip
        pulse = {Archetype.ON_THE_FENCE: "unsure", Archetype.STRUGGLER: "worried"}
        for at_ms in self._moments(1):
            yield at_ms, self.pen.write(
                at_ms, "engagement.pulse", pulse=pulse.get(account.archetype, "good"),
                reason="after the last check-in", author=account.owner,
                expires_at=rfc3339(at_ms + 120 * DAY_MS),
            )  # fmt: skip

    def _goals(self) -> Iterator[tuple[int, Event]]:
        """Three goals each; who uses the product much reaches most of them."""
        marks = [int(self.days * share) * DAY_MS for share in (0.05, 0.35, 0.65, 0.95)]
        for number, (set_after, due_after) in enumerate(pairwise(marks), start=1):
            due_ms = self.start_ms + due_after
            facts = {
                "goal_id": f"goal-{number}",
                "title": f"Phase {number} live",
                "due_at": rfc3339(due_ms),
            }
            steps = [("set", self.start_ms + set_after + HOUR_MS), ("due", due_ms + 2 * HOUR_MS)]
            if self.rng.random() < self.account.habits.adoption and due_ms < self.silent_ms:
                steps.append(("reached", due_ms + HOUR_MS))
            for change, at_ms in steps:
                event = self.pen.write(at_ms, "engagement.goal", change=change, **facts)
                yield at_ms, event

    def _moments(self, count: int, spare_ms: int = 0) -> list[int]:
        """``count`` instants while the customer still spoke, none in the last ``spare_ms``."""
        first, last = self.start_ms + HOUR_MS, min(self.silent_ms, self.end_ms) - spare_ms
        return sorted(self.rng.randrange(first, last) for _ in range(count)) if last > first else []


def use(
    pen: Pen, rng: random.Random, account: Account, user: str, at_ms: int, quantity: int
) -> Event:
    """One use of one of the account's features; the early ones in its list are its favourites."""
    feature = account.features[int(len(account.features) * rng.random() ** 1.5)]
    failed = rng.random() < account.habits.failure
    return pen.write(
        at_ms, "usage.feature", feature=feature, user=user, quantity=quantity,
        duration_s=quantity * rng.randint(60, 900), outcome="failed" if failed else "ok",
        user_kind="automated" if feature == "api" else "human",
    )  # fmt: skip


def applaud(pen: Pen, rng: random.Random, account: Account, at_ms: int) -> Event:
    """Something that marketing likes to see: a reaction, a post, a training, praise."""
    user = rng.choice(account.users)
    match rng.randrange(4):
        case 0:
            return pen.write(
                at_ms, "engagement.campaign", campaign="autumn-release",
                reaction=rng.choice(("opened", "clicked", "registered", "attended")), contact=user,
            )  # fmt: skip
        case 1:
            return pen.write(
                at_ms, "engagement.community", activity=rng.choice(("post", "reply", "like")),
                channel="forum", user=user,
            )  # fmt: skip
        case 2:
            return pen.write(
                at_ms, "engagement.learning", kind=rng.choice(("training", "help_article")),
                item=f"Getting more out of {rng.choice(account.features)}", completed=True,
                user=user,
            )  # fmt: skip
        case _:
            return pen.write(
                at_ms, "engagement.feedback", sentiment="positive", respondent=user,
                feature=rng.choice(account.features),
            )  # fmt: skip
