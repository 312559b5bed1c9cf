"""From the text of a metric or condition to what reads it. docs/metrics.md is its manual."""

from dataclasses import dataclass

from schemas.signals import Kind
from scoring import account, entities, terms
from scoring.arguments import days_of
from scoring.events import EVENT_FUNCTIONS, event_term
from scoring.feeds import FEEDS, MRR, Feed, account_feed, feed_of
from scoring.fields import FIELDS
from scoring.functions import FUNCTIONS, expect
from scoring.language.parser import parse
from scoring.language.spelling import text_of
from scoring.language.syntax import (
    All,
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
from scoring.moment import Moment, Value, earliest, reading_of
from scoring.names import near
from scoring.series import Series
from scoring.state import CustomerState
from scoring.terms import Drift, Mismatch, Term, known
from scoring.things import THINGS, families_of
from scoring.units import CALLED, MICRO, Unit
from scoring.vocabulary import Vocabulary, rates_of
from scoring.windows import Read

__all__ = [
    "NAMES",
    "Metric",
    "ask",
    "compile_condition",
    "compile_metric",
    "known_text",
    "term_of",
]

_SPAN_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Metric:
    """A compiled expression: what reads it, its unit, and what it needs of the events.

    ``kinds`` are the signals that move it, ``feeds`` which of them, ``families`` the bits of
    theirs. ``drift`` says how it moves by itself.
    """

    text: str
    unit: Unit
    drift: Drift
    kinds: frozenset[Kind]
    series: tuple[Series, ...]
    read: Read
    feeds: tuple[Feed, ...] = ()
    families: int = 0


#: Names that stand for themselves.
NAMES: dict[str, Term] = {
    "tenure": known(
        Unit.DAYS, account.tenure, account_feed("started_at", "created_at"), Drift.RISES
    ),
    "days_to_renewal": known(
        Unit.DAYS, account.days_to_renewal, account_feed("renewal_at"), Drift.FALLS
    ),
    "days_overdue": known(Unit.DAYS, entities.days_overdue, FEEDS["invoices"], Drift.RISES),
    "days_paused": known(Unit.DAYS, entities.days_paused, FEEDS["pauses"], Drift.RISES),
    "open_invoices": known(Unit.COUNT, entities.open_invoices, FEEDS["invoices"]),
    "cancel_scheduled": known(Unit.FLAG, account.cancel_scheduled, FEEDS["cancellation"]),
    "pulse": known(Unit.TEXT, account.pulse, FEEDS["pulse"]),
    "not_pursued": known(Unit.FLAG, account.not_pursued, FEEDS["pursuit"]),
    "goals_planned": known(Unit.COUNT, entities.goals_planned(), FEEDS["goals"]),
    "goals_due": known(Unit.COUNT, entities.goals_due(), FEEDS["goals"]),
    "goals_reached": known(Unit.COUNT, entities.goals_reached(), FEEDS["goals"]),
    "open_tickets": known(Unit.COUNT, entities.open_tickets(), FEEDS["tickets"]),
    "oldest_open_ticket": known(
        Unit.DAYS, entities.oldest_open_ticket(), FEEDS["tickets"], Drift.RISES
    ),
    "stage": known(Unit.TEXT, account.fact("stage"), FEEDS["stage"]),
}


def compile_metric(text: str, vocabulary: Vocabulary) -> Metric:
    """A metric: anything but a flag.

    Raises:
        LanguageError: with what is wrong, and where.
    """
    node = parse(text)
    term = _compile(node, vocabulary)
    if term.unit is Unit.FLAG:
        raise LanguageError("a condition is no metric: it has no value to score", 0, len(text))
    if term.constant is not None:
        what = "text" if term.unit is Unit.TEXT else "number"
        raise LanguageError(f"a {what} alone is no metric: it is the same for all", 0, len(text))
    return _metric(node, term)


def compile_condition(text: str, vocabulary: Vocabulary) -> Metric:
    """A condition: a flag, a comparison, or what ``and``, ``or`` and ``not`` make of them.

    Raises:
        LanguageError: with what is wrong, and where.
    """
    node = parse(text)
    term = _compile(node, vocabulary)
    if term.unit is not Unit.FLAG:
        example = "== TEXT" if term.unit is Unit.TEXT else ">= 1"
        raise LanguageError(
            f"expected a condition, such as {text_of(node)} {example}; this is {CALLED[term.unit]}",
            0,
            len(text),
        )
    if term.constant is not None:
        raise LanguageError(
            "this is the same for all: name something that is known of a customer", 0, len(text)
        )
    return _metric(node, term)


def _metric(node: Node, term: Term) -> Metric:
    feeds = {feed.key: feed for feed in (*map(feed_of, term.series), *term.feeds)}
    return Metric(
        text_of(node), term.unit, term.drift, term.kinds, term.series, term.read,
        tuple(feeds.values()), families_of(term.kinds),
    )  # fmt: skip


def ask(condition: Metric, state: CustomerState, moment: Moment) -> tuple[Value, int | None]:
    """Whether a condition is met (None: nobody knows), and when that changes by itself.

    The moment notes that it was asked.
    """
    met, changes_ms, jump_ms, _ = condition.read(state, moment)
    next_ms = earliest(changes_ms, jump_ms)
    moment.asked.append((condition, met, next_ms))
    return met, next_ms


def term_of(metric: Metric) -> Term:
    """A metric as a term, for conditions that name a measure."""
    return Term(
        metric.unit, lambda state, moment: moment.read(metric, state), metric.drift, metric.series,
        metric.kinds, feeds=metric.feeds,
    )  # fmt: skip


def known_text(name: str) -> Term:
    """Something that was said of the customer earlier in the same evaluation."""
    return Term(Unit.TEXT, lambda state, moment: reading_of(moment.known.get(name)))


def _compile(node: Node, words: Vocabulary) -> Term:
    try:
        return _meaning(node, words)
    except Mismatch as mismatch:
        raise LanguageError(str(mismatch), node.at, len(text_of(node))) from None


def _meaning(node: Node, words: Vocabulary) -> Term:
    match node:
        case Number():
            return _number(node)
        case Flag():
            return terms.literal(node.value, Unit.FLAG)
        case Text():
            return terms.literal(node.value, Unit.TEXT)
        case Name():
            return _name(node, words)
        case Call():
            return _call(node, words)
        case Negative(of=Number()):
            assert isinstance(node.of, Number)
            return _number(node.of, -1)
        case Negative():
            return terms.arithmetic("-", terms.literal(0, Unit.COUNT), _compile(node.of, words))
        case Binary():
            return terms.arithmetic(
                node.operator, _compile(node.left, words), _compile(node.right, words)
            )
        case Comparison():
            left, right = _sides(node.left, node.right, words)
            return terms.compared(node.operator, left, right)
        case Membership():
            of = _compile(node.of, words)
            if of.unit is Unit.FLAG:
                said = text_of(node.of)
                raise Mismatch(f"a flag needs no list: write {said} or not {said}")
            values = frozenset(_item(item, of) for item in node.items)
            return terms.member(of, values, negated=node.negated)
        case Not():
            return terms.negated(_flag(node.of, words))
        case All():
            return terms.both([_flag(part, words) for part in node.of])
        case _:
            return terms.either([_flag(part, words) for part in node.of])


def _number(node: Number, sign: int = 1) -> Term:
    if node.unit == "%":
        return terms.literal(sign * int(node.value * MICRO / 100), Unit.RATIO)
    if node.unit:
        value = sign * int(node.value * MICRO) * _SPAN_S[node.unit]
        return terms.literal(value, Unit.SECONDS, is_span=True)
    return terms.literal(sign * int(node.value * MICRO), Unit.COUNT)


def _flag(node: Node, words: Vocabulary) -> Term:
    term = _compile(node, words)
    if term.unit is not Unit.FLAG:
        raise LanguageError(
            f"expected a condition here, not {CALLED[term.unit]}", node.at, len(text_of(node))
        )
    return term


def _sides(left: Node, right: Node, words: Vocabulary) -> tuple[Term, Term]:
    """Both sides of a comparison; beside a text a bare word is a text."""
    try:
        first = _compile(left, words)
    except LanguageError as error:
        name = ".".join(left.parts) if isinstance(left, Name) else ""
        if name and name not in words.withheld and _compile(right, words).unit is Unit.TEXT:
            message = f'nothing is named {name!r}; if this is a text, put it in quotes: "{name}"'
            raise LanguageError(message, error.at, error.length) from None
        raise
    if first.unit is Unit.TEXT and isinstance(right, Name) and len(right.parts) == 1:
        return first, terms.literal(right.parts[0], Unit.TEXT)
    return first, _compile(right, words)


def _item(item: Node, of: Term) -> Value:
    if of.unit is Unit.TEXT:
        if isinstance(item, Text):
            return item.value
        if isinstance(item, Name) and len(item.parts) == 1:
            return item.parts[0]
    elif isinstance(item, Number):
        aligned = terms.compared("==", of, _number(item))  # refuses what does not fit
        assert aligned.unit is Unit.FLAG
        return terms.in_unit(_number(item), of.unit)
    raise LanguageError(f"expected {CALLED[of.unit]} in the list", item.at, len(text_of(item)))


def _name(node: Name, words: Vocabulary) -> Term:
    name = ".".join(node.parts)
    if node.parts[0] == "account":
        return _account(node, words)
    if name in NAMES:
        return NAMES[name]
    if name in words.names:
        return words.names[name]
    if name in words.withheld:
        raise LanguageError(words.withheld[name], node.at, len(name))
    there_is = [*NAMES, *words.names, *EVENT_FUNCTIONS, *FUNCTIONS]
    if name in EVENT_FUNCTIONS or name in FUNCTIONS:
        hint = f"; it is a function: {name}(...)"
    elif name in THINGS:
        hint = f"; it is a thing: write count({name}, 28d)"
    elif name in FIELDS:
        function = "last" if FIELDS[name].unit is Unit.TEXT else "mean"
        hint = f"; it is a field: write {function}({name}, 28d)"
    else:
        hint = near(name, there_is)
    raise LanguageError(f"nothing is named {name!r}{hint}", node.at, len(name))


def _account(node: Name, words: Vocabulary) -> Term:
    path = node.parts[1:]
    match path:
        case ("attributes", name):
            return known(Unit.TEXT, account.attribute(name), account_feed("attributes"))
        case ("seats",):
            return known(Unit.COUNT, account.seats, account_feed("seats"))
        case ("mrr",):
            return known(Unit.MONEY, account.mrr(rates_of(node, words)), MRR)
        case ("internal",):
            return known(Unit.FLAG, account.internal, account_feed("internal"))
        case (name,) if name in account.FACTS:
            return known(Unit.TEXT, account.fact(name), account_feed(name))
    name = ".".join(path)
    there_is = [*account.FACTS, "seats", "mrr", "internal", "attributes.NAME"]
    if not name:
        raise LanguageError(
            f"expected what of the account, such as account.seats{near('', there_is)}",
            node.at,
            len(text_of(node)),
        )
    raise LanguageError(
        f"nothing is known of an account as {name!r}{near(name, there_is)}",
        node.at,
        len(text_of(node)),
    )


def _call(node: Call, words: Vocabulary) -> Term:
    if node.name == "change" and node.arguments and isinstance(node.arguments[0], Name):
        changed = _account_change(node, words)
        if changed is not None:
            return changed
    if node.name in EVENT_FUNCTIONS:
        return event_term(node, words)
    if node.name in FUNCTIONS:
        return FUNCTIONS[node.name](node, words, lambda part: _compile(part, words))
    if node.name in NAMES:
        message = f"{node.name} takes nothing in brackets: write it alone"
        raise LanguageError(message, node.at, len(node.name))
    hint = near(node.name, [*EVENT_FUNCTIONS, *FUNCTIONS])
    raise LanguageError(f"no function named {node.name!r}{hint}", node.at, len(node.name))


def _account_change(node: Call, words: Vocabulary) -> Term | None:
    of = node.arguments[0]
    assert isinstance(of, Name)
    if of.parts not in (("account", "seats"), ("account", "mrr")):
        return None
    expect(node, "change(account.seats, WINDOW)", 2, ())
    window = days_of(node.arguments[1])
    if of.parts[1] == "seats":
        return known(Unit.RATIO, account.seats_change(window), account_feed("seats"))
    return known(Unit.RATIO, account.mrr_change(window, rates_of(of, words)), MRR)
