"""Hypothesis strategies for metrics, conditions and scorecards over the whole metric language.

All of them are valid. Names and values lean towards what ``strategies`` and ``histories``
make events of, so that most metrics find something to look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

import yaml
from hypothesis import strategies as st

from oracle import (
    DAYS,
    FIELDS,
    FLAG,
    MONEY,
    NUMBER,
    RATIO,
    SECONDS,
    TEXT,
    THINGS,
    CardFacts,
    Facts,
    _x,
)
from scoring.language.parser import parse
from snapshots import Population, portfolios


@dataclass(frozen=True)
class Metric:
    """A metric's text, and what its value is measured in."""

    text: str
    unit: str


@dataclass(frozen=True)
class Vocabulary:
    """What metrics may speak of on a card: money, points, measures, working days, classes."""

    money: bool = False
    tables: tuple[str, ...] = ()
    measures: tuple[tuple[str, str], ...] = ()
    calendar: bool = False
    #: The classes that are known: of ``segment``, of ``lifecycle``.
    classes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Units that a metric may have, the frequent ones more often."""
        units = (NUMBER, NUMBER, RATIO, RATIO, DAYS, SECONDS, TEXT)
        return (*units, MONEY) if self.money else units


PLAIN = Vocabulary()


def unit_of(text: str, measures: dict[str, str] | None = None) -> str:
    """The unit of a metric's text; ``measures`` are the texts of a card's measures by name."""
    nodes = {name: parse(metric) for name, metric in (measures or {}).items()}
    return Facts([], 0, CardFacts({}, {}, nodes)).unit(parse(text))


# -- what stands in metrics -----------------------------------------------------------------------

_DAY_WINDOWS = ("1d", "2d", "7d", "2w", "28d", "28d", "30d", "90d", "180d")
day_windows = st.one_of(
    st.sampled_from((*_DAY_WINDOWS, "400d")), st.integers(1, 400).map(lambda n: f"{n}d")
)
hour_windows = st.one_of(
    st.sampled_from(("1h", "6h", "24h", "48h")), st.integers(1, 48).map(lambda n: f"{n}h")
)
windows = st.one_of(day_windows, day_windows, day_windows, hour_windows)
half_windows = st.one_of(
    st.sampled_from(_DAY_WINDOWS),
    st.integers(1, 200).map(lambda n: f"{n}d"),
    st.integers(1, 24).map(lambda n: f"{n}h"),
)

_FREQUENT_THINGS = (
    *("use", "use", "human_use", "failed_use", "activity", "order", "visit"),
    *("ticket", "ticket_solved", "ticket_rated", "ticket_reopened", "ticket_escalated"),
    *("payment_failed", "invoice_overdue", "subscription_renewed", "cancellation_scheduled"),
    *("survey", "nps", "csat", "contact", "call", "feedback", "negative_feedback"),
    *("goal_set", "site_visit"),
)
things = st.one_of(
    st.sampled_from(_FREQUENT_THINGS), st.sampled_from(_FREQUENT_THINGS), st.sampled_from([*THINGS])
)

#: What a text field may be compared with.
_WORDS: dict[str, tuple[str, ...]] = {
    "feature": ("board", "export", "search", '"Dashboard"', "'naïve ☕'"),
    "user": ("ann", "bob", "cy"),
    "user_kind": ("human", "automated", "staff"),
    "outcome": ("ok", "failed"),
    "activity": ("order", "visit", "booking", "review"),
    "item": ('"Dashboard"', "export", '"/"'),
    "change": ("opened", "solved", "rated", "invoice_paid", "payment_failed", "set", "reached"),
    "priority": ("low", "normal", "high", "urgent"),
    "category": ("export", "billing", '"Ärger"'),
    "plan": ("export", "pro", '"Dashboard"'),
    "reason": ("export", '"too expensive"'),
    "survey": ("nps", "csat", "ces"),
    "respondent": ("ann", '"a-1"'),
    "sentiment": ("positive", "neutral", "negative"),
    "contact": ("check_in", "call", "mail"),
    "direction": ("inbound", "outbound"),
    "by": ("export", "dana"),
    "goal": ("g", '"a-1"'),
    "touch": ("visit", '"community.post"', '"learning.tutorial"', '"campaign.opened"'),
    "property.team": ("blue", "red", '"dark red"'),
    "pulse": ("good", "unsure", "worried", "lost"),
    "stage": ("steady", "onboarding", '"at risk"'),
    "account.status": ("prospect", "trial", "customer", "notice", "churned"),
    "account.name": ("Acme", '"Acme Inc"'),
    "account.country": ("DE", "US", "JP"),
    "account.plan": ("export", "pro"),
    "account.owner": ("export", '"Dana Whitfield"'),
    "account.currency": ("EUR", "USD"),
    "account.zone": ("UTC", '"Europe/Berlin"'),
    "account.parent": ("acme", '"a-1"'),
    "account.attributes.industry": ("retail", '"Health Care"'),
}
_ACCOUNT_TEXTS = tuple(name for name in _WORDS if name.startswith("account."))
_NUMBERS_OF: dict[str, tuple[str, ...]] = {
    NUMBER: ("0", "1", "2", "3", "5", "9", "10", "0.5", "2.25", "40"),
    RATIO: ("0%", "5%", "20%", "33.3%", "50%", "0.2", "0.75", "100%", "1", "150%"),
    DAYS: ("0", "1", "7", "12h", "1.5", "30", "2w", "30d", "90d", "36h"),
    SECONDS: ("0", "60", "90s", "5m", "30m", "1h", "7200.5", "8h", "1d"),
    MONEY: ("0", "10", "99.5", "100", "500", "800", "1500"),
}


def literals(unit: str, signed: bool = True) -> st.SearchStrategy[str]:
    """Numbers as they are written where a value of this unit is expected."""
    plain = st.sampled_from(_NUMBERS_OF[unit])
    # A negative number is in its own unit: a plain one is a number, whatever stands opposite.
    negative = {
        NUMBER: plain.map(lambda text: f"-{text}"),
        RATIO: st.sampled_from(["-5%", "-20%", "-33.3%", "-100%"]),
    }
    return st.one_of(plain, plain, plain, negative.get(unit, plain) if signed else plain)


# -- where ----------------------------------------------------------------------------------------


def _fields_of(types: Sequence[str], money: bool) -> list[str]:
    """Fields that events of some of these types have."""
    names = [
        name
        for name, (unit, has) in FIELDS.items()
        if set(has) & set(types) and (money or unit != MONEY)
    ]
    return [*names, "property.size", "property.team", "property.beta"]


@st.composite
def _test(draw: st.DrawFn, types: Sequence[str], money: bool) -> str:
    name = draw(st.sampled_from(_fields_of(types, money)))
    if name == "property.beta":
        return f"{name} {draw(st.sampled_from(['==', '!=', 'is', 'is not']))} true"
    unit = {"property.size": NUMBER, "property.team": TEXT}.get(name) or FIELDS[name][0]
    if unit == TEXT:
        return draw(_text_test(name, name))
    values = literals(unit, signed=False)
    if draw(st.integers(0, 5)) == 0:
        listed = ", ".join(draw(st.lists(values, min_size=1, max_size=3)))
        return f"{name} {draw(st.sampled_from(['in', 'not in']))} [{listed}]"
    return f"{name} {draw(_ORDER)} {draw(values)}"


_ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "is", "is not"])


@st.composite
def _text_test(draw: st.DrawFn, left: str, field: str) -> str:
    """A text compared with what it may be; ``field`` says what that is."""
    words = st.sampled_from(_WORDS[field])
    operator = draw(st.sampled_from(["==", "!=", "is", "is not", "in", "not in"]))
    if operator in ("in", "not in"):
        return f"{left} {operator} [{', '.join(draw(st.lists(words, min_size=1, max_size=3)))}]"
    return f"{left} {operator} {draw(words)}"


def _joined(tests: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Tests, and what ``and``, ``or`` and ``not`` make of them."""
    pair = st.builds("{} {} {}".format, tests, st.sampled_from(["and", "or"]), tests)
    return st.one_of(
        tests,
        tests,
        tests,
        pair,
        st.builds("not {}".format, tests),
        st.builds("not ({})".format, pair),
        st.builds("({}) {} {}".format, pair, st.sampled_from(["and", "or"]), tests),
    )


