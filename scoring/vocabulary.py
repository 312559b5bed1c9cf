"""What a card adds to the language: its currency, its tables of points, its own names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scoring.actions import ActionTable
from scoring.language.spelling import text_of
from scoring.language.syntax import LanguageError, Node
from scoring.money import Rates
from scoring.terms import Term

__all__ = ["Vocabulary", "rates_of"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a card adds to the language: its currency, its tables of points, its own names."""

    rates: Rates | None = None
    actions: Mapping[str, ActionTable] = field(default_factory=dict)
    #: The measures by name (conditions may compare their values), the segment and so on.
    names: Mapping[str, Term] = field(default_factory=dict)


def rates_of(node: Node, words: Vocabulary) -> Rates:
    """The card's rates; an error where it has no currency."""
    if words.rates is None:
        raise LanguageError(
            "money needs a currency: write money: {currency: EUR} on the card",
            node.at,
            len(text_of(node)),
        )
    return words.rates
