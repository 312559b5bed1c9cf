"""A start from a snapshot on disk, on a real broker: the same state, and only the rest is read."""

from pathlib import Path
from typing import Any

import pytest

from changelog import rows_of
from event_time import EventTime
from servers.vitals import WorkerServer
from servers.waiting import until
from streams.engine.snapshot_file import Mark, read, write

pytestmark = pytest.mark.integration


def test_s7_a_start_from_a_snapshot_and_one_from_a_snapshot_that_is_not_true(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    stand = EventTime(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    stand.feed(range(95, 100))
    stand.work()
    folder = tmp_path / "data" / f"{topic_prefix}health-score" / "snapshots"
    rows = rows_of(kafka.bootstrap, stand.changelog)
    kept = {partition: read(folder / str(partition)) for partition in rows}
    assert {p: found for p, (_, found) in kept.items()} == rows, "the stop left it"

    from_snapshots, records = begun(stand, tmp_path, rows)
    assert from_snapshots == sum(map(len, rows.values()))
    assert 0 < records <= 6 * len(rows), "only claims, and headers of the time it ran"

    for partition in rows:
        mark, found = read(folder / str(partition))
        found[b"nobody"] = found[next(key for key in found if key[:1] != b"\0")]
        forged = Mark(mark.topic, mark.topic_id, partition, mark.offset, mark.at_ms, len(found))
        write(folder / str(partition), forged, found)
    from_snapshots, records = begun(stand, tmp_path, rows)
    assert records >= sum(map(len, rows.values())), "it was read whole"


def begun(
    stand: EventTime, directory: Path, rows: dict[int, dict[bytes, bytes]]
) -> tuple[float, float]:
    """Rows from snapshots and records from the changelog that a start took; it has all rows."""
    worker = WorkerServer(directory, *stand.options)
    at = worker.log_path.stat().st_size
    worker.launch()
    try:
        assert until(lambda: worker.metric("health_partitions_owned") == len(rows)), worker.tail()
        said = worker.log_path.read_text()[at:]
        assert f"own signals partitions [0, 1]: {sum(map(len, rows.values()))} rows" in said
        return (
            worker.metric("health_snapshot_rows_total"),
            worker.metric("health_restored_records_total"),
        )
    finally:
        worker.kill()