def wheres(types: Sequence[str], money: bool = False) -> st.SearchStrategy[str]:
    """Conditions on fields of events of these types."""
    return _joined(_test(types, money))


@st.composite
def _where(draw: st.DrawFn, types: Sequence[str], money: bool, always: bool = False) -> str:
    """``, where: ...`` in one of three, or nothing."""
    if not always and draw(st.integers(0, 2)):
        return ""
    return f", where: {draw(wheres(types, money))}"


#: Values that may stand in one ``by``: of one kind, as they are written.
_OF_ONE_KIND = {
    NUMBER: ("1", "2", "10", "0.5"),
    RATIO: ("5%", "50%", "100%"),
    DAYS: ("1d", "7d", "36h", "90d"),
    SECONDS: ("90s", "30m", "8h"),
    MONEY: ("10", "99.5", "800"),
}


@st.composite
def _by_class(draw: st.DrawFn, unit: str, vocabulary: Vocabulary) -> str:
    """``by(segment, CLASS: VALUE, ...)``; each class now and then."""
    kind, names = draw(st.sampled_from(vocabulary.classes))
    named = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    named += ["otherwise"] * draw(st.booleans())
    values = [f"{name}: {draw(st.sampled_from(_OF_ONE_KIND[unit]))}" for name in named]
    return f"by({kind}, {', '.join(values)})"


