"""Where the outputs of a partition's fold go: the topic and partition of each."""

from collections.abc import Awaitable, Callable

from schemas.dead_letters import DeadLetter
from schemas.signals import ROLLUP
from scoring.outputs import Output
from streams.engine.batches import BatchWriter
from streams.metrics import Metrics
from streams.scorer.rollup_blocks import RollupBlocks
from streams.settings import Settings

__all__ = ["OutputWriter"]

_OUTPUTS = ("scores", "transitions", "activations", "dead_letters")
_HEADERS = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


class OutputWriter:
    """Adds outputs to a batch writer, which makes them durable.

    ``route`` knows where an account lives among so many ``partitions``; ``count`` asks the
    broker how many a topic has.
    """

    def __init__(
        self,
        settings: Settings,
        route: Callable[[str], int],
        partitions: int,
        count: Callable[[str], Awaitable[int]],
        metrics: Metrics | None = None,
    ) -> None:
        self._log_topic = settings.topics.name("signals")
        self._names = {key: settings.topics.name(key) for key in _OUTPUTS}
        self._route = route
        self._partitions = partitions
        self._count = count
        self._metrics = metrics

    def rollups(self, partition: int) -> RollupBlocks:
        """For what the accounts of a partition tell others, a chunk at a time."""
        return RollupBlocks(partition, self._route, self._partitions)

    async def add(
        self, writer: BatchWriter, rollups: RollupBlocks, partition: int, output: Output
    ) -> None:
        """Add one output of this partition."""
        if output.topic == "signals":
            rollups.add(output)
            return
        key, topic = output.customer.encode(), self._names[output.topic]
        if output.topic == "dead_letters":
            if self._metrics is not None:
                reason = DeadLetter.model_validate_json(output.body).reason
                self._metrics.dead_letters.labels(ROLLUP, reason).inc()
            await writer.add(topic, partition % await self._count(topic), key, output.body)
        elif output.topic == "activations":
            # Reports about an activation meet in one partition.
            await writer.add(topic, 0, key, output.body)
        else:
            await writer.add(topic, partition, key, output.body, _HEADERS)

    async def add_rollups(self, writer: BatchWriter, rollups: RollupBlocks) -> None:
        """Add what was told to accounts in other partitions."""
        for partition, block in rollups.take():
            await writer.add(self._log_topic, partition, None, block)
