"""The kinds of values in sentences: numbers, names, spans, amounts, times, words of a list."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from schemas.account import AccountStatus
from schemas.scenario import parse_local
from schemas.scorecard_values import parse_duration_s
from streams.importing.conversions import minor_units
from streams.importing.rejects import CellError
from streams.scenarios.grammar import Slot, Taken, Token
from streams.scorecards import Loader

__all__ = ["SLOTS", "money"]

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_NAME = re.compile(r"[^\s{}\"]{1,200}")
_UNITS = {
    unit + plural: seconds
    for unit, seconds in (
        ("second", 1),
        ("minute", 60),
        ("hour", 3600),
        ("day", 86_400),
        ("week", 604_800),
    )
    for plural in ("", "s")
}


def money(text: str) -> tuple[int, str]:
    """An amount such as ``2000 EUR`` in minor units, and its currency.

    Raises:
        ValueError: with what was expected.
    """
    amount, _, currency = text.partition(" ")
    if re.fullmatch(r"[A-Z]{3}", currency) is None:
        raise ValueError(f"expected an amount with its currency, such as 2000 EUR, got {text!r}")
    try:
        return minor_units(amount, currency), currency
    except CellError as error:
        raise ValueError(error.detail) from None


def _whole(tokens: Sequence[Token]) -> Taken | None:
    return Taken(int(tokens[0].text)) if _WHOLE.fullmatch(tokens[0].text) else None


def _number(tokens: Sequence[Token]) -> Taken | None:
    text = tokens[0].text
    if _DECIMAL.fullmatch(text) is None:
        return None
    return Taken(float(text) if "." in text else int(text))


def _name(tokens: Sequence[Token]) -> Taken | None:
    text, kind = tokens[0]
    if kind == "quoted":
        if not text.strip():
            raise ValueError("the text in quotes is empty")
        return Taken(text)
    return Taken(text) if kind == "word" and _NAME.fullmatch(text) else None


def _span(tokens: Sequence[Token]) -> Taken | None:
    text = tokens[0].text
    if _WHOLE.fullmatch(text) and len(tokens) > 1 and tokens[1].text in _UNITS:
        return Taken(int(text) * _UNITS[tokens[1].text], 2)
    try:
        return Taken(parse_duration_s(text)) if text != "0" else None
    except ValueError:
        return None


def _money(tokens: Sequence[Token]) -> Taken | None:
    if not tokens[0].text[:1].isdigit():
        return None
    return Taken(money(" ".join(token.text for token in tokens[:2])), 2)


def _time(tokens: Sequence[Token]) -> Taken | None:
    text = tokens[0].text
    if re.match(r"\d{4}-", text) is None:
        return None
    if len(tokens) > 1 and re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", tokens[1].text):
        return Taken(parse_local(f"{text} {tokens[1].text}"), 2)
    return Taken(parse_local(text))


def _fields(tokens: Sequence[Token]) -> Taken | None:
    if tokens[0].kind != "braces":
        return None
    try:
        return Taken(yaml.load(tokens[0].text, Loader=Loader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not fields of an event: {getattr(error, 'problem', error)}") from None


def _choice(kind: str, words: Mapping[str, Any]) -> Slot:
    def take(tokens: Sequence[Token]) -> Taken | None:
        text, shape = tokens[0]
        return Taken(words[text]) if shape == "word" and text in words else None

    return Slot(kind, "one of " + ", ".join(words), take, tuple(words))


def _same(*words: str) -> dict[str, str]:
    return {word: word for word in words}


#: Every kind of value by name.
SLOTS: dict[str, Slot] = {
    slot.kind: slot
    for slot in (
        Slot("N", "a whole number", _whole),
        Slot("SCORE", "a number", _number),
        Slot("NAME", "a name", _name),
        Slot("ID", "a name", _name),
        Slot("TEXT", "a text in double quotes", _name),
        Slot("SPAN", "a span of time such as 3h or 2d", _span),
        Slot("MONEY", "an amount such as 2000 EUR", _money),
        Slot("TIME", "a time such as 2026-06-22", _time),
        Slot("FIELDS", "an event's fields such as {type: usage.feature, feature: x}", _fields),
        _choice("PRIORITY", _same("low", "normal", "high", "urgent")),
        _choice("TOUCHED", _same("solved", "closed", "reopened", "escalated", "merged", "deleted")),
        _choice("CONTACT", {"check-in": "check_in", "call": "call", "mail": "mail"}),
        _choice("SURVEY", _same("csat", "ces")),
        _choice("STATUS", {str(status): str(status) for status in AccountStatus}),
        _choice("PULSE", _same("good", "unsure", "worried", "lost")),
        _choice("SENTIMENT", _same("positive", "neutral", "negative")),
        _choice("GOAL", _same("goal", "milestone")),
        _choice("ENDED", _same("reached", "dropped")),
        _choice(
            "LEARNING",
            {
                "training": "training",
                "article": "help_article",
                "tutorial": "tutorial",
                "guide": "in_app_guide",
            },
        ),
        _choice("COMMUNITY", _same("post", "reply", "like", "mention", "review", "referral")),
        _choice(
            "REACTION",
            _same(
                *("opened", "clicked", "replied", "registered", "attended"),
                *("unsubscribed", "bounced"),
            ),
        ),
        _choice("ACTIVITY", _same("order", "visit", "booking", "review")),
        _choice("SETTLED", {"paid": "invoice_paid", "voided": "invoice_voided"}),
        _choice("FINISHED", {"finished": True}),
        _choice("TWICE", {"twice": True}),
    )
}