@st.composite
def _per(draw: st.DrawFn, window: str, vocabulary: Vocabulary) -> str:
    """``, per: working_day`` in one of three, where the window is in days."""
    if not vocabulary.calendar or window.endswith("h") or draw(st.integers(0, 2)):
        return ""
    return ", per: working_day"


# -- functions ------------------------------------------------------------------------------------


@st.composite
def _of_thing(draw: st.DrawFn, function: str, vocabulary: Vocabulary) -> str:
    thing = draw(things)
    where = draw(_where(THINGS[thing][0], vocabulary.money, always=function == "share"))
    window = {
        "count": windows,
        "share": windows,
        "active_days": day_windows,
        "change": half_windows,
    }.get(function)
    if window is None:
        return f"{function}({thing}{where})"
    drawn = draw(window)
    per = draw(_per(drawn, vocabulary)) if function in ("count", "change") else ""
    return f"{function}({thing}, {drawn}{per}{where})"


#: Of a ticket: they take neither ``where`` nor ``of``.
_OF_TICKETS = ("first_response", "resolution", "satisfaction")


def _fields_with(unit: str) -> list[str]:
    names = [name for name, (its, _) in FIELDS.items() if its == unit]
    return [*names, *{NUMBER: ["property.size"]}.get(unit, [])]


def _types_of(field: str) -> tuple[str, ...]:
    if field.startswith("property."):
        return ("usage.feature", "usage.activity", "ticket.changed", "billing.changed")
    return tuple(FIELDS[field][1])


@st.composite
def _narrowed(draw: st.DrawFn, field: str, vocabulary: Vocabulary, of: bool = True) -> str:
    """``, of: THING`` and ``, where: ...``, each now and then."""
    if field in _OF_TICKETS:
        return ""
    types, narrowed = _types_of(field), ""
    fitting = [name for name, (kinds, _) in THINGS.items() if set(kinds) & set(types)]
    if of and fitting and not draw(st.integers(0, 4)):
        thing = draw(st.sampled_from(fitting))
        narrowed = f", of: {thing}"
        # Of the events that are such a thing, those that have the field: `quantity` of `use` is
        # that of features alone, and no condition on it may speak of an activity's rating.
        types = tuple(one for one in types if one in THINGS[thing][0])
    return narrowed + draw(_where(types, vocabulary.money))


@st.composite
def _aggregate(draw: st.DrawFn, unit: str, vocabulary: Vocabulary) -> str:
    """A function of a field with this unit."""
    field = draw(st.sampled_from(_fields_with(unit)))
    if unit == MONEY:
        function = draw(st.sampled_from(["sum", "mean"]))
    else:
        function = draw(
            st.sampled_from(["sum", "mean", "min", "max", "median", "quantile", "last"])
        )
    share = f", {draw(st.sampled_from(['1%', '25%', '50%', '90%', '100%']))}"
    window = f", {draw(windows)}"
    if function == "sum":
        window += draw(_per(window, vocabulary))
    if function == "last" and draw(st.booleans()):
        window = ""
    text = (
        f"{function}({field}{share if function == 'quantile' else ''}{window}"
        f"{draw(_narrowed(field, vocabulary))})"
    )
    if function in ("sum", "mean", "median", "quantile") and unit != MONEY:
        return draw(_perhaps_at_least(text))
    return text


@st.composite
def _perhaps_at_least(draw: st.DrawFn, text: str) -> str:
    if draw(st.integers(0, 3)):
        return text
    return f"at_least({text}, {draw(st.integers(1, 4))})"


