"""Who the simulated company's customers are. Pure: the same seed gives the same customers.

An account belongs to one of five archetypes, which decide its habits: how much of
what it pays for it uses, how often it asks for help, how it pays and what it says.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PROBES", "REGIONS", "Account", "Archetype", "Habits", "accounts"]

#: Accounts that exist to measure latency: their tickets open and close all the time.
PROBES = 3


class Archetype(StrEnum):
    """How a customer lives with the product."""

    POWER_USER = "power_user"
    BRAND_ADVOCATE = "brand_advocate"
    ON_THE_FENCE = "on_the_fence"
    STRUGGLER = "struggler"
    GHOST = "ghost"


@dataclass(frozen=True, slots=True)
class Habits:
    """What an archetype does. Shares are 0 to 1, rates are per 30 days."""

    adoption: float  # share of the paid seats that anybody sits on
    presence: float  # share of working days on which a user comes
    breadth: int  # features in use
    failure: float  # share of uses that fail
    trend: float  # presence at the end of the history, relative to its beginning
    tickets: float
    urgent: float  # share of tickets that are urgent
    first_response_s: int
    csat: float  # mean of 1 to 5
    nps: float  # mean of 0 to 10
    marketing: float  # reactions to campaigns, posts, trainings
    late_payment: float  # share of invoices paid after they were due


HABITS = {
    Archetype.POWER_USER: Habits(0.90, 0.72, 10, 0.01, 1.10, 0.25, 0.0, 2700, 4.4, 8.4, 0.5, 0.02),
    Archetype.BRAND_ADVOCATE: Habits(0.78, 0.6, 8, 0.01, 1.05, 0.3, 0.0, 3600, 4.6, 9.5, 6.0, 0.0),
    Archetype.ON_THE_FENCE: Habits(0.45, 0.36, 5, 0.03, 0.7, 0.8, 0.06, 14400, 3.5, 6.6, 1.0, 0.15),
    Archetype.STRUGGLER: Habits(0.32, 0.28, 3, 0.14, 0.45, 4.0, 0.3, 32400, 2.2, 3.8, 0.4, 0.25),
    Archetype.GHOST: Habits(0.08, 0.10, 2, 0.04, 0.4, 0.1, 0.0, 14400, 3.2, 5.5, 0.05, 0.3),
}

_SHARES = {
    Archetype.POWER_USER: 0.28,
    Archetype.BRAND_ADVOCATE: 0.17,
    Archetype.ON_THE_FENCE: 0.31,
    Archetype.STRUGGLER: 0.14,
    Archetype.GHOST: 0.1,
}

#: Hosting regions, in the order in which incidents visit them.
REGIONS = ("eu-central", "us-west", "eu-west", "us-east", "ap-south", "eu-north", "ap-east")


@dataclass(frozen=True, slots=True)
class Account:
    """One customer of the simulated company."""

    number: int
    customer_id: str
    name: str
    archetype: Archetype
    habits: Habits
    owner: str
    country: str
    zone: str
    currency: str
    region: str  # of the hosting: an incident hits one region
    industry: str
    plan: str
    seats: int
    mrr_minor: int
    tenure_days: int
    renewal_days: int  # from the end of the history
    silent_days: int | None  # how long before the end of the history everybody stopped coming
    invoice_day: int  # day of the month
    users: tuple[str, ...]
    features: tuple[str, ...]
    probe: bool = False


FEATURES = (
    "dashboards", "reports", "invoicing", "approvals", "time-tracking", "forecast", "api",
    "imports", "alerts", "mobile-app", "budgets", "comments", "templates", "audit-log",
)  # fmt: skip
_OWNERS = (
    "Dana Whitfield", "Marek Nowak", "Priya Raman", "Tom Okafor", "Lucía Ferrer", "Jonas Lindqvist",
)  # fmt: skip
_PLACES = (  # country, zone, currency, hosting region, legal forms
    ("DE", "Europe/Berlin", "EUR", "eu-central", ("GmbH", "AG", "KG")),
    ("AT", "Europe/Vienna", "EUR", "eu-central", ("GmbH", "AG")),
    ("NL", "Europe/Amsterdam", "EUR", "eu-central", ("BV",)),
    ("FR", "Europe/Paris", "EUR", "eu-west", ("SA", "SARL", "SAS")),
    ("GB", "Europe/London", "GBP", "eu-west", ("Ltd", "LLP", "plc")),
    ("SE", "Europe/Stockholm", "EUR", "eu-north", ("AB",)),
    ("US", "America/New_York", "USD", "us-east", ("Inc.", "LLC", "Co.")),
    ("US", "America/Chicago", "USD", "us-east", ("Inc.", "LLC", "Partners")),
    ("US", "America/Los_Angeles", "USD", "us-west", ("Inc.", "LLC", "Labs")),
    ("CA", "America/Toronto", "USD", "us-east", ("Inc.", "Ltd")),
    ("JP", "Asia/Tokyo", "USD", "ap-east", ("KK",)),
    ("AU", "Australia/Sydney", "USD", "ap-south", ("Pty Ltd",)),
)
_UNITS_PER_EURO = {"EUR": 1.0, "USD": 1.1, "GBP": 0.86}
_FIRST = (
    "Alder", "Amberley", "Arden", "Bellamy", "Birch & Vale", "Blue Heron", "Brightwater",
    "Calder", "Castlegate", "Cedar Hill", "Corvid", "Dunmore", "Eastgate", "Elm & Stone",
    "Fairhaven", "Falkner", "Fernley", "Glasshouse", "Granite Bay", "Greyfriars", "Halden",
    "Harrow", "Hawksmoor", "Ironbridge", "Juniper", "Kestrel", "Kingsley", "Lakeshore",
    "Larkspur", "Linden", "Lockwood", "Maplewood", "Meridian", "Millrace", "Moorland",
    "Northwind", "Oakhaven", "Old Harbour", "Osprey", "Pemberton", "Pinecrest", "Quarry Lane",
    "Ravenscar", "Redwood", "Rowan", "Saltmarsh", "Silverbrook", "Stonebridge", "Summerfield",
    "Tamarack", "Thistle", "Underhill", "Vantage Point", "Wexford", "Whitestone", "Willowbank",
    "Winterbourne", "Yarrow",
)  # fmt: skip
_MIDDLE = (
    "North", "South", "United", "Brothers", "& Daughters", "Digital", "First", "Pacific",
    "Atlantic", "Alpine", "Royal", "Urban", "General", "Prime",
)  # fmt: skip
_SECOND = {
    "Logistics": "logistics", "Freight": "logistics", "Dental Group": "healthcare",
    "Clinics": "healthcare", "Robotics": "manufacturing", "Foundry": "manufacturing",
    "Tools": "manufacturing", "Analytics": "software", "Software": "software",
    "Networks": "software", "Media": "media", "Publishing": "media", "Studios": "media",
    "Capital": "finance", "Insurance": "finance", "Advisors": "finance", "Foods": "retail",
    "Outfitters": "retail", "Furniture": "retail", "Energy": "energy", "Solar": "energy",
    "Architects": "construction", "Builders": "construction", "Academy": "education",
}  # fmt: skip
_PLANS = (("starter", 15, 19.0), ("team", 40, 29.0), ("business", 10_000, 42.0))


def accounts(seed: int, customers: int) -> tuple[Account, ...]:
    """``customers`` accounts, of which the last :data:`PROBES` measure latency.

    Raises:
        ValueError: below 10 or above 20,000 customers (the names run out).
    """
    if not 10 <= customers <= 20_000:
        raise ValueError(f"{customers} customers; 10 to 20000 can be simulated")
    rng = random.Random(f"roster/{seed}")
    names = _names(rng, customers)
    kinds = _archetypes(rng, customers)
    return tuple(
        _account(random.Random(f"account/{seed}/{number}"), number, name, industry, kind)
        if number < customers - PROBES
        else _probe(random.Random(f"probe/{seed}/{number}"), number, customers)
        for number, ((name, industry), kind) in enumerate(zip(names, kinds, strict=True))
    )


def _names(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Distinct company names without their legal form, each with its industry."""
    pairs = [(f"{first} {second}", second) for first in _FIRST for second in _SECOND]
    pairs += [
        (f"{first} {middle} {second}", second)
        for first in _FIRST
        for middle in _MIDDLE
        for second in _SECOND
    ]  # fmt: skip
    plain = len(_FIRST) * len(_SECOND)
    chosen = rng.sample(pairs[:plain], min(count, plain))
    chosen += rng.sample(pairs[plain:], count - len(chosen))
    return [(name, _SECOND[second]) for name, second in chosen]


