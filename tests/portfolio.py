"""A made-up portfolio: customers as the scorer would emit them, sums exact, reproducible."""

import random
from datetime import UTC, datetime, timedelta

from schemas.scores import (
    Band,
    Cause,
    Contribution,
    EventRef,
    Health,
    Mark,
    Mover,
    PendingBand,
    Place,
    ScorecardRef,
)
from schemas.views import CustomerHealth

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
CARD = ScorecardRef(name="b2b-saas", version="3", hash="9f2c" * 16)
FIRST = [
    "Nordic",
    "Harbor",
    "Quiet",
    "Copper",
    "Alpine",
    "Bright",
    "Cedar",
    "Lumen",
    "Solar",
    "Granite",
    "Juniper",
    "Meridian",
]
SECOND = (
    *("Logistics", "Analytics", "Foods", "Robotics", "Media"),
    *("Health", "Systems", "Studio", "Freight", "Energy"),
)
OWNERS = ("Dana Whitfield", "Tomás Rivera", "Aiko Mori", "Priya Nair")

#: Name, group, weight in millionths, the value at 0 points, the value at 100 points, its words.
MEASURES = (
    ("active_seats", "usage", 180_000, 12, 84, "{n}% of paid seats worked with us in 28 days"),
    ("usage_trend", "usage", 130_000, 55, 118, "Hours are {n}% of those four weeks earlier"),
    ("feature_breadth", "usage", 90_000, 1, 12, "{n} features used in 28 days"),
    ("urgent_open", "support", 100_000, 3, 0, "{n} urgent tickets open"),
    ("first_response", "support", 60_000, 24, 1, "First answer after {n} h, the median of 90 days"),
    ("satisfaction", "support", 90_000, 50, 97, "{n}% satisfied over 14 answers in 180 days"),
    ("days_overdue", "money", 110_000, 34, 0, "Oldest open invoice is {n} days overdue"),
    ("failed_payments", "money", 60_000, 3, 0, "{n} failed payments in 30 days"),
    ("nps", "relationship", 90_000, 0, 10, "Last answered {n} of 10"),
    ("days_to_renewal", "relationship", 90_000, 9, 290, "Renewal in {n} days"),
)
BECAUSE = {
    "active_seats": "Active seats fell from 61% to 38% in 28 days",
    "usage_trend": "Nobody has worked with us for 9 days",
    "feature_breadth": "Uses 3 features, 7 a month ago",
    "urgent_open": "2 urgent tickets are open, the older since Monday",
    "first_response": "First answers now take 11 hours",
    "satisfaction": "Satisfaction dropped to 54% over 14 answers",
    "days_overdue": "Invoice INV-2041 is 12 days overdue",
    "failed_payments": "Third failed payment in 30 days",
    "nps": "Answered 4 of 10 in the last survey",
    "days_to_renewal": "Renewal in 34 days, no contact for 7 weeks",
}
BETTER = {
    "active_seats": "Active seats rose from 52% to 74% in 28 days",
    "usage_trend": "Hours are back to where they were a month ago",
    "feature_breadth": "Two more features in use than a month ago",
    "urgent_open": "The last urgent ticket was solved",
    "first_response": "First answers now take 40 minutes",
    "satisfaction": "Satisfaction rose to 88% over 14 answers",
    "days_overdue": "Invoice INV-2041 was paid",
    "failed_payments": "No failed payment for 30 days",
    "nps": "Answered 9 of 10 in the last survey",
    "days_to_renewal": "Renewed for a year",
}


def band_of(score: int | None) -> Band:
    """The colour of a score, without memory."""
    if score is None:
        return Band.UNKNOWN
    return Band.GREEN if score >= 7500 else Band.RED if score < 5000 else Band.YELLOW


def curves_of(rng: random.Random, strength: float, missing: int) -> dict[str, int | None]:
    """Each measure's own score in hundredths, some without data."""
    absent = set(rng.sample(range(len(MEASURES)), missing))
    return {
        measure[0]: None
        if index in absent
        else max(0, min(10_000, round(rng.gauss(strength, 0.16) * 10_000)))
        for index, measure in enumerate(MEASURES)
    }


