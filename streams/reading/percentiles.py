"""Snapshots of percentiles: which one is in force, when the next is due, and taking one.

Taken from the customers' rows, as they are in Kafka: the exact values of now, not
those that were told last. Workers go on meanwhile.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from schemas.control import ControlRecord, PercentilesTaken, ScorecardActivated
from scoring.card import Card
from scoring.evaluate import assess
from scoring.partition import FoldPolicy
from scoring.percentiles import CUSTOMERS_MIN
from scoring.portfolio import Portfolio
from scoring.units import Unit
from streams.clock import from_ms, to_ms
from streams.exits import Exit, NamedExit
from streams.reading.activations import activations
from streams.reading.decisions import decisions
from streams.reading.present import present
from streams.reading.terminal import OnRead
from streams.scorecard_pages.wording import amount
from streams.scorecards import load_card
from streams.settings import Settings

__all__ = [
    "InForce",
    "Spread",
    "card_of",
    "in_force",
    "look",
    "next_ms",
    "read_snapshot",
    "spread",
    "take",
    "without_percentiles",
]


class InForce(NamedTuple):
    """The active scorecard, and the snapshot that its scores are made with."""

    active: ScorecardActivated | None
    taken: PercentilesTaken | None


def in_force(decisions: Iterable[ControlRecord]) -> InForce:
    """What acts after these decisions, as a worker reads them, oldest first.

    Activations that changed nothing are not among them. The snapshot of the card before
    the active one is kept for a roll-back, no other.
    """
    active: ScorecardActivated | None = None
    before = ""
    taken: dict[str, PercentilesTaken] = {}
    for each in decisions:
        if isinstance(each, ScorecardActivated):
            if active is None or each.hash != active.hash:
                before, active = "" if active is None else active.hash, each
                taken = {h: one for h, one in taken.items() if h in (before, each.hash)}
        elif (
            isinstance(each, PercentilesTaken)
            and active is not None
            and each.hash in (before, active.hash)
        ):
            taken[each.hash] = each
    return InForce(active, None if active is None else taken.get(active.hash))


def card_of(active: ScorecardActivated) -> Card:
    """The scorecard that was activated, compiled.

    Raises:
        NamedExit: exit code 2, if this release cannot read it.
    """
    return load_card(active.text, f"scorecard of {active.at:%Y-%m-%d %H:%M} UTC")


async def look(settings: Settings) -> InForce:
    """What is in force now.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if a topic is missing.
    """
    counting = {each.offset for each in (await activations(settings)).all if each.counts}
    return in_force(
        decision
        for offset, decision in await decisions(settings)
        if offset in counting or not isinstance(decision, ScorecardActivated)
    )


def next_ms(found: InForce, every_ms: int) -> int:
    """When the next snapshot is due: at once (0) where the active card has none yet."""
    return 0 if found.taken is None else to_ms(found.taken.at) + every_ms


async def take(
    settings: Settings,
    active: ScorecardActivated,
    policy: FoldPolicy,
    *,
    now_ms: int,
    author: str,
    reason: str,
    on_read: OnRead,
) -> PercentilesTaken:
    """The snapshot of now, for the active scorecard; nothing is written.

    Raises:
        NamedExit: see :func:`streams.reading.present.present`.
    """
    card = card_of(active)
    portfolio = Portfolio(card)
    async for customer, moment in present(settings, card, policy, now_ms=now_ms, on_read=on_read):
        portfolio.add(assess(customer.state, customer.past, card, moment, customer.sums))
    return PercentilesTaken(
        at=from_ms(now_ms),
        author=author,
        reason=reason,
        name=card.name,
        version=card.version,
        hash=card.hash,
        groups=portfolio.groups(),
    )


class Spread(NamedTuple):
    """A group for people: the values with the ranks 10, 50 and 90; none below ``fewest``."""

    measure: str
    segment: str | None
    customers: int
    values: tuple[str, ...]
    fewest: int = CUSTOMERS_MIN


def spread(taken: PercentilesTaken, card: Card) -> list[Spread]:
    """How each measure is spread over each group, in the card's units."""
    found = []
    for group in taken.groups:
        spec = card.by_name.get(group.measure)
        unit = Unit.COUNT if spec is None else spec.shown
        values: tuple[str, ...] = ()
        if group.cuts:
            ranks = (1_000, 5_000, 9_000)
            values = tuple(amount(unit, _value_at(group.cuts, rank), 4) for rank in ranks)
        found.append(Spread(group.measure, group.segment, group.customers, values))
    return found


def _value_at(cuts: Sequence[tuple[int, int]], rank: int) -> int:
    """The least value with this rank; the first or last that there is, where none has it."""
    for (low, before), (high, after) in pairwise(cuts):
        if before >= rank:
            return low
        if after >= rank:
            return low + (high - low) * (rank - before) // (after - before)
    return cuts[-1][0]


def read_snapshot(path: Path, *cards: Card) -> PercentilesTaken:
    """The snapshot in a file that ``vitals percentiles show --json`` wrote, for one of the cards.

    Raises:
        NamedExit: exit code 2, if there is none, or it is one of another scorecard.
    """
    try:
        taken = PercentilesTaken.model_validate_json(path.read_bytes())
    except OSError as error:
        raise NamedExit(
            Exit.USAGE, f"{path}: cannot read the percentiles: {error.strerror}"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise NamedExit(
            Exit.USAGE,
            f"{path}: {where}: {first['msg']}. Expected what `vitals percentiles show --json`"
            " writes",
        ) from None
    if taken.hash not in [card.hash for card in cards]:
        wanted = " or ".join(f"{card.name} {card.version} ({card.short_hash})" for card in cards)
        raise NamedExit(
            Exit.USAGE,
            f"{path}: these percentiles were taken for {taken.name} {taken.version}"
            f" ({taken.hash[:16]}), not for {wanted}",
        )
    return taken


def without_percentiles(card: Card, what_to_do: str) -> str:
    """The note that a card's percentile measures have no data where no snapshot is."""
    names = ", ".join(measure.name for measure in card.ranked)
    return f"note: no percentiles, so these measures have no data: {names}. {what_to_do}"
