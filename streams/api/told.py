"""What is told beside a score, in words: classes, further scores, groups, the way up. Pure."""

from dataclasses import dataclass
from datetime import datetime

from schemas.scales import Scale
from schemas.scores import Band, Health, Place
from streams.api.shown import label

__all__ = [
    "ClassShown",
    "GroupShown",
    "ScoreShown",
    "WayShown",
    "classes",
    "groups",
    "others",
    "way",
]

#: The kinds of classes in the order in which people read them.
_KINDS = (
    ("segment", "Segment"),
    ("stage", "Stage"),
    ("archetype", "Archetype"),
    ("outlook", "Outlook"),
)
_FULL = 10_000


@dataclass(frozen=True, slots=True)
class ClassShown:
    """A class that the customer is in."""

    kind: str
    label: str
    since: datetime
    says: str


@dataclass(frozen=True, slots=True)
class GroupShown:
    """What a group contributes; ``width`` is percent of the most that it can."""

    name: str
    depth: int
    points: str
    points_exact: str
    of: str
    width: float


@dataclass(frozen=True, slots=True)
class ScoreShown:
    """A further score of the same measures."""

    name: str
    score: str
    exact: str
    letter: str


@dataclass(frozen=True, slots=True)
class WayShown:
    """What it would take to be green, in words; ``steps`` are the measures to move."""

    says: str
    steps: tuple[tuple[str, str], ...]


def classes(health: Health) -> list[ClassShown]:
    """The segment, the stage, the archetype and the outlook, as far as the card has them."""
    found: list[tuple[str, Place | None]] = [
        (kind, getattr(health, field)) for field, kind in _KINDS
    ]
    return [
        ClassShown(kind, label(place.label), place.since, place.says)
        for kind, place in found
        if place is not None
    ]


def groups(health: Health, scale: Scale) -> list[GroupShown]:
    """What each group contributes; one within another follows it, one step further in."""
    return [
        GroupShown(
            name=label(group.name.rpartition(".")[2]),
            depth=group.name.count("."),
            points=scale.total(group.points),
            points_exact=scale.exact(group.points),
            of=scale.most(group.weight_ppm),
            width=_share(group.points, group.weight_ppm),
        )
        for group in health.groups
    ]


def others(health: Health, scale: Scale) -> list[ScoreShown]:
    """The card's further scores."""
    return [
        ScoreShown(
            name=label(one.name),
            score=scale.score(one.score, one.letter),
            exact=scale.exact(one.score),
            letter=one.letter or "–",
        )
        for one in health.scores
    ]


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


def _share(points: int, weight_ppm: int) -> float:
    most = weight_ppm * _FULL // 1_000_000
    return round(100 * min(max(points, 0), most) / most, 2) if most else 0.0