def health(curves: dict[str, int | None], cap: int | None = None) -> Health:
    """A health whose lines add up to its score exactly."""
    lines = [_line(*measure, curves[measure[0]]) for measure in MEASURES]
    coverage_ppm = sum(line.weight_ppm for line in lines if line.curve_points is not None)
    total = sum(line.points for line in lines)
    if coverage_ppm < 600_000:
        return Health(
            score=None,
            band=Band.UNKNOWN,
            letter=None,
            coverage_ppm=coverage_ppm,
            contributions=tuple(lines),
        )
    if coverage_ppm < 1_000_000:
        spread = total * 1_000_000 // coverage_ppm - total
        says = "Their weight, spread over those that have some"
        lines.append(Contribution(name="respread", kind="respread", points=spread, says=says))
        total += spread
    overrides: tuple[str, ...] = ()
    if cap is not None and total > cap:
        says = f"An invoice is unpaid for 30 days: capped at {cap // 100}"
        lines.append(
            Contribution(name="unpaid_30d", kind="override", points=cap - total, says=says)
        )
        total, overrides = cap, ("unpaid_30d",)
    return Health(
        score=total,
        band=band_of(total),
        letter="A" if total >= 8500 else "B" if total >= 7000 else "C" if total >= 5000 else "D",
        coverage_ppm=coverage_ppm,
        contributions=tuple(lines),
        overrides=overrides,
    )


def _line(
    name: str, group: str, weight_ppm: int, low: int, high: int, says: str, curve: int | None
) -> Contribution:
    if curve is None:
        return Contribution(name=name, group=group, weight_ppm=weight_ppm, points=0)
    value = round(low + (high - low) * curve / 10_000)
    return Contribution(
        name=name,
        group=group,
        value=float(value),
        curve_points=curve,
        weight_ppm=weight_ppm,
        points=curve * weight_ppm // 1_000_000,
        says=says.format(n=value),
    )


def segment_of(mrr_minor: int) -> Place:
    """The segment of a customer that pays so much."""
    name, label = ("small", "Small")
    if mrr_minor >= 200_000:
        name, label = ("growth", "Growth")
    if mrr_minor >= 800_000:
        name, label = ("enterprise", "Enterprise")
    return Place(name=name, label=label, since=NOW - timedelta(days=90))


def marked(row: CustomerHealth, **marks: str) -> CustomerHealth:
    """The next row of a customer on whom a person set ``handled`` or ``not_pursued``: why."""
    told = {
        name: Mark(since=NOW, author=OWNERS[0], reason=reason, until=NOW + timedelta(days=30))
        for name, reason in marks.items()
    }
    health_now = row.health.model_copy(update={"handled": None, "not_pursued": None, **told})
    return row.model_copy(update={"sequence": row.sequence + 1, "health": health_now})


def customer(
    rng: random.Random,
    customer_id: str,
    *,
    name: str | None = None,
    strength: float = 0.7,
    missing: int = 0,
    cap: int | None = None,
    epoch: int = 1_700_000_000_000,
    sequence: int = 1,
    at: datetime = NOW,
    owner: str = OWNERS[0],
    mrr_minor: int = 120_000,
    renewal_days: int | None = None,
    pending: bool = False,
) -> CustomerHealth:
    """One customer."""
    now = health(curves_of(rng, strength, missing), cap)
    now = now.model_copy(update={"segment": segment_of(mrr_minor)})
    if pending and now.band is Band.YELLOW:
        line = PendingBand(band=Band.RED, since=at, at=at + timedelta(hours=21, minutes=42))
        now = now.model_copy(update={"pending": line})
    due_h, seats = rng.randint(2, 60), rng.choice((10, 25, 50, 120, 400))
    days = rng.randint(10, 340)
    days = days if renewal_days is None else renewal_days
    return CustomerHealth(
        customer_id=customer_id,
        customer_name=name,
        epoch=epoch,
        sequence=sequence,
        scorecard=CARD,
        health=now,
        delta=None,
        cause=Cause.FIRST,
        because="Too little data yet" if now.score is None else "First score",
        changed_at=at,
        next_change_at=at + timedelta(hours=due_h),
        attributes={
            "owner": owner,
            "mrr_minor": mrr_minor,
            "currency": "EUR",
            "mrr_reporting_minor": mrr_minor,
            "reporting_currency": "EUR",
            "status": "customer",
            "seats": seats,
            "renewal_at": (NOW + timedelta(days=days)).isoformat(),
        },
    )


