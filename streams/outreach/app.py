"""The outreach process: transitions become actions, actions become messages.

Two agents in one consumer group. ``decide`` reads crossed lines and writes the
outbox; ``deliver`` reads the outbox, writes the notification log and hands over to
the courier. The three topics have equal partitions, so whoever owns a customer's
transitions owns its actions and its lines of the log as well. Beside them each
process counts what the partitions report about activations of scorecards, and folds
what was decided about sources; the owner of the first partition writes one message about
each activation, and about each source that stopped, to the outbox.

An outbox record is acknowledged as soon as its line is durable in the log, not when
the message was delivered: a receiver may be dead for days, and neither the commits of
the others nor a rebalance may wait for it. So the line holds the action whole and
the time of its next attempt; after a restart the open lines are queued again.
"""

import base64
import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from faust.types import TP
from pydantic import BaseModel, ValidationError

from schemas.actions import Action
from schemas.activations import ScorecardApplied
from schemas.dead_letters import RAW_BYTES_MAX, DeadLetter
from schemas.inbound import Reason as DeadReason
from schemas.scores import Transition
from schemas.sources import SourceStopped
from streams.clock import Clock, SystemClock, from_ms
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.engine.batches import BatchWriter
from streams.engine.fatal import end_process, guarded
from streams.engine.topics import require_topics
from streams.exits import Exit
from streams.health import HealthServer, OwnHealth
from streams.metrics import Metrics
from streams.outreach.decide import Decision, Reason, decide
from streams.outreach.delivery import Courier
from streams.outreach.notice import notify
from streams.outreach.notices import Notices
from streams.outreach.summaries import Summaries
from streams.outreach.summary import summarise
from streams.outreach.table_log import TableLog
from streams.runner import Part, run
from streams.settings import Settings
from streams.sinks.base import Sink

__all__ = ["Outreach", "run_outreach"]

logger = logging.getLogger(__name__)

#: At a hand-over and at a stop, sends under way get this long. What is cut off is sent
#: again by the next owner, with the same id: a dead sink costs a repeat, not a rebalance.
RELEASE_S = 1.5

#: Of the outbox and the log: where the messages go that are about no customer.
SUMMARY_PARTITION = 0

_Parsed = TypeVar("_Parsed", bound=BaseModel)


