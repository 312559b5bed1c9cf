"""Functions over events: from a call such as ``count(order, 90d)`` to a series and a reading."""

from collections.abc import Callable
from dataclasses import replace

from scoring import entities, own_past, windows, working_days
from scoring.arguments import HOURS_MAX, Arguments, days_of, fail, window_of
from scoring.calendar import Calendar
from scoring.language.spelling import text_of
from scoring.language.syntax import Call, Name, Node, Number
from scoring.series import Series, Shape, Value
from scoring.state import HORIZON_DAYS, HOUR_MS
from scoring.subjects import Subject, field_of, thing_of
from scoring.terms import Drift, Term
from scoring.units import MICRO, Unit
from scoring.vocabulary import Vocabulary, calendar_of, rates_of
from scoring.windows import Window

__all__ = ["EVENT_FUNCTIONS", "count_series", "event_term"]


def _term(what: Subject, unit: Unit, read: windows.Read, *series: Series, **more: object) -> Term:
    return Term(unit, read, series=series, kinds=frozenset(what.kinds), **more)  # type: ignore[arg-type]


def _hourly(window: Window) -> bool:
    return window.size_ms == HOUR_MS


def _count(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "count(THING, WINDOW)", ("where", "per"))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    window = window_of(given.at(1))
    given.most(2)
    one = what.series(Shape.COUNT, hourly=_hourly(window))
    read = windows.count(one, window)
    calendar = _per_working_day(given, window, words)
    if calendar is not None:
        read = working_days.per_working_day(read, window, calendar)
    return _term(what, Unit.COUNT, read, one)


def _per_working_day(given: Arguments, window: Window, words: Vocabulary) -> Calendar | None:
    """The calendar whose working days a call with ``per: working_day`` divides by."""
    per = given.named.get("per")
    if per is None:
        return None
    if per != Name(("working_day",)):
        raise fail("expected per: working_day", per)
    if _hourly(window):
        raise fail("per: working_day needs a window in days, such as 28d", given.at(1))
    return calendar_of(per, words)


def _active_days(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "active_days(THING, WINDOW)", ("where",))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    window = days_of(given.at(1))
    given.most(2)
    one = what.series(Shape.COUNT)
    return _term(what, Unit.COUNT, windows.active_buckets(one, window), one)


def _streak(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "streak(THING)", ("where",))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    given.most(1)
    one = what.series(Shape.COUNT)
    return _term(what, Unit.COUNT, own_past.streak(one), one)


def _days_since(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "days_since(THING)", ("where",))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    given.most(1)
    one = what.series(Shape.LATEST)
    return _term(what, Unit.DAYS, windows.days_since(one), one, drift=Drift.RISES)


def _working_days_since(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "working_days_since(THING)", ("where",))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    given.most(1)
    one = what.series(Shape.LATEST)
    read = working_days.working_days_since(one, calendar_of(call, words))
    return _term(what, Unit.COUNT, read, one, drift=Drift.RISES)


def _against_own(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "against_own(THING)", ("where",))
    what = thing_of(given.at(0), given.named.get("where"), words.rates)
    given.most(1)
    one = what.series(Shape.COUNT, keeps_first=True)
    return _term(what, Unit.RATIO, own_past.against_own(one), one)


def _share(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "share(THING, WINDOW, where: CONDITION)", ("where",))
    if "where" not in given.named:
        raise fail("expected share(THING, WINDOW, where: CONDITION)", call)
    part = thing_of(given.at(0), given.named["where"], words.rates)
    whole = thing_of(given.at(0), None, words.rates)
    window = window_of(given.at(1))
    given.most(2)
    ones = [what.series(Shape.COUNT, hourly=_hourly(window)) for what in (part, whole)]
    read = windows.share(ones[0], ones[1], window)
    behind = windows.count(ones[1], window)
    return _term(whole, Unit.RATIO, read, *ones, behind=behind)


