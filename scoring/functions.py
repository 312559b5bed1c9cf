"""Functions over what is known of tickets, goals, MRR and points, and over other metrics."""

from collections.abc import Callable
from functools import reduce

from scoring import account, entities, terms
from scoring.actions import points
from scoring.arguments import days_of
from scoring.feeds import FEEDS, MRR, ticket_feed
from scoring.language.spelling import text_of
from scoring.language.syntax import Call, LanguageError, Name, Node, Number, Text
from scoring.levels import Movement
from scoring.moment import Moment, Reading, Value, earliest, reading_of
from scoring.names import near
from scoring.state import CustomerState
from scoring.terms import Drift, Mismatch, Term, known
from scoring.units import CALLED, MICRO, ORDERED, Unit
from scoring.vocabulary import Vocabulary, rates_of
from scoring.windows import Read

__all__ = ["FUNCTIONS", "expect"]


#: Compiles an argument.
Compiled = Callable[[Node], Term]
Builder = Callable[[Call, Vocabulary, Compiled], Term]


def expect(node: Call, usage: str, count: int, named: tuple[str, ...]) -> dict[str, Node]:
    """The named arguments of a call with so many positional ones."""
    found = dict(node.named)
    if len(node.arguments) != count or any(name not in named for name in found):
        raise LanguageError(f"expected {usage}", node.at, len(text_of(node)))
    return found


def _word(node: Node | None) -> str | None:
    """A text or bare word as an argument."""
    if node is None:
        return None
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Name) and len(node.parts) == 1:
        return node.parts[0]
    raise LanguageError("expected a word", node.at, len(text_of(node)))


def _one_of(node: Node | None, allowed: tuple[str, ...]) -> str | None:
    word = _word(node)
    if node is not None and word not in allowed:
        raise LanguageError(f"expected one of {', '.join(allowed)}", node.at, len(text_of(node)))
    return word


_PRIORITIES = ("low", "normal", "high", "urgent")


