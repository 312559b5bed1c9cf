"""Global decisions into each partition's log.

The control topic has one partition. The owner of a signals partition copies its
records into that partition, in order, from the one its header remembers; a copy
made twice changes nothing. So a decision takes effect at one place in each
customer's history, and a replay finds it there. What this release cannot read is
copied with the reason, and decides nothing.
"""

import asyncio
import logging

from schemas import signals
from schemas.control import ScorecardActivated
from scoring.card import hash_of
from scoring.partition import PartitionFold
from streams.clock import Clock, from_ms
from streams.engine.app import VitalsApp
from streams.engine.fatal import guarded
from streams.engine.followed import Followed
from streams.metrics import Metrics
from streams.scorecards import load_card
from streams.scorer.verdict import Verdicts
from streams.settings import Settings

__all__ = ["ControlCopier", "activation"]

log = logging.getLogger(__name__)


def activation(
    text: str,
    name: str,
    version: str,
    *,
    author: str,
    reason: str,
    now_ms: int,
    first: bool = False,
) -> ScorecardActivated:
    """The control record that activates a scorecard's text."""
    return ScorecardActivated(
        at=from_ms(now_ms),
        author=author,
        reason=reason,
        name=name,
        version=version,
        hash=hash_of(text),
        text=text,
        first=first,
    )


class ControlCopier:
    """Reads the control topic, and appends copies to the partitions held here."""

    def __init__(
        self,
        settings: Settings,
        app: VitalsApp,
        folds: dict[int, PartitionFold],
        clock: Clock,
        metrics: Metrics,
        first_card: str,
    ) -> None:
        self._app = app
        self._folds = folds
        self._clock = clock
        self._first_card = first_card
        self._topic = settings.topics.name("control")
        self._log_topic = settings.topics.name("signals")
        self._records: list[tuple[int, bytes | None]] = []
        self._decisions = Followed(settings, self._topic, self._take)
        self._verdicts = Verdicts(metrics)
        self._card_known = False
        self._copied: dict[tuple[int, int], int] = {}

    async def run(self) -> None:
        """Until the app stops."""
        await guarded(self._run())

    async def _run(self) -> None:
        await self._decisions.follow(lambda: self._app.should_stop, self._take_over)

    async def _take_over(self) -> None:
        """At the end only: whether a card is active is known there."""
        if self._decisions.is_at_end():
            await self._ensure_a_card()
            await self._copy()

    def _take(self, offset: int, body: bytes | None) -> None:
        self._records.append((offset, body))

    async def _ensure_a_card(self) -> None:
        """The very first start: activate the card that this process was given.

        Another worker may do so at the same time. The first record in the topic counts.
        """
        if self._card_known or not self._folds:
            return
        self._card_known = True
        if any(fold.card is not None for fold in self._folds.values()) or self._has_a_card():
            return
        card = load_card(self._first_card)
        record = activation(
            self._first_card,
            card.name,
            card.version,
            author="vitals worker",
            reason="first start: no scorecard was active",
            now_ms=self._clock.now_ms(),
            first=True,
        )
        log.info("activating scorecard %s %s", card.name, card.version)
        client = self._app.batches.client
        await client.send_and_wait(self._topic, record.model_dump_json().encode(), partition=0)

    def _has_a_card(self) -> bool:
        """Whether a scorecard was activated that can be used."""
        verdicts = (self._verdicts.on(*record) for record in reversed(self._records))
        return any(
            isinstance(found.decision, ScorecardActivated) and not found.refused
            for found in verdicts
        )

    async def _copy(self) -> None:
        """Append to each partition what it does not have yet."""
        if self._app.rebalancing:
            return
        client = self._app.batches.client
        futures = []
        for partition, fold in list(self._folds.items()):
            key = (partition, id(fold))
            copied = max(self._copied.get(key, -1), fold.header.control_offset)
            for offset, body in self._records:
                if offset > copied:
                    self._app.lease.check()
                    refused = self._verdicts.on(offset, body).refused
                    value = signals.encode(signals.ControlCopy(offset, body or b"", refused))
                    futures.append(await client.send(self._log_topic, value, partition=partition))
                    copied = offset
            self._copied[key] = copied
        if futures:
            await asyncio.gather(*futures)
