"""The arguments of a call: by place, by name, windows; what is missing or too much is said."""

from difflib import get_close_matches

from scoring.fields import FIELDS
from scoring.language.spelling import text_of
from scoring.language.syntax import Call, LanguageError, Node, Number
from scoring.state import DAY_MS, HORIZON_DAYS, HOUR_MS
from scoring.windows import Window

__all__ = ["HOURS_MAX", "Arguments", "days_of", "fail", "window_of"]

#: A window may be written in hours up to here.
HOURS_MAX = 48

#: Names of arguments that functions take; another one is likely to be a field of the event.
_NAMED = ("where", "of", "per", "kind", "priority", "category", "half_life")


def fail(message: str, node: Node) -> LanguageError:
    """The error of a part of an expression."""
    return LanguageError(message, node.at, len(text_of(node)))


def window_of(node: Node) -> Window:
    """A window as written: whole days up to 400, or hours up to 48.

    Raises:
        LanguageError: if it is neither.
    """
    if not isinstance(node, Number) or node.unit not in ("h", "d", "w"):
        raise fail("expected a window such as 28d, 4w or 6h", node)
    if node.value != int(node.value) or node.value < 1:
        raise fail("expected a whole number of days or hours, 1 or more", node)
    count = int(node.value)
    if node.unit == "h":
        if count > HOURS_MAX:
            raise fail(f"expected at most {HOURS_MAX}h; write longer windows in days", node)
        return Window(count, HOUR_MS)
    days = count * 7 if node.unit == "w" else count
    if days > HORIZON_DAYS:
        raise fail(f"expected at most {HORIZON_DAYS}d", node)
    return Window(days, DAY_MS)


def days_of(node: Node) -> Window:
    """A window of whole days.

    Raises:
        LanguageError: if it is none.
    """
    window = window_of(node)
    if window.size_ms != DAY_MS:
        raise fail("expected a window in days, such as 28d", node)
    return window


class Arguments:
    """A call's arguments by place and name; what is missing or too much is said."""

    def __init__(self, call: Call, usage: str, named: tuple[str, ...]) -> None:
        self.call, self.usage = call, usage
        self.named = dict(call.named)
        for name, value in call.named:
            if name not in named:
                allowed = f"; it takes {', '.join(named)}" if named else "; it takes none"
                if "where" in named and not get_close_matches(name, _NAMED, n=1):
                    field = name if name in FIELDS else f"property.{name}"
                    allowed += f": events are told apart by where: {field} == {text_of(value)}"
                raise fail(f"{call.name} takes no argument {name!r}{allowed}", value)

    def at(self, place: int) -> Node:
        """A positional argument that must be there."""
        if place >= len(self.call.arguments):
            raise fail(f"expected {self.usage}", self.call)
        return self.call.arguments[place]

    def maybe(self, place: int) -> Node | None:
        """A positional argument that may be there."""
        return self.call.arguments[place] if place < len(self.call.arguments) else None

    def most(self, count: int) -> None:
        """No more than ``count`` positional arguments."""
        if len(self.call.arguments) > count:
            raise fail(f"expected {self.usage}", self.call.arguments[count])