@st.composite
def _distinct(draw: st.DrawFn, vocabulary: Vocabulary) -> str:
    usual = st.sampled_from(["user", "user", "feature", "feature", "item", "respondent"])
    odd = st.sampled_from([*_fields_with(TEXT), "property.team", "quantity"])
    field = draw(st.one_of(usual, usual, odd))
    return f"distinct({field}, {draw(windows)}{draw(_narrowed(field, vocabulary))})"


@st.composite
def _last_text(draw: st.DrawFn, vocabulary: Vocabulary) -> tuple[str, str]:
    """``last(FIELD)`` of a text, and the field."""
    field = draw(st.sampled_from(_fields_with(TEXT)))
    window = f", {draw(windows)}" if draw(st.booleans()) else ""
    return f"last({field}{window}{draw(_narrowed(field, vocabulary))})", field


@st.composite
def _tickets(draw: st.DrawFn, function: str) -> str:
    priority = draw(st.sampled_from(["", "", "priority: urgent", "priority: low"]))
    category = draw(st.sampled_from(["", "", "", "category: export"]))
    arguments = ", ".join(one for one in (priority, category) if one)
    return f"{function}({arguments})" if arguments else function


@st.composite
def _points(draw: st.DrawFn, vocabulary: Vocabulary) -> str:
    table = draw(st.sampled_from(vocabulary.tables))
    half = draw(st.sampled_from(["", ", half_life: 7d", ", half_life: 30d", ", half_life: 90d"]))
    return f"points({table}{half})"


@st.composite
def _change_of_sum(draw: st.DrawFn, vocabulary: Vocabulary) -> str:
    field = draw(st.sampled_from(["quantity", "active_time", "rating", "property.size"]))
    where = draw(_where(_types_of(field), vocabulary.money))
    window = draw(half_windows)
    return f"change(sum({field}{where}), {window}{draw(_per(window, vocabulary))})"


def _leaves(unit: str, vocabulary: Vocabulary) -> st.SearchStrategy[str]:
    """Metrics that are no arithmetic."""
    of_things = {
        NUMBER: ("count", "count", "count", "active_days", "streak"),
        RATIO: ("change", "change", "share", "share", "against_own"),
        DAYS: ("days_since", "days_since"),
    }
    found = [_of_thing(function, vocabulary) for function in of_things.get(unit, ())]
    match unit:
        case "number":
            facts = ["account.seats", "open_invoices", "goals_due", "goals_reached"]
            facts += ["goals_planned"]
            found += [_of_thing("working_days_since", vocabulary)] * 2 * vocabulary.calendar
            found += [_distinct(vocabulary), _distinct(vocabulary), _tickets("open_tickets")]
            found += [_aggregate(unit, vocabulary), st.sampled_from(facts)]
            found += [_points(vocabulary)] * bool(vocabulary.tables)
        case "ratio":
            whats = st.sampled_from(["seats", "mrr"] if vocabulary.money else ["seats"])
            found += [_aggregate(unit, vocabulary), _change_of_sum(vocabulary)]
            found += [
                st.builds("change(account.{}, {})".format, whats, day_windows),
                _of_thing("share", vocabulary).flatmap(_perhaps_at_least),
            ]
        case "days":
            facts = ["tenure", "days_to_renewal", "days_overdue", "days_overdue", "days_paused"]
            found += [st.sampled_from(facts), _tickets("oldest_open_ticket")]
        case "seconds":
            found += [_aggregate(unit, vocabulary)]
        case "money":
            kinds = ["new", "expansion", "contraction", "churn", "reactivation"]
            kind = st.sampled_from(["", *(f", kind: {kind}" for kind in kinds)])
            found += [st.just("account.mrr"), _aggregate(unit, vocabulary)]
            found += [st.builds("mrr_movement({}{})".format, day_windows, kind)]
        case _:
            found += [st.sampled_from(["pulse", "pulse", "stage", *_ACCOUNT_TEXTS])]
            found += [_last_text(vocabulary).map(lambda one: one[0])]
    return st.one_of(found)


# -- arithmetic -----------------------------------------------------------------------------------