class Outreach:
    """The app of this process, with its courier."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        sinks: list[Sink],
        partitions: int,
    ) -> None:
        topics = settings.topics
        self.app: VitalsApp = build_app(settings, clock, group=topics.group_outreach)
        self.log = TableLog(self.app, topics.name("deliveries"), partitions)
        self.courier = Courier(sinks, self.log, clock, metrics, end_process)
        self._clock = clock
        self._metrics = metrics
        self._sinks = [sink.name for sink in sinks]
        self._base_url = settings.public_url
        self._actions = topics.name("actions")
        self._dead_letters = topics.name("dead_letters")
        self._dead_partitions = 0
        self._summaries = Summaries(settings, self.app, partitions, metrics, self._sum_up)
        self._notices = Notices(settings, self.app, self._tell)
        self.log.table.on_recover(self._restored)
        self.app.before_handover(self._hand_over)
        self.app.task(self._send)
        self.app.task(self._summaries.run)
        self.app.task(self._notices.run)
        self._attach("decide", topics.name("transitions"), partitions, self._decide)
        self._attach("deliver", self._actions, partitions, self._deliver)

    def not_ready(self) -> str | None:
        """Why the process is not ready, None when it is."""
        if self.app.rebalancing or not self.app.started:
            return "partitions are being assigned"
        return None

    async def start(self) -> None:
        """Nothing: the app starts by itself. Here to be a part of the runner."""

    async def stop(self) -> None:
        """Close the sinks; the app has stopped before."""
        await self.courier.close(RELEASE_S)

    def _attach(self, name: str, topic: str, partitions: int, take: Any) -> None:
        async def agent(stream: Any) -> None:
            async for event in self.app.deliveries(stream):
                await guarded(take(event))

        source = chunked_topic(self.app, topic, partitions)
        self.app.agent(source, name=f"outreach-{name}", concurrency=1)(agent)

    async def _send(self) -> None:
        await guarded(self.courier.run())

    async def _restored(self) -> None:
        await guarded(self._take_over())  # Faust would lose an error

    async def _take_over(self) -> None:
        """Partitions were assigned and their lines are here: queue what is open."""
        self.app.lease.begin()
        held = sorted(self.app.assigned(self._actions) & self.log.table.active)
        waiting = sum(self.courier.take_over(p, self.log.lines(p)) for p in held)
        self.log.table.restored.clear()
        self._summaries.begin(owner=SUMMARY_PARTITION in held)
        self._notices.begin(owner=SUMMARY_PARTITION in held)
        logger.info("own partitions %s: %d messages wait", held, waiting)

    async def _hand_over(self) -> None:
        self._summaries.release()
        self._notices.release()
        await self.courier.release_all(RELEASE_S)
        await self.log.written()

    async def _decide(self, event: Any) -> None:
        """A chunk of transitions into the outbox."""
        partition = event.message.partition
        writer = BatchWriter(self.app.batches)
        for record in event.value:
            transition = await self._parse(Transition, event.message.tp, record, writer)
            if transition is None:
                continue
            found = decide(transition, self._sinks, self._clock.now_ms(), self._base_url)
            await self._write(found, writer, partition, transition.subject)
        self.app.lease.check()
        await writer.flush()
        event.ack()

    async def _write(
        self, decisions: Sequence[Decision], writer: BatchWriter, partition: int, key: str
    ) -> None:
        """Decisions into the outbox, or into the counts of what is withheld."""
        for decision in decisions:
            if decision.action is None:
                self._metrics.actions_withheld.labels(decision.reason.value).inc()
                continue
            self._metrics.actions.labels(decision.action.sink).inc()
            value = decision.action.model_dump_json().encode()
            await writer.add(self._actions, partition, key.encode(), value)

    async def _sum_up(self, applied: ScorecardApplied) -> None:
        now_ms = self._clock.now_ms()
        await self._write_new(summarise(applied, self._sinks, now_ms, self._base_url), applied.id)

    async def _tell(self, stopped: SourceStopped) -> None:
        await self._write_new(notify(stopped, self._sinks, self._clock.now_ms()), stopped.id)

    async def _write_new(self, decisions: Sequence[Decision], key: str) -> None:
        """Messages about many customers into the outbox, unless they were there before."""
        writer = BatchWriter(self.app.batches)
        new = [
            decision
            for decision in decisions
            if decision.action is None
            or self.log.get(SUMMARY_PARTITION, decision.action.id) is None
        ]
        await self._write(new, writer, SUMMARY_PARTITION, key)
        self.app.lease.check()
        await writer.flush()

    async def _deliver(self, event: Any) -> None:
        """A chunk of actions into the log; the courier sends them."""
        writer = BatchWriter(self.app.batches)
        tp = event.message.tp
        parsed = [await self._parse(Action, tp, record, writer) for record in event.value]
        await writer.flush()
        actions = [action for action in parsed if action is not None]
        standings = await self.courier.accept(event.message.partition, actions)
        for action, standing in zip(actions, standings, strict=True):
            logger.debug("%s: %s", action.id, standing)
        event.ack()

    async def _parse(
        self, model: type[_Parsed], tp: TP, record: Any, writer: BatchWriter
    ) -> _Parsed | None:
        """The record's value; one that is none becomes a dead letter."""
        try:
            return model.model_validate_json(record.value or b"")
        except ValidationError as error:
            letter = _dead_letter(tp, record, error, self._clock.now_ms())
        self._metrics.dead_letters.labels(tp.topic, letter.reason).inc()
        if not self._dead_partitions:
            found = await self.app.batches.client.partitions_for(self._dead_letters)
            self._dead_partitions = len(found)
        await writer.add(
            self._dead_letters,
            letter.partition % self._dead_partitions,
            letter.key.encode(),
            letter.model_dump_json().encode(),
        )
        return None


def _dead_letter(tp: TP, record: Any, error: ValidationError, now_ms: int) -> DeadLetter:
    raw = record.value or b""
    problem = error.errors(include_url=False, include_input=False)[0]
    not_json = problem["type"] == "json_invalid"
    where = ".".join(map(str, problem["loc"])) or "record"
    return DeadLetter(
        topic=tp.topic,
        partition=tp.partition,
        offset=record.offset,
        reason=DeadReason.EMPTY
        if not raw
        else DeadReason.NOT_JSON
        if not_json
        else DeadReason.INVALID,
        detail=f"{where}: {problem['msg']}"[:1000],
        rejected_at=from_ms(now_ms),
        raw_base64=base64.b64encode(raw[:RAW_BYTES_MAX]).decode(),
        raw_bytes=len(raw),
    )


def run_outreach(settings: Settings, sinks: list[Sink]) -> Exit:
    """Check what must hold, then run until told to stop.

    Raises:
        NamedExit: no broker answers, or a topic is not as it must be.
    """
    partitions = require_topics(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    metrics = Metrics()
    for reason in Reason:  # a reason that never occurred is a zero, not a gap
        if reason is not Reason.SEND:
            metrics.actions_withheld.labels(reason.value)
    outreach = Outreach(settings, SystemClock(), metrics, sinks, partitions)
    parts: list[Part] = [outreach]
    if settings.metrics_port is not None:
        health = OwnHealth(metrics, outreach.not_ready)
        parts.append(HealthServer(settings.metrics_port, health))
    return run([outreach.app], parts)
