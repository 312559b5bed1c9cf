"""What a health says beside its lines, for people: classes, what comes, the way to green. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.scales import Scale
from schemas.scores import Band, Coming, Contribution, Health
from schemas.views import CustomerHealth
from streams.api.shown import label
from streams.clock import to_ms

__all__ = ["Arrival", "Frozen", "Tile", "WayShown", "arrivals", "frozen", "limits", "tiles", "way"]

_KINDS = ("segment", "stage", "archetype", "outlook")
#: A condition as the card writes it: it says nothing to people.
_FORMULA = re.compile(r"[<>=]=|[<>]|^otherwise$|\(")
_SIGNS = {">=": "≥", "<": "<"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One thing that is known of the customer: a class, or a further score."""

    title: str
    value: str
    since: datetime | None = None
    says: str = ""
    #: How it disagrees with the score.
    note: str = ""


def tiles(health: Health, scale: Scale) -> list[Tile]:
    """The classes that the customer is in, and its further scores."""
    found = [
        Tile(
            label(kind),
            label(place.label),
            place.since,
            "" if _FORMULA.search(place.says) else place.says,
            place.disagrees or "",
        )
        for kind in _KINDS
        if (place := getattr(health, kind)) is not None
    ]
    for other in health.scores:
        letter = f" · {other.letter}" if other.letter else ""
        says = "a further score" if other.score is not None else "too little is known"
        found.append(Tile(label(other.name), f"{scale.score(other.score)}{letter}", None, says))
    return found


def limits(health: Health, scale: Scale) -> str:
    """Until where the present band lasts: ``until ≥ 56``."""
    if not health.limits:
        return ""
    words = [f"{_SIGNS[one.operator]} {scale.score(one.score)}" for one in health.limits]
    return f"until {' or '.join(words)}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that comes by itself."""

    #: What comes, before the day; the day is drawn in the reader's own zone.
    before: str
    at: datetime
    #: The day alone: more would say too much.
    about: bool
    after: str
    band: str | None = None


def arrivals(row: CustomerHealth, scale: Scale, now_ms: int) -> list[Arrival]:
    """What comes if nothing happens, the nearest first; what is past is left out."""
    health, found = row.health, []
    if health.pending is not None:
        found.append(
            Arrival(
                f"{label(health.pending.band.value)} is pending: entered",
                health.pending.at, False, "if the score stays there", health.pending.band.value,
            )
        )  # fmt: skip
    told, crossing = health.next_told, health.next_crossing
    if told is not None and crossing is not None and told.at == crossing.at:
        told = None
    if told is not None and scale.score(told.score) != scale.score(health.score):
        found.append(Arrival(_change(told, health, scale), told.at, told.about, ""))
    if crossing is not None and (health.pending is None or crossing.at != health.pending.at):
        turns = "Too little is known from" if crossing.band is Band.UNKNOWN else "Turns"
        on = "" if crossing.band is Band.UNKNOWN else f" {crossing.band.value}"
        score = "" if crossing.score is None else f"at {scale.score(crossing.score)}"
        found.append(
            Arrival(f"{turns}{on}", crossing.at, crossing.about, score, crossing.band.value)
        )
    return sorted((one for one in found if to_ms(one.at) > now_ms), key=lambda one: one.at)


def _change(told: Coming, health: Health, scale: Scale) -> str:
    if told.score is None or health.score is None:
        return "Something changes"
    verb = "Falls" if told.score < health.score else "Rises"
    return f"{verb} to {scale.score(told.score)}"


@dataclass(frozen=True, slots=True)
class Frozen:
    """Measures of one stalled source."""

    names: str
    since: datetime
    until: datetime | None
    #: The limit has passed: they have no data any more.
    is_over: bool = False


def frozen(lines: Iterable[Contribution], now_ms: int) -> list[Frozen]:
    """The measures that keep their value because their source is stalled."""
    by_time: dict[tuple[datetime, datetime | None], list[str]] = {}
    for line in lines:
        if line.frozen_since is not None:
            key = (line.frozen_since, line.frozen_until)
            by_time.setdefault(key, []).append(label(line.name))
    return [
        Frozen(", ".join(names), since, until, until is not None and to_ms(until) <= now_ms)
        for (since, until), names in by_time.items()
    ]


@dataclass(frozen=True, slots=True)
class WayShown:
    """What it would take to be green, in words; ``steps`` are the measures to move."""

    says: str
    steps: tuple[tuple[str, str], ...]


def way(health: Health, scale: Scale) -> WayShown | None:
    """The way to green; None where there is none to go."""
    found = health.way_to_green
    if found is None:
        return None
    score = scale.score(found.score)
    if not found.steps:
        return WayShown(_blocked(health), ())
    steps = tuple(
        (label(step.name), f"{step.says} ({scale.score(step.curve_points)} of {scale.whole})")
        for step in found.steps
    )
    if found.reachable:
        return WayShown(f"The cheapest way to green; it gives {score}:", steps)
    return WayShown(
        f"Green is not within reach of what can be moved. The best that is gives {score}:", steps
    )


def _blocked(health: Health) -> str:
    """Why nothing that can be moved would do."""
    if health.overrides or health.band is Band.RED:
        return "Nothing that can be moved makes it green now."
    return "No measure that can be moved has room left."
