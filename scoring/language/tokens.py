"""Text to tokens: numbers with their units, texts in quotes, names, words and signs.

What is wrong within a token is said here, with a hint where people coming from a spreadsheet, a
word processor or another language are likely to go wrong.

A text is in double or single quotes; the quote itself is written twice in it, as in a spreadsheet.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from scoring.language.syntax import LanguageError
from scoring.language.vocabulary import (
    FLAGS,
    FOREIGN,
    RESERVED,
    UNIT_OF_WORD,
    UNITS,
    quoted,
    stray_message,
    unit_hint,
)

__all__ = ["CHARACTERS_MAX", "DIGITS_MAX", "Kind", "Token", "split_number", "tokens_of"]

#: Of an expression. Spaces between tokens are not counted, so that an expression that was
#: accepted is accepted in its canonical spelling too, which has more of them.
CHARACTERS_MAX = 1_000
#: Of a number as written, on both sides of the point.
DIGITS_MAX = 15

# The last alternative matches what none before it does: every character is in some token. The
# quantifiers that could be retried are possessive or single: time grows with the text, no faster.
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?:(?:%|[^\W\d])[\w%]*)?)
    |(?P<text>"(?:[^"]|"")*+"|'(?:[^']|'')*+')
    |(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    |(?P<sign>[<>!=]=(?!=)|<(?!>)|[-+*/>()\[\],:])
    |(?P<foreign>"""
    + "|".join(re.escape(written) for written in sorted(FOREIGN, key=len, reverse=True))
    + r""")
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_APART = re.compile(r"\s++(%|[^\W\d]\w*)")


class Kind(StrEnum):
    """What a token is."""

    NUMBER = "number"
    TEXT = "text"
    NAME = "name"
    FLAG = "flag"
    WORD = "word"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it was written, quotes and unit included; ``at`` is its column."""

    kind: Kind
    written: str
    at: int

    def error(self, message: str) -> LanguageError:
        """An error about this token."""
        return LanguageError(message, self.at, len(self.written))

    def __str__(self) -> str:
        match self.kind:
            case Kind.END:
                return "the end"
            case Kind.NUMBER:
                return f"the number {self.written}"
            case Kind.TEXT:
                return f"the text {quoted(self.written[1:-1])}"
            case _:
                return quoted(self.written)


def split_number(written: str) -> tuple[str, str]:
    """The digits of a number and its unit, which may be empty."""
    unit = written.lstrip("0123456789.")
    return written.removesuffix(unit), unit


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text; the last is :attr:`Kind.END`, right after the last character.

    Raises:
        LanguageError: where something is no token, or the text is longer than CHARACTERS_MAX.
    """
    tokens = []
    size = end = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "space":
            continue
        token = _token(match)
        size += len(token.written)
        if size > CHARACTERS_MAX:
            raise token.error(
                f"expected at most {CHARACTERS_MAX:,} characters, spaces not counted, found more"
            )
        tokens.append(token)
        end = match.end()
    return [*tokens, Token(Kind.END, "", end)]


def _token(match: re.Match[str]) -> Token:
    written = match[0]
    at = match.start()
    match match.lastgroup:
        case "number":
            _check_number(match)
            return Token(Kind.NUMBER, written, at)
        case "text":
            return Token(Kind.TEXT, written, at)
        case "sign":
            return Token(Kind.SIGN, written, at)
        case "name":
            return _name(written, at)
        case "foreign":
            raise LanguageError(
                f"{quoted(written)} is not known here; write {FOREIGN[written]}", at, len(written)
            )
        case _:
            raise LanguageError(stray_message(written), at, 1)


def _name(written: str, at: int) -> Token:
    if written in RESERVED:
        return Token(Kind.WORD, written, at)
    if written in FLAGS:
        return Token(Kind.FLAG, written, at)
    if not written.isascii():
        raise LanguageError(
            "a name has only the letters a to z, digits and _; "
            f"if this is a text, put it in quotes: {quoted(written)}",
            at,
            len(written),
        )
    for part in written.split("."):
        if part in RESERVED or part in FLAGS:
            raise LanguageError(
                f"{quoted(part)} is a word of the language and cannot be part of a name; "
                f"if this is a text, put it in quotes: {quoted(written)}",
                at,
                len(written),
            )
    return Token(Kind.NAME, written, at)


def _check_number(match: re.Match[str]) -> None:
    """Raise if a number has too many digits, or a unit that is none or stands apart."""
    at, written = match.start(), match[0]
    amount, unit = split_number(written)
    digits = len(amount.replace(".", ""))
    if digits > DIGITS_MAX:
        raise LanguageError(
            f"expected a number of at most {DIGITS_MAX} digits, found {digits}", at, len(amount)
        )
    if unit in UNITS:
        return
    if unit:
        raise LanguageError(
            f"{quoted(unit)} is not a unit; {unit_hint(amount, unit)}", at, len(written)
        )
    apart = _APART.match(match.string, match.end())
    if apart and apart[1].lower() in UNIT_OF_WORD:
        raise LanguageError(
            f"expected a unit right after its number, found {quoted(apart[1])} after a space; "
            + unit_hint(amount, apart[1]),
            at,
            apart.end() - at,
        )
