"""What two cards would have done over the same events: scores, bands, messages; and the switch.

Both cards score the same lines side by side, each from the beginning, with the
code of ``vitals replay``. Then the second card is activated in the first card's
log, as ``vitals scorecard activate`` does it: what that changes is the switch.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from schemas.control import PercentilesTaken
from schemas.scores import Band, ScorecardRef, Transition, TransitionData
from scoring.card import Card, hash_of
from streams.clock import to_ms
from streams.intake.plain_events import PlainEvents
from streams.outreach.decide import Reason, decide
from streams.replay import Replay, event_in, lines_of

__all__ = ["NOT_SCORED", "Compared", "Crossing", "Histories", "Messages", "compare"]

#: In place of a band, where a card does not score a customer at all.
NOT_SCORED = "not scored"
#: Worst first: the order in which customers are listed.
_ORDER = ("red", "yellow", "unknown", "green", NOT_SCORED)


class Compared(NamedTuple):
    """A customer under both cards. Scores and movers are signed hundredths of a point.

    ``movers`` are the lines that make the difference, (name, kind, delta),
    largest first; they add up to it, and are empty where a side has no score.
    """

    customer_id: str
    name: str | None
    score_before: int | None
    score_after: int | None
    band_before: str
    band_after: str
    movers: tuple[tuple[str, str, int], ...]


class Crossing(NamedTuple):
    """A band that the switch changes: at once, or when the hold of the new band ends."""

    customer_id: str
    band_before: str
    band_after: str
    at_once: bool


class Messages(NamedTuple):
    """What outreach would have decided over the period: reasons and how often; severities sent."""

    decided: Mapping[str, int]
    severities: Mapping[str, int]

    @property
    def sent(self) -> int:
        """How many would have been sent."""
        return self.decided.get(str(Reason.SEND), 0)


@dataclass(frozen=True, slots=True)
class Histories:
    """Both histories, ended at the same instant."""

    as_of_ms: int
    events: int
    rejected: Mapping[str, int]
    first_rejections: Sequence[str]
    customers: tuple[Compared, ...]
    messages_before: Messages
    messages_after: Messages
    switch: tuple[Crossing, ...]
    #: What outreach would do with the crossings that the switch makes at once.
    messages_switch: Messages

    def matrix(self) -> dict[tuple[str, str], int]:
        """How many customers are in a band under the first card and in a band under the second."""
        return dict(Counter((each.band_before, each.band_after) for each in self.customers))

    def moved(self) -> list[Compared]:
        """Who would be in another band, worst new band first, lowest score first."""
        moved = [each for each in self.customers if each.band_before != each.band_after]
        return sorted(
            moved, key=lambda each: (_ORDER.index(each.band_after), each.score_after or 0, each[0])
        )


def compare(
    before: str,
    after: str,
    paths: Sequence[Path],
    *,
    step_ms: int,
    disorder_ms: int,
    as_of_ms: int | None,
    percentiles: Sequence[PercentilesTaken] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Histories:
    """Both cards (as texts) over the events in files, which are read once.

    ``percentiles`` may hold a snapshot for each card. ``progress`` hears of bytes read. The
    other arguments are those of a replay.

    Raises:
        NamedExit: exit code 2, if a card is wrong or a file cannot be read.
    """
    first, second = (
        Replay(
            text,
            step_ms=step_ms,
            disorder_ms=disorder_ms,
            as_of_ms=as_of_ms,
            percentiles=next((each for each in percentiles if each.hash == hash_of(text)), None),
        )
        for text in (before, after)
    )
    plain = PlainEvents()
    for line, path, number in lines_of(paths, progress):
        said = event_in(line, plain)  # once for both
        first.take(said, path, number)
        second.take(said, path, number)
    old, new = first.finish(), second.finish()
    messages_before, messages_after = (
        _messages(old.changes, first.card), _messages(new.changes, second.card),
    )  # fmt: skip
    waiting = first.pending()
    changes = first.switch(after)
    return Histories(
        as_of_ms=old.as_of_ms,
        events=old.events,
        rejected=old.rejected,
        first_rejections=old.first_rejections,
        customers=tuple(
            _compared(customer_id, old.customers.get(customer_id), new.customers.get(customer_id))
            for customer_id in sorted({*old.customers, *new.customers})
        ),
        messages_before=messages_before,
        messages_after=messages_after,
        switch=_crossings(changes, waiting, first.pending()),
        messages_switch=_messages(changes, second.card),
    )


def _compared(
    customer_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Compared:
    known = after or before or {}
    return Compared(
        customer_id,
        known["name"],
        None if before is None else before["score"],
        None if after is None else after["score"],
        NOT_SCORED if before is None else before["band"],
        NOT_SCORED if after is None else after["band"],
        _movers(before, after),
    )


def _movers(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[tuple[str, str, int], ...]:
    """What each line does to the difference of two scores; they add up to it exactly."""
    if before is None or after is None or before["score"] is None or after["score"] is None:
        return ()
    deltas: Counter[tuple[str, str]] = Counter()
    for sign, health in ((-1, before), (1, after)):
        for line in health["contributions"]:
            deltas[line["name"], line["kind"]] += sign * line["points"]
    moved = [(name, kind, delta) for (name, kind), delta in deltas.items() if delta]
    return tuple(sorted(moved, key=lambda mover: (-abs(mover[2]), mover[0])))


def _messages(changes: Iterable[Mapping[str, Any]], card: Card) -> Messages:
    """What outreach decides about the crossings among these changes, each read in time."""
    decided: Counter[str] = Counter()
    severities: Counter[str] = Counter()
    for change in changes:
        if change["band_before"] == change["band_after"]:
            continue
        crossing = _transition(change, card)
        for decision in decide(crossing, ("diff",), to_ms(crossing.time)):
            decided[str(decision.reason)] += 1
            if decision.action is not None:
                severities[str(decision.action.message.severity)] += 1
    return Messages(dict(decided), dict(severities))


def _transition(change: Mapping[str, Any], card: Card) -> Transition:
    """The crossed line that a change is, as outreach reads it; its lines stay behind."""
    customer_id = change["customer_id"]
    return Transition(
        id=f"{customer_id}/{change['epoch']}-{change['sequence']}/band",
        source="/vitals/scorecard-diff",
        subject=customer_id,
        time=change["at"],
        data=TransitionData(
            customer_id=customer_id,
            epoch=change["epoch"],
            sequence=change["sequence"],
            scorecard=ScorecardRef(name=card.name, version=card.version, hash=card.hash),
            cause=change["cause"],
            before=None if change["band_before"] is None else Band(change["band_before"]),
            after=Band(change["band_after"]),
            score_before=change["score_before"],
            score_after=change["score_after"],
            because=change["because"],
            movers=change["movers"],
            events=(),
            contributions=(),
        ),
    )


def _crossings(
    changes: Iterable[Mapping[str, Any]],
    waiting: Mapping[str, tuple[str, str]],
    pending: Mapping[str, tuple[str, str]],
) -> tuple[Crossing, ...]:
    """The bands that changed, and those that began to wait for a hold with the switch."""
    at_once = [
        Crossing(
            change["customer_id"], change["band_before"] or NOT_SCORED, change["band_after"], True
        )
        for change in changes
        if change["band_before"] != change["band_after"]
    ]
    later = [
        Crossing(customer_id, *bands, False)
        for customer_id, bands in pending.items()
        if waiting.get(customer_id) != bands
    ]
    return tuple(sorted([*at_once, *later]))