def _change(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "change(THING, WINDOW) or change(sum(FIELD), WINDOW)", ("where", "per"))
    window = window_of(given.at(1))
    given.most(2)
    limit, unit = (HOURS_MAX // 2, "h") if _hourly(window) else (HORIZON_DAYS // 2, "d")
    if window.buckets > limit:
        message = f"change compares with the window before: expected at most {limit}{unit}"
        raise fail(message, given.at(1))
    calendar = _per_working_day(given, window, words)
    inner, where = given.at(0), given.named.get("where")
    if isinstance(inner, Call):
        if inner.name != "sum" or len(inner.arguments) != 1:
            raise fail("expected a thing or sum(FIELD), without a window of its own", inner)
        inside = Arguments(inner, "sum(FIELD)", ("where", "of"))
        if where is not None and "where" in inside.named:
            raise fail("found where twice: leave it out here, or in sum(...)", where)
        where = inside.named.get("where") or where
        what = field_of(inside.at(0), inside.named.get("of"), where, words.rates)
        if what.unit in (Unit.TEXT, Unit.MONEY):
            raise fail(f"the change of a sum of {what.unit} is not offered", inner)
        one = what.series(Shape.TOTAL, hourly=_hourly(window))
        return _term(
            what, Unit.RATIO, own_past.change(one, window, summed=True, calendar=calendar), one
        )
    what = thing_of(inner, where, words.rates)
    one = what.series(Shape.COUNT, hourly=_hourly(window))
    return _term(
        what, Unit.RATIO, own_past.change(one, window, summed=False, calendar=calendar), one
    )


def _measured(call: Call, words: Vocabulary) -> tuple[Subject, Window, Arguments]:
    """The field and the window of sum, mean, min, max, median."""
    named = ("where", "of", "per") if call.name == "sum" else ("where", "of")
    given = Arguments(call, f"{call.name}(FIELD, WINDOW)", named)
    what = field_of(given.at(0), given.named.get("of"), given.named.get("where"), words.rates)
    window = window_of(given.at(1))
    given.most(2)
    if what.unit is Unit.TEXT:
        raise fail(
            f"{text_of(given.at(0))} is a text: distinct, last and where look at texts", call
        )
    if what.unit is Unit.MONEY:
        if words.rates is None:
            raise fail("amounts need a currency: write money: {currency: EUR} on the card", call)
        if call.name not in ("sum", "mean"):
            raise fail(f"{call.name} of amounts is not offered: sum and mean are", call)
    return what, window, given


def _ticket_field(what: Subject, given: Arguments) -> str | None:
    """The field's name if a ticket has it once; then nothing may narrow it."""
    name = None if what.field is None else what.field.name
    if name not in entities.TICKET_FIELDS:
        return None
    if given.named.keys() - {"per"}:
        raise fail(f"{name} is looked at ticket by ticket: where and of do not fit", given.call)
    return name


_PICKS: dict[str, Callable[[list[int]], int]] = {
    "mean": lambda values: sum(values) // len(values),
    "min": min,
    "max": max,
}


def _aggregate(call: Call, words: Vocabulary) -> Term:
    what, window, given = _measured(call, words)
    term = _aggregated(call, what, window, given, words)
    calendar = _per_working_day(given, window, words)
    if calendar is None:
        return term
    return replace(term, read=working_days.per_working_day(term.read, window, calendar))


def _aggregated(
    call: Call, what: Subject, window: Window, given: Arguments, words: Vocabulary
) -> Term:
    hourly = _hourly(window)
    ticket = _ticket_field(what, given)
    if ticket is not None:
        if call.name == "sum":
            read = entities.ticket_sum(ticket, window)
        else:
            read = entities.ticket_mean(ticket, window, _PICKS[call.name])
        behind = entities.ticket_mean(ticket, window, lambda values: len(values) * MICRO)
        return _term(what, what.unit, read, behind=behind, feeds=(what.feed(),))
    if what.unit is Unit.MONEY:
        one = what.series(Shape.MONEY, hourly=hourly)
        make = windows.total_money if call.name == "sum" else windows.mean_money
        return _term(what, what.unit, make(one, window, rates_of(call, words)), one)
    if call.name in ("min", "max"):
        one = what.series(Shape.EXTREMES, hourly=hourly)
        return _term(
            what, what.unit, windows.extreme(one, window, greatest=call.name == "max"), one
        )
    one = what.series(Shape.TOTAL, hourly=hourly)
    read = windows.total(one, window) if call.name == "sum" else windows.mean(one, window)
    return _term(what, what.unit, read, one, behind=windows.found(one, window))


def _quantile(call: Call, words: Vocabulary) -> Term:
    if call.name == "median":
        share_ppm, inner = MICRO // 2, call
    else:
        given = Arguments(call, "quantile(FIELD, 90%, WINDOW)", ("where", "of"))
        share = given.at(1)
        if not isinstance(share, Number) or share.unit != "%" or not 0 < share.value <= 100:
            raise fail("expected a share above 0% and up to 100%", share)
        share_ppm = int(share.value * MICRO / 100)
        inner = Call("quantile", (given.at(0), given.at(2)), call.named, at=call.at)
        given.most(3)
    what, window, arguments = _measured(inner, words)
    ticket = _ticket_field(what, arguments)
    if ticket is not None:
        read = entities.ticket_quantile(ticket, window, share_ppm)
        behind = entities.ticket_mean(ticket, window, lambda values: len(values) * MICRO)
        return _term(what, what.unit, read, behind=behind, feeds=(what.feed(),))
    one = what.series(Shape.SAMPLES)
    read = windows.quantile(one, window, share_ppm)
    return _term(what, what.unit, read, one, behind=windows.sampled(one, window))


def _last(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "last(FIELD) or last(FIELD, WINDOW)", ("where", "of"))
    what = field_of(given.at(0), given.named.get("of"), given.named.get("where"), words.rates)
    node = given.maybe(1)
    window = None if node is None else window_of(node)
    given.most(2)
    if what.unit is Unit.MONEY:
        raise fail("last of amounts is not offered: sum and mean are", call)
    if what.field is None:
        what = replace(what, values={kind: _numbers(v) for kind, v in what.values.items()})
    one = what.series(Shape.LATEST)
    return _term(what, what.unit, windows.last(one, window), one)


def _numbers(value: Value) -> Value:
    """An own property where it is a number: a text has no place on a curve."""
    return lambda signal: None if isinstance(found := value(signal), str) else found


def _distinct(call: Call, words: Vocabulary) -> Term:
    given = Arguments(call, "distinct(FIELD, WINDOW)", ("where", "of"))
    what = field_of(given.at(0), given.named.get("of"), given.named.get("where"), words.rates)
    window = window_of(given.at(1))
    given.most(2)
    one = what.series(Shape.DISTINCT, hourly=_hourly(window))
    return _term(what, Unit.COUNT, windows.distinct_values(one, window), one)


#: Functions that look at events, by name.
EVENT_FUNCTIONS: dict[str, Callable[[Call, Vocabulary], Term]] = {
    "count": _count,
    "sum": _aggregate,
    "mean": _aggregate,
    "min": _aggregate,
    "max": _aggregate,
    "median": _quantile,
    "quantile": _quantile,
    "last": _last,
    "distinct": _distinct,
    "active_days": _active_days,
    "streak": _streak,
    "days_since": _days_since,
    "working_days_since": _working_days_since,
    "change": _change,
    "share": _share,
    "against_own": _against_own,
}


def event_term(call: Call, words: Vocabulary) -> Term:
    """The term of a call of one of :data:`EVENT_FUNCTIONS`.

    Raises:
        LanguageError: with what is wrong, and where.
    """
    return EVENT_FUNCTIONS[call.name](call, words)


def count_series(name: str, where: Node | None = None) -> Series:
    """The daily count of a thing, for points per action."""
    return thing_of(Name((name,)), where, None).series(Shape.COUNT)
