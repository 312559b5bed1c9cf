"""Functions over events: from a call such as ``count(order, 90d)`` to a series and a reading."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from schemas.signals import Kind
from scoring import entities, own_past, windows
from scoring.arguments import HOURS_MAX, Arguments, days_of, fail, window_of
from scoring.fields import FIELDS, PROPERTIES_AT, Field
from scoring.language.spelling import text_of
from scoring.language.syntax import Call, Name, Node, Number
from scoring.money import Rates
from scoring.names import near
from scoring.series import Series, Shape, Test, Value, field_value, property_value, thing_test
from scoring.state import HORIZON_DAYS, HOUR_MS
from scoring.terms import Drift, Term
from scoring.things import THINGS, Thing
from scoring.units import MICRO, Unit
from scoring.where import check_fields, compile_where, property_name
from scoring.windows import Window

__all__ = ["EVENT_FUNCTIONS", "count_series", "event_term"]

_TIMES = frozenset({"use", "human_use", "failed_use"})
_NOT_TEXT = (Unit.TEXT,)


@dataclass(frozen=True, slots=True)
class _What:
    """A thing or a field, with what narrows it."""

    text: str
    kinds: tuple[Kind, ...]
    tests: dict[Kind, Test]
    unit: Unit
    values: dict[Kind, Value]
    thing: Thing | None = None
    field: Field | None = None

    def series(self, shape: Shape, *, hourly: bool = False, keeps_first: bool = False) -> Series:
        """A series of it."""
        kept = (" by hour" if hourly else "") + (" anchored" if keeps_first else "")
        return Series(
            f"{shape} {self.text}{kept}",
            shape,
            self.kinds,
            self.tests,
            self.values,
            times=self.thing is not None and self.thing.name in _TIMES,
            hourly=hourly,
            keeps_first=keeps_first,
        )


def _thing(node: Node, where: Node | None) -> _What:
    """A thing by its name, with a condition."""
    if not isinstance(node, Name) or len(node.parts) != 1 or node.parts[0] not in THINGS:
        name = ".".join(node.parts) if isinstance(node, Name) else text_of(node)
        hint = near(name, THINGS)
        if name in FIELDS:
            hint = f"; {name} is a field: sum, mean, last or distinct look at fields"
        raise fail(f"no thing named {name!r}{hint}", node)
    thing = THINGS[node.parts[0]]
    tests: dict[Kind, Test] = {}
    if where is not None:
        check_fields(where, thing.kinds, thing.name)
    for kind in thing.kinds:
        test = _and(thing_test(thing, kind), where, kind)
        if test is not None:
            tests[kind] = test
    text = thing.name + (f" where {text_of(where)}" if where is not None else "")
    return _What(text, thing.kinds, tests, Unit.COUNT, {}, thing=thing)


def _and(test: Test | None, where: Node | None, kind: Kind) -> Test | None:
    if where is None:
        return test
    condition = compile_where(where, kind)
    if test is None:
        return condition
    first = test
    return lambda signal: first(signal) and condition(signal)


def _field(node: Node, of: Node | None, where: Node | None) -> _What:
    """A field by its name, of a thing if that is said, with a condition."""
    if not isinstance(node, Name):
        raise fail("expected the name of a field", node)
    own = property_name(node)
    name = ".".join(node.parts)
    field = FIELDS.get(name)
    if own is None and field is None:
        hint = near(name, [*FIELDS, "property.NAME"])
        if name in THINGS:
            hint = f"; {name} is a thing: count, days_since and change look at things"
        raise fail(f"no field named {name!r}{hint}", node)
    narrowed = None if of is None else _thing(of, None)
    having = tuple(PROPERTIES_AT if field is None else field.at)
    kinds = tuple(kind for kind in having if narrowed is None or kind in narrowed.kinds)
    if not kinds:
        assert of is not None
        raise fail(f"{name} is no field of {text_of(of)}", of)
    if where is not None:
        looked_at = text_of(node if of is None else of)
        if narrowed is not None and len(kinds) < len(narrowed.kinds):
            looked_at += f" that has {name}"
        check_fields(where, kinds, looked_at)
    tests: dict[Kind, Test] = {}
    values: dict[Kind, Value] = {}
    for kind in kinds:
        narrow = None if narrowed is None else narrowed.tests.get(kind)
        test = _and(narrow, where, kind)
        if test is not None:
            tests[kind] = test
        values[kind] = (
            property_value(own or "", kind) if field is None else field_value(field, kind)
        )
    text = f"field {name}" + (f" of {narrowed.text}" if narrowed is not None else "")
    text += f" where {text_of(where)}" if where is not None else ""
    unit = Unit.COUNT if field is None else field.unit
    return _What(text, kinds, tests, unit, values, field=field)


def _term(what: _What, unit: Unit, read: windows.Read, *series: Series, **more: object) -> Term:
    return Term(unit, read, series=series, kinds=frozenset(what.kinds), **more)  # type: ignore[arg-type]


def _hourly(window: Window) -> bool:
    return window.size_ms == HOUR_MS


def _count(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "count(THING, WINDOW)", ("where",))
    what = _thing(given.at(0), given.named.get("where"))
    window = window_of(given.at(1))
    given.most(2)
    one = what.series(Shape.COUNT, hourly=_hourly(window))
    return _term(what, Unit.COUNT, windows.count(one, window), one)


def _active_days(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "active_days(THING, WINDOW)", ("where",))
    what = _thing(given.at(0), given.named.get("where"))
    window = days_of(given.at(1))
    given.most(2)
    one = what.series(Shape.COUNT)
    return _term(what, Unit.COUNT, windows.active_buckets(one, window), one)


def _streak(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "streak(THING)", ("where",))
    what = _thing(given.at(0), given.named.get("where"))
    given.most(1)
    one = what.series(Shape.COUNT)
    return _term(what, Unit.COUNT, own_past.streak(one), one)


def _days_since(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "days_since(THING)", ("where",))
    what = _thing(given.at(0), given.named.get("where"))
    given.most(1)
    one = what.series(Shape.LATEST)
    return _term(what, Unit.DAYS, windows.days_since(one), one, drift=Drift.RISES)


def _against_own(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "against_own(THING)", ("where",))
    what = _thing(given.at(0), given.named.get("where"))
    given.most(1)
    one = what.series(Shape.COUNT, keeps_first=True)
    return _term(what, Unit.RATIO, own_past.against_own(one), one)


def _share(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "share(THING, WINDOW, where: CONDITION)", ("where",))
    if "where" not in given.named:
        raise fail("expected share(THING, WINDOW, where: CONDITION)", call)
    part, whole = _thing(given.at(0), given.named["where"]), _thing(given.at(0), None)
    window = window_of(given.at(1))
    given.most(2)
    ones = [what.series(Shape.COUNT, hourly=_hourly(window)) for what in (part, whole)]
    read = windows.share(ones[0], ones[1], window)
    behind = windows.count(ones[1], window)
    return _term(whole, Unit.RATIO, read, *ones, behind=behind)


def _change(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "change(THING, WINDOW) or change(sum(FIELD), WINDOW)", ("where",))
    window = window_of(given.at(1))
    given.most(2)
    limit, unit = (HOURS_MAX // 2, "h") if _hourly(window) else (HORIZON_DAYS // 2, "d")
    if window.buckets > limit:
        message = f"change compares with the window before: expected at most {limit}{unit}"
        raise fail(message, given.at(1))
    inner, where = given.at(0), given.named.get("where")
    if isinstance(inner, Call):
        if inner.name != "sum" or len(inner.arguments) != 1:
            raise fail("expected a thing or sum(FIELD), without a window of its own", inner)
        inside = Arguments(inner, "sum(FIELD)", ("where", "of"))
        if where is not None and "where" in inside.named:
            raise fail("found where twice: leave it out here, or in sum(...)", where)
        what = _field(inside.at(0), inside.named.get("of"), inside.named.get("where") or where)
        if what.unit in (Unit.TEXT, Unit.MONEY):
            raise fail(f"the change of a sum of {what.unit} is not offered", inner)
        one = what.series(Shape.TOTAL, hourly=_hourly(window))
        return _term(what, Unit.RATIO, own_past.change(one, window, summed=True), one)
    what = _thing(inner, where)
    one = what.series(Shape.COUNT, hourly=_hourly(window))
    return _term(what, Unit.RATIO, own_past.change(one, window, summed=False), one)


def _measured(call: Call, rates: Rates | None) -> tuple[_What, Window, Arguments]:
    """The field and the window of sum, mean, min, max, median."""
    given = Arguments(call, f"{call.name}(FIELD, WINDOW)", ("where", "of"))
    what = _field(given.at(0), given.named.get("of"), given.named.get("where"))
    window = window_of(given.at(1))
    given.most(2)
    if what.unit is Unit.TEXT:
        raise fail(
            f"{text_of(given.at(0))} is a text: distinct, last and where look at texts", call
        )
    if what.unit is Unit.MONEY:
        if rates is None:
            raise fail("amounts need a currency: write money: {currency: EUR} on the card", call)
        if call.name not in ("sum", "mean"):
            raise fail(f"{call.name} of amounts is not offered: sum and mean are", call)
    return what, window, given


def _ticket_field(what: _What, given: Arguments) -> str | None:
    """The field's name if a ticket has it once; then nothing may narrow it."""
    name = None if what.field is None else what.field.name
    if name not in entities.TICKET_FIELDS:
        return None
    if given.named:
        raise fail(f"{name} is looked at ticket by ticket: where and of do not fit", given.call)
    return name