def _archetypes(rng: random.Random, count: int) -> list[Archetype]:
    """Every archetype in its share, in a random order."""
    kinds = [kind for kind, share in _SHARES.items() for _ in range(round(share * count))]
    kinds = (kinds + [Archetype.POWER_USER] * count)[:count]
    rng.shuffle(kinds)
    return kinds


def _account(rng: random.Random, number: int, name: str, industry: str, kind: Archetype) -> Account:
    country, zone, currency, region, forms = rng.choice(_PLACES)
    seats = min(60, max(3, round(rng.lognormvariate(2.35, 0.6))))
    plan, _, euros_per_seat = next(plan for plan in _PLANS if seats <= plan[1])
    base = HABITS[kind]
    habits = Habits(
        adoption=min(1.0, max(0.04, base.adoption * rng.uniform(0.85, 1.15))),
        presence=min(0.95, base.presence * rng.uniform(0.85, 1.15)),
        breadth=max(1, min(len(FEATURES), base.breadth + rng.randint(-2, 2))),
        failure=base.failure * rng.uniform(0.5, 1.5),
        trend=base.trend * rng.uniform(0.8, 1.25),
        tickets=base.tickets * rng.uniform(0.5, 1.5),
        urgent=base.urgent,
        first_response_s=round(base.first_response_s * rng.uniform(0.5, 1.6)),
        csat=base.csat,
        nps=base.nps,
        marketing=base.marketing * rng.uniform(0.6, 1.4),
        late_payment=base.late_payment,
    )
    silent = None
    if kind in (Archetype.ON_THE_FENCE, Archetype.STRUGGLER) and rng.random() < 0.2:
        silent = rng.randint(9, 35)
    if kind is Archetype.GHOST:
        silent = rng.randint(15, 60)
    customer_id = _slug(name)
    return Account(
        number=number, customer_id=customer_id, name=f"{name} {rng.choice(forms)}",
        archetype=kind, habits=habits, owner=rng.choice(_OWNERS), country=country, zone=zone,
        currency=currency, region=region, industry=industry, plan=plan, seats=seats,
        mrr_minor=round(seats * euros_per_seat * _UNITS_PER_EURO[currency]) * 100,
        tenure_days=rng.randint(100, 1500), renewal_days=rng.randint(6, 360),
        silent_days=silent, invoice_day=rng.randint(1, 28),
        users=_users(customer_id, seats, habits), features=_features(rng, habits),
    )  # fmt: skip


