"""What moved a score: by line, by group, and by the events behind each."""

from typing import NamedTuple

from scoring.card import Card
from scoring.emitted import Emitted
from scoring.evaluate import Evaluation
from scoring.recent import Event, Recent, latest

__all__ = ["Change", "Mover", "changes_of", "fed_by", "groups_of", "movers_of"]

#: A line's name, its kind, and what it did to the score, in hundredths.
Mover = tuple[str, str, int]
#: A line or class that changed (name, kind), and the latest events that fed it.
Fed = tuple[str, str, list[Event]]


class Change(NamedTuple):
    """Something other than points that is different now."""

    name: str
    kind: str
    #: It holds now and did not before; False: the other way round.
    begins: bool = True


def movers_of(before: Emitted | None, evaluation: Evaluation) -> tuple[int | None, list[Mover]]:
    """The delta, and what each line did to it, largest first; they add up exactly."""
    if before is None or before.score is None or evaluation.score is None:
        return None, []
    deltas: dict[tuple[str, str], int] = {}
    for line in evaluation.lines:
        deltas[(line.name, line.kind)] = line.points
    for name, kind, points, *_ in before.lines:
        deltas[(name, kind)] = deltas.get((name, kind), 0) - points
    moved = [(name, kind, delta) for (name, kind), delta in deltas.items() if delta]
    moved.sort(key=lambda mover: (-abs(mover[2]), mover[0]))
    return evaluation.score - before.score, moved


def changes_of(before: Emitted | None, evaluation: Evaluation) -> list[Change]:
    """The overrides, classes and indicators that are different from what was told."""
    if before is None:
        return []
    now = evaluation.past
    found = [Change(n, "override") for n in evaluation.overrides if n not in before.overrides]
    found += [
        Change(n, "override", begins=False)
        for n in before.overrides
        if n not in evaluation.overrides
    ]
    found += [
        Change(place.name, kind)
        for kind, place in now.places.items()
        if kind in before.places and before.places[kind][0] != place.name
    ]
    found += [Change(n, "indicator") for n in now.indicators if n not in before.indicators]
    found += [
        Change(n, "indicator", begins=False) for n in before.indicators if n not in now.indicators
    ]
    return found


def fed_by(
    movers: list[Mover],
    changes: list[Change],
    before: Emitted,
    evaluation: Evaluation,
    card: Card,
    recent: Recent,
) -> list[Fed]:
    """The latest events that fed each line that moved and each thing that changed.

    The re-spread is fed by what gave data to a measure, or took it.
    """
    if not recent:
        return []
    found: list[Fed] = []
    named = [(name, kind) for name, kind, _ in movers]
    for name, kind in dict.fromkeys(named + [(change.name, change.kind) for change in changes]):
        keys = card.feeds_of(name, kind)
        if kind == "respread":
            keys = frozenset(
                key
                for measure in _with_or_without(before, evaluation)
                for key in card.feeds_of(measure, "measure")
            )
        events = latest(recent, keys)
        if events:
            found.append((name, kind, events))
    return found


def _with_or_without(before: Emitted, evaluation: Evaluation) -> set[str]:
    """The measures that have data now and had none, or the other way round."""
    had = {name for name, _, _, points, *_ in before.lines if points is not None}
    return had ^ {line.name for line in evaluation.lines if line.curve_points is not None}


def groups_of(movers: list[Mover], card: Card) -> dict[str, int]:
    """What each group did to the delta; one within another has a path with dots.

    The groups at the top and the movers of no group (the re-spread, overrides, children,
    measures that the card has no more) add up to the delta exactly.
    """
    deltas: dict[str, int] = {}
    for name, kind, delta in movers:
        path = card.group_of(name, kind)
        if path is not None:
            parts = path.split(".")
            for depth in range(1, len(parts) + 1):
                group = ".".join(parts[:depth])
                deltas[group] = deltas.get(group, 0) + delta
    return deltas
