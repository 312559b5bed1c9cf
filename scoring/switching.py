"""From one scorecard to the next: what an activation does to a partition's customers.

The decision takes effect at one place in the log, the customers follow at the
ticks after it. Each of these ticks says what it did, the last one that it was the
last. Nothing is counted beyond a tick: rows may be ahead of the header after a
crash, and a count in the header would lose their customers. The reports are
outputs, durable before any row is.
"""

from collections import Counter
from typing import Any, NamedTuple

import msgspec

from schemas.control import (
    PercentilesTaken,
    ScorecardActivated,
    SourceResumed,
    SourceStalled,
    StateFinalized,
    Undecided,
    decision_in,
)
from schemas.signals import ControlCopy, Tick
from scoring.card import Card
from scoring.cards_in_use import CardsInUse
from scoring.emitted import Emitted
from scoring.facts import reported_mrr, rfc3339
from scoring.frozen import same_card
from scoring.header import Activation, Header
from scoring.moment import Moment
from scoring.outputs import Output, reference_to
from scoring.row import NO_CARD, Customer
from scoring.row_body import CODECS
from scoring.versions import NewerState

__all__ = ["TURNED_RED_MAX", "Switching"]

#: So many of those that turned red are named.
TURNED_RED_MAX = 10


class _Before(NamedTuple):
    """What the card before said of a customer."""

    emitted: Emitted | None
    pending: object