_PICKS: dict[str, Callable[[list[int]], int]] = {
    "mean": lambda values: sum(values) // len(values),
    "min": min,
    "max": max,
}


def _aggregate(call: Call, rates: Rates | None) -> Term:
    what, window, given = _measured(call, rates)
    hourly = _hourly(window)
    ticket = _ticket_field(what, given)
    if ticket is not None:
        if call.name == "sum":
            read = entities.ticket_sum(ticket, window)
        else:
            read = entities.ticket_mean(ticket, window, _PICKS[call.name])
        behind = entities.ticket_mean(ticket, window, lambda values: len(values) * MICRO)
        return _term(what, what.unit, read, behind=behind)
    if what.unit is Unit.MONEY:
        assert rates is not None
        one = what.series(Shape.MONEY, hourly=hourly)
        make = windows.total_money if call.name == "sum" else windows.mean_money
        return _term(what, what.unit, make(one, window, rates), one)
    if call.name in ("min", "max"):
        one = what.series(Shape.EXTREMES, hourly=hourly)
        return _term(
            what, what.unit, windows.extreme(one, window, greatest=call.name == "max"), one
        )
    one = what.series(Shape.TOTAL, hourly=hourly)
    read = windows.total(one, window) if call.name == "sum" else windows.mean(one, window)
    return _term(what, what.unit, read, one, behind=windows.found(one, window))


