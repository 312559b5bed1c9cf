"""The tree of an expression, and the error of a text that is none.

``at`` is the column (0-based) of a node's first character. It serves messages only: two trees
are equal, and have one hash, if they say the same, wherever they were written. So that the same
is written in one way only, :class:`Call` sorts its named arguments, and :class:`All` and
:class:`Any` take in their like.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

__all__ = [
    "All",
    "Any",
    "Binary",
    "Call",
    "Comparison",
    "Flag",
    "Item",
    "LanguageError",
    "Membership",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Number",
    "Text",
    "children",
]


class LanguageError(ValueError):
    """A text that is no expression: what was expected there, and what was found.

    ``at`` is the column (0-based) and ``length`` the number of characters that it is about; at
    the end of the text ``length`` is 0.
    """

    def __init__(self, message: str, at: int, length: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.length = length


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Number(_Placed):
    """A number as written, 0 or more: ``25%`` is 25 with the unit ``%``; ``unit`` may be empty."""

    value: Decimal
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Text(_Placed):
    """A text in quotes; here without them."""

    value: str


@dataclass(frozen=True, slots=True)
class Flag(_Placed):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(_Placed):
    """A name, or several joined by dots: ``account.seats``."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call(_Placed):
    """``name(arguments, named: argument)``; ``named`` is in the order of the names."""

    name: str
    arguments: tuple["Node", ...] = ()
    named: tuple[tuple[str, "Node"], ...] = ()

    def __post_init__(self) -> None:
        in_order = tuple(sorted(self.named, key=lambda argument: argument[0]))
        object.__setattr__(self, "named", in_order)


@dataclass(frozen=True, slots=True)
class Negative(_Placed):
    """``-of``."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Binary(_Placed):
    """``left operator right``, the operator being one of ``+ - * /``."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Comparison(_Placed):
    """``left operator right``, the operator being one of ``< <= > >= == !=``."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Membership(_Placed):
    """``of in [items]``, or with ``negated`` ``of not in [items]``; there is at least one item."""

    of: "Node"
    items: tuple["Item", ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not(_Placed):
    """``not of``."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class All(_Placed):
    """``a and b and ...``: two or more, none of which is an :class:`All`."""

    of: tuple["Node", ...]

    def __post_init__(self) -> None:
        flat = tuple(part for one in self.of for part in (one.of if type(one) is All else (one,)))
        object.__setattr__(self, "of", flat)


@dataclass(frozen=True, slots=True)
class Any(_Placed):
    """``a or b or ...``: two or more, none of which is an :class:`Any`."""

    of: tuple["Node", ...]

    def __post_init__(self) -> None:
        flat = tuple(part for one in self.of for part in (one.of if type(one) is Any else (one,)))
        object.__setattr__(self, "of", flat)


#: What a list may hold.
Item: TypeAlias = Number | Text | Flag | Name
Node: TypeAlias = Item | Call | Negative | Binary | Comparison | Membership | Not | All | Any


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one, in the order in which they are written."""
    match node:
        case Call():
            return (*node.arguments, *(value for _, value in node.named))
        case Binary() | Comparison():
            return (node.left, node.right)
        case Membership():
            return (node.of, *node.items)
        case Negative() | Not():
            return (node.of,)
        case All() | Any():
            return node.of
        case _:
            return ()