@st.composite
def texts_of(draw: st.DrawFn, unit: str, vocabulary: Vocabulary = PLAIN, depth: int = 2) -> str:
    """A metric of this unit, of operators and functions within one another up to ``depth``."""

    def inner(of: str = unit) -> str:
        text = draw(texts_of(of, vocabulary, depth - 1))
        # Parentheses where they are needed, and now and then where they are not.
        return f"({text})" if " " in text else text

    def chosen(*extra: str) -> str:
        """One of several of one kind: a function's arguments."""
        others = [draw(texts_of(unit, vocabulary, depth - 1)) for _ in range(draw(_ONE_OR_TWO))]
        return ", ".join([draw(texts_of(unit, vocabulary, depth - 1)), *others, *extra])

    if depth == 0 or draw(st.integers(0, 9)) < 6:
        return draw(_leaves(unit, vocabulary))
    if unit == TEXT:
        extra = draw(st.sampled_from([(), ('"unsure"',), ('"none of these"',)]))
        return f"first({chosen(*extra)})"
    shapes = ["add", "add_literal", "times", "divided", "times_ratio", "negative"]
    shapes += ["first", "lowest", "highest"]
    if unit in (NUMBER, DAYS, SECONDS, MONEY):
        shapes += ["by_ratio"]
    if unit in (MONEY, DAYS, SECONDS):
        shapes += ["by_number"]
    if unit == RATIO:
        # A number divided by a number is a ratio; so is what is left of a ratio by a number.
        shapes = [one for one in shapes if one not in ("times", "times_ratio", "divided")]
        shapes += ["same_kind"] * 6
    if unit == NUMBER:
        # A number divided by a number is a ratio.
        shapes.remove("divided")
    if vocabulary.classes:
        shapes += ["by_class"] * 2
    match draw(st.sampled_from(shapes)):
        case "by_class" if unit == RATIO:
            of = draw(st.sampled_from([NUMBER, RATIO, DAYS, SECONDS]))
            return f"{inner(of)} / {draw(_by_class(of, vocabulary))}"
        case "by_class" if draw(st.booleans()):
            times = draw(st.sampled_from(["*", "/"])) if unit != NUMBER else "*"
            return f"{inner()} {times} {draw(_by_class(NUMBER, vocabulary))}"
        case "by_class":
            sides = draw(st.permutations([inner(), draw(_by_class(unit, vocabulary))]))
            return f"{sides[0]} {draw(_PLUS)} {sides[1]}"
        case "add":
            return f"{inner()} {draw(_PLUS)} {inner()}"
        case "add_literal":
            literal = draw(literals(unit, signed=False))
            sides = draw(st.permutations([inner(), literal]))
            return f"{sides[0]} {draw(_PLUS)} {sides[1]}"
        case "times":
            sides = draw(st.permutations([inner(), draw(literals(NUMBER, signed=False))]))
            return f"{sides[0]} * {sides[1]}"
        case "divided":
            return f"{inner()} / {draw(st.sampled_from(['2', '3', '0.5', '7']))}"
        case "times_ratio":
            sides = draw(st.permutations([inner(), inner(RATIO)]))
            return f"{sides[0]} * {sides[1]}"
        case "by_ratio":
            return f"{inner()} / {draw(st.one_of(st.just('50%'), st.just(inner(RATIO))))}"
        case "by_number":
            return f"{inner()} {draw(st.sampled_from(['*', '/']))} {inner(NUMBER)}"
        case "same_kind":
            of = draw(st.sampled_from([u for u in vocabulary.units if u != TEXT]))
            return f"{inner(of)} / {inner(of)}"
        case "negative":
            return f"-{inner()}"
        case function:
            extra = (draw(literals(unit, signed=False)),) if draw(st.booleans()) else ()
            return f"{function}({chosen(*extra)})"


_PLUS = st.sampled_from(["+", "-"])
_ONE_OR_TWO = st.integers(1, 2)


@st.composite
def metrics(draw: st.DrawFn, vocabulary: Vocabulary = PLAIN, depth: int = 2) -> Metric:
    """A metric of any unit."""
    unit = draw(st.sampled_from(vocabulary.units))
    return Metric(draw(texts_of(unit, vocabulary, depth)), unit)


