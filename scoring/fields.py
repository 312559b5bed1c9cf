"""What a signal says, field by field: where it stands, and what kind of value it is.

Scorecards name fields (`user`, `amount`, `first_response`); a signal has them at
fixed places, which differ from kind to kind. docs/metrics.md lists them from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import floor
from typing import Any

from schemas.signals import Kind, Signal
from scoring.units import MICRO, Unit

__all__ = ["FIELDS", "PROPERTIES_AT", "Field", "raw_of", "text_of_property", "value_of"]


@dataclass(frozen=True, slots=True)
class Field:
    """A named field: its unit, where the kinds that have it hold it, and how it is scaled.

    A number on the signal times ``scale`` is the value in millionths of the unit.
    ``words`` name the codes that the signal has in place of texts.
    """

    name: str
    unit: Unit
    at: Mapping[Kind, int]
    about: str
    scale: int = MICRO
    words: Mapping[int, str] | None = None
    #: A test that the signal must pass for the field to be there: place and value.
    only: tuple[int, object] | None = None


#: Where a kind's signals hold the event's own properties.
PROPERTIES_AT: dict[Kind, int] = {
    Kind.FEATURE: 12,
    Kind.ACTIVITY: 12,
    Kind.TICKET: 13,
    Kind.BILLING: 17,
    Kind.SURVEY: 10,
    Kind.FEEDBACK: 8,
    Kind.CONTACT: 9,
    Kind.GOAL: 10,
    Kind.TOUCH: 11,
}

#: Every field by name. docs/metrics.md lists them from here.
FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("feature", Unit.TEXT, {Kind.FEATURE: 6, Kind.FEEDBACK: 7},
              "the feature used, or spoken of"),
        Field("user", Unit.TEXT, {Kind.FEATURE: 7, Kind.ACTIVITY: 7, Kind.TOUCH: 9},
              "who did it; a machine is nobody"),
        Field("user_kind", Unit.TEXT, {Kind.FEATURE: 8}, "human, automated or staff",
              words={0: "human", 1: "automated", 2: "staff"}),
        Field("quantity", Unit.COUNT, {Kind.FEATURE: 9}, "how many times at once"),
        Field("active_time", Unit.SECONDS, {Kind.FEATURE: 10}, "how long it was used", 1000),
        Field("outcome", Unit.TEXT, {Kind.FEATURE: 11}, "ok or failed",
              words={0: "ok", 1: "failed"}),
        Field("activity", Unit.TEXT, {Kind.ACTIVITY: 6}, "order, visit, booking or review"),
        Field("amount", Unit.MONEY, {Kind.ACTIVITY: 8, Kind.BILLING: 9},
              "of an order, an invoice, a refund"),
        Field("rating", Unit.RATIO, {Kind.ACTIVITY: 10}, "of a review or visit, on its scale", 1),
        Field("item", Unit.TEXT, {Kind.ACTIVITY: 11, Kind.TOUCH: 8},
              "what was ordered; the campaign, the article, the page"),
        Field("change", Unit.TEXT, {Kind.TICKET: 7, Kind.BILLING: 6, Kind.GOAL: 8},
              "what happened to the ticket, invoice, subscription or goal"),
        Field("priority", Unit.TEXT, {Kind.TICKET: 8}, "of a ticket"),
        Field("category", Unit.TEXT, {Kind.TICKET: 9}, "of a ticket"),
        Field("first_response", Unit.SECONDS, {Kind.TICKET: 10},
              "of a ticket: how long until the first answer", 1000),
        Field("resolution", Unit.SECONDS, {Kind.TICKET: 11},
              "of a ticket: how long until it was solved", 1000),
        Field("satisfaction", Unit.RATIO, {Kind.TICKET: 12}, "of a rated ticket, on its scale", 1),
        Field("plan", Unit.TEXT, {Kind.BILLING: 13}, "of a subscription"),
        Field("reason", Unit.TEXT, {Kind.BILLING: 15}, "of a cancellation"),
        Field("survey", Unit.TEXT, {Kind.SURVEY: 6}, "nps, csat or ces"),
        Field("nps", Unit.COUNT, {Kind.SURVEY: 7},
              "answers to the NPS question, from their scale to 0 to 10", 10, only=(6, "nps")),
        Field("csat", Unit.RATIO, {Kind.SURVEY: 7}, "CSAT answers, on their scale", 1,
              only=(6, "csat")),
        Field("ces", Unit.RATIO, {Kind.SURVEY: 7}, "CES answers, on their scale", 1,
              only=(6, "ces")),
        Field("score", Unit.COUNT, {Kind.SURVEY: 8}, "of a survey answer, as it was given", 1000),
        Field("respondent", Unit.TEXT, {Kind.SURVEY: 9}, "who answered"),
        Field("sentiment", Unit.TEXT, {Kind.FEEDBACK: 6, Kind.TOUCH: 10},
              "positive, neutral or negative"),
        Field("contact", Unit.TEXT, {Kind.CONTACT: 6}, "check_in, call or mail"),
        Field("direction", Unit.TEXT, {Kind.CONTACT: 7}, "inbound or outbound"),
        Field("by", Unit.TEXT, {Kind.CONTACT: 8}, "who of us it was"),
        Field("goal", Unit.TEXT, {Kind.GOAL: 6}, "which goal or milestone"),
        Field("touch", Unit.TEXT, {Kind.TOUCH: 6}, "campaign.opened, community.post, visit, ..."),
    )
}  # fmt: skip


def raw_of(signal: Signal, at: int) -> Any:
    """What stands at a place; None where an older signal ends before it."""
    return signal[at] if at < len(signal) else None


def value_of(field: Field, signal: Signal, at: int) -> int | str | None:
    """A field's value: text, or millionths of its unit."""
    raw = raw_of(signal, at)
    if raw is None:
        return None
    if field.unit is Unit.TEXT:
        return raw if field.words is None else field.words.get(raw)
    return int(raw) * field.scale


def text_of_property(value: object) -> int | str | None:
    """An own property: a text or flag as text, a number in millionths."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value * MICRO
    if isinstance(value, float):
        return floor(Decimal(repr(value)) * MICRO)  # as it was written, rounded down
    return None
