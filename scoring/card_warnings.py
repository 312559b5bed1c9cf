"""What is right in a card and yet unlikely to be meant."""

from schemas.signals import Kind
from scoring.card import Card
from scoring.events import EVENT_FUNCTIONS
from scoring.fields import FIELDS
from scoring.language.parser import parse
from scoring.language.syntax import Call, Name, Node, children
from scoring.things import THINGS

__all__ = ["warnings_of"]

_USAGE = frozenset({Kind.FEATURE, Kind.ACTIVITY})
#: Functions that compare a customer with itself alone.
_RELATIVE = frozenset({"change", "against_own"})


def warnings_of(card: Card) -> tuple[str, ...]:
    """What to look at before the card is used, a sentence each; it may be used as it is."""
    found = {spec.name: _usage_functions(parse(spec.metric.text)) for spec in card.measures}
    usage = {name: functions for name, functions in found.items() if functions}
    if usage and all(functions <= _RELATIVE for functions in usage.values()):
        listed = ", ".join(usage)
        message = (
            f"all that is looked at of usage ({listed}) compares a customer with itself: one that"
            " never did much looks well. Add a measure that does not, such as"
            " distinct(user, 28d) / account.seats"
        )
        return (message,)
    return ()


def _usage_functions(node: Node) -> frozenset[str]:
    """The functions in an expression that look at usage."""
    if isinstance(node, Call) and node.name in EVENT_FUNCTIONS:
        return frozenset({node.name}) if _looks_at_usage(node) else frozenset()
    return frozenset().union(*(_usage_functions(part) for part in children(node)))


def _looks_at_usage(call: Call) -> bool:
    """Whether the thing or field of a call, or the thing in its ``of``, is one of usage."""
    inner = call.arguments[0]
    if isinstance(inner, Call):  # change(sum(FIELD), WINDOW)
        return _looks_at_usage(inner)
    narrowed = dict(call.named).get("of", inner)
    assert isinstance(narrowed, Name)
    name = narrowed.parts[0]
    if name in THINGS:
        return set(THINGS[name].kinds) <= _USAGE
    # Some fields of usage are of other events too: the user, the feature.
    return name in FIELDS and (Kind.FEATURE in FIELDS[name].at or set(FIELDS[name].at) <= _USAGE)
