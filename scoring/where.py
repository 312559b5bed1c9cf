"""The condition of a ``where:``: a test of single events, by kind of signal."""

from collections.abc import Callable, Iterable
from typing import Any as Anything

from schemas.signals import Kind, Signal
from scoring.fields import FIELDS, PROPERTIES_AT
from scoring.language.spelling import text_of
from scoring.language.syntax import (
    All,
    Any,
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
    children,
)
from scoring.money import Rates
from scoring.names import near
from scoring.series import Test, Value, field_value, property_value
from scoring.state import AT, DAY_MS
from scoring.units import CALLED, MICRO, ORDERED, Unit

__all__ = ["check_fields", "compile_where", "property_name", "where_text"]

#: True, False, or None where the event does not have the field.
Truth = Callable[[Signal], bool | None]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def compile_where(node: Node, kind: Kind, rates: Rates | None) -> Test:
    """Whether a signal of a kind meets the condition; what has no data does not.

    Amounts are compared in the currency of ``rates``, at the rate of the event's day.

    Raises:
        LanguageError: for a field that does not exist, or a comparison that means nothing.
    """
    truth = _truth(node, kind, rates)
    return lambda signal: truth(signal) is True


def check_fields(node: Node, kinds: Iterable[Kind], of: str) -> None:
    """Whether every field of a condition is one that some of these events have.

    Raises:
        LanguageError: for one that none of them has: the condition would never be met.
    """
    if isinstance(node, All | Any | Not):
        for part in children(node):
            check_fields(part, kinds, of)
    elif isinstance(node, Comparison | Membership):
        tested = node.left if isinstance(node, Comparison) else node.of
        field = FIELDS.get(".".join(tested.parts)) if isinstance(tested, Name) else None
        if field is not None and not set(kinds) & set(field.at):
            raise _fail(f"{field.name} is no field of {of}", tested)


def _fail(message: str, node: Node) -> LanguageError:
    return LanguageError(message, node.at, len(text_of(node)))


def _truth(node: Node, kind: Kind, rates: Rates | None) -> Truth:
    match node:
        case All() | Any():
            parts = [_truth(part, kind, rates) for part in node.of]
            return _combined(parts, decides=isinstance(node, Any))
        case Not():
            inner = _truth(node.of, kind, rates)
            return lambda signal: None if (found := inner(signal)) is None else not found
        case Comparison():
            return _comparison(node, kind, rates)
        case Membership():
            read, unit = _field(node.of, kind, rates)
            values = frozenset(_literal(item, unit) for item in node.items)
            wanted = not node.negated
            return lambda signal: (
                None if (value := read(signal)) is None else (value in values) is wanted
            )
        case _:
            raise _fail(
                "expected a condition on fields of the event, such as user_kind == human", node
            )


def _combined(parts: list[Truth], *, decides: bool) -> Truth:
    def truth(signal: Signal) -> bool | None:
        result: bool | None = not decides
        for part in parts:
            found = part(signal)
            if found is decides:
                return decides
            if found is None:
                result = None
        return result

    return truth


def _comparison(node: Comparison, kind: Kind, rates: Rates | None) -> Truth:
    read, unit = _field(node.left, kind, rates)
    value = _literal(node.right, unit)
    if node.operator in ("==", "!="):
        wanted = node.operator == "=="
        return lambda signal: (
            None if (found := read(signal)) is None else (found == value) is wanted
        )
    if unit not in ORDERED and unit is not _OWN:
        raise _fail(f"{CALLED[Unit(unit)]} is neither more nor less: write == or !=", node)
    if isinstance(value, str):
        raise _fail("expected a number to compare with", node.right)
    level: int = value
    tests: dict[str, Callable[[int], bool]] = {
        "<": lambda found: found < level,
        "<=": lambda found: found <= level,
        ">": lambda found: found > level,
        ">=": lambda found: found >= level,
    }
    test = tests[node.operator]

    def truth(signal: Signal) -> bool | None:
        found = read(signal)
        return None if found is None or isinstance(found, str) else test(found)

    return truth


#: An own property's unit is whatever the event sends.
_OWN = "own"


def property_name(name: Name) -> str | None:
    """The property in ``property.NAME``; None for another name."""
    return name.parts[1] if len(name.parts) == 2 and name.parts[0] == "property" else None


def _field(node: Node, kind: Kind, rates: Rates | None) -> tuple[Value, Unit | str]:
    if not isinstance(node, Name):
        raise _fail("expected the name of a field here", node)
    own = property_name(node)
    if own is not None:
        if kind not in PROPERTIES_AT:  # pragma: no cover - every kind that is counted has them
            return _nothing, _OWN
        return property_value(own, kind), _OWN
    name = ".".join(node.parts)
    field = FIELDS.get(name)
    if field is None:
        raise LanguageError(
            f"no field named {name!r}{near(name, [*FIELDS, 'property.NAME'])}", node.at, len(name)
        )
    if field.unit is Unit.MONEY and rates is None:
        raise LanguageError(
            "amounts need a currency: write money: {currency: EUR} on the card", node.at, len(name)
        )
    if kind not in field.at:
        return _nothing, field.unit
    if field.unit is Unit.MONEY:
        assert rates is not None
        return _worth(field.at[kind], rates), field.unit
    return field_value(field, kind), field.unit


def _worth(at: int, rates: Rates) -> Value:
    """An amount in the card's currency; its own currency stands behind it in the signal."""

    def read(signal: Signal) -> int | None:
        amount_minor = signal[at]
        if amount_minor is None:
            return None
        return rates.convert(amount_minor, signal[at + 1] or "", signal[AT] // DAY_MS)

    return read


def where_text(node: Node, rates: Rates | None) -> str:
    """The condition as a series names it: one that compares amounts is another with other rates."""
    if rates is None or not _names_money(node):
        return text_of(node)
    return f"{text_of(node)} in {rates.fingerprint}"


def _names_money(node: Node) -> bool:
    if isinstance(node, Name):
        field = FIELDS.get(".".join(node.parts))
        return field is not None and field.unit is Unit.MONEY
    return any(_names_money(part) for part in children(node))


def _nothing(signal: Signal) -> Anything:
    return None


def _literal(node: Node, unit: Unit | str) -> int | str:
    """What a field is compared with: text, or millionths of its unit."""
    if isinstance(node, Flag):
        return "true" if node.value else "false"
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Name) and len(node.parts) == 1:
        return node.parts[0]
    if isinstance(node, Negative) and isinstance(node.of, Number):
        below = _literal(node.of, unit)
        return below if isinstance(below, str) else -below
    if not isinstance(node, Number):
        raise _fail("expected a number or a text to compare with", node)
    if unit is Unit.TEXT:
        said = text_of(node)
        raise _fail(f'expected a text to compare with; write it in quotes: "{said}"', node)
    written = {"": unit, "%": Unit.RATIO}.get(node.unit, Unit.SECONDS)
    if unit not in (_OWN, written):
        raise _fail(f"{unit} cannot be compared with {written}", node)
    if node.unit == "%":
        return int(node.value * MICRO / 100)
    return int(node.value * MICRO) * _SECONDS.get(node.unit, 1)