def _tickets(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    named = expect(node, f"{node.name}(priority: urgent, category: NAME)", 0,
                    ("priority", "category"))  # fmt: skip
    priority = _one_of(named.get("priority"), _PRIORITIES)
    category = _word(named.get("category"))
    feed = ticket_feed(priority, category)
    if node.name == "open_tickets":
        return known(Unit.COUNT, entities.open_tickets(priority, category), feed)
    read = entities.oldest_open_ticket(priority, category)
    return known(Unit.DAYS, read, feed, Drift.RISES)


_GOAL_READS: dict[str, Callable[[str | None], Read]] = {
    "goals_planned": entities.goals_planned,
    "goals_due": entities.goals_due,
    "goals_reached": entities.goals_reached,
}


def _goals(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    named = expect(node, f"{node.name}(kind: milestone)", 0, ("kind",))
    kind = _one_of(named.get("kind"), ("goal", "milestone"))
    return known(Unit.COUNT, _GOAL_READS[node.name](kind), FEEDS[f"goals {kind or ''}".strip()])


def _movement(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    named = expect(node, "mrr_movement(WINDOW, kind: expansion)", 1, ("kind",))
    kind = _one_of(named.get("kind"), Movement._fields)
    window = days_of(node.arguments[0])
    return known(Unit.MONEY, account.mrr_movement(window, kind, rates_of(node, words)), MRR)


def _points(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    named = expect(node, "points(TABLE, half_life: WINDOW)", 1, ("half_life",))
    name = _word(node.arguments[0]) or ""
    table = words.actions.get(name)
    if table is None:
        hint = near(name, words.actions) if words.actions else "; the card has no actions"
        at = node.arguments[0]
        raise LanguageError(f"no table of actions named {name!r}{hint}", at.at, len(text_of(at)))
    half_life = named.get("half_life")
    return points(table, None if half_life is None else days_of(half_life))


#: What the moment calls what a card calls otherwise.
_KNOWN_AS = {"segment": "segment", "lifecycle": "stage"}
_OTHERWISE = "otherwise"


def _by(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    usage = "expected by(segment, CLASS: VALUE, ..., otherwise: VALUE)"
    if len(node.arguments) != 1 or not node.named:
        raise LanguageError(usage, node.at, len(text_of(node)))
    of = node.arguments[0]
    kind = of.parts[0] if isinstance(of, Name) else ""
    if not isinstance(of, Name) or len(of.parts) > 1 or kind not in _KNOWN_AS:
        raise LanguageError("expected segment or lifecycle", of.at, len(text_of(of)))
    if kind not in words.classes:
        message = f"no {kind} is known here: the card has none, or it is found out later"
        raise LanguageError(message, of.at, len(text_of(of)))
    values: dict[str, Term] = {}
    for name, value in node.named:
        if name not in (*words.classes[kind], _OTHERWISE):
            hint = near(name, [*words.classes[kind], _OTHERWISE])
            raise LanguageError(f"no {kind} named {name!r}{hint}", value.at, len(text_of(value)))
        if value == Name(("none",)):
            message = "nothing is named 'none'; leave the class out: it has no data"
            raise LanguageError(message, value.at, len(text_of(value)))
        values[name] = compiled(value)
        if values[name].constant is None or values[name].unit not in ORDERED:
            message = "expected a value that stands here, such as 5, 20% or 90d"
            raise LanguageError(message, value.at, len(text_of(value)))
    otherwise = values.pop(_OTHERWISE, None)
    if not values:
        raise LanguageError(usage, node.at, len(text_of(node)))
    return terms.by_class(_KNOWN_AS[kind], values, otherwise)


def _at_least(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
    expect(node, "at_least(METRIC, NUMBER)", 2, ())
    inner, least = compiled(node.arguments[0]), node.arguments[1]
    if inner.behind is None:
        raise LanguageError(
            "at_least needs something that is made of events: mean, median, quantile, share,"
            " or a sum of numbers",
            node.at,
            len(text_of(node)),
        )
    if not isinstance(least, Number) or least.unit:
        raise LanguageError("expected a plain number of events", least.at, len(text_of(least)))
    read, behind, needed = inner.read, inner.behind, int(least.value * MICRO)

    def enough(state: CustomerState, moment: Moment) -> Reading:
        count, count_ms, _, _ = behind(state, moment)
        reading = read(state, moment)
        if not isinstance(count, int) or count < needed:
            return reading_of(None, earliest(reading[1], count_ms))
        return reading._replace(next_ms=earliest(reading[1], count_ms))

    return Term(inner.unit, enough, series=inner.series, kinds=inner.kinds, feeds=inner.feeds)


def _picking(pick: Callable[[list[Value]], Value], *, orders: bool = True) -> Builder:
    def build(node: Call, words: Vocabulary, compiled: Compiled) -> Term:
        if not node.arguments or node.named:
            raise LanguageError(f"expected {node.name}(A, B, ...)", node.at, len(text_of(node)))
        parts = [compiled(argument) for argument in node.arguments]
        unordered = next((part for part in parts if orders and part.unit not in ORDERED), None)
        if unordered is not None:
            raise Mismatch(
                f"{CALLED[unordered.unit]} is neither more nor less: "
                "highest and lowest fit numbers, ratios, spans and money"
            )
        return terms.picked(parts, pick)

    return build


def _least(values: list[Value]) -> Value:
    return reduce(lambda a, b: a if a <= b else b, values)  # type: ignore[operator]


def _greatest(values: list[Value]) -> Value:
    return reduce(lambda a, b: a if a >= b else b, values)  # type: ignore[operator]


FUNCTIONS: dict[str, Builder] = {
    "open_tickets": _tickets,
    "oldest_open_ticket": _tickets,
    **dict.fromkeys(_GOAL_READS, _goals),
    "mrr_movement": _movement,
    "points": _points,
    "by": _by,
    "at_least": _at_least,
    "first": _picking(lambda values: values[0], orders=False),
    "lowest": _picking(_least),
    "highest": _picking(_greatest),
}
