"""Text to tree: the grammar of scorecard expressions, by recursive descent.

From the weakest to the strongest::

    or
    and
    not
    < <= > >= == !=   is (==)   is not (!=)   in [a, b]   not in [a, b]     (one, not a chain)
    + -
    * /
    - (sign)
    28d  "a text"  true  false  account.seats  count(use, 28d, where: a == b)  (in parentheses)

Limits, so that no text exhausts the stack or the reader: CHARACTERS_MAX, DIGITS_MAX, and
NESTED_MAX levels, of parentheses in one another and of operators and calls in one another.
``a + b + c`` is ``(a + b) + c``, two levels; ``a and b and c`` is one.
"""

from scoring.language.cursor import Cursor
from scoring.language.syntax import (
    All,
    Any,
    Binary,
    Call,
    Comparison,
    Item,
    LanguageError,
    Membership,
    Negative,
    Node,
    Not,
    children,
)
from scoring.language.tokens import Kind, Token, tokens_of
from scoring.language.vocabulary import quoted

__all__ = ["NESTED_MAX", "LanguageError", "parse"]

NESTED_MAX = 20
_TOO_DEEP = f"expected at most {NESTED_MAX} operators and calls within one another, found more"
_ORDER = ("<", "<=", ">", ">=", "==", "!=")


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        LanguageError: with what was expected and what was found, and where.
    """
    tokens = tokens_of(text)
    if len(tokens) == 1:
        raise tokens[0].error('expected an expression, such as "days_overdue >= 30", found nothing')
    node = _Parser(tokens).whole()
    level: tuple[Node, ...] = (node,)
    for _ in range(NESTED_MAX + 1):
        level = tuple(child for parent in level for child in children(parent))
    if level:
        raise LanguageError(f"{_TOO_DEEP}; each of + - * / in a row counts", level[0].at, 1)
    return node


class _Parser(Cursor):
    """One method for each line of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._parentheses = 0
        self._nested = 0

    def whole(self) -> Node:
        """The only expression there is in the text."""
        node = self._any()
        if self.takes(")"):
            raise self.before.error('found ")" without "(" before it; leave it out')
        if self.token.kind is not Kind.END:
            raise self.astray('an operator, such as "and", "<" or "+"')
        return node

    def _deeper(self, token: Token) -> None:
        self._nested += 1
        if self._nested > NESTED_MAX:
            raise token.error(_TOO_DEEP)

    # -- conditions ------------------------------------------------------------------------------

    def _any(self) -> Node:
        at = self.token.at
        parts = [self._all()]
        while self.takes("or"):
            parts.append(self._all())
        return Any(tuple(parts), at=at) if len(parts) > 1 else parts[0]

    def _all(self) -> Node:
        at = self.token.at
        parts = [self._not()]
        while self.takes("and"):
            parts.append(self._not())
        return All(tuple(parts), at=at) if len(parts) > 1 else parts[0]

    def _not(self) -> Node:
        token = self.token
        if not self.takes("not"):
            return self._comparison()
        self._deeper(token)
        node = Not(self._not(), at=token.at)
        self._nested -= 1
        return node

    def _comparison(self) -> Node:
        at = self.token.at
        left = self._sum()
        operator = self._operator()
        if not operator:
            return left
        node: Node
        if operator in _ORDER:
            node = Comparison(operator, left, self._sum(), at=at)
        else:
            node = Membership(left, self._list(), operator == "not in", at=at)
        second = self.token
        if self._operator():
            raise second.error(
                f"found a second comparison, {second}, after the first; "
                'join two comparisons with "and", as in 1 < a and a < 5'
            )
        return node

    def _operator(self) -> str:
        """The comparison that comes next, normalised; empty if none does."""
        operator = self.takes(*_ORDER, "in", "not", "is")
        if operator == "not":
            if not self.takes("in"):
                raise self.before.error(
                    f'expected "in" after "not", found {self.token}; '
                    'write "is not", "not in", or "and not"'
                )
            return "not in"
        if operator == "is":
            said = "not in" if self.takes("not") else "in"
            if self.token.written == "in":
                raise self.token.error(f'found "in" after "is"; write "{said}" without "is"')
            return "==" if said == "in" else "!="
        return operator

    def _list(self) -> tuple[Item, ...]:
        if not self.takes("["):
            raise self.token.error(
                'expected a list in square brackets after "in", '
                f"such as [customer, notice], found {self.token}"
            )
        items = [self._item()]
        while self.takes(","):
            items.append(self._item())
        if not self.takes("]"):
            raise self.astray('"," or "]" in the list')
        return tuple(items)

    def _item(self) -> Item:
        item = self.single()
        if item is None:
            token = self.token
            hint = ""
            if token.written == "-":
                hint = "; a list has no negative numbers"
            elif token.kind is Kind.WORD:
                hint = "; if this is a text, put it in quotes"
            raise token.error(
                f"expected a number, a text, a name, true or false in the list, found {token}{hint}"
            )
        return item

    # -- arithmetic ------------------------------------------------------------------------------

    def _sum(self) -> Node:
        at = self.token.at
        node = self._product()
        while operator := self.takes("+", "-"):
            node = Binary(operator, node, self._product(), at=at)
        return node

    def _product(self) -> Node:
        at = self.token.at
        node = self._negative()
        while operator := self.takes("*", "/"):
            node = Binary(operator, node, self._negative(), at=at)
        return node

    def _negative(self) -> Node:
        token = self.token
        if not self.takes("-"):
            return self._primary()
        self._deeper(token)
        node = Negative(self._negative(), at=token.at)
        self._nested -= 1
        return node

    def _primary(self) -> Node:
        token = self.token
        if self.takes("("):
            return self._group(token)
        node = self.single()
        if node is None:
            raise self.no_value()
        if token.kind is Kind.NAME and self.takes("("):
            return self._call(token)
        return node

    def _group(self, opening: Token) -> Node:
        self._parentheses += 1
        if self._parentheses > NESTED_MAX:
            raise opening.error(
                f"expected at most {NESTED_MAX} parentheses within one another, found more"
            )
        node = self._any()
        if not self.takes(")"):
            raise self.astray(f'an operator, or ")" for the "(" at character {opening.at + 1}')
        self._parentheses -= 1
        return node

    # -- calls -----------------------------------------------------------------------------------

    def _call(self, name: Token) -> Call:
        if "." in name.written:
            raise name.error(f'expected a name without a point before "(", found {name}')
        self._deeper(name)
        arguments: list[Node] = []
        named: dict[str, Node] = {}
        if not self.takes(")"):
            self._argument(arguments, named)
            while self.takes(","):
                self._argument(arguments, named)
            if not self.takes(")"):
                raise self.astray(f'an operator, "," or ")" after an argument of {name.written}')
        self._nested -= 1
        return Call(name.written, tuple(arguments), tuple(named.items()), at=name.at)

    def _argument(self, arguments: list[Node], named: dict[str, Node]) -> None:
        first = self.token
        if self.following.written != ":":
            node = self._any()
            if named:
                last = self.before
                raise LanguageError(
                    "expected the arguments without a name before those with one; "
                    f"move this one before {quoted(next(iter(named)) + ':')}",
                    first.at,
                    last.at + len(last.written) - first.at,
                )
            arguments.append(node)
            return
        if first.kind is not Kind.NAME or "." in first.written:
            raise first.error(f'expected the name of an argument before ":", found {first}')
        if first.written in named:
            raise first.error(f"found the argument {first} twice; leave one out")
        self.take()
        self.take()
        named[first.written] = self._any()
