"""A load that comes at a rate, made by a process of its own: who measures is not held up by it."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from bench.contenders import Failed
from bench.load import Maker, Shape, encoded, producer_to, send, source

__all__ = ["Fed", "feeding"]

#: Events are handed over in steps of this length, so that they come evenly.
STEP_S = 0.01
STOP_S_MAX = 30.0


@dataclass
class Fed:
    """What was produced, once it has ended."""

    events_per_s: float = 0.0


@contextmanager
def feeding(bootstrap: str, prefix: str, shape: Shape, rate: float) -> Iterator[Fed]:
    """Events of now, so many a second, until the end of the block."""
    spawn = multiprocessing.get_context("spawn")
    enough, (mine, its) = spawn.Event(), spawn.Pipe()
    process = spawn.Process(
        target=_feed, args=(bootstrap, prefix, shape, rate, enough, its), daemon=True
    )
    process.start()
    fed = Fed()
    try:
        yield fed
        enough.set()
        if not mine.poll(STOP_S_MAX):
            raise Failed("the process that makes the load did not end")
        fed.events_per_s = mine.recv()
    finally:
        process.kill()
        process.join()


def _feed(
    bootstrap: str, prefix: str, shape: Shape, rate: float, enough: Event, answer: object
) -> None:
    producer, maker = producer_to(bootstrap), Maker(shape)
    began_s, count = time.monotonic(), 0
    while not enough.wait(STEP_S):
        now_s = time.time()
        while count < (time.monotonic() - began_s) * rate and not enough.is_set():
            family, key, event = maker.next(now_s)
            send(producer, source(prefix, family), encoded(event), key)
            count += 1
    took_s = time.monotonic() - began_s
    producer.flush(STOP_S_MAX)
    answer.send(count / took_s)
