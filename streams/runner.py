"""Runs Faust apps in this process until a signal, with our exit codes and a deadline for stopping.

Faust's own worker takes seconds to gather its futures and exits 0 or 1. Here a
signal stops the apps gracefully (their work in hand is made durable); a second
signal, or a stop that takes too long, ends the process at once; a crashed app
ends it with 70.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from typing import Any, Protocol

import faust.transport.producer

from streams.collecting import collect_rarely
from streams.engine.app import VitalsApp
from streams.engine.loops import new_event_loop
from streams.exits import STOP_S_MAX, Exit

__all__ = ["Part", "run"]

log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs beside the apps."""

    async def start(self) -> None:
        """Begin; returns when it is running."""

    async def stop(self) -> None:
        """End."""


def run(apps: Sequence[VitalsApp], parts: Sequence[Part] = ()) -> Exit:
    """Run until SIGINT or SIGTERM; the exit code for the process."""
    # Above this many waiting records Faust delays every message and warns about it.
    faust.transport.producer.ProducerBuffer.max_messages = 50_000
    collect_rarely()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_run(apps, parts))


async def _run(apps: Sequence[VitalsApp], parts: Sequence[Part]) -> Exit:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop(number: int) -> None:
        if told.is_set():
            log.warning("second signal: ending at once")
            os._exit(Exit.INTERRUPTED)
        log.info("%s: stopping", signal.Signals(number).name)
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    for part in parts:
        await part.start()
    # Together: each waits for its group to form, which takes seconds on a broker with a delay.
    await asyncio.gather(*(app.start() for app in apps))
    crashed = await _wait(apps, told)
    loop.call_later(STOP_S_MAX, _too_slow)
    for app in apps:
        await app.stop()
    for part in parts:
        await part.stop()
    logging.shutdown()
    if crashed is not None:
        return Exit.INTERNAL
    # What is left are Faust's threads, which have nothing to write any more.
    os._exit(Exit.OK)


async def _wait(apps: Sequence[VitalsApp], told: asyncio.Event) -> Any:
    """Until told to stop, or until an app has crashed; the reason of the crash."""
    waits: list[asyncio.Future[bool]] = [asyncio.ensure_future(told.wait())]
    waits += [asyncio.ensure_future(app._crashed.wait()) for app in apps]  # noqa: SLF001
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    for app in apps:
        if app.crash_reason is not None:
            log.critical("an app crashed: %r", app.crash_reason)
            return app.crash_reason
    return None


def _too_slow() -> None:
    log.critical("stopping took more than %d s: ending at once", STOP_S_MAX)
    logging.shutdown()
    os._exit(Exit.STOP_TIMEOUT)
