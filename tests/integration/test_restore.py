"""How fast many customers are restored: at a start, not ready before; and in a takeover."""

import json
import time
from pathlib import Path
from typing import Any

import aiokafka
import pytest

from changelog import rows_of
from event_time import EventTime
from scoring.header import decode_header, encode_header
from scoring.row import HEADER_KEY, is_customer
from scoring.seal import seal_of
from servers.vitals import WorkerServer
from servers.waiting import until
from streams.engine.fencing import Fence, connector

pytestmark = pytest.mark.soak

CUSTOMERS = 1_000_000
#: Rows of one transaction, as a worker has it after a second of many events.
ROWS = 25_000
BATCH_BYTES, REQUEST_BYTES = 512 * 1024, 4 * 1024 * 1024
READY_S_MAX = 300
#: Of a worker that is killed: what two others have to take over of a million and a half.
TAKEN_OVER = 500_000
SESSION_S = 6


async def multiply(bootstrap: str, changelog: str, customers: int) -> tuple[int, int]:
    """Give each customer as many doubles as make so many; how many rows there are, and bytes."""
    plain = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap)
    options = {"bootstrap_servers": bootstrap}
    fence = Fence(changelog, connector(options, BATCH_BYTES, REQUEST_BYTES))
    found, count, size = rows_of(bootstrap, changelog), 0, 0
    await plain.start()
    try:
        await fence.take(found.keys(), set(), plain)
        for partition, rows in found.items():
            seen = [value for key, value in rows.items() if is_customer(key)]
            wanted = customers // len(found) - len(seen)
            doubles = {
                b"double-%d-%07d" % (partition, n): seen[n % len(seen)] for n in range(wanted)
            }
            listed = list(doubles.items())
            for begin in range(0, wanted, ROWS):
                await fence.write({partition: listed[begin : begin + ROWS]})
            header = decode_header(rows[HEADER_KEY])
            header.seal = seal_of(rows | doubles, HEADER_KEY)
            await fence.write({partition: [(HEADER_KEY, encode_header(header))]})
            count += len(rows) + wanted
            size += sum(len(key) + len(value) for key, value in listed)
    finally:
        await fence.close()
        await plain.stop()
    return count, size


async def test_s8_a_million_customers_are_restored_before_a_worker_is_ready(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    stand = EventTime(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    stand.feed(range(95, 100))
    stand.work()
    rows, size = await multiply(stand.bootstrap, stand.changelog, CUSTOMERS)

    worker = WorkerServer(tmp_path / "new", *stand.options)
    worker.start(lambda: True)
    try:
        assert until(lambda: worker.get("/readyz") is not None, READY_S_MAX), worker.tail()
        told = worker.log_path.read_text()
        restore_s = worker.metric("health_restore_seconds") / 2  # of either partition the same
    finally:
        worker.kill()
    assert f"own signals partitions [0, 1]: {rows} rows" in told, "it was ready before"
    found = {
        "rows": rows,
        "row_bytes": size // CUSTOMERS,
        "seconds": round(restore_s, 1),
        "rows_per_s": int(rows / restore_s),
    }
    print(json.dumps(found, indent=1))


async def test_s9_what_a_killed_worker_had_is_taken_over_from_the_changelog(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    """There is no warm standby: all its rows are read. How long that takes is what is told."""
    stand = EventTime(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    stand.feed(range(95, 100))
    stand.work()
    rows, _ = await multiply(stand.bootstrap, stand.changelog, 2 * TAKEN_OVER)
    session = ("--session-timeout-s", str(SESSION_S))
    killed, other = (
        WorkerServer(tmp_path / name, *stand.options, *session) for name in ("killed", "other")
    )
    try:
        for worker in (killed, other):
            worker.start(lambda: True)
        assert until(
            lambda: [w.metric("health_partitions_owned") for w in (killed, other)] == [1, 1],
            READY_S_MAX,
        ), other.tail()
        killed.kill()
        at_s = time.monotonic()
        assert until(lambda: other.metric("health_partitions_owned") == 2, READY_S_MAX)
        seconds = time.monotonic() - at_s
    finally:
        killed.kill()
        other.kill()
    assert f"own signals partitions [0, 1]: {rows} rows" in other.log_path.read_text()
    found = {
        "rows": rows // 2,
        "seconds": round(seconds, 1),
        "session_timeout_s": SESSION_S,
        "beyond_it_s": round(seconds - SESSION_S, 1),
    }
    print(json.dumps(found, indent=1))
