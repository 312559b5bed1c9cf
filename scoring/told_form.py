"""What was told last, in fewer bytes: its form in a row from state version 2 on.

A row spends most on names that it has anyway. So the lines of a score are in columns: the usual
kind is not said, weights are divided by what divides them all. A line of a further score is the
number of the same line of the main score; places that the last evaluation found too are left out.
Nothing depends on a scorecard: what was told under an old one is read without it.

Columns also take less time: each is read and written by one call.
"""

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Annotated, Any

import msgspec

from scoring.classes import Place
from scoring.emitted import Emitted, Told

__all__ = ["pack_told", "unpack_told"]

_USUAL = "measure"
#: Products of the two fit into 64 bits, so nothing has to be looked at when they are read.
_WEIGHT_MAX, _DIVISOR_MAX = 2**40, 2**20
_Weights = Sequence[Annotated[int, msgspec.Meta(ge=-_WEIGHT_MAX, le=_WEIGHT_MAX)]]
_Divisor = Annotated[int, msgspec.Meta(ge=1, le=_DIVISOR_MAX)]


class _Lines(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Lines of the main score, in columns."""

    names: Sequence[str]
    #: Where they are not the usual one.
    kinds: dict[int, str]
    points: Sequence[int]
    curve_points: Sequence[int | None]
    values: Sequence[int | str | None]
    #: Of all of them, and what is left of each.
    divisor: _Divisor
    weights: _Weights


class _Further(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Lines of a further score: where the main one has them, with what is their own."""

    at: list[Annotated[int, msgspec.Meta(ge=0)]]
    points: list[int]
    divisor: _Divisor
    weights: _Weights


class _Told(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was told, without the four that stand beside it in another form."""

    bare: Emitted
    #: 32 bytes; empty: ``bare`` has it, it is no hash.
    card: bytes
    #: None: ``bare`` has them, a weight is too great.
    lines: _Lines | None
    #: In the order of ``bare.others``; None: lines that the main score has not, ``bare`` has them.
    further: list[_Further | None]
    #: None: those of the last evaluation.
    places: dict[str, tuple[str, int]] | None


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[_Told | None] = msgspec.msgpack.Decoder(_Told | None)
_replace: Callable[..., Emitted] = msgspec.structs.replace
_set = msgspec.structs.force_setattr


def pack_told(emitted: Emitted | None, found: Mapping[str, Place]) -> bytes:
    """What was told, beside places that the last evaluation ``found``."""
    if emitted is None:
        return _encoder.encode(None)
    card = _hash(emitted.card)
    lines = emitted.lines
    names, kinds, points, curve_points, values, weights = _columns(lines)
    divided = _divided(weights)
    columns = None
    if divided is not None:
        usual = {n: kind for n, kind in enumerate(kinds) if kind != _USUAL}
        columns = _Lines(names, usual, points, curve_points, values, *divided)
    further: list[_Further | None] = []
    others = []
    if emitted.others:
        at = {name: n for n, name in enumerate(names)}
        for name, score, letter, coverage_ppm, own in emitted.others:
            short = _further(own, lines, at)
            further.append(short)
            others.append((name, score, letter, coverage_ppm, own if short is None else []))
    bare = _replace(
        emitted,
        card="" if card else emitted.card,
        lines=lines if columns is None else [],
        others=others,
        places={},
    )
    places = None if emitted.places == found else emitted.places
    return _encoder.encode(_Told(bare, card, columns, further, places))


def unpack_told(packed: bytes | msgspec.Raw, found: Mapping[str, Place]) -> Emitted | None:
    """What :func:`pack_told` packed.

    Raises:
        msgspec.MsgspecError, ValueError: if it is damaged.
    """
    told = _decoder.decode(packed)
    if told is None:
        return None
    emitted, lines = told.bare, told.bare.lines
    if told.lines is not None:
        lines = _rows(told.lines)
        _set(emitted, "lines", lines)
    if told.card:
        _set(emitted, "card", told.card.hex())
    if told.further:
        others = [
            other if short is None else (*other[:4], _lines_of(short, lines))
            for other, short in zip(emitted.others, told.further, strict=True)
        ]
        _set(emitted, "others", others)
    places = told.places
    if places is None:
        places = {kind: (place[0], place[1]) for kind, place in found.items()}
    _set(emitted, "places", places)
    return emitted


def _columns(lines: Sequence[Told]) -> Sequence[Sequence[Any]]:
    return list(zip(*lines, strict=True)) if lines else [()] * 6


def _rows(columns: _Lines) -> list[Told]:
    kinds: list[str] = [_USUAL] * len(columns.names)
    for n, kind in columns.kinds.items():
        if not 0 <= n < len(kinds):
            raise ValueError(f"a line {n} of {len(kinds)}")
        kinds[n] = kind
    divisor = columns.divisor
    return list(
        zip(
            columns.names,
            kinds,
            columns.points,
            columns.curve_points,
            columns.values,
            columns.weights if divisor == 1 else map(divisor.__mul__, columns.weights),
            strict=True,
        )
    )


def _hash(card: str) -> bytes:
    """A hash as bytes; empty if it is none."""
    try:
        found = bytes.fromhex(card)
    except ValueError:
        return b""
    return found if found.hex() == card else b""


def _divided(weights: Sequence[int]) -> tuple[int, Sequence[int]] | None:
    """What divides all of them, and what is left of each; None: one is too great."""
    if weights and not -_WEIGHT_MAX <= min(weights) <= max(weights) <= _WEIGHT_MAX:
        return None
    divisor = gcd(*weights)
    if not 1 < divisor <= _DIVISOR_MAX:
        return 1, weights
    return divisor, [weight // divisor for weight in weights]


def _further(own: Sequence[Told], lines: Sequence[Told], at: Mapping[str, int]) -> _Further | None:
    try:
        where = [at[line[0]] for line in own]
    except KeyError:
        return None
    for n, line in zip(where, own, strict=True):
        main = lines[n]
        if main[3] != line[3] or main[4] != line[4] or main[1] != line[1]:
            return None
    divided = _divided([line[5] for line in own])
    if divided is None:
        return None
    return _Further(where, [line[2] for line in own], *divided)


def _lines_of(short: _Further, lines: Sequence[Told]) -> list[Told]:
    if short.at and max(short.at) >= len(lines):
        raise ValueError(f"a line {max(short.at)} of {len(lines)}")
    divisor = short.divisor
    main = map(lines.__getitem__, short.at)
    return [
        (line[0], line[1], points, line[3], line[4], weight * divisor)
        for line, points, weight in zip(main, short.points, short.weights, strict=True)
    ]
