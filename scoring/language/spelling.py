"""The canonical spelling of a tree: what two spellings of the same have in common.

Single spaces, no parentheses but those that are needed, numbers without idle zeros, named
arguments in the order of their names. A metric's identity is this text.
"""

from decimal import Decimal

from scoring.language.syntax import (
    All,
    Any,
    Binary,
    Call,
    Comparison,
    Flag,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
)

__all__ = ["text_of"]

# How tightly a node holds together; one that holds less than its place asks for is in parentheses.
_ANY, _ALL, _NOT, _COMPARISON, _SUM, _PRODUCT, _NEGATIVE, _WHOLE = range(8)


def text_of(node: Node) -> str:
    """The canonical spelling: ``parse(text_of(node)) == node`` for each node of ``parse``."""
    match node:
        case Number(value, unit):
            return _digits(value) + unit
        case Text(value):
            return _in_quotes(value)
        case Flag(value):
            return "true" if value else "false"
        case Name(parts):
            return ".".join(parts)
        case Call(name, arguments, named):
            spelt = [text_of(argument) for argument in arguments]
            spelt += [f"{key}: {text_of(argument)}" for key, argument in named]
            return f"{name}({', '.join(spelt)})"
        case Negative(of):
            return f"-{_within(of, _NEGATIVE)}"
        case Binary(operator, left, right):
            # a - b - c is (a - b) - c: on the right side, the same operator needs parentheses.
            holds = _holds(node)
            return f"{_within(left, holds)} {operator} {_within(right, holds + 1)}"
        case Comparison(operator, left, right):
            return f"{_within(left, _SUM)} {operator} {_within(right, _SUM)}"
        case Membership(of, items, negated):
            listed = ", ".join(text_of(item) for item in items)
            return f"{_within(of, _SUM)} {'not in' if negated else 'in'} [{listed}]"
        case Not(of):
            return f"not {_within(of, _NOT)}"
        case All(of):
            return " and ".join(_within(part, _NOT) for part in of)
        case _:
            return " or ".join(_within(part, _ALL) for part in node.of)


def _within(node: Node, asked: int) -> str:
    spelt = text_of(node)
    return spelt if _holds(node) >= asked else f"({spelt})"


def _holds(node: Node) -> int:
    match node:
        case Any():
            return _ANY
        case All():
            return _ALL
        case Not():
            return _NOT
        case Comparison() | Membership():
            return _COMPARISON
        case Binary(operator):
            return _SUM if operator in ("+", "-") else _PRODUCT
        case Negative():
            return _NEGATIVE
        case _:
            return _WHOLE


def _digits(value: Decimal) -> str:
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _in_quotes(value: str) -> str:
    """In the quotes that occur less often in it: those in it are written twice."""
    quote = '"' if value.count('"') <= value.count("'") else "'"
    return quote + value.replace(quote, 2 * quote) + quote
