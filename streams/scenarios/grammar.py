"""Matching sentences against forms, and saying where one went wrong.

A form is a text such as ``ticket {ticket:ID} answered [after {response:SPAN}]``:
words that must stand there (``uses/use`` takes both), slots ``{name:KIND}``
that take a value, and parts in brackets that may be left out. Parts in brackets
that follow each other may stand in any order. Commas mean nothing: they are for
the reader.

A sentence that fits no form is told by how far it did: the place at which the
best attempts stopped, what could have stood there, the nearest of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

__all__ = ["Form", "NotUnderstood", "Slot", "compile_form", "match", "tokens_of"]

#: A quoted text, fields in braces, or a word; a comma is no part of the word before it.
_TOKEN = re.compile(
    r"""\s*,?\s*(?:"(?P<quoted>[^"]*)"|(?P<braces>\{.*\})|(?P<word>(?:[^\s,]|,(?=\S))+))""",
    re.DOTALL,
)
_PIECE = re.compile(r"\s*(?:(\[)|(\])|\{(\w+):(\w+)\}|([^\s\[\]{}]+))")


class NotUnderstood(ValueError):
    """A sentence that fits no form; the message says where and what could stand there."""


class Token(NamedTuple):
    """A word, a quoted text, or fields in braces."""

    text: str
    kind: str = "word"


class Taken(NamedTuple):
    """What a slot took: its value, and how many tokens."""

    value: Any
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """A kind of value in a sentence.

    ``take`` gets what is left of the sentence and returns what it took, or None if
    no such value stands there. It raises ``ValueError`` for one that is nearly
    right, with what is wrong.
    """

    kind: str
    wants: str
    take: Callable[[Sequence[Token]], Taken | None]
    #: The words that it takes, for hints, if it takes only these.
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Value:
    name: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class _Options:
    parts: tuple["_Sequence", ...]