class Switching:
    """Takes over decisions; follows an activation until it has reached everybody."""

    def __init__(self, header: Header, cards: CardsInUse, partition: int) -> None:
        self._header = header
        self._cards = cards
        self._partition = partition
        self._clear()

    def _clear(self) -> None:
        self._evaluated = 0
        self._crossings: Counter[tuple[str, str]] = Counter()
        self._pending: Counter[tuple[str, str]] = Counter()
        self._red: list[tuple[Any, ...]] = []

    def decide(
        self, copy: ControlCopy, offset: int, append_ms: int, at_ms: int
    ) -> tuple[list[Output], bool]:
        """Take over a decision, once; the reports, and whether it concerns all customers.

        What the copier refused decides nothing. Nor does a record that this release
        cannot read: had a newer one changed the state by it, it would have written a
        newer version of the state.

        Raises:
            NewerState: a newer release has finalized a state version that this one does not know.
        """
        header = self._header
        if copy.offset <= header.control_offset:
            return [], False
        header.control_offset = copy.offset
        decision = decision_in(copy.body)
        if isinstance(decision, ScorecardActivated):
            if copy.refused:
                return [self._at_once("refused", decision, copy, offset, at_ms)], False
            if decision.first and header.card_hash:
                return [], False
            if decision.hash == header.card_hash:
                return [self._at_once("done", decision, copy, offset, at_ms)], False
            return self._activate(decision, copy.offset, offset, append_ms, at_ms), True
        if copy.refused or isinstance(decision, Undecided):
            return [], False
        if isinstance(decision, PercentilesTaken):
            return [], self._cards.take_percentiles(copy.offset, decision, copy.body)
        if isinstance(decision, SourceStalled | SourceResumed):
            since_ms = at_ms if isinstance(decision, SourceStalled) else None
            return [], self._cards.stall(decision.topic, since_ms)
        if isinstance(decision, StateFinalized):
            self._finalize(decision.version)
        return [], False  # the others are of intake alone

    def _finalize(self, version: int) -> None:
        """Rows are written in this state version from here on. There is no way back."""
        if version not in CODECS:
            raise NewerState(f"state version {version} was finalized, by a newer release")
        self._header.version = max(self._header.version, version)

    def _activate(
        self,
        decision: ScorecardActivated,
        control_offset: int,
        offset: int,
        append_ms: int,
        at_ms: int,
    ) -> list[Output]:
        """Another card counts from here on; the report of one that was still on its way."""
        outputs, is_first = self._report("replaced", offset, at_ms), self._cards.card is None
        self._cards.activate(decision.hash, decision.text, append_ms, at_ms)
        if not is_first:  # that one moves nobody
            self._header.activation = _activation(decision, control_offset)
        return outputs

    def _at_once(
        self,
        outcome: str,
        decision: ScorecardActivated,
        copy: ControlCopy,
        offset: int,
        at_ms: int,
    ) -> Output:
        """The report of an activation that moves nobody: refused, or of the card that acts."""
        body = {
            **_about(_activation(decision, copy.offset)),
            "partition": self._partition,
            "offset": offset,
            "outcome": outcome,
            "at": rfc3339(at_ms),
            "problem": copy.refused,
        }
        return _output(self._partition, body)

    def before(self, customer: Customer, mark: bytes) -> _Before | None:
        """What to remember of a customer before its evaluation; None if it is moved by none."""
        if (
            self._header.activation is None
            or customer.card == NO_CARD
            or same_card(customer.card, mark)
        ):
            return None
        return _Before(customer.emitted, customer.standing.pending)

    def moved(
        self, before: _Before, customer_id: str, customer: Customer, card: Card, moment: Moment
    ) -> None:
        """A customer was evaluated with the new card for the first time."""
        self._evaluated += 1
        told, emitted = before.emitted, customer.emitted
        if told is None or emitted is None:
            return  # not scored before, or not now
        pending = customer.standing.pending
        if pending is not None and pending is not before.pending:
            self._pending[emitted.band, str(pending)] += 1
        if told.band != emitted.band:
            self._crossings[told.band, emitted.band] += 1
        elif pending is before.pending:
            return
        if "red" not in (emitted.band, pending):
            return
        value = reported_mrr(customer.state, card, moment).get("mrr_reporting_minor")
        red = {
            "customer_id": customer_id,
            "name": customer.state.fact("name"),
            "before": told.band,
            "pending": emitted.band != "red",
            "score_before": told.score,
            "score_after": emitted.score,
            "mrr_minor": customer.state.fact("mrr_minor"),
            "currency": customer.state.fact("currency"),
            "mrr_reporting_minor": value,
        }
        self._red.append(((value is None, -(value or 0), customer_id), red))

    def ticked(self, tick: Tick, offset: int, now_ms: int) -> list[Output]:
        """A tick has been applied: what it did, and whether everybody has been reached."""
        activation = self._header.activation
        if activation is None:
            return []
        # Rounds are cut anew by each owner; one may have begun before the decision.
        if tick.after is None or (
            activation.reached is not None and tick.after <= activation.reached
        ):
            if tick.through is None:
                return self._report("done", offset, now_ms)
            activation.reached = max(activation.reached or "", tick.through)
        return self._report("running", offset, now_ms) if self._evaluated else []

    def _report(self, outcome: str, offset: int, at_ms: int) -> list[Output]:
        activation, card = self._header.activation, self._cards.card
        if activation is None or card is None:
            return []
        self._red.sort(key=lambda entry: entry[0])
        body = {
            **_about(activation),
            "scorecard": reference_to(card),
            "partition": self._partition,
            "offset": offset,
            "outcome": outcome,
            "at": rfc3339(at_ms),
            "evaluated": self._evaluated,
            "crossings": _counted(self._crossings),
            "pending": _counted(self._pending),
            "turned_red": [red for _, red in self._red[:TURNED_RED_MAX]],
        }
        self._clear()
        if outcome != "running":
            self._header.activation = None
        return [_output(self._partition, body)]


def _activation(decision: ScorecardActivated, control_offset: int) -> Activation:
    return Activation(
        control_offset,
        decision.name,
        decision.version,
        decision.hash,
        decision.author,
        decision.reason,
        decision.at.isoformat(),
    )


def _about(activation: Activation) -> dict[str, Any]:
    return {
        "control_offset": activation.control_offset,
        "scorecard": {
            "name": activation.name,
            "version": activation.version,
            "hash": activation.hash,
        },
        "author": activation.author,
        "reason": activation.reason,
        "activated_at": activation.at,
    }


def _counted(crossings: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"before": before, "after": after, "customers": count}
        for (before, after), count in sorted(crossings.items())
    ]


def _output(partition: int, body: dict[str, Any]) -> Output:
    return Output("activations", str(partition), msgspec.json.encode(body))
