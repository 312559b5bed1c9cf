"""Every Kafka name, spelled once: topics, tables, consumer groups.

A name on the broker is ``<prefix><name>``; the prefix separates environments
(``staging.`` say) on one cluster. The settings of each topic that exactness
depends on stand here too, so that ``vitals topics`` can create and check them.
"""

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["SOURCES", "Partitions", "Topic", "Topics"]

DAY_MS = 86_400_000

#: Source topics by family, in the order in which intake subscribes to them.
SOURCES = {
    "accounts": "health.accounts.v1",
    "usage": "health.usage.v1",
    "tickets": "health.tickets.v1",
    "billing": "health.billing.v1",
    "engagement": "health.engagement.v1",
    "redrive": "health.redrive.v1",
}


class Partitions(StrEnum):
    """Where a topic's partition count comes from."""

    SOURCE = "source"  # any count: intake routes by customer, not by partition
    SIGNALS = "signals"  # fixed at creation: state is split by it
    ONE = "one"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name without prefix, what it is for, and what must hold on the broker."""

    name: str
    purpose: str
    partitions: Partitions
    config: dict[str, str] = field(default_factory=dict)


_COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": "600000",
    "min.compaction.lag.ms": "600000",
}
_SOURCE_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": str(30 * DAY_MS),
    "max.message.bytes": "4194304",
}

TOPICS: dict[str, Topic] = {
    **{
        family: Topic(name, f"{family} events in", Partitions.SOURCE, _SOURCE_CONFIG)
        for family, name in SOURCES.items()
    },
    "signals": Topic(
        "health.signals.v1",
        "one ordered log per partition of customers: signals, ticks, progress, control copies",
        Partitions.SIGNALS,
        {
            "cleanup.policy": "delete",
            "retention.ms": str(30 * DAY_MS),
            "message.timestamp.type": "LogAppendTime",
        },
    ),
    "control": Topic(
        "health.control.v1",
        "global decisions: scorecard activations, stalled sources, pauses of intake",
        Partitions.ONE,
        {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
    ),
    "activations": Topic(
        "health.activations.v1",
        "what each partition of customers made of a scorecard's activation",
        Partitions.ONE,
        {"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)},
    ),
    "customers": Topic(
        "health.customers.v1",
        "changelog of the customers table: one row per customer, header rows per partition",
        Partitions.SIGNALS,
        _COMPACTED,
    ),
    "scores": Topic(
        "health.scores.v1",
        "every score change (CloudEvents)",
        Partitions.SIGNALS,
        {"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)},
    ),
    "transitions": Topic(
        "health.transitions.v1",
        "every crossed line (CloudEvents)",
        Partitions.SIGNALS,
        {"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)},
    ),
    "dead_letters": Topic(
        "health.dead-letters.v1",
        "records that could not become signals, with the reason",
        Partitions.SOURCE,
        {
            "cleanup.policy": "delete",
            "retention.ms": str(90 * DAY_MS),
            "max.message.bytes": "4194304",
        },
    ),
    "redrives": Topic(
        "health.redrives.v1",
        "what became of dead letters: sent again or dropped, by whom and why",
        Partitions.ONE,
        _COMPACTED,
    ),
    "actions": Topic(
        "health.actions.v1",
        "outbox: what outreach decided to send, one record per sink",
        Partitions.SIGNALS,
        {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)},
    ),
    "deliveries": Topic(
        "health.deliveries.v1",
        "notification log: intent and outcome of every delivery",
        Partitions.SIGNALS,
        _COMPACTED,
    ),
}


@dataclass(frozen=True, slots=True)
class Topics:
    """The names as they are on the broker, under one prefix."""

    prefix: str = ""

    def name(self, key: str) -> str:
        """The broker's name of a topic, by its key in :data:`TOPICS`."""
        return self.prefix + TOPICS[key].name

    def source(self, family: str) -> str:
        """The broker's name of a family's source topic."""
        return self.prefix + SOURCES[family]

    def family(self, topic: str) -> str:
        """The family whose source topic this is."""
        return next(family for family in SOURCES if self.source(family) == topic)

    @property
    def group_intake(self) -> str:
        """Consumer group of the intake agents."""
        return f"{self.prefix}health-intake"

    @property
    def group_score(self) -> str:
        """Consumer group of the score agent."""
        return f"{self.prefix}health-score"

    @property
    def group_outreach(self) -> str:
        """Consumer group of the outreach process."""
        return f"{self.prefix}health-outreach"

    @property
    def group_view(self) -> str:
        """Consumer group of the process that keeps the Redis view."""
        return f"{self.prefix}health-view"
