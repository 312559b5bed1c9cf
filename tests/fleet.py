"""Several partitions of customers in memory, fed from the same sources, and made into others."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from partitionlog import Log, canonical
from schemas.inbound import InboundEvent
from schemas.signals import LogRecord
from scoring.outputs import Output
from scoring.repartition import Move, Write, uneven
from scoring.row import pack, unpack
from streams.intake.routing import partition_of

__all__ = ["Fleet", "applied", "made_into"]


def made_into(logs: Sequence[Log], to: int) -> list[Log]:
    """The same customers in so many partitions; old logs go on where they end."""
    for log in logs:
        log.fold.checkpoint()
    headers = [log.fold.header for log in logs]
    assert uneven(headers) is None
    ends = [len(log.records) for log in logs] + [0] * (to - len(logs))
    move = Move(headers, ends, lambda customer: partition_of(customer, to))
    written: list[Write] = []
    for partition, log in enumerate(logs):
        written += move.take(partition, dict(log.fold.rows))
    written += move.finish()
    rows = applied([dict(log.fold.rows) for log in logs], written, to)
    found = []
    for partition in range(to):
        old = logs[partition] if partition < len(logs) else logs[0]
        log = Log(
            None, old.mode, old.step_ms, old.as_of_ms,
            partition=partition, rows=rows[partition], offsets=old.offsets,
        )  # fmt: skip
        if partition < len(logs):
            log.records = old.records
        log.fold.check_seal()
        found.append(log)
    return found


def applied(
    rows: list[dict[bytes, bytes]], written: Iterable[Write], to: int
) -> list[dict[bytes, bytes]]:
    """What a restore has of each partition afterwards."""
    rows = rows + [{} for _ in range(to - len(rows))]
    for partition, key, value in written:
        if value is None:
            rows[partition].pop(key, None)
        else:
            rows[partition][key] = value
    return rows


class Fleet:
    """So many partitions; what happens to one happens to all."""

    def __init__(self, partitions: int, **options: Any) -> None:
        self.logs = [Log(partition=p, **options) for p in range(partitions)]
        for log in self.logs:
            log.offsets = self.logs[0].offsets  # a source has one count of offsets
        self.outputs: list[Output] = []

    def where(self, customer: str) -> Log:
        """Where a customer lives."""
        return self.logs[partition_of(customer, len(self.logs))]

    def read(self, append_ms: int, event: InboundEvent) -> None:
        """An event, to its customer's partition."""
        self.where(event.customer_id).read(append_ms, event)

    def each(self, do: Callable[[Log], list[Output]]) -> None:
        """Something for all partitions."""
        for log in self.logs:
            self.outputs += do(log)

    def add(self, record: LogRecord, append_ms: int) -> None:
        """A record into all logs."""
        self.each(lambda log: log.add(record, append_ms))

    def become(self, partitions: int) -> None:
        """Have so many partitions from here on."""
        self.logs = made_into(self.logs, partitions)

    def customers(self) -> dict[str, Any]:
        """All customers in canonical form; each is in one partition."""
        found: dict[str, Any] = {}
        for log in self.logs:
            for customer_id in log.fold.customers():
                assert customer_id not in found
                assert self.where(customer_id) is log
                found[customer_id] = canonical(unpack(pack(log.customer(customer_id))))
        return found

    def told(self) -> dict[str, list[Any]]:
        """What each customer's outputs are, in order."""
        found: dict[str, list[Any]] = {}
        for output in self.outputs:
            if output.topic in ("scores", "transitions"):
                found.setdefault(output.customer, []).append(msgspec.json.decode(output.body))
        return found
