"""What can be counted: names for the things that happen, and which signals they are.

docs/metrics.md lists them from here. A thing is one or more kinds of signals, of
which a field has one of some values; ``quantity`` things count as often as the
event says.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.signals import Kind

__all__ = ["EVERYTHING", "FACTS", "FAMILY_OF", "THINGS", "TOUCHES", "Thing", "families_of"]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that happens. ``only`` is (place in the signal, values): one of them must fit."""

    name: str
    kinds: tuple[Kind, ...]
    about: str
    only: tuple[int, frozenset[object]] | None = None
    #: A second test, such as "and completed".
    also: tuple[int, frozenset[object]] | None = None
    quantity: bool = False


def _one(name: str, kind: Kind, about: str, at: int, *values: object) -> Thing:
    return Thing(name, (kind,), about, (at, frozenset(values)))


_BILLING = (
    ("invoice_issued", "an invoice was issued"), ("invoice_due", "an invoice fell due"),
    ("invoice_paid", "an invoice was paid"), ("invoice_overdue", "an invoice was called overdue"),
    ("invoice_voided", "an invoice was voided"), ("payment_failed", "a payment failed"),
    ("dispute", "a payment was disputed"), ("refund", "money was paid back"),
    ("subscription_started", "a subscription began"),
    ("subscription_changed", "a subscription changed"),
    ("subscription_paused", "a subscription was paused"),
    ("subscription_resumed", "a paused subscription went on"),
    ("subscription_renewed", "a subscription was renewed"),
    ("cancellation_scheduled", "a cancellation was scheduled"),
    ("subscription_cancelled", "a subscription ended"),
    ("trial_started", "a trial began"), ("trial_ended", "a trial ended"),
)  # fmt: skip
_BILLING_WIRE = {
    "cancellation_scheduled": "cancel_scheduled", "subscription_cancelled": "cancelled",
}  # fmt: skip
_CAMPAIGN = ("opened", "clicked", "replied", "registered", "attended", "unsubscribed", "bounced")
_COMMUNITY = ("post", "reply", "like", "mention", "review", "referral")

#: Every thing by name.
THINGS: dict[str, Thing] = {
    thing.name: thing
    for thing in (
        Thing("use", (Kind.FEATURE, Kind.ACTIVITY),
              "a feature used (as often as `quantity` says), an activity; not by your own staff",
              quantity=True),
        Thing("human_use", (Kind.FEATURE, Kind.ACTIVITY), "the same, by people only",
              quantity=True),
        Thing("failed_use", (Kind.FEATURE,), "a use that failed", (11, frozenset({1})),
              quantity=True),
        Thing("activity", (Kind.ACTIVITY,), "an order, visit, booking or review"),
        _one("order", Kind.ACTIVITY, "an order", 6, "order"),
        _one("visit", Kind.ACTIVITY, "a visit", 6, "visit"),
        _one("booking", Kind.ACTIVITY, "a booking", 6, "booking"),
        _one("review", Kind.ACTIVITY, "a review", 6, "review"),
        _one("ticket", Kind.TICKET, "a ticket was opened", 7, "opened"),
        *(_one(f"ticket_{word}", Kind.TICKET, f"a ticket was {word}", 7, word)
          for word in ("answered", "solved", "reopened", "closed", "escalated", "rated")),
        *(_one(name, Kind.BILLING, about, 6, _BILLING_WIRE.get(name, name))
          for name, about in _BILLING),
        Thing("survey", (Kind.SURVEY,), "any survey was answered"),
        *(_one(name, Kind.SURVEY, f"a {name.upper()} question was answered", 6, name)
          for name in ("nps", "csat", "ces")),
        Thing("feedback", (Kind.FEEDBACK,), "feedback was given"),
        _one("positive_feedback", Kind.FEEDBACK, "positive feedback", 6, "positive"),
        _one("negative_feedback", Kind.FEEDBACK, "negative feedback", 6, "negative"),
        Thing("contact", (Kind.CONTACT,), "people talked: a check-in, a call, a mail"),
        _one("check_in", Kind.CONTACT, "a check-in", 6, "check_in"),
        _one("call", Kind.CONTACT, "a call", 6, "call"),
        _one("mail", Kind.CONTACT, "a mail", 6, "mail"),
        _one("goal_set", Kind.GOAL, "a goal or milestone was set", 8, "set"),
        _one("goal_reached", Kind.GOAL, "a goal or milestone was reached", 8, "reached"),
        _one("goal_dropped", Kind.GOAL, "a goal or milestone was dropped", 8, "dropped"),
        *(_one(f"campaign_{word}", Kind.TOUCH, f"a campaign was {word}", 6, f"campaign.{word}")
          for word in _CAMPAIGN),
        Thing("community", (Kind.TOUCH,), "any community or social activity",
              (6, frozenset(f"community.{word}" for word in _COMMUNITY))),
        *(_one(f"community_{word}", Kind.TOUCH, f"a community {word}", 6, f"community.{word}")
          for word in _COMMUNITY),
        *(_one(word, Kind.TOUCH, f"{about} was used", 6, f"learning.{word}")
          for word, about in (("training", "a training"), ("help_article", "a help article"),
                              ("tutorial", "a tutorial"), ("in_app_guide", "an in-app guide"))),
        *(Thing(f"{word}_finished", (Kind.TOUCH,), f"{about} was finished",
                (6, frozenset({f"learning.{word}"})), (7, frozenset({1})))
          for word, about in (("training", "a training"), ("tutorial", "a tutorial"),
                              ("in_app_guide", "an in-app guide"))),
        _one("site_visit", Kind.TOUCH, "a visit to the public site", 6, "visit"),
    )
}  # fmt: skip

#: What must have been heard of for "none" to be zero rather than no data: kinds of one family.
FAMILY_OF: dict[Kind, int] = {
    Kind.FEATURE: 1, Kind.ACTIVITY: 1, Kind.TICKET: 2, Kind.BILLING: 4, Kind.SURVEY: 8,
    Kind.FEEDBACK: 16, Kind.CONTACT: 32, Kind.GOAL: 64, Kind.TOUCH: 128,
}  # fmt: skip

#: Facts of the account: what they move is not told apart.
FACTS = 1 << 30
EVERYTHING = FACTS | sum({*FAMILY_OF.values()})
#: What may read otherwise after a signal of a kind: its family. Kinds that are not here set facts.
TOUCHES: dict[int, int] = {
    int(kind): bit for kind, bit in FAMILY_OF.items() if kind is not Kind.BILLING
}


def families_of(kinds: Iterable[Kind]) -> int:
    """The bits of what moves something that is read of these kinds of signals."""
    bits = 0
    for kind in kinds:
        bits |= TOUCHES.get(kind, FACTS)
    return bits
