"""The last score told of a customer, as its row keeps it."""

from typing import Any

import msgspec

from scoring.forecast import Coming

__all__ = ["Emitted", "Told"]

#: A line as it was told: name, kind, points, curve points, value, weight.
Told = tuple[str, str, int, int | None, int | str | None, int]


class Emitted(msgspec.Struct, array_like=True, frozen=True):
    """The last score told to the world: all that a view needs of it."""

    at_ms: int
    card: str
    score: int | None
    band: str
    letter: str | None
    coverage_ppm: int
    lines: list[Told]
    overrides: list[str]
    pending: tuple[str, int, int] | None
    cause: str
    because: str
    delta: int | None
    movers: list[tuple[str, str, int]]
    #: Empty: ``fed`` says it.
    events: list[tuple[str, str]]
    next_ms: int | None
    attributes: dict[str, Any] = {}
    #: Segment, stage, archetype, outlook: kind -> (class, since).
    places: dict[str, tuple[str, int]] = {}
    indicators: dict[str, tuple[int, int | None]] = {}
    #: Further scores: name, score, letter, coverage, lines.
    others: list[tuple[str, int | None, str | None, int, list[Told]]] = []
    #: The way to green: reachable, score, and the steps (measure, points, value).
    way: tuple[bool, int, list[tuple[str, int, int | str | None]]] | None = None
    #: What a person set: since when, who, why, until when.
    not_pursued: tuple[int, str, str, int | None] | None = None
    handled: tuple[int, str, str, int | None] | None = None
    #: What moved or changed (name, kind), and the latest events that fed it, newest first.
    fed: list[tuple[str, str, list[tuple[int, str, str]]]] = []
    #: What comes if nothing happens: the next other band, the next change that is told.
    crossing: Coming | None = None
    next_told: Coming | None = None
    #: Measures whose source is stalled, and since when.
    frozen: dict[str, int] = {}
