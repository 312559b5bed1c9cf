"""What the words of the language are called on a page: nouns for people who write no cards.

Things and fields that stand in no table here are worded from their ``about`` texts.
"""

from dataclasses import dataclass

from schemas.signals import Kind
from scoring.fields import FIELDS
from scoring.language.syntax import Name
from scoring.things import THINGS
from scoring.where import property_name

__all__ = [
    "FLAGS",
    "NAMES",
    "SEVERAL",
    "Phrase",
    "family_of",
    "field_called",
    "is_noun",
    "one_thing",
    "several_things",
    "values_of",
]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun that stands for a value, without its article.

    ``several`` is true of what is counted: "3 open tickets". ``happens`` is, of a count
    of a thing that is a sentence, that sentence and what follows it: ("a payment failed",
    "in 7 days").
    """

    text: str
    several: bool = False
    happens: tuple[str, str] | None = None
    said_as_subject: str = ""

    @property
    def subject(self) -> str:
        """The phrase before a verb: "the number of open tickets"."""
        if self.said_as_subject:
            return self.said_as_subject
        if self.several:
            return f"the number of {self.text}"
        bare = self.text.startswith(("“", "how ", "the ", "what ")) or not self.text[:1].islower()
        return self.text if bare and not self.text[:4].isupper() else f"the {self.text}"


#: Things that are nouns: one of them, several of them. The others are sentences.
_NOUNS = {
    "use": ("use", "uses"),
    "human_use": ("use by a person", "uses by people"),
    "failed_use": ("failed use", "failed uses"),
    "activity": ("order, visit, booking or review", "orders, visits, bookings and reviews"),
    "ticket": ("opened ticket", "opened tickets"),
    "survey": ("survey answer", "survey answers"),
    "nps": ("NPS answer", "NPS answers"),
    "csat": ("CSAT answer", "CSAT answers"),
    "ces": ("CES answer", "CES answers"),
    "feedback": ("piece of feedback", "pieces of feedback"),
    "positive_feedback": ("piece of positive feedback", "pieces of positive feedback"),
    "negative_feedback": ("piece of negative feedback", "pieces of negative feedback"),
    "contact": ("check-in, call or mail", "check-ins, calls and mails"),
    "check_in": ("check-in", "check-ins"),
    "community": ("community or social activity", "community and social activities"),
    "community_reply": ("community reply", "community replies"),
    "site_visit": ("visit to the public site", "visits to the public site"),
    **{
        name: (name.replace("_", " "), f"{name.replace('_', ' ')}s")
        for name in (
            *("order", "visit", "booking", "review", "call", "mail", "community_post"),
            *("community_like", "community_mention", "community_review", "community_referral"),
        )
    },
}
_FIELDS = {
    "user": "user",
    "user_kind": "kind of user",
    "quantity": "number of uses at once",
    "active_time": "time of use",
    "outcome": "outcome",
    "activity": "kind of activity",
    "amount": "amount",
    "item": "item",
    "change": "change",
    "first_response": "time until the first answer to a ticket",
    "resolution": "time until a ticket was solved",
    "satisfaction": "satisfaction with a ticket",
    "survey": "kind of survey",
    "nps": "NPS answer",
    "csat": "CSAT answer",
    "ces": "CES answer",
    "respondent": "person who answered",
    "sentiment": "sentiment",
    "contact": "kind of contact",
    "direction": "direction",
    "by": "person of us",
    "touch": "kind of touch",
}
_VALUES = {
    "user": "users",
    "feature": "features",
    "item": "items",
    "respondent": "people who answered",
    "goal": "goals",
}
#: Names of the language that have one value; in words without their article.
NAMES = {
    "account.mrr": "monthly revenue (MRR)",
    "account.owner": "owner of the account",
    "tenure": "time since the contract began",
    "days_to_renewal": "time to the renewal",
    "days_overdue": "longest time overdue of an open invoice",
    "days_paused": "time that a subscription has been paused",
    "pulse": "pulse that a person set",
    "oldest_open_ticket": "age of the oldest open ticket",
    "stage": "stage that an event told last",
    "segment": "segment",
    "lifecycle": "lifecycle stage",
    "archetype": "archetype",
    "band": "colour",
    "letter": "letter",
}
#: Names that count something.
SEVERAL = {
    "account.seats": "seats paid",
    "open_invoices": "open invoices",
    "open_tickets": "open tickets",
    "goals_planned": "goals and milestones planned",
    "goals_due": "goals and milestones that are due",
    "goals_reached": "goals and milestones reached",
}
#: Names that hold or do not: what is said if they do, and if they do not.
FLAGS = {
    "cancel_scheduled": ("a cancellation is scheduled", "no cancellation is scheduled"),
    "not_pursued": ("somebody set it to “not pursued”", "nobody set it to “not pursued”"),
    "account.internal": ("the account is internal", "the account is not internal"),
}
_FAMILIES = {
    Kind.FEATURE: "use",
    Kind.ACTIVITY: "use",
    Kind.TICKET: "ticket",
    Kind.BILLING: "billing",
    Kind.SURVEY: "survey",
    Kind.FEEDBACK: "feedback",
    Kind.CONTACT: "contact",
    Kind.GOAL: "goal",
    Kind.TOUCH: "engagement",
}


def is_noun(thing: str) -> bool:
    """Whether a thing is said as a noun; else it is a sentence: "a payment failed"."""
    return thing in _NOUNS


def one_thing(thing: str) -> str:
    """One of a thing: ``use``, ``order``; the sentence of one that is a sentence."""
    return _NOUNS[thing][0] if thing in _NOUNS else THINGS[thing].about


def several_things(thing: str) -> str:
    """Several of a thing: ``uses``, ``times that a payment failed``."""
    return _NOUNS[thing][1] if thing in _NOUNS else f"times that {THINGS[thing].about}"


def field_called(name: Name) -> str:
    """A field as a noun without its article: ``NPS answer``, ``priority of a ticket``."""
    own = property_name(name)
    if own is not None:
        return f"own property “{own}”"
    field = FIELDS[".".join(name.parts)]
    if field.name in _FIELDS:
        return _FIELDS[field.name]
    said = field.name.replace("_", " ")
    return f"{said} {field.about}" if field.about.startswith("of ") else said


def values_of(name: Name) -> str:
    """Several values of a field: ``users``, ``values of the priority of a ticket``."""
    known = _VALUES.get(".".join(name.parts))
    return known or f"values of the {field_called(name)}"


def family_of(name: str) -> str:
    """What must have been heard of before a thing or field is known to be none."""
    kinds: tuple[Kind, ...] = ()
    if name in THINGS:
        kinds = THINGS[name].kinds
    elif name in FIELDS:
        kinds = tuple(FIELDS[name].at)
    said = dict.fromkeys(_FAMILIES[kind] for kind in kinds)
    return " or ".join(said) or "such event"
