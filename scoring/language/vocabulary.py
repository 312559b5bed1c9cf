"""The words, units and signs of the language, and what to write here instead of others.

People come from a spreadsheet, a word processor or another language: what they are likely to
write is known, so that the message can say what it is called here.
"""

__all__ = [
    "ELSEWHERE",
    "FLAGS",
    "FOREIGN",
    "RESERVED",
    "UNITS",
    "UNIT_OF_WORD",
    "quoted",
    "stray_message",
    "unit_hint",
]

#: Of a piece of the text that a message shows, in characters.
_SHOWN_MAX = 30

RESERVED = frozenset({"and", "or", "not", "in", "is"})
FLAGS = frozenset({"true", "false"})
UNITS = {
    "%": "percent",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_UNIT_WORDS = {
    "%": ("%", "pct", "percent"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "wk", "wks", "week", "weeks"),
    "": ("mo", "month", "months", "y", "yr", "yrs", "year", "years"),
}
UNIT_OF_WORD = {word: unit for unit, words in _UNIT_WORDS.items() for word in words}

#: What other places write, and what is written here.
FOREIGN = {
    "===": "==",
    "!==": "!=",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "&&": "and",
    "||": "or",
    "=": "== or is",
    "&": "and",
    "|": "or",
    "!": "not",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "—": "-",
    **dict.fromkeys("“”„«»", 'straight quotes (")'),
    **dict.fromkeys("‘’‚´`", "straight quotes (')"),
}

#: Names that people look for, and what to write instead.
ELSEWHERE = {
    **dict.fromkeys(
        ("active_hours", "active_minutes", "usage_time"),
        "time of use is a field: sum(active_time, 28d), change(sum(active_time), 28d)",
    ),
    "contact_left": (
        "let your events say so with properties: "
        "count(contact, 30d, where: property.left == true and property.role == champion)"
    ),
}


def quoted(written: str) -> str:
    """A piece of the text as messages show it: in double quotes, cut where it is long."""
    shown = written if len(written) <= _SHOWN_MAX else f"{written[:_SHOWN_MAX]}..."
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in shown)
    return f'"{shown}"'


def unit_hint(amount: str, word: str) -> str:
    """What to write instead of ``word`` behind a number."""
    unit = UNIT_OF_WORD.get(word.lower())
    if unit:
        return f"write {amount}{unit} ({unit} stands for {UNITS[unit]})"
    if word in RESERVED:
        return f"write a space before {word}"
    known = ", ".join(f"{unit} ({name})" for unit, name in UNITS.items())
    return f"the units are {known}"


def stray_message(character: str) -> str:
    """What is wrong with a character that begins no token."""
    match character:
        case '"' | "'":
            return f"expected another {character} where this text ends, found none"
        case ".":
            return (
                "a point stands between two names or two digits, without spaces, "
                "as in account.seats and 0.5"
            )
        case "%":
            return '"%" stands right after a number, as in 25%'
        case _ if character.isprintable():
            return f"{quoted(character)} is not known here; put a text with such a sign in quotes"
        case _:
            return f"{quoted(character)} cannot be seen and is not known here; delete it"
