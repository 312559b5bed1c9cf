"""The broker: reachable, new enough, quick, whole; its topics; and who lags behind."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import ApiVersionRequest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,
)

from schemas.topics import SOURCES
from streams.clock import Clock
from streams.doctor.finding import Finding, fail, ok, warn
from streams.engine.kafka import client_options, rdkafka_options, silent
from streams.engine.topics import TopicState, check_topics, remedy_for
from streams.settings import Settings

__all__ = ["Broker", "protocol_of"]

log = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_SLOW_MS = 250.0
_TRIES, _AGAIN_S = 5, 0.5
_LAG_RECORDS_WARN = 10_000
_PRODUCE, _DESCRIBE_CLUSTER = 0, 60
#: The first Produce version that Kafka 4.0 still takes.
_PRODUCE_SINCE_4 = 3


class Lag(NamedTuple):
    """How far a consumer group is behind."""

    records: int
    deleted: int  # records gone before they were read
    members: int | None  # None: the embedded broker does not tell


class Broker:
    """Examines the broker that the settings name."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        options = rdkafka_options(settings) | {"log_level": 0, "socket.timeout.ms": 8000}
        self._admin = AdminClient(options)
        self._partitions: dict[str, int] = {}

    def reachable(self) -> Finding:
        """Whether it answers, in what time, and whether all replicas are in step.

        Everything else about Kafka is only worth asking when this is not a failure.
        """
        where = self._settings.bootstrap
        try:
            self._admin.list_topics(timeout=_TIMEOUT_S)
            asked_s = self._clock.elapsed_s()
            metadata = self._admin.list_topics(timeout=_TIMEOUT_S)
        except KafkaException as error:
            return fail(
                "Kafka", f"no broker answers at {where} ({error.args[0].str()})",
                "Start one, or name yours with --bootstrap HOST:PORT (VITALS_BOOTSTRAP); check"
                " --kafka-security, certificates and login.",
            )  # fmt: skip
        took_ms = (self._clock.elapsed_s() - asked_s) * 1000
        self._partitions = {name: len(t.partitions) for name, t in metadata.topics.items()}
        prefix = self._settings.topics.prefix + "health."
        behind = sorted(
            name
            for name, topic in metadata.topics.items()
            if name.startswith(prefix)
            and any(len(p.isrs) < len(p.replicas) for p in topic.partitions.values())
        )
        found = f"{len(metadata.brokers)} broker(s) at {where}, answers in {took_ms:.0f} ms"
        if behind:
            return warn(
                "Kafka", f"{found}; replicas are missing or behind: {', '.join(behind)}",
                "Look at the brokers: until replicas catch up another failure can lose data.",
            )  # fmt: skip
        if took_ms > _SLOW_MS:
            return warn("Kafka", found, "Slow: run the worker near the broker.")
        return ok("Kafka", found)

    async def protocol(self) -> Finding:
        """How new the broker is, by what it speaks: its release has no name on the wire."""
        try:
            versions = await self._api_versions()
        except (KafkaError, OSError, TimeoutError) as error:
            return warn("Kafka release", f"not told: {error}", "Any release from 2.8 on will do.")
        return protocol_of(versions, embedded=self._settings.broker_embedded)

    def topics(self) -> Finding:
        """Whether all topics exist and are as exactness needs them."""
        findings = check_topics(self._settings)
        missing = [f.name for f in findings if f.state is TopicState.MISSING]
        wrong = [f"{f.name}: {f.detail}" for f in findings if f.state is TopicState.MISMATCH]
        if wrong:
            return fail("topics", "; ".join(wrong), remedy_for(self._settings, findings))
        if missing:
            return fail(
                "topics", f"{len(missing)} of {len(findings)} missing: {', '.join(missing)}",
                "Create them with `vitals topics --create`.",
            )  # fmt: skip
        return ok("topics", f"{len(findings)} as they must be")

    def groups(self) -> Iterator[Finding]:
        """Each consumer group: its members and its lag."""
        names = self._settings.topics
        for who, group, keys in (
            ("intake", names.group_intake, list(SOURCES)),
            ("score", names.group_score, ["signals"]),
            ("view", names.group_view, ["scores"]),
            ("outreach", names.group_outreach, ["transitions", "actions"]),
        ):
            topics = [names.name(key) for key in keys if names.name(key) in self._partitions]
            yield self._group(who, group, topics)

    def _group(self, who: str, group: str, topics: list[str]) -> Finding:
        about = f"lag of {who}"
        try:
            lag = self._patiently(lambda: self._lag(group, topics))
        except KafkaException as error:
            return warn(
                about, f"cannot be read: {error.args[0].str()}",
                f"Grant Describe on group {group} and on its topics.",
            )  # fmt: skip
        process = "vitals outreach" if who == "outreach" else "vitals worker"
        members = "members not told" if lag.members is None else f"{lag.members} member(s)"
        found = f"{lag.records:,} records, {members}"
        if lag.deleted:
            return fail(
                about, f"{found}; {lag.deleted:,} records were deleted before they were read",
                "Keep them longer (retention); docs/operations.md has exit code 72.",
            )  # fmt: skip
        if lag.members == 0:
            return warn(about, f"{lag.records:,} records, nobody reads", f"Start `{process}`.")
        if lag.records > _LAG_RECORDS_WARN:
            return warn(about, found, f"Wait; if it does not fall, start another `{process}`.")
        return ok(about, found)

    def _patiently(self, ask: Callable[[], Lag]) -> Lag:
        """Ask again for a while: leaders and coordinators move, after a start above all."""
        for _ in range(_TRIES - 1):
            try:
                return ask()
            except KafkaException as error:
                log.debug("asked again: %s", error)
                self._admin.poll(_AGAIN_S)
        return ask()

    def _lag(self, group: str, topics: list[str]) -> Lag:
        parts = [TopicPartition(t, p) for t in topics for p in range(self._partitions[t])]
        members = None
        if not self._settings.broker_embedded:
            asked = self._admin.describe_consumer_groups([group], request_timeout=_TIMEOUT_S)
            members = len(asked[group].result().members)
        if not parts:
            return Lag(0, 0, members)
        first = self._offsets(parts, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        end = self._offsets(parts, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        records = deleted = 0
        for part in self._committed(group, parts):
            key = (part.topic, part.partition)
            position = part.offset if part.offset >= 0 else first[key]
            records += max(0, end[key] - max(position, first[key]))
            deleted += max(0, first[key] - position)
        return Lag(records, deleted, members)

    def _committed(self, group: str, parts: list[TopicPartition]) -> list[TopicPartition]:
        """Asked as a member would, without becoming one.

        Not by the admin client: its process dies in the answer when a coordinator moves.
        """
        options = rdkafka_options(self._settings) | {"group.id": group}
        consumer = Consumer(options, logger=silent())
        try:
            return consumer.committed(parts, timeout=_TIMEOUT_S)
        finally:
            consumer.close()

    def _offsets(self, parts: list[TopicPartition], which: Any) -> dict[tuple[str, int], int]:
        asked = self._admin.list_offsets(dict.fromkeys(parts, which), request_timeout=_TIMEOUT_S)
        return {(p.topic, p.partition): f.result().offset for p, f in asked.items()}

    async def _api_versions(self) -> dict[int, tuple[int, int]]:
        options = client_options(self._settings)
        host, _, port = str(options.pop("bootstrap_servers")).split(",")[0].rpartition(":")
        async with asyncio.timeout(_TIMEOUT_S):
            connection = await create_conn(host.strip("[]"), int(port), **options)
            try:
                answer = await connection.send(ApiVersionRequest())
            finally:
                connection.close()
        return {key: (low, high) for key, low, high in answer.api_versions}


def protocol_of(versions: dict[int, tuple[int, int]], *, embedded: bool) -> Finding:
    """What the range of each request's versions tells of the broker's release."""
    about = "Kafka release"
    if embedded:
        return warn(
            about, "embedded, in memory: nothing survives its end",
            "For a trial only; any Kafka from 2.8 on otherwise.",
        )  # fmt: skip
    if versions.get(_PRODUCE, (0, 0))[0] >= _PRODUCE_SINCE_4:
        return ok(about, "4.0 or newer")
    if _DESCRIBE_CLUSTER in versions:
        return ok(about, "2.8 to 3.9")
    return fail(about, "older than 2.8", "Upgrade the broker to 2.8 or newer.")