_Element = _Word | _Value | _Options
_Sequence = tuple[_Element, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A compiled form; ``shown`` is how the documents write it."""

    elements: _Sequence
    shown: str


def tokens_of(text: str) -> list[Token]:
    """The words of a sentence.

    Raises:
        NotUnderstood: if a quote is not closed.
    """
    tokens: list[Token] = []
    at, end = 0, len(text.rstrip(" ,\n"))
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            raise NotUnderstood(f"cannot read {text[at:end].strip()!r}")
        kind = str(found.lastgroup)
        if kind == "word" and '"' in found["word"]:
            raise NotUnderstood(f"a quote is not closed, or not alone: {found['word']}")
        tokens.append(Token(found[kind], kind))
        at = found.end()
    return tokens


def compile_form(text: str, slots: Mapping[str, Slot]) -> Form:
    """The form of a text in the notation above; ``slots`` are the kinds that it may name."""
    pieces = _PIECE.findall(text)
    elements, rest = _sequence(pieces, slots)
    assert not rest, f"a bracket too many in {text!r}"
    shown = re.sub(r"(\w+)/\w+", r"\1", text).replace(" [,", "[,")
    return Form(elements, re.sub(r"\{\w+:(\w+)\}", lambda found: _shown(slots[found[1]]), shown))


def _shown(slot: Slot) -> str:
    return "/".join(slot.words) if slot.words else slot.kind


def _sequence(
    pieces: Sequence[tuple[str, ...]], slots: Mapping[str, Slot]
) -> tuple[_Sequence, Sequence[tuple[str, ...]]]:
    """The elements up to a closing bracket, and the pieces from there on."""
    elements: list[_Element] = []
    while pieces:
        opens, closes, name, kind, word = pieces[0]
        if closes:
            return tuple(elements), pieces
        pieces = pieces[1:]
        if opens:
            part, pieces = _sequence(pieces, slots)
            pieces = pieces[1:]
            before = elements.pop() if elements and isinstance(elements[-1], _Options) else None
            known = before.parts if isinstance(before, _Options) else ()
            elements.append(_Options((*known, part)))
        elif kind:
            elements.append(_Value(name, slots[kind]))
        elif word.strip(","):
            elements.append(_Word(tuple(word.strip(",").split("/"))))
    return tuple(elements), pieces


@dataclass(slots=True)
class _Attempts:
    """The farthest that any form got, and what could have stood there."""

    at: int = 0
    words: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    complaint: str | None = None
    after_value: bool = False

    def stopped(self, at: int, element: "_Element | None", complaint: str | None = None) -> None:
        if at < self.at:
            return
        if at > self.at:
            self.at, self.words, self.kinds, self.complaint = at, [], [], None
        if complaint is not None:
            self.complaint = complaint
        elif isinstance(element, _Word):
            _add(self.words, element.spellings[0])
        elif isinstance(element, _Value) and element.slot.words:
            for word in element.slot.words:
                _add(self.words, word)
        elif isinstance(element, _Value):
            _add(self.kinds, element.slot.wants)
        else:
            _add(self.kinds, "the end")


def _add(known: list[str], one: str) -> None:
    if one not in known:
        known.append(one)


def match(tokens: Sequence[Token], forms: Sequence[Form]) -> tuple[int, dict[str, Any]]:
    """The index of the first form that the sentence fits, and the values in its slots.

    Raises:
        NotUnderstood: if it fits none.
    """
    attempts = _Attempts()
    for index, form in enumerate(forms):
        for at, values in _fits(form.elements, tokens, 0, {}, attempts):
            if at == len(tokens):
                return index, values
            attempts.stopped(at, None)
    raise NotUnderstood(_told(tokens, attempts))


def _fits(
    elements: _Sequence,
    tokens: Sequence[Token],
    at: int,
    values: dict[str, Any],
    attempts: _Attempts,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """All ways in which the elements fit from ``at`` on: where they end, with which values."""
    if not elements:
        yield at, values
        return
    first, rest = elements[0], elements[1:]
    if isinstance(first, _Word):
        if at < len(tokens) and tokens[at] in [Token(word) for word in first.spellings]:
            yield from _fits(rest, tokens, at + 1, values, attempts)
        else:
            attempts.stopped(at, first)
    elif isinstance(first, _Value):
        taken = None
        try:
            taken = first.slot.take(tokens[at:]) if at < len(tokens) else None
        except ValueError as error:
            attempts.stopped(at, None, str(error))
            return
        if taken is None:
            attempts.stopped(at, first)
        else:
            known = {**values, first.name: taken.value}
            yield from _fits(rest, tokens, at + taken.tokens, known, attempts)
    else:
        for index, part in enumerate(first.parts):
            others = first.parts[:index] + first.parts[index + 1 :]
            after: _Sequence = (_Options(others), *rest) if others else rest
            for here, known in _fits(part, tokens, at, values, attempts):
                yield from _fits(after, tokens, here, known, attempts)
        yield from _fits(rest, tokens, at, values, attempts)


def _told(tokens: Sequence[Token], attempts: _Attempts) -> str:
    before = " ".join(_spelled(token) for token in tokens[: attempts.at])
    found = _spelled(tokens[attempts.at]) if attempts.at < len(tokens) else "nothing"
    lead = f"after {before!r}: " if before else ""
    if attempts.complaint is not None:
        return lead + attempts.complaint
    near = get_close_matches(found, attempts.words, n=1)
    wanted = ", ".join([*attempts.kinds, *sorted(attempts.words)])
    hint = f"; did you mean {near[0]}?" if near else ""
    if "the end" in attempts.kinds and attempts.at < len(tokens) and not near:
        hint = "; a name of several words stands in double quotes"
    return f"{lead}expected {wanted}, got {found}{hint}"


def _spelled(token: Token) -> str:
    return f'"{token.text}"' if token.kind == "quoted" else token.text