def moved(
    row: CustomerHealth, rng: random.Random, *, strength: float, at: datetime, measures: int = 4
) -> CustomerHealth:
    """The next score: some measures drawn anew around ``strength``; movers add up exactly."""
    curves = {
        line.name: line.curve_points for line in row.health.contributions if line.kind == "measure"
    }
    cap = 2500 if row.health.overrides else None
    for name in rng.sample(sorted(curves), measures):
        curves[name] = max(0, min(10_000, round(rng.gauss(strength, 0.12) * 10_000)))
    after = health(curves, cap).model_copy(update={"segment": row.health.segment})
    before = {line.name: line.points for line in row.health.contributions}
    now = {line.name: line.points for line in after.contributions}
    kinds = {line.name: line.kind for line in (*row.health.contributions, *after.contributions)}
    movers = sorted(
        (
            Mover(name=name, kind=kinds[name], delta=now.get(name, 0) - before.get(name, 0))
            for name in before.keys() | now.keys()
            if now.get(name, 0) != before.get(name, 0)
        ),
        key=lambda mover: (-abs(mover.delta), mover.name),
    )
    scored = row.health.score is not None and after.score is not None
    rising = scored and (after.score or 0) > (row.health.score or 0)
    told = next((m.name for m in movers if m.name in BECAUSE and (m.delta > 0) is rising), "nps")
    return row.model_copy(
        update={
            "sequence": row.sequence + 1,
            "health": after,
            "delta": (after.score or 0) - (row.health.score or 0) if scored else None,
            "cause": Cause.EVENT,
            "because": (BETTER if rising else BECAUSE)[told],
            "movers": tuple(movers) if scored else (),
            "events": tuple(
                EventRef(source=source, id=f"{prefix}{rng.randrange(10**9):09d}")
                for source, prefix in (("zendesk", "evt-"), ("stripe", "evt_1P"))
            ),
            "changed_at": at,
            "next_change_at": at + timedelta(hours=rng.randint(50, 90)),
        }
    )


def portfolio(seed: int = 7, count: int = 60) -> list[CustomerHealth]:
    """A portfolio's rows in the order in which they were emitted: several for each customer."""
    rng = random.Random(seed)
    rows: list[CustomerHealth] = []
    for number in range(count):
        kind = rng.choices(("fine", "shaky", "bad", "new"), (55, 25, 14, 6))[0]
        strength = {"fine": 0.86, "shaky": 0.64, "bad": 0.28, "new": 0.7}[kind]
        first, second = FIRST[number % len(FIRST)], SECOND[(number * 7) % len(SECOND)]
        steps = 0 if kind == "new" else rng.randint(2, 14)
        last = NOW - timedelta(minutes=rng.choice((1, 7, 40, 190, 700, 1500, 4000, 9000)))
        at = last - timedelta(hours=61 * steps)
        row = customer(
            rng,
            f"acct-{1000 + number}",
            name=f"{first} {second}",
            strength=min(0.95, strength + rng.uniform(0.0, 0.2)),
            missing=7 if kind == "new" else rng.choice((0, 0, 0, 1, 2)),
            cap=2500 if kind == "bad" and rng.random() < 0.4 else None,
            at=at,
            owner=rng.choice(OWNERS),
            mrr_minor=rng.choice((49_000, 120_000, 260_000, 840_000, 1_250_000)),
        )
        rows.append(row)
        for _ in range(steps):
            at += timedelta(hours=61)
            row = moved(row, rng, strength=strength, at=at)
            rows.append(row)
        if row.health.band is Band.YELLOW and rng.random() < 0.4:
            line = PendingBand(band=Band.RED, since=at, at=NOW + timedelta(hours=21, minutes=42))
            rows[-1] = row.model_copy(
                update={"health": row.health.model_copy(update={"pending": line})}
            )
    return rows
