"""``vitals worker --processes 2`` on a real broker: shared out, told apart, ended together."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from changelog import healths_of
from event_time import AS_OF_MS, EventTime
from servers.vitals import WorkerServer
from servers.waiting import until
from streams.exits import Exit
from streams.replay import Replay, event_in
from streams.scorecards import shipped_card

pytestmark = pytest.mark.integration

NAMES = ("worker-0", "worker-1")
DAYS = range(95, 100)


def started(stand: EventTime) -> WorkerServer:
    return WorkerServer(stand.directory / "both", *stand.options, "--processes", "2")


def replayed(stand: EventTime) -> dict[str, Any]:
    """What one process without a broker makes of the same events."""
    replay = Replay(
        shipped_card().read_text(), step_ms=86_400_000, disorder_ms=10**11, as_of_ms=AS_OF_MS
    )
    for line in stand.lines(DAYS):
        replay.take(event_in(json.dumps(line).encode()), "lines")
    return replay.finish().customers


def owned(server: WorkerServer) -> dict[str, float]:
    """Signals partitions of each process."""
    return {name: server.metric(f'health_partitions_owned{{process="{name}"}}') for name in NAMES}


def ended(server: WorkerServer) -> str:
    """How it ended, and its whole log."""
    assert until(lambda: not server.is_running, 60), server.tail()
    words, log = server.last_words(), server.log_path.read_text()
    server.forget()
    return f"{words}\n{log}"


def test_two_processes_are_one_worker(
    kafka: Any, redis_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Equal scores, half of the partitions each, one port; a stop, and a named exit."""
    stand = EventTime(kafka.bootstrap, redis_url, topic_prefix, tmp_path)
    stand.feed(DAYS)
    server = started(stand).launch()
    try:
        assert until(stand.is_settled, 60), server.tail()
        assert until(lambda: owned(server) == {"worker-0": 1, "worker-1": 1}, 30), owned(server)
        log = server.log_path.read_text()
        for name in NAMES:
            assert re.search(rf"^{name} \| .* own signals partitions", log, re.MULTILINE), log
        os.kill(server.pid, signal.SIGTERM)
        assert ended(server).startswith("code 0: ")
    finally:
        server.stop()
    assert healths_of(stand.bootstrap, stand.changelog, AS_OF_MS) == replayed(stand)
    assert sorted(path.name for path in (tmp_path / "both" / "data").iterdir()) == [*NAMES]

    stand.lose()
    server.start(lambda: True)
    told = ended(server)
    assert told.startswith(f"code {Exit.CHANGELOG_DAMAGED.value}")
    last = told.splitlines()[-1]
    assert "CHANGELOG_DAMAGED" in last
    assert "vitals state import" in last, "whoever looks at the end of a log finds what to do"
