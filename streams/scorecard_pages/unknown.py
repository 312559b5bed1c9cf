"""When an expression has no data, in words: the rules of docs/metrics.md, function by function."""

from scoring.language.parser import parse
from scoring.language.syntax import Binary, Call, Name, Node
from streams.scorecard_pages.calls import window_in_words
from streams.scorecard_pages.phrases import family_of

__all__ = ["unknown_when"]

_OF_A_FAMILY = frozenset({"count", "sum", "distinct", "active_days", "streak"})
_OF_A_WINDOW = frozenset({"mean", "min", "max", "median"})
_NAMES = {
    "account.seats": "the seats are not known",
    "account.mrr": "the revenue is not known",
    "tenure": "the contract's beginning is not known",
    "days_to_renewal": "no renewal date is known",
    "days_overdue": "no billing is known yet",
    "days_paused": "no billing is known yet",
    "open_invoices": "no billing is known yet",
    "pulse": "nobody set one, or it has expired",
    "open_tickets": "never a ticket",
    "oldest_open_ticket": "never a ticket",
    "goals_planned": "there are no goals",
    "goals_due": "there are no goals",
    "goals_reached": "there are no goals",
}


def unknown_when(text: str) -> str:
    """When a metric has no data, without a full stop; empty where that has no words here."""
    return ", or ".join(dict.fromkeys(_reasons(parse(text))))


def _reasons(node: Node) -> list[str]:
    match node:
        case Name(parts):
            name = ".".join(parts)
            return [_NAMES[name]] if name in _NAMES else []
        case Binary(operator, left, right):
            by = ["it is divided by none"] if operator == "/" else []
            if by and right == Name(("account", "seats")):
                return [*_reasons(left), "no seats are known"]
            return [*_reasons(left), *_reasons(right), *by]
        case Call():
            return _of_a_call(node)
        case _:
            return []


def _of_a_call(call: Call) -> list[str]:
    reasons = _of_its_own(call)
    if "per" in dict(call.named):
        reasons.append(f"there is no working day in {window_in_words(call.arguments[1])}")
    return reasons


def _of_its_own(call: Call) -> list[str]:
    name, arguments = call.name, call.arguments
    first = ".".join(arguments[0].parts) if arguments and isinstance(arguments[0], Name) else ""
    if name in _OF_A_FAMILY:
        of = dict(call.named).get("of")
        return [f"no {family_of(of.parts[0] if isinstance(of, Name) else first)} is known yet"]
    if name in _OF_A_WINDOW or name == "share":
        return [f"none in {window_in_words(arguments[1])}"]
    if name in _NAMES:
        return [_NAMES[name]]
    match name:
        case "quantile":
            return [f"none in {window_in_words(arguments[2])}"]
        case "last":
            return [f"none in {window_in_words(arguments[1])}" if arguments[1:] else "none so far"]
        case "by" if "otherwise" not in dict(call.named):
            return [f"nothing is said for the {first or 'class'}"]
        case "days_since" | "working_days_since":
            return ["none so far"]
        case "change" if first.startswith("account."):
            return [f"none {window_in_words(arguments[1])} ago"]
        case "change":
            return [f"nothing in the {window_in_words(arguments[1])} before"]
        case "mrr_movement":
            return ["the revenue is not known"]
        case "against_own":
            return ["fewer than 8 weeks to compare with"]
        case "points":
            return ["none of the actions' kinds is known yet"]
        case "at_least":
            return [*_reasons(arguments[0]), "too few of them"]
        case "first" | "lowest" | "highest":
            return ["none of them is known"]
        case _:
            return []
