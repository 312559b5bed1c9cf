"""What the broker tells about the run: lag, dead letters, crossings, deliveries.

Blocking; to be called from one thread. It belongs to no consumer group, so it takes
nothing away from the processes it looks at.
"""

import contextlib

from confluent_kafka import (
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,
)
from pydantic import ValidationError

from schemas.actions import Delivery, Outcome
from schemas.scores import Cause, Transition
from schemas.topics import SOURCES, Topics
from streams.demo.tally import Tally

__all__ = ["BrokerWatch"]

_TIMEOUT_S = 5.0
#: That the broker has gone is no news while the demonstration ends.
_QUIET = {"log_level": 2}
_BATCH = 2000
#: Crossings that are about the past: counted, not shown among the latest.
_HISTORY = (Cause.FIRST, Cause.CORRECTION)


class BrokerWatch:
    """Reads the end of the topics into a :class:`~streams.demo.tally.Tally`."""

    def __init__(self, bootstrap: str, topics: Topics, partitions: int) -> None:
        self._bootstrap, self._topics, self._partitions = bootstrap, topics, partitions
        #: They ask where a group stands and never join it. The admin client's way of asking
        #: ends the process when a coordinator moves.
        self._groups: dict[str, Consumer] = {}
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **_QUIET})
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"{topics.prefix}demo-watch",  # required; nothing is committed
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                **_QUIET,
            }
        )
        followed = [topics.name("transitions"), topics.name("deliveries")]
        self._consumer.assign(
            [TopicPartition(name, part, 0) for name in followed for part in range(partitions)]
        )
        self._sent: set[str] = set()

    def look(self, tally: Tally) -> None:
        """Bring the tally up to date.

        Raises:
            confluent_kafka.KafkaException: the broker does not answer.
        """
        sources = [self._topics.source(family) for family in SOURCES]
        signals, dead, scores = (
            self._topics.name(key) for key in ("signals", "dead_letters", "scores")
        )
        ends = self._ends([*sources, signals, dead, scores])
        tally.dead_letters = sum(end for (topic, _), end in ends.items() if topic == dead)
        tally.score_changes = sum(end for (topic, _), end in ends.items() if topic == scores)
        tally.lag_records = {
            "intake": self._lag(self._topics.group_intake, sources, ends),
            "score": self._lag(self._topics.group_score, [signals], ends),
        }
        for message in self._consumer.consume(_BATCH, timeout=0.05):
            if message.error() is None:
                self._read(message, tally)

    def close(self) -> None:
        """Let go of the broker."""
        for consumer in (self._consumer, *self._groups.values()):
            with contextlib.suppress(KafkaException, RuntimeError):
                consumer.close()

    def unread(self) -> int:
        """Source records that intake has not acknowledged yet."""
        sources = [self._topics.source(family) for family in SOURCES]
        return self._lag(self._topics.group_intake, sources, self._ends(sources))

    def _parts(self, topics: list[str]) -> list[TopicPartition]:
        return [TopicPartition(name, part) for name in topics for part in range(self._partitions)]

    def _ends(self, topics: list[str]) -> dict[tuple[str, int], int]:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(
            dict.fromkeys(self._parts(topics), latest), request_timeout=_TIMEOUT_S
        )
        return {
            (part.topic, part.partition): future.result(_TIMEOUT_S).offset
            for part, future in asked.items()
        }

    def _lag(self, group: str, topics: list[str], ends: dict[tuple[str, int], int]) -> int:
        """Records between the group's acknowledged positions and the ends."""
        if group not in self._groups:
            self._groups[group] = Consumer(
                {"bootstrap.servers": self._bootstrap, "group.id": group, **_QUIET}
            )
        held = self._groups[group].committed(self._parts(topics), timeout=_TIMEOUT_S)
        return sum(max(0, ends[p.topic, p.partition] - max(0, p.offset)) for p in held)

    def _read(self, message: Message, tally: Tally) -> None:
        value = message.value()
        if value is None:
            return
        try:
            if message.topic() == self._topics.name("transitions"):
                crossed = Transition.model_validate_json(value).data
                tally.transitions += 1
                if crossed.cause not in _HISTORY:
                    tally.crossings.append(crossed)
                return
            delivery = Delivery.model_validate_json(value)
        except ValidationError:
            return  # its reader, outreach, says what is wrong with it
        if delivery.outcome is Outcome.DELIVERED and delivery.action_id not in self._sent:
            self._sent.add(delivery.action_id)
            tally.deliveries[delivery.sink] += 1
