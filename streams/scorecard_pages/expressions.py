"""An expression of a card in words for people who write none: what it looks at, when it holds.

``distinct(user, 28d) / account.seats`` is "different users in 28 days, per seat paid". What has
no words here is said as it is written.
"""

from dataclasses import replace

from schemas.scorecard import ScorecardFile
from scoring.card import Card
from scoring.expressions import of_conditions, of_outlook, vocabulary_of
from scoring.fields import FIELDS
from scoring.language.parser import parse
from scoring.language.spelling import text_of
from scoring.language.syntax import (
    All,
    Any,
    Binary,
    Call,
    Comparison,
    Flag,
    LanguageError,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
)
from scoring.metrics import compile_metric, term_of
from scoring.units import MICRO, Unit
from scoring.vocabulary import Vocabulary
from streams.api.shown import label
from streams.scorecard_pages.calls import CALLS, Saying
from streams.scorecard_pages.phrases import FLAGS, NAMES, SEVERAL, Phrase, field_called
from streams.scorecard_pages.wording import amount, listed

__all__ = ["Expressions"]

_IS = {">=": "is at least", ">": "is more than", "<=": "is at most", "<": "is less than",
       "==": "is", "!=": "is not"}  # fmt: skip
_SO_MANY = {">=": "at least", ">": "more than", "<=": "at most", "<": "fewer than",
            "==": "exactly", "!=": "other than"}  # fmt: skip
_CONTRARY = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "==": "!=", "!=": "=="}
_ARITHMETIC = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_SPANS_S = {"s": 1, "m": 60, "h": 3600}
_SPANS_DAYS = {"d": 1, "w": 7}


