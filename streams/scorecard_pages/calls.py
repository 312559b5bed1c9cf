"""What a function of the language looks at, in words: one function here for each there.

Calls come from cards that were loaded: their arguments are those that the language asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scoring.language.spelling import text_of
from scoring.language.syntax import Call, Name, Node, Number, Text
from scoring.units import MICRO, Unit
from streams.api.shown import label
from streams.scorecard_pages.phrases import (
    Phrase,
    field_called,
    is_noun,
    one_thing,
    several_things,
    values_of,
)
from streams.scorecard_pages.wording import amount, listed

__all__ = ["CALLS", "Saying", "window_in_words"]


@dataclass(frozen=True, slots=True)
class Saying:
    """How the parts of a call are said: other metrics, and conditions on events."""

    metric: Callable[[Node], Phrase]
    where: Callable[[Node], str]


def window_in_words(node: Node) -> str:
    """A window as a span: ``28 days``, ``6 hours``."""
    if not isinstance(node, Number):
        return text_of(node)
    if node.unit == "h":
        return amount(Unit.SECONDS, int(node.value) * 3600 * MICRO)
    days = int(node.value) * (7 if node.unit == "w" else 1)
    return amount(Unit.DAYS, days * MICRO)


def _name(node: Node) -> str:
    return node.parts[0] if isinstance(node, Name) else text_of(node)


def _word(node: Node) -> str:
    return node.value if isinstance(node, Text) else text_of(node)


def _narrowed(call: Call, say: Saying) -> str:
    """What ``of:``, ``per:`` and ``where:`` say, behind a comma each."""
    named = dict(call.named)
    of = f", of {several_things(_name(named['of']))}" if "of" in named else ""
    per = ", for each working day" if "per" in named else ""
    return of + per + (f", only where {say.where(named['where'])}" if "where" in named else "")


def _within(call: Call) -> str:
    return f"in {window_in_words(call.arguments[1])}"


def _count(call: Call, say: Saying) -> Phrase:
    thing, tail = _name(call.arguments[0]), _within(call) + _narrowed(call, say)
    if is_noun(thing):
        return Phrase(f"{several_things(thing)} {tail}", several="per" not in dict(call.named))
    sentence = one_thing(thing)
    return Phrase(f"how often {sentence} {tail}", happens=(sentence, tail))


def _distinct(call: Call, say: Saying) -> Phrase:
    of = call.arguments[0]
    values = values_of(of) if isinstance(of, Name) else text_of(of)
    return Phrase(f"different {values} {_within(call)}{_narrowed(call, say)}", several=True)


#: The functions that make one value of a field's values in a window.
_AGGREGATES = {
    "sum": "total",
    "mean": "average",
    "min": "lowest",
    "max": "highest",
    "median": "median",
}


def _called(node: Node) -> str:
    return field_called(node) if isinstance(node, Name) else text_of(node)


def _aggregate(call: Call, say: Saying) -> Phrase:
    kind, field = _AGGREGATES[call.name], _called(call.arguments[0])
    return Phrase(f"{kind} {field} {_within(call)}{_narrowed(call, say)}")


def _quantile(call: Call, say: Saying) -> Phrase:
    field, share, window = call.arguments
    text = f"{_called(field)} that {text_of(share).replace('%', ' %')} do not exceed"
    return Phrase(f"{text} in {window_in_words(window)}{_narrowed(call, say)}")


def _last(call: Call, say: Saying) -> Phrase:
    field, *window = call.arguments
    until = f", until it is {window_in_words(window[0])} old" if window else ""
    return Phrase(f"last {_called(field)}{until}{_narrowed(call, say)}")


def _days_since(call: Call, say: Saying) -> Phrase:
    thing = _name(call.arguments[0])
    last = f"the last {one_thing(thing)}" if is_noun(thing) else f"{one_thing(thing)}, the last one"
    return Phrase(f"time since {last}{_narrowed(call, say)}")


def _working_days_since(call: Call, say: Saying) -> Phrase:
    since = _days_since(call, say).text.removeprefix("time since ")
    return Phrase(f"working days since {since}", several=True)


def _with_one(thing: str) -> str:
    """Of days: those with one of a thing."""
    return f"with at least one {one_thing(thing)}" if is_noun(thing) else f"when {one_thing(thing)}"


def _active_days(call: Call, say: Saying) -> Phrase:
    days = f"days {_with_one(_name(call.arguments[0]))}"
    return Phrase(f"{days} {_within(call)}{_narrowed(call, say)}", several=True)


def _streak(call: Call, say: Saying) -> Phrase:
    days = f"days in a row {_with_one(_name(call.arguments[0]))}"
    return Phrase(f"{days}, up to now{_narrowed(call, say)}", several=True)


def _change(call: Call, say: Saying) -> Phrase:
    of, window = call.arguments[0], window_in_words(call.arguments[1])
    if isinstance(of, Name) and of.parts[0] == "account":
        return Phrase(f"change of the {say.metric(of).text} against {window} ago")
    if isinstance(of, Call):
        inner, narrowed = f"total {_called(of.arguments[0])}", _narrowed(of, say)
    else:
        inner, narrowed = several_things(_name(of)), ""
    narrowed += _narrowed(call, say)
    return Phrase(f"change of {inner} in {window} against the {window} before{narrowed}")


def _share(call: Call, say: Saying) -> Phrase:
    things, where = several_things(_name(call.arguments[0])), say.where(dict(call.named)["where"])
    return Phrase(f"share of the {things} {_within(call)} where {where}")


def _against_own(call: Call, say: Saying) -> Phrase:
    things = several_things(_name(call.arguments[0])) + _narrowed(call, say)
    return Phrase(f"{things} in the last 28 days against the customer's own usual")


def _tickets(call: Call, _say: Saying) -> Phrase:
    named = {name: _word(value) for name, value in call.named}
    priority = f"{named['priority']} " if "priority" in named else ""
    category = f" of category “{named['category']}”" if "category" in named else ""
    if call.name == "open_tickets":
        return Phrase(f"{priority}open tickets{category}", several=True)
    return Phrase(f"age of the oldest {priority}open ticket{category}")


def _goals(call: Call, _say: Saying) -> Phrase:
    kinds = [f"{_word(value)}s" for _, value in call.named] or ["goals and milestones"]
    how = {"goals_planned": "planned", "goals_due": "that are due"}.get(call.name, "reached")
    return Phrase(f"{kinds[0]} {how}", several=True)


def _movement(call: Call, _say: Saying) -> Phrase:
    kinds = [_word(value) for _, value in call.named]
    what = f"{kinds[0]} of monthly revenue (MRR)" if kinds else "monthly revenue gained and lost"
    return Phrase(f"{what} in {window_in_words(call.arguments[0])}")


def _points(call: Call, _say: Saying) -> Phrase:
    fading = [f", halved every {window_in_words(value)}" for _, value in call.named]
    return Phrase(f"points for actions by the table “{_word(call.arguments[0])}”{''.join(fading)}")


def _at_least(call: Call, say: Saying) -> Phrase:
    inner, least = call.arguments
    return Phrase(f"{say.metric(inner).text}, once there are {text_of(least)} of them")


def _by(call: Call, say: Saying) -> Phrase:
    known = [
        f"{say.metric(value).text} for {'all others' if name == 'otherwise' else label(name)}"
        for name, value in call.named
    ]
    return Phrase(f"{listed(known)}, by {say.metric(call.arguments[0]).text}")


_PICKED = {"first": "the first that is known of", "lowest": "the lowest of",
           "highest": "the highest of"}  # fmt: skip


def _picked(call: Call, say: Saying) -> Phrase:
    if call.name == "first" and len(call.arguments) == 2 and isinstance(call.arguments[1], Number):
        known, otherwise = call.arguments
        return Phrase(f"{say.metric(known).text} ({text_of(otherwise)} while none is known)")
    parts = listed(f"({say.metric(part).text})" for part in call.arguments)
    return Phrase(f"{_PICKED[call.name]} {parts}")


#: By the name of the function. A test holds them equal to those of the language.
CALLS: dict[str, Callable[[Call, Saying], Phrase]] = {
    "count": _count,
    "distinct": _distinct,
    **dict.fromkeys(_AGGREGATES, _aggregate),
    "quantile": _quantile,
    "last": _last,
    "days_since": _days_since,
    "working_days_since": _working_days_since,
    "active_days": _active_days,
    "streak": _streak,
    "change": _change,
    "share": _share,
    "against_own": _against_own,
    "open_tickets": _tickets,
    "oldest_open_ticket": _tickets,
    "goals_planned": _goals,
    "goals_due": _goals,
    "goals_reached": _goals,
    "mrr_movement": _movement,
    "points": _points,
    "by": _by,
    "at_least": _at_least,
    **dict.fromkeys(_PICKED, _picked),
}
