"""What to write in a scorecard instead of what people are likely to try.

They come from other tools, or from a sketch of a card: the message says how it is spelt here.
"""

__all__ = ["instead_of"]

_WEEKDAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
#: Lines that a measure does not have: what they say stands in its metric.
_IN_THE_METRIC = {
    "where": "distinct(user, 28d, where: user_kind == human)",
    "ignore": "change(use, 28d, per: working_day)",
    "per": "change(use, 28d, per: working_day)",
    "at_least": "at_least(mean(csat, 180d), 3)",
    "expires": "last(nps, 180d); a pulse expires by itself",
    "window": "count(use, 28d)",
    "cadence": "days_since(check_in) / by(segment, enterprise: 90d, growth: 180d)",
}
_NO_MESSAGES = "unknown field; a scorecard says how scores are made, not who is told of them"


def instead_of(where: tuple[str, ...]) -> str:
    """What is expected in a place where something else stands; empty where nothing is known."""
    match where:
        case ("scored",):
            return "expected {status: [customer, notice], internal: false}"
        case ("money", "rates"):
            return "expected rates by currency, such as {USD: 0.92}; they are part of the card"
        case ("calendar", day) if day in _WEEKDAYS:
            return 'put working days with a comma in quotes: working_days: "mon,wed,fri"'
        case ("groups", *_, line) if line in _IN_THE_METRIC and len(where) > 3:
            return f"unknown field; write it in the metric: {_IN_THE_METRIC[line]}"
        case ("archetypes", "order"):
            return "unknown field; archetypes are asked in the order of classes"
        case ("archetypes", "otherwise"):
            return "unknown field; leave it out: whoever fits no archetype is unclassified"
        case ("archetypes", name):
            return (
                f"unknown field; write it under classes: {{min_stay: 7d, classes: {{{name}: ...}}}}"
            )
        case ("rules" | "playbooks",):
            return _NO_MESSAGES
        case _:
            return ""
