"""Starts ``vitals`` with a bad day: it dies at a named point, lies about the time, or is broken.

    python tests/chaos/launch.py --fail-at rows:3 worker --bootstrap ...

The product has no such switches: they are put on from outside, by the names of its methods.
"""

import inspect
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.waiting import until_async
from streams.engine import batches, broker_clock, fencing, ownership, transport
from streams.intake import agents
from streams.repartition import changing, moving
from streams.scorer import agent
from streams.sinks import webhook

__all__ = ["BROKEN", "OUTREACH_POINTS", "POINTS", "STEPS"]

#: So long after the acknowledgement a broken intake writes: longer than commits are apart.
LATE_S = 3.0
#: Fail point -> where it lies, and whether the process dies before or after it.
POINTS: dict[str, tuple[Any, str, str]] = {
    "fold": (agent.Scorer, "_apply", "after"),
    "outputs": (agent.Scorer, "_make_outputs_durable", "after"),
    "rows": (batches.BatchWriter, "flush", "after"),
    "transaction": (fencing.Fence, "write", "after"),
    "acknowledgement": (agent.Scorer, "_acknowledge", "before"),
    "commit": (transport.ConsumerThread, "commit", "before"),
    "block": (batches.BatchWriter, "_send", "after"),
    "restore": (agent.Scorer, "_rebuild", "before"),
}
#: Around a receiver's answer: it has taken the message and we do not know, or have not said so.
OUTREACH_POINTS: dict[str, tuple[Any, str, str]] = {
    "sink": (webhook, "read_status", "before"),
    "answer": (webhook.WebhookSink, "deliver", "after"),
}
#: Of `vitals repartition`: after topics were changed, rows written, rows moved.
STEPS: dict[str, tuple[Any, str, str]] = {
    "grown": (changing, "grow_topics", "after"),
    "rows-written": (moving.Mover, "_write", "after"),
    "rows-moved": (moving.Mover, "run", "after"),
}


def die_at(point: str, times: int) -> None:
    """End the process by SIGKILL at the so-many-th passage of a point."""
    owner, name, when = (POINTS | OUTREACH_POINTS | STEPS)[point]
    known, passed = getattr(owner, name), [0]

    def passing() -> None:
        passed[0] += 1
        if passed[0] >= times:
            os.kill(os.getpid(), signal.SIGKILL)

    if not inspect.iscoroutinefunction(known):

        def dying(*given: Any, **more: Any) -> Any:
            if when == "before":
                passing()
            found = known(*given, **more)
            if when == "after":
                passing()
            return found

        setattr(owner, name, dying)
        return

    async def dying_soon(*given: Any, **more: Any) -> Any:
        if when == "before":
            passing()
        found = await known(*given, **more)
        if when == "after":
            passing()
        return found

    setattr(owner, name, dying_soon)


def shift_clock(offset_s: int) -> None:
    """Have the process believe another time: all of it, the Kafka client too."""
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + offset_s
    time.time_ns = lambda: nanoseconds() + offset_s * 1_000_000_000


def in_the_past(seconds: int) -> None:
    """Have it all happen so long ago: by this clock, and by the broker's as the process sees it."""
    shift_clock(-seconds)
    honest = broker_clock.BrokerClock.observe

    def observe(self: Any, sent_ms: int, stamped_ms: int, answered_ms: int) -> None:
        honest(self, sent_ms, stamped_ms - seconds * 1000, answered_ms)

    broker_clock.BrokerClock.observe = observe


def no_disk() -> None:
    """A full disk: nothing can be written to any file any more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def cut_off() -> None:
    """No heartbeat reaches the coordinator; all else goes on."""
    from aiokafka.consumer import group_coordinator

    async def unheard(self: Any) -> bool:
        return False

    group_coordinator.GroupCoordinator._do_heartbeat = unheard


def acknowledge_first() -> None:
    """Broken: intake acknowledges what it has not written yet."""
    durable = agents.Intake._write

    async def too_late(self: Any, tp: Any, result: Any) -> None:
        async def write() -> None:
            await until_async(lambda: False, LATE_S)
            await durable(self, tp, result)

        self.app.add_future(write())

    agents.Intake._write = too_late


def no_fence() -> None:
    """Broken: rows go through a producer that nobody fences, and no lease is looked at."""

    async def write(self: Any, rows: Any) -> dict[int, int]:
        ends = {}
        for partition, each in rows.items():
            writer = batches.BatchWriter(NO_FENCE["producer"])
            for key, value in each:
                await writer.add(self.changelog, partition, key, value)
            await writer.flush()
            ends[partition] = writer.last_offsets[self.changelog, partition]
        return ends

    take = fencing.Fence.take

    async def remember(self: Any, partitions: Any, lost: Any, claims: Any) -> None:
        NO_FENCE["producer"] = batches.OwnClient(claims)
        await take(self, partitions, lost, claims)

    fencing.Fence.write, fencing.Fence.take = write, remember
    ownership.Lease.check = lambda self: None


NO_FENCE: dict[str, Any] = {}
#: Broken build -> what breaks it.
BROKEN: dict[str, Callable[[], None]] = {
    "acknowledge-first": acknowledge_first,
    "no-fence": no_fence,
}


def main() -> None:
    """Take our options, leave the rest to ``vitals``."""
    arguments = sys.argv[1:]
    while arguments and arguments[0].startswith("--"):
        name, value = arguments[0], arguments[1]
        arguments = arguments[2:]
        if name == "--fail-at":
            point, _, times = value.partition(":")
            die_at(point, int(times or 1))
        elif name == "--clock-offset-s":
            shift_clock(int(value))
        elif name == "--ago-s":
            in_the_past(int(value))
        elif name == "--broken":
            BROKEN[value]()
        elif name == "--trouble":
            {"no-disk": no_disk, "cut-off": cut_off}[value]()
        else:
            sys.exit(f"{name}: no such option")
    sys.argv = ["vitals", *arguments]
    from streams.__main__ import main as vitals

    vitals()


if __name__ == "__main__":
    main()
