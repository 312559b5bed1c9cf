"""Records as the Kafka client's C parser makes them.

The client copies each into a ``ConsumerRecord`` of its own, with its topic and
partition, which costs more than to parse it. A chunk is of one partition anyway, which
its message knows, so the copy is left out: ``offset``, ``timestamp`` (Unix ms),
``timestamp_type``, ``key``, ``value`` and ``headers`` are there, no more.
"""

from collections import OrderedDict
from functools import partial
from itertools import islice
from typing import Any

from aiokafka.consumer.fetcher import FetchResult

__all__ = ["hand_out_raw_records"]


def hand_out_raw_records(consumer: Any) -> None:
    """Have a started ``AIOKafkaConsumer`` of the pinned aiokafka hand out raw records."""
    consumer._fetcher._records = _Results()


class _Results(OrderedDict[Any, Any]):
    """What was fetched of each partition and not handed out yet, or the error there."""

    def __setitem__(self, tp: Any, result: Any) -> None:
        if type(result) is FetchResult:  # the client asks for this very type
            # Looked up at each record, and none was unpacked yet.
            result._partition_records._consumer_record = _as_it_is
            result.getall = partial(_all_of, result)
        super().__setitem__(tp, result)


def _as_it_is(_: Any, record: Any) -> Any:
    return record


def _all_of(result: Any, max_records: int | None = None) -> list[Any]:
    """The next so many records of a fetch, without a call for each; fewer are the last."""
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return []
    found = list(islice(result._partition_records._records_iterator, max_records))
    result._update_position()
    if max_records is None or len(found) < max_records:
        result._partition_records = None
    return found