def _quantile(call: Call, rates: Rates | None) -> Term:
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
    what, window, arguments = _measured(inner, rates)
    ticket = _ticket_field(what, arguments)
    if ticket is not None:
        read = entities.ticket_quantile(ticket, window, share_ppm)
        behind = entities.ticket_mean(ticket, window, lambda values: len(values) * MICRO)
        return _term(what, what.unit, read, behind=behind)
    one = what.series(Shape.SAMPLES)
    read = windows.quantile(one, window, share_ppm)
    return _term(what, what.unit, read, one, behind=windows.sampled(one, window))


def _last(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "last(FIELD) or last(FIELD, WINDOW)", ("where", "of"))
    what = _field(given.at(0), given.named.get("of"), given.named.get("where"))
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


def _distinct(call: Call, rates: Rates | None) -> Term:
    given = Arguments(call, "distinct(FIELD, WINDOW)", ("where", "of"))
    what = _field(given.at(0), given.named.get("of"), given.named.get("where"))
    window = window_of(given.at(1))
    given.most(2)
    one = what.series(Shape.DISTINCT, hourly=_hourly(window))
    return _term(what, Unit.COUNT, windows.distinct_values(one, window), one)


#: Functions that look at events, by name.
EVENT_FUNCTIONS: dict[str, Callable[[Call, Rates | None], Term]] = {
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
    "change": _change,
    "share": _share,
    "against_own": _against_own,
}


def event_term(call: Call, rates: Rates | None) -> Term:
    """The term of a call of one of :data:`EVENT_FUNCTIONS`.

    Raises:
        LanguageError: with what is wrong, and where.
    """
    return EVENT_FUNCTIONS[call.name](call, rates)


def count_series(name: str, where: Node | None = None) -> Series:
    """The daily count of a thing, for points per action."""
    return _thing(Name((name,)), where).series(Shape.COUNT)
