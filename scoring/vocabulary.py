"""What a card adds to the language: its currency, its calendar, its tables of points, its names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scoring.actions import ActionTable
from scoring.calendar import Calendar
from scoring.language.spelling import text_of
from scoring.language.syntax import LanguageError, Node
from scoring.money import Rates
from scoring.terms import Term

__all__ = ["NEEDS_A_CURRENCY", "Vocabulary", "calendar_of", "rates_of"]

NEEDS_A_CURRENCY = "money needs a currency: write money: {currency: EUR} on the card"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a card adds to the language, and what of it can be used in one place of the card."""

    rates: Rates | None = None
    actions: Mapping[str, ActionTable] = field(default_factory=dict)
    #: The measures by name (conditions may compare their values), the segment and so on.
    names: Mapping[str, Term] = field(default_factory=dict)
    calendar: Calendar | None = None
    #: The classes that are known where the expression is read: of ``segment``, of ``lifecycle``.
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Names that cannot be used here, and what to do instead; nothing, if that is said elsewhere.
    withheld: Mapping[str, str] = field(default_factory=dict)


def rates_of(node: Node, words: Vocabulary) -> Rates:
    """The card's rates; an error where it has no currency."""
    if words.rates is None:
        raise LanguageError(
            NEEDS_A_CURRENCY,
            node.at,
            len(text_of(node)),
        )
    return words.rates


def calendar_of(node: Node, words: Vocabulary) -> Calendar:
    """The card's calendar; an error where it has none."""
    if words.calendar is None:
        raise LanguageError(
            "working days need a calendar: write calendar: {zone: Europe/Berlin} on the card",
            node.at,
            len(text_of(node)),
        )
    return words.calendar
