"""The place that a parser has reached in the tokens, and what is said when it cannot go on."""

from decimal import Decimal
from itertools import takewhile

from scoring.language.syntax import Flag, Item, LanguageError, Name, Number, Text
from scoring.language.tokens import Kind, Token, split_number
from scoring.language.vocabulary import RESERVED, quoted

__all__ = ["Cursor"]

_ASTRAY_HINTS = {
    "-": '; put a text with signs in it in quotes, as in "mid-market"',
    "[": '; a list stands only after "in" or "not in"',
    ":": '; ":" stands only after the name of an argument, as in open_tickets(priority: urgent)',
}


class Cursor:
    """Reads tokens one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._reached = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._reached]

    @property
    def before(self) -> Token:
        """The token that was taken last."""
        return self._tokens[self._reached - 1]

    @property
    def following(self) -> Token:
        """The token after the next; the end follows itself."""
        return self._tokens[min(self._reached + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token, which is not the end."""
        self._reached += 1
        return self.before

    def takes(self, *written: str) -> str:
        """Which of these words and signs was taken; empty if the next token is none of them."""
        return self.take().written if self.token.written in written else ""

    def single(self) -> Item | None:
        """The number, text, flag or name that was taken; None if the next token is none."""
        item = _item_of(self.token)
        if item is not None:
            self.take()
        return item

    def no_value(self) -> LanguageError:
        """The next token begins nothing that has a value."""
        token = self.token
        place = f" after {self.before}" if self._reached else ""
        hint = ""
        if token.written == "[":
            hint = '; a list stands only after "in" or "not in"'
        elif token.written == "not":
            hint = '; put "not" and what belongs to it in parentheses'
        return token.error(
            f'expected a number, a text in quotes, a name or "("{place}, found {token}{hint}'
        )

    def astray(self, expected: str) -> LanguageError:
        """The next token does not go on with what was complete before it."""
        token = self.token
        return token.error(f"expected {expected}, found {token}{self._astray_hint()}")

    def _astray_hint(self) -> str:
        before, token = self.before, self.token
        for name in (token, before):
            word = name.written.lower()
            if name.kind is Kind.NAME and word in RESERVED:
                return f'; write "{word}" in small letters'
        if token.kind is Kind.NAME and before.kind is Kind.NAME:
            names = takewhile(lambda one: one.kind is Kind.NAME, self._tokens[self._reached - 1 :])
            text = " ".join(name.written for name in names)
            return f"; put a text of several words in quotes: {quoted(text)}"
        if before.kind is Kind.NUMBER and (token.kind is Kind.NUMBER or token.written == ","):
            return "; write a number without spaces or commas in it"
        return _ASTRAY_HINTS.get(token.written, "")


def _item_of(token: Token) -> Item | None:
    """The number, text, flag or name that a token is."""
    match token.kind:
        case Kind.NUMBER:
            amount, unit = split_number(token.written)
            return Number(Decimal(amount), unit, at=token.at)
        case Kind.TEXT:
            quote = token.written[0]
            return Text(token.written[1:-1].replace(2 * quote, quote), at=token.at)
        case Kind.FLAG:
            return Flag(token.written == "true", at=token.at)
        case Kind.NAME:
            return Name(tuple(token.written.split(".")), at=token.at)
        case _:
            return None