@st.composite
def _comparison(draw: st.DrawFn, vocabulary: Vocabulary, depth: int) -> str:
    if not draw(st.integers(0, 5)):
        flag = draw(st.sampled_from(["cancel_scheduled", "not_pursued", "account.internal"]))
        return flag + draw(st.sampled_from(["", "", " == true", " is false", " != true"]))
    if vocabulary.classes and not draw(st.integers(0, 3)):
        kind, names = draw(st.sampled_from(vocabulary.classes))
        return f"{kind} {draw(st.sampled_from(['==', '!=', 'is']))} {draw(st.sampled_from(names))}"
    unit = draw(st.sampled_from(vocabulary.units))
    if unit == TEXT:
        facts = st.sampled_from(["pulse", "stage", *_ACCOUNT_TEXTS]).map(lambda one: (one, one))
        named = [(name, "pulse") for name, of in vocabulary.measures if of == TEXT]
        lefts = [facts, facts, _last_text(vocabulary)]
        return draw(_text_test(*draw(st.one_of(*lefts, *[st.sampled_from(named)] * bool(named)))))
    named = [name for name, of in vocabulary.measures if of == unit]
    if named and draw(st.booleans()):
        left = draw(st.sampled_from(named))
    else:
        left = draw(texts_of(unit, vocabulary, depth))
    if not draw(st.integers(0, 5)):
        values = st.lists(literals(unit, signed=False), min_size=1, max_size=3)
        return f"{left} {draw(st.sampled_from(['in', 'not in']))} [{', '.join(draw(values))}]"
    if vocabulary.classes and not draw(st.integers(0, 3)):
        return f"{left} {draw(_ORDER)} {draw(_by_class(unit, vocabulary))}"
    if not draw(st.integers(0, 4)):
        return f"{left} {draw(_ORDER)} {draw(texts_of(unit, vocabulary, depth))}"
    if not draw(st.integers(0, 4)):
        return f"{draw(literals(unit))} {draw(_ORDER)} {left}"
    return f"{left} {draw(_ORDER)} {draw(literals(unit))}"


def conditions(vocabulary: Vocabulary = PLAIN, depth: int = 1) -> st.SearchStrategy[str]:
    """What a rule's ``when:`` may be."""
    return _joined(_comparison(vocabulary, depth))


# -- cards ----------------------------------------------------------------------------------------

#: What a curve's x may be, ascending; texts and numbers as people write them.
_XS: dict[str, tuple[str | int | float, ...]] = {
    NUMBER: (-3, 0, 0.5, 1, 2, 3, 7, 10, 40, 200),
    RATIO: ("-60%", -0.25, "0%", "5%", 0.2, "33.3%", "50%", "80%", 1, "200%", 5),
    DAYS: (0, "90m", "12h", 1, "36h", 7, "2w", 30, "90d", 400),
    SECONDS: (0, "90s", "15m", 1800, "1h", 7200.5, "8h", "1d", "2w"),
    MONEY: (-500, 0, 9.5, 99, 100, 500, 800, 2000),
}
_points_y = st.one_of(st.integers(0, 100), st.sampled_from([0, 50, 100, 33.33, 70.25]))
_Measure = dict[str, Any]


def x_of(unit: str) -> st.SearchStrategy[str | int | float]:
    """An x of a curve of this unit."""
    return st.sampled_from(_XS[unit])


def x_value(x: str | float, unit: str) -> Fraction:
    """What an x says, in the unit."""
    return _x(str(x), unit)


def _ascending(unit: str, n: int) -> st.SearchStrategy[list[str | int | float]]:
    indexes = st.lists(
        st.integers(0, len(_XS[unit]) - 1), min_size=n, max_size=max(n, 5), unique=True
    )
    return indexes.map(lambda drawn: [_XS[unit][index] for index in sorted(drawn)])


@st.composite
def shapes(
    draw: st.DrawFn, unit: str, texts: Sequence[str] = (), logistic: bool = True
) -> _Measure:
    """``curve``, ``steps``, ``logistic`` or ``target`` for a metric of this unit."""
    if unit == TEXT:
        words = [word.strip("\"'") for word in texts or _WORDS["pulse"]]
        known = draw(st.lists(st.sampled_from(words), min_size=1, unique=True))
        known += ["otherwise"] * draw(st.booleans())
        return {"steps": {word: draw(_points_y) for word in known}}
    kind = draw(st.sampled_from(["curve", "curve", "steps", "target", *["logistic"] * logistic]))
    if kind == "logistic":
        ends = draw(st.permutations(draw(_ascending(unit, 2))[:2]))
        return {kind: {"low": ends[0], "high": ends[1]}}
    if kind == "target":
        below, *best, above = draw(_ascending(unit, 3).filter(lambda xs: len(xs) < 5))
        zero = draw(st.sampled_from([(below, above), (below, above), (None, above), (below, None)]))
        return {kind: {"best": [best[0], best[-1]], "zero": list(zero)}}
    fewest = 2 if kind == "curve" else 1
    return {kind: {x: draw(_points_y) for x in draw(_ascending(unit, fewest))}}


def _words_of(text: str) -> Sequence[str]:
    """The values that a metric that is a text may have."""
    field = text.removeprefix("last(").partition(",")[0].partition(")")[0]
    return _WORDS.get(field, _WORDS["pulse"])


