"""The Faust app of this product, and the factory that builds one.

No app exists before ``build_app`` is called, nothing registers itself, every
agent and table is named explicitly. An app delivers *chunks*: the value of each
event is a list of ``aiokafka`` records of one partition. Agents use
:meth:`VitalsApp.deliveries` and call ``event.ack()`` once all effects of the
chunk are durable.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import faust
from faust.types import TP

from streams.clock import Clock
from streams.engine.fencing import Connect, connector
from streams.engine.fetch_wait import longest_ms
from streams.engine.kafka import client_options, ssl_context
from streams.engine.ownership import Lease
from streams.engine.starting import Standing, Start, gap, start_of
from streams.engine.topics import topic_ids
from streams.engine.transport import ChunkScheduler, Consumer, Producer, Transport
from streams.settings import Settings

__all__ = ["ChunkSchema", "VitalsApp", "build_app", "chunked_topic", "client_id"]

log = logging.getLogger(__name__)

PRODUCER_BATCH_BYTES = 512 * 1024
REQUEST_BYTES_MAX = 4 * 1024 * 1024


class ChunkSchema(faust.Schema[Any, Any]):
    """Hands chunks through untouched. It never raises: an agent decides what is bad."""

    def __init__(self) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw")

    def loads_key(
        self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None
    ) -> Any:
        """No key: a chunk has many."""
        return None

    def loads_value(
        self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None
    ) -> Any:
        """The list of records."""
        return message.value


class VitalsApp(faust.App):
    """A Faust app with our transport, a lease, and a hook that makes work in hand durable."""

    def __init__(
        self,
        *args: Any,
        clock: Clock,
        session_timeout_s: float,
        fetch_max_wait_ms: int,
        accept_gap: bool,
        ask_ids: Callable[[Collection[str]], dict[str, str]],
        connect: Connect,
        **kwargs: Any,
    ) -> None:
        self.clock = clock
        self._accept_gap = accept_gap
        self._ask_ids = ask_ids
        #: Of the topics that are read: what the broker called them when they were created.
        self.topic_ids: Mapping[str, str] = {}
        self._position: Callable[[TP], int | None] | None = None
        self._lost: Callable[[str, int], None] | None = None
        #: Opens a transactional producer.
        self.connect = connect
        self.lease = Lease(clock, session_timeout_s)
        self.fetch_max_wait_ms = fetch_max_wait_ms
        self._settlers: list[Callable[[], Awaitable[None]]] = []
        self._owners: list[Callable[[Collection[TP]], Awaitable[None]]] = []
        self._last: list[Callable[[], Awaitable[None]]] = []
        super().__init__(*args, **kwargs)

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)

    def before_handover(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Have ``settle`` awaited before partitions are handed over and before the app stops.

        It makes durable and acknowledges what is in hand; without it Faust waits
        for ever for chunks that are not acknowledged yet.
        """
        self._settlers.append(settle)

    async def settle(self) -> None:
        """Make durable and acknowledge what is in hand."""
        for settler in self._settlers:
            await settler()

    def after_handover(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have ``work`` awaited at the very end, when others have the partitions already."""
        self._last.append(work)

    async def on_shutdown(self) -> None:
        """Called by Faust when all else of the app has stopped."""
        await super().on_shutdown()
        for work in self._last:
            await work()

    async def connect_producer(self, transactional_id: str) -> Any:
        """A new transactional producer, registered under this id."""
        return await self.connect(transactional_id)

    def before_restore(self, own: Callable[[Collection[TP]], Awaitable[None]]) -> None:
        """Have ``own`` awaited, with partitions of changelogs, before their ends are asked for."""
        self._owners.append(own)

    async def own(self, tps: Collection[TP]) -> None:
        """Be the only one that appends to these partitions of changelogs."""
        for owner in self._owners:
            await owner(tps)

    def state_says(self, position: Callable[[TP], int | None]) -> None:
        """Have reading go on where the state says; None is a partition without a state.

        It raises KeyError for a partition that is not restored.
        """
        self._position = position

    def when_lost(self, count: Callable[[str, int], None]) -> None:
        """Have ``count`` called with a topic and how many records were lost unread in it."""
        self._lost = count

    async def learn_topic_ids(self) -> None:
        """Ask the broker for the ids of the topics that are read."""
        names = {tp.topic for tp in self.consumer.assignment()}
        self.topic_ids = await asyncio.to_thread(self._ask_ids, names)

    def start_of(self, tp: TP, standing: Standing) -> Start | None:
        """Where to begin with a partition; None if its restore is still to come.

        Raises:
            NamedExit: see :func:`streams.engine.starting.start_of`.
        """
        try:
            position = None if self._position is None else self._position(tp)
        except KeyError:
            return None
        start = start_of(
            f"{tp.topic} partition {tp.partition}",
            standing,
            position,
            has_state=self._position is not None,
            accept_gap=self._accept_gap,
        )
        if standing.is_anew:
            log.warning("%s was created anew: it is read from its beginning", tp.topic)
        self._count_lost(tp, start.lost_records)
        return start

    def passed(self, tp: TP, expected: int, begin: int) -> None:
        """Reading went on at ``begin``, the beginning of the topic, and not at ``expected``.

        Raises:
            NamedExit: GAP, unless gaps are accepted.
        """
        if begin > expected and not self._accept_gap:
            raise gap(f"{tp.topic} partition {tp.partition}", expected, begin)
        self._count_lost(tp, max(begin - expected, 0))

    def _count_lost(self, tp: TP, records: int) -> None:
        if records:
            log.warning("%s partition %d: %d records are lost", tp.topic, tp.partition, records)
            if self._lost is not None:
                self._lost(tp.topic, records)

    def abandon(self, event: Any) -> None:
        """Let go of a chunk without acknowledging it: whoever owns it next reads it again.

        Only for the end of a generation (handing over, stopping): a later chunk
        of the partition that is acknowledged would acknowledge this one too.
        """
        self.chunks._unacked_messages.discard(event.message)

    async def deliveries(self, stream: Any) -> AsyncIterator[Any]:
        """The chunks of a stream, each partition's in order and without one missing.

        Each has to be acknowledged, or abandoned.
        """
        async for event in stream.noack().events():
            if await self.chunks.take(event.message):
                yield event
            else:
                self.abandon(event)

    def acknowledge_through(self, event: Any, offset: int) -> None:
        """Acknowledge a chunk up to a record within it, the last one that was handled.

        For a partition of which nothing more is handled before it is read from there again.
        """
        event.message.offset = offset
        event.ack()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        await self.settle()
        await super()._consumer_wait_empty(consumer, logger)

    @property
    def chunks(self) -> Consumer:
        """The consumer, typed."""
        return cast("Consumer", self.consumer)

    @property
    def batches(self) -> Producer:
        """The producer, typed."""
        return cast("Producer", self.producer)

    def assigned(self, topic: str) -> set[int]:
        """The partitions of a topic that this app holds."""
        tps: set[TP] = self.consumer.assignment()
        return {tp.partition for tp in tps if tp.topic == topic}


def build_app(settings: Settings, clock: Clock, *, group: str) -> VitalsApp:
    """An app in consumer group ``group``; agents and tables are attached by the caller."""
    brokers = [f"kafka://{address.strip()}" for address in settings.bootstrap.split(",")]
    session_s = settings.session_timeout_s
    return VitalsApp(
        group,
        clock=clock,
        session_timeout_s=session_s,
        fetch_max_wait_ms=longest_ms(settings),
        accept_gap=settings.accept_gap,
        ask_ids=partial(topic_ids, settings),
        connect=connector(client_options(settings), PRODUCER_BATCH_BYTES, REQUEST_BYTES_MAX),
        autodiscover=False,
        broker=brokers,
        broker_credentials=_credentials(settings),
        broker_client_id=client_id(group),
        store="memory://",
        datadir=Path(settings.data_dir) / group,
        processing_guarantee="at_least_once",
        ConsumerScheduler=ChunkScheduler,
        cython_optimizations=True,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        broker_max_poll_records=settings.chunk_records,
        # What waits before an agent grows older; what waits at the broker makes chunks larger. With
        # 256 an event was 2 s old before it was looked at under load, with 1 a backlog took longer.
        stream_buffer_maxsize=32,
        stream_recovery_delay=0.0,
        broker_commit_interval=1.0,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=max(session_s / 6, 0.3),
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_request_timeout=max(session_s, 30.0),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_acks=-1,
        producer_linger=0.002,
        producer_max_batch_size=PRODUCER_BATCH_BYTES,
        producer_max_request_size=REQUEST_BYTES_MAX,
        producer_request_timeout=30.0,
        stream_wait_empty=True,
        # Its own check ends without a name; ChunkTable has one that counts markers.
        recovery_consistency_check=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


def client_id(group: str) -> str:
    """What a member of a group calls itself: with its release, for whoever upgrades."""
    return f"{group}@{version('customer-vitals')}"


def chunked_topic(app: VitalsApp, name: str, partitions: int | None = None) -> Any:
    """A topic whose events carry chunks."""
    return app.topic(name, schema=ChunkSchema(), partitions=partitions, allow_empty=True)


def _credentials(settings: Settings) -> Any:
    """Faust's credentials object, None for a broker that asks for none."""
    context = ssl_context(settings)
    if settings.kafka_security.startswith("SASL"):
        password = settings.kafka_sasl_password
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=None if password is None else password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