def _probe(rng: random.Random, number: int, customers: int) -> Account:
    """A healthy account that only measures; its name says so."""
    place = number - (customers - PROBES) + 1
    customer_id, habits, seats = f"latency-probe-{place}", HABITS[Archetype.POWER_USER], 6
    return Account(
        number=number, customer_id=customer_id, name=f"Latency probe {place}",
        archetype=Archetype.POWER_USER, habits=habits, owner=_OWNERS[0], country="DE",
        zone="Europe/Berlin", currency="EUR", region="probe", industry="software",
        plan="starter", seats=seats, mrr_minor=11_400, tenure_days=400, renewal_days=300,
        silent_days=None, invoice_day=1, users=_users(customer_id, seats, habits),
        features=_features(rng, habits), probe=True,
    )  # fmt: skip


def _users(customer_id: str, seats: int, habits: Habits) -> tuple[str, ...]:
    count = max(1, round(seats * habits.adoption))
    return tuple(f"{customer_id}/u{user:02d}" for user in range(1, count + 1))


def _features(rng: random.Random, habits: Habits) -> tuple[str, ...]:
    return tuple(rng.sample(FEATURES, min(habits.breadth, len(FEATURES))))


def _slug(name: str) -> str:
    return name.lower().replace("& ", "").replace(" ", "-")
