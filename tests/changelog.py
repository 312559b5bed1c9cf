"""The customers table as its changelog on a real broker holds it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from records import records_of
from schemas import signals
from scoring.partition import FoldPolicy, PartitionFold, TickMode
from scoring.row import newer
from streams.replay import final_health
from streams.scorecards import load_card

__all__ = ["folds_of", "healths_of", "healths_of_log", "rows_of", "ticked_to_ms"]


def rows_of(bootstrap: str, topic: str) -> dict[int, dict[bytes, bytes]]:
    """The rows of each partition, as a restore would have them."""
    rows: dict[int, dict[bytes, bytes]] = defaultdict(dict)
    for message in records_of(bootstrap, topic):
        known, key, value = rows[message.partition()], message.key(), message.value()
        if value is None:
            known.pop(key, None)
        elif newer(key, value, known.get(key)):
            known[key] = value
    return rows


def folds_of(bootstrap: str, topic: str) -> list[PartitionFold]:
    """The folds that a worker would restore right now."""
    policy = FoldPolicy(load_card, TickMode.EVENT)
    return [PartitionFold(p, rows, policy) for p, rows in rows_of(bootstrap, topic).items()]


def ticked_to_ms(bootstrap: str, topic: str) -> int:
    """How far time has passed in all partitions."""
    return min(fold.header.tick_ms for fold in folds_of(bootstrap, topic))


def healths_of(bootstrap: str, topic: str, now_ms: int) -> dict[str, dict[str, Any]]:
    """Each customer's exact health at an instant, from the rows alone."""
    return _healths(folds_of(bootstrap, topic), now_ms)


def healths_of_log(bootstrap: str, topic: str, now_ms: int) -> dict[str, dict[str, Any]]:
    """The same, made by one process of the whole signals log: no crash, no rows, no owner."""
    policy = FoldPolicy(load_card, TickMode.EVENT)
    folds: dict[int, PartitionFold] = {}
    for message in records_of(bootstrap, topic):
        partition = message.partition() or 0
        fold = folds.setdefault(partition, PartitionFold(partition, {}, policy))
        record = signals.decode(message.value() or b"")
        fold.apply(message.offset() or 0, message.timestamp()[1], record)
    return _healths(folds.values(), now_ms)


def _healths(folds: Iterable[PartitionFold], now_ms: int) -> dict[str, dict[str, Any]]:
    found = {}
    for fold in folds:
        assert fold.card is not None
        for customer_id in fold.customers():
            health = final_health(fold, customer_id, now_ms)
            if health is not None:
                found[customer_id] = health
    return found
