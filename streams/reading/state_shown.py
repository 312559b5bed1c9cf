"""What the state says of one customer or one partition, as plain, named values.

Times are RFC 3339; an instant that is not known is None.
"""

from typing import Any

from scoring.facts import rfc3339
from scoring.partition import PartitionFold
from scoring.row import HEADER_KEY, NO_CARD, Customer, is_customer, prefix_of
from scoring.seal import Unsealed
from streams.exits import Exit, NamedExit
from streams.intake.routing import partition_of
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import open_topic
from streams.settings import Settings
from streams.worker import fold_policy

__all__ = ["show_customer", "show_partition"]

Shown = dict[str, Any]


async def show_customer(settings: Settings, customer_id: str, on_read: OnRead) -> Shown:
    """What the customer's row says.

    Raises:
        NamedExit: exit code 1 if there is no such row; else see :class:`CustomerRows`.
    """
    fold = await _fold(settings, None, customer_id, on_read)
    customer = fold.customer(customer_id)
    if customer is None:
        raise NamedExit(
            Exit.FAILED,
            f"there is no row of customer {customer_id}; it would be in partition"
            f" {fold.partition}, which has {len(fold.customers())} customers",
        )
    return customer_shown(customer_id, customer, fold)


async def show_partition(settings: Settings, partition: int, on_read: OnRead) -> Shown:
    """What the partition's header says.

    Raises:
        NamedExit: exit code 2 if there is no such partition; else see :class:`CustomerRows`.
    """
    return partition_shown(await _fold(settings, partition, "", on_read))


async def _fold(
    settings: Settings, partition: int | None, customer_id: str, on_read: OnRead
) -> PartitionFold:
    """The fold of a partition, or of that which has the customer."""
    async with open_topic(settings, settings.topics.name("customers")) as changelog:
        rows = CustomerRows(changelog)
        if partition is None:
            partition = partition_of(customer_id, len(rows.partitions))
        if partition not in rows.partitions:
            raise NamedExit(
                Exit.USAGE,
                f"{changelog.topic} has no partition {partition}: it has"
                f" {len(rows.partitions)}, from 0 on",
            )
        span = (await rows.spans())[partition]
        count = Count(on_read)
        count.total = span.end - span.first
        await rows.read(partition, span, count.add)
        return rows.fold(partition, fold_policy(settings))


def customer_shown(customer_id: str, customer: Customer, fold: PartitionFold) -> Shown:
    """A customer's row in names."""
    packed = fold.rows[customer_id.encode()]
    state, told = customer.state, customer.emitted
    kept = {
        name: len(getattr(state, name))
        for name in ("facts", "series", "levels", "tickets", "invoices", "goals", "held")
    }
    return {
        "customer_id": customer_id,
        "partition": fold.partition,
        "state_version": prefix_of(packed).version,
        "bytes": len(packed),
        "position": customer.position,
        "epoch": rfc3339(customer.epoch),
        "sequence": customer.sequence,
        "due_at": _time(customer.due_ms),
        "dirty": customer.dirty,
        "late": customer.late,
        "evaluated_with": None if customer.card == NO_CARD else customer.card.hex(),
        "last_event_at": None if state.last_ms < 0 else rfc3339(state.last_ms),
        "told": None
        if told is None
        else {
            "at": rfc3339(told.at_ms),
            "score": None if told.score is None else told.score / 100,
            "band": told.band,
            "letter": told.letter,
            "cause": told.cause,
            "scorecard_hash": told.card,
        },
        "kept": kept,
        "turned_away": dict(state.overflow),
        "has_parent_or_children": customer.kin is not None,
    }


def partition_shown(fold: PartitionFold) -> Shown:
    """A partition's header in names."""
    header, card = fold.header, fold.card
    try:
        fold.check_seal()
        whole, problem = header.seal is not None, None
    except Unsealed as error:
        whole, problem = False, str(error)
    return {
        "partition": fold.partition,
        "has_header": HEADER_KEY in fold.rows,
        "state_version": header.version,
        "position": header.position,
        "partitions": header.partitions,
        "customers": sum(map(is_customer, fold.rows)),
        "rows": len(fold.rows),
        "bytes": sum(map(len, fold.rows.values())),
        "bands": dict(sorted(fold.bands.items())),
        "tick_at": _time(header.tick_ms or None),
        "scorecard": None
        if card is None
        else {"name": card.name, "version": card.version, "hash": header.card_hash},
        "previous_hash": header.previous_hash or None,
        "activation_under_way": header.activation is not None,
        "control_offset": header.control_offset,
        "sources": dict(sorted(header.sources.items())),
        "read_to": {tp: rfc3339(at_ms) for tp, at_ms in sorted(header.progress_ms.items())},
        "stalled": {topic: rfc3339(at_ms) for topic, at_ms in sorted(header.stalled.items())},
        "sealed": whole,
        "seal_broken": problem,
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)
