"""What a function looks at: a thing or a field, with what narrows it."""

from dataclasses import dataclass

from schemas.signals import Kind
from scoring.arguments import fail
from scoring.feeds import Feed, feed_of
from scoring.fields import FIELDS, PROPERTIES_AT, Field
from scoring.language.spelling import text_of
from scoring.language.syntax import Name, Node
from scoring.language.vocabulary import ELSEWHERE
from scoring.money import Rates
from scoring.names import near
from scoring.series import Series, Shape, Test, Value, field_value, property_value, thing_test
from scoring.things import THINGS, Thing
from scoring.units import Unit
from scoring.where import check_fields, compile_where, property_name, where_text

__all__ = ["Subject", "field_of", "thing_of"]

_TIMES = frozenset({"use", "human_use", "failed_use"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing or a field, with what narrows it."""

    text: str
    kinds: tuple[Kind, ...]
    tests: dict[Kind, Test]
    unit: Unit
    values: dict[Kind, Value]
    thing: Thing | None = None
    field: Field | None = None

    def feed(self) -> Feed:
        """The events that say something of it."""
        return feed_of(self.series(Shape.LATEST))

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


def thing_of(node: Node, where: Node | None, rates: Rates | None) -> Subject:
    """A thing by its name, with a condition.

    Raises:
        LanguageError: with what is wrong, and where.
    """
    if not isinstance(node, Name) or len(node.parts) != 1 or node.parts[0] not in THINGS:
        name = ".".join(node.parts) if isinstance(node, Name) else text_of(node)
        hint = near(name, THINGS)
        if name in ELSEWHERE:
            hint = f"; {ELSEWHERE[name]}"
        elif name in FIELDS:
            hint = f"; {name} is a field: sum, mean, last or distinct look at fields"
        raise fail(f"no thing named {name!r}{hint}", node)
    thing = THINGS[node.parts[0]]
    tests: dict[Kind, Test] = {}
    if where is not None:
        check_fields(where, thing.kinds, thing.name)
    for kind in thing.kinds:
        test = _and(thing_test(thing, kind), where, kind, rates)
        if test is not None:
            tests[kind] = test
    text = thing.name + (f" where {where_text(where, rates)}" if where is not None else "")
    return Subject(text, thing.kinds, tests, Unit.COUNT, {}, thing=thing)


def _and(test: Test | None, where: Node | None, kind: Kind, rates: Rates | None) -> Test | None:
    if where is None:
        return test
    condition = compile_where(where, kind, rates)
    if test is None:
        return condition
    first = test
    return lambda signal: first(signal) and condition(signal)


def field_of(node: Node, of: Node | None, where: Node | None, rates: Rates | None) -> Subject:
    """A field by its name, of a thing if that is said, with a condition.

    Raises:
        LanguageError: with what is wrong, and where.
    """
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
    narrowed = None if of is None else thing_of(of, None, rates)
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
        test = _and(narrow, where, kind, rates)
        if test is not None:
            tests[kind] = test
        values[kind] = (
            property_value(own or "", kind) if field is None else field_value(field, kind)
        )
    text = f"field {name}" + (f" of {narrowed.text}" if narrowed is not None else "")
    text += f" where {where_text(where, rates)}" if where is not None else ""
    unit = Unit.COUNT if field is None else field.unit
    return Subject(text, kinds, tests, unit, values, field=field)