class Expressions:
    """Says the expressions of one card: its measures, its currency are known by name."""

    def __init__(self, card: Card, file: ScorecardFile) -> None:
        self._measures = frozenset(card.by_name)
        self._currency = "" if file.money is None else f" {file.money.currency}"
        self._vocabulary = _vocabulary(card, file)
        self._saying = Saying(self._phrase, lambda node: self._condition(node, of_event=True))

    def metric(self, text: str) -> str:
        """What a metric looks at: ``days_overdue`` is "longest time overdue of ..."."""
        try:
            said = self._phrase(parse(text)).text
        except LanguageError:
            return text
        currency = self._currency if self.unit(parse(text)) is Unit.MONEY else ""
        return f"{said}, in{currency}" if currency else said

    def condition(self, text: str) -> str:
        """When a condition is met, as a sentence without its full stop."""
        try:
            return self._condition(parse(text), of_event=False)
        except LanguageError:
            return text

    def unit(self, node: Node) -> Unit:
        """What a part of an expression is measured in."""
        try:
            return compile_metric(text_of(node), self._vocabulary).unit
        except LanguageError:  # a constant, a flag
            return Unit.COUNT

    # -- metrics ---------------------------------------------------------------------------------

    def _phrase(self, node: Node) -> Phrase:
        match node:
            case Number():
                return Phrase(self._amount(node, Unit.COUNT))
            case Text():
                return Phrase(f"“{node.value}”")
            case Name():
                return self._name(".".join(node.parts))
            case Call():
                says = CALLS.get(node.name)
                return Phrase(text_of(node)) if says is None else says(node, self._saying)
            case Negative():
                return Phrase(f"minus {self._inner(node.of)}")
            case Binary():
                return self._binary(node)
            case _:
                return Phrase(self._condition(node, of_event=False))

    def _inner(self, node: Node) -> str:
        said = self._phrase(node).text
        return f"({said})" if isinstance(node, Binary) else said

    def _binary(self, node: Binary) -> Phrase:
        left, right = self._phrase(node.left), self._phrase(node.right)
        per_seat = node.operator == "/" and node.right == Name(("account", "seats"))
        if per_seat and isinstance(node.left, Name | Call):
            return Phrase(
                f"{left.text}, per seat paid", said_as_subject=f"{left.subject} per seat paid"
            )
        word = _ARITHMETIC[node.operator]
        subject = f"{left.subject} {word} {right.subject}"
        text = f"{self._inner(node.left)} {word} {self._inner(node.right)}"
        return Phrase(text, said_as_subject=subject if "(" not in text else f"the result of {text}")

    def _name(self, name: str) -> Phrase:
        """The language's own names come before those of measures, as they do where it is read."""
        if name in SEVERAL:
            return Phrase(SEVERAL[name], several=True)
        if name in NAMES:
            return Phrase(NAMES[name])
        if name in FLAGS:
            return Phrase(FLAGS[name][0])
        if name in self._measures:
            return Phrase(f"“{label(name)}”")
        if name.startswith("account.attributes."):
            return Phrase(f"account's own “{name.removeprefix('account.attributes.')}”")
        if name.startswith("account."):
            return Phrase(f"account's {name.removeprefix('account.')}")
        return Phrase(name)

    # -- conditions ------------------------------------------------------------------------------

    def _condition(self, node: Node, *, of_event: bool) -> str:
        def said(part: Node) -> str:
            words = self._condition(part, of_event=of_event)
            return f"({words})" if isinstance(part, All | Any) else words

        match node:
            case All():
                return ", and ".join(said(part) for part in node.of)
            case Any():
                return ", or ".join(said(part) for part in node.of)
            case Not():
                return self._not(node.of, of_event=of_event)
            case Comparison():
                return self._comparison(node, of_event=of_event)
            case Membership():
                return self._membership(node, of_event=of_event)
            case Flag():
                return "always" if node.value else "never"
            case Name() if (name := ".".join(node.parts)) in FLAGS:
                return FLAGS[name][0]
            case _:
                return text_of(node)

    def _not(self, node: Node, *, of_event: bool) -> str:
        """What is not known is met by neither; so the contrary says the same."""
        match node:
            case Comparison(operator, left, right):
                contrary: Node = Comparison(_CONTRARY[operator], left, right)
            case Membership(of, items, negated):
                contrary = Membership(of, items, not negated)
            case Not(of):
                contrary = of
            case Name() if (name := ".".join(node.parts)) in FLAGS:
                return FLAGS[name][1]
            case _:
                return f"it is not so that ({self._condition(node, of_event=of_event)})"
        return self._condition(contrary, of_event=of_event)

    def _comparison(self, node: Comparison, *, of_event: bool) -> str:
        left, unit = self._compared(node.left, of_event=of_event)
        number = _number(node.right)
        if number is not None:
            value = self._amount(number, unit)
            if left.happens is not None:
                sentence, tail = left.happens
                return f"{sentence} {_often(node.operator, value)} {tail}"
            if left.several:
                return f"there are {_SO_MANY[node.operator]} {value} {left.text}"
            return f"{left.subject} {_IS[node.operator]} {value}"
        if unit is Unit.TEXT or of_event or isinstance(node.right, Flag):
            return f"{left.subject} {_IS[node.operator]} {_word(node.right)}"
        return f"{left.subject} {_IS[node.operator]} {self._phrase(node.right).subject}"

    def _membership(self, node: Membership, *, of_event: bool) -> str:
        left, unit = self._compared(node.of, of_event=of_event)
        items = [
            _word(item) if (number := _number(item)) is None else self._amount(number, unit)
            for item in node.items
        ]
        verb = "is" if not node.negated else "is neither" if len(items) > 1 else "is not"
        return f"{left.subject} {verb} {listed(items, 'nor' if node.negated else 'or')}"

    def _compared(self, node: Node, *, of_event: bool) -> tuple[Phrase, Unit]:
        """What is compared, and its unit: a field of the event, or a metric."""
        if of_event and isinstance(node, Name):
            field = FIELDS.get(".".join(node.parts))
            return Phrase(field_called(node)), Unit.COUNT if field is None else field.unit
        return self._phrase(node), self.unit(node)

    def _amount(self, node: Number, unit: Unit) -> str:
        """A number in the unit of what it is compared with."""
        if node.unit == "%":
            return amount(Unit.RATIO, int(node.value * MICRO / 100))
        if node.unit in _SPANS_DAYS:
            return amount(Unit.DAYS, int(node.value * MICRO) * _SPANS_DAYS[node.unit])
        if node.unit in _SPANS_S:
            return amount(Unit.SECONDS, int(node.value * MICRO) * _SPANS_S[node.unit])
        if unit in (Unit.DAYS, Unit.SECONDS):
            return amount(unit, int(node.value * MICRO))
        return amount(Unit.COUNT, int(node.value * MICRO)) + (
            self._currency if unit is Unit.MONEY else ""
        )


def _number(node: Node) -> Number | None:
    """A number, or one with a minus sign before it."""
    if isinstance(node, Negative) and isinstance(node.of, Number):
        return replace(node.of, value=-node.of.value)
    return node if isinstance(node, Number) else None


def _often(operator: str, value: str) -> str:
    """How often something happens: "at least once", "not once"."""
    if operator == "==" and value == "0":
        return "not once"
    times = {"1": "once", "2": "twice"}.get(value, f"{value} times")
    return f"{_SO_MANY[operator].replace('fewer', 'less')} {times}"


def _word(node: Node) -> str:
    """A text or flag that something is compared with."""
    if isinstance(node, Text):
        return f"“{node.value}”"
    return text_of(node)


def _vocabulary(card: Card, file: ScorecardFile) -> Vocabulary:
    """What the card adds to the language, to learn what its expressions are measured in."""
    words = of_conditions(
        vocabulary_of(file, []),
        {measure.name: term_of(measure.metric) for measure in card.measures},
        file.segments,
        file.lifecycle,
    )
    return of_outlook(words)