_MONEY_SECTIONS = st.sampled_from(
    [
        {"currency": "EUR"},
        {"currency": "EUR", "rates": {"USD": 0.9, "JPY": 0.0061}},
        {
            "currency": "USD",
            "rates": {
                "EUR": {date(2025, 12, 1): 1.05, date(2026, 1, 1): 1.1, date(2026, 3, 5): 1.2},
                "KWD": 3.25,
            },
        },
    ]
)
_ACTIONS = ("use", "order", "tutorial", "positive_feedback", "negative_feedback", "call", "ticket")


@st.composite
def _action_table(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(_ACTIONS), min_size=1, max_size=4, unique=True))
    table: dict[str, Any] = {}
    for name in names:
        points: Any = draw(st.sampled_from([1, 5, 10, -10, 0.5, 2.25]))
        limited = draw(st.booleans())
        table[name] = {"points": points, "per_day": draw(st.integers(1, 5))} if limited else points
    return table


def _shares(draw: st.DrawFn, n: int) -> list[int]:
    """``n`` whole numbers that total 100, zero among them now and then."""
    cuts = sorted(draw(st.integers(0, 100)) for _ in range(n - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


@st.composite
def cards(draw: st.DrawFn, logistic: bool = True) -> str:
    """Scorecards made of random metrics: 2 to 6 measures in 1 to 3 groups, rules and sections."""
    document: dict[str, Any] = {
        "scorecard": "drawn",
        "version": "1",
        "objective": "To be drawn at random",
        "owner": "test",
        "defaults": {
            "missing": draw(st.sampled_from(["leave_out", "leave_out", 50])),
            "minimum_coverage": draw(st.sampled_from(["0%", "0%", "30%", "60%", "100%"])),
        },
        "emit": {"at_least": draw(st.sampled_from([0.01, 0.5, 5]))},
    }
    if draw(st.booleans()):
        document["money"] = draw(_MONEY_SECTIONS)
    tables: list[str] = draw(st.sampled_from([[], ["engagement"], ["engagement", "support"]]))
    if tables:
        document["actions"] = {name: draw(_action_table()) for name in tables}
    if draw(st.booleans()):
        document["calendar"] = draw(_CALENDARS)
    vocabulary = Vocabulary("money" in document, tuple(tables), calendar="calendar" in document)
    vocabulary = draw(_classes(document, vocabulary))
    drawn = draw(st.lists(metrics(vocabulary), min_size=2, max_size=6))
    n = draw(st.integers(1, min(3, len(drawn))))
    names = ["product", "support", "people"][:n]
    document["weights"] = draw(_weights(names, vocabulary))
    groups = document["groups"] = {}
    measures = []
    for at, group in enumerate(names):
        of = drawn[at::n]
        groups[group] = {}
        for metric, share in zip(of, _shares(draw, len(of)), strict=True):
            name = f"measure_{len(measures)}"
            measures.append((name, metric.unit))
            shape = draw(shapes(metric.unit, _words_of(metric.text), logistic))
            missing = draw(st.sampled_from([{}, {}, {"missing": 100}, {"missing": "leave_out"}]))
            groups[group][name] = {"share": share, "metric": metric.text, **shape, **missing}
    document["bands"] = draw(_bands())
    document["letters"] = {"A": 85, "B": 70, "C": 49.99, "D": 0}
    vocabulary = replace(vocabulary, measures=tuple(measures))
    document["overrides"] = draw(_override_rules(vocabulary))
    if vocabulary.classes and draw(st.booleans()):
        kind, of_kind = draw(st.sampled_from(vocabulary.classes))
        section = {"segment": "segments", "lifecycle": "lifecycle"}[kind]
        own_lines = set(document[section]) <= set(document["weights"])
        chosen = draw(st.lists(st.sampled_from(of_kind), min_size=1, unique=True))
        document["variants"] = {
            name: draw(_variant(names, vocabulary, weights=not own_lines)) for name in chosen
        }
    return _dumped(document)


_CALENDARS = st.fixed_dictionaries(
    {"zone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])},
    optional={
        "working_days": st.sampled_from(["mon-fri", "sun-thu", "sat", "mon,wed"]),
        "holidays": st.sampled_from(["account.country", "none"]),
    },
)


@st.composite
def _classes(draw: st.DrawFn, document: dict[str, Any], vocabulary: Vocabulary) -> Vocabulary:
    """Segments and stages for the document, each now and then; what later sections may name."""
    for section, kind, names in (
        ("segments", "segment", ("enterprise", "growth", "small")),
        ("lifecycle", "lifecycle", ("onboarding", "steady")),
    ):
        if draw(st.booleans()):
            told = st.one_of(_comparison(vocabulary, 1), conditions(vocabulary))
            document[section] = {name: draw(told) for name in names[:-1]}
            document[section][names[-1]] = "otherwise"
            vocabulary = replace(vocabulary, classes=(*vocabulary.classes, (kind, names)))
    return vocabulary


@st.composite
def _weights(draw: st.DrawFn, groups: Sequence[str], vocabulary: Vocabulary) -> dict[str, Any]:
    """Points per group; or such a line for each class."""

    def line() -> dict[str, int]:
        return dict(zip(groups, _shares(draw, len(groups)), strict=True))

    if not vocabulary.classes or draw(st.booleans()):
        return line()
    _, names = draw(st.sampled_from(vocabulary.classes))
    return {name: line() for name in names}


@st.composite
def _bands(draw: st.DrawFn) -> dict[str, Any]:
    red, green = draw(st.sampled_from([(50, 75), (30, 31), (50, 50), (0, 100)]))
    slack = draw(st.sampled_from([0, 0, (green - red) // 2]))
    hold = draw(st.sampled_from(["0s", "1h", "24h"]))
    return {
        "green": {"enter": f">= {green}", "leave": f"< {green - slack}", "hold": hold},
        "yellow": "otherwise",
        "red": {"enter": f"< {red}", "leave": f">= {red + slack}", "hold": hold},
    }


@st.composite
def _override_rules(draw: st.DrawFn, vocabulary: Vocabulary) -> dict[str, Any]:
    acts = st.sampled_from(
        [{"cap": 25}, {"cap": 40.5}, {"band": "red"}, {"cap": 60, "band": "red"}]
    )
    return {
        f"rule_{at}": {"when": when, **draw(acts)}
        for at, when in enumerate(draw(st.lists(conditions(vocabulary), max_size=3)))
    }


@st.composite
def _variant(
    draw: st.DrawFn, groups: Sequence[str], vocabulary: Vocabulary, weights: bool
) -> dict[str, Any]:
    """Some of the sections that may hold for a class."""
    sections: dict[str, st.SearchStrategy[Any]] = {
        "minimum_coverage": st.sampled_from(["0%", "50%", "100%"]),
        "bands": _bands(),
        "letters": st.sampled_from([{"A": 90, "Z": 0}, {"A": 0}]),
        "overrides": _override_rules(vocabulary),
    }
    if weights:
        sections["weights"] = _weights(groups, PLAIN)
    names = draw(st.lists(st.sampled_from([*sections]), min_size=1, unique=True))
    return {name: draw(sections[name]) for name in names}


@st.composite
def ranked_cards(draw: st.DrawFn) -> tuple[str, Population]:
    """Cards with segments and percentile measures, and the values of others to rank among."""
    document = yaml.safe_load(draw(cards(logistic=False)))
    if "segments" not in document:
        words = Vocabulary("money" in document, tuple(document.get("actions", {})))
        of = {f"class_{n}": draw(conditions(words)) for n in range(draw(st.integers(0, 2)))}
        document["segments"] = {**of, "rest": "otherwise"}
    population: dict[tuple[str, str | None], list[int]] = {}
    measures = [item for of in document["groups"].values() for item in of.items()]
    for name, measure in measures:
        if unit_of(measure["metric"]) != TEXT and draw(st.booleans()):
            for shape in ("curve", "steps", "target"):
                measure.pop(shape, None)
            within = draw(st.sampled_from(["segment", "segment", "portfolio"]))
            best = draw(st.sampled_from([{}, {"best": "lowest"}, {"best": "highest"}]))
            measure["percentile"] = {"within": within, **best} if best else within
            groups = document["segments"] if within == "segment" else [None]
            population |= {(name, group): draw(portfolios()) for group in groups}
    return _dumped(document), population


class _Dumper(yaml.SafeDumper):
    """Without anchors: each thing is written where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never an alias."""
        return True


def _dumped(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


__all__ = [
    "FLAG",
    "PLAIN",
    "Metric",
    "Vocabulary",
    "cards",
    "conditions",
    "literals",
    "metrics",
    "ranked_cards",
    "shapes",
    "texts_of",
    "unit_of",
    "wheres",
    "windows",
    "x_of",
    "x_value",
]
