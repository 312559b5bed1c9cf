"""Waiting for another process: the only place in the tests that sleeps.

Inside one process there is always something to wait on; an event, a task, a manual clock.
Another process can only be asked again and again.
"""

import asyncio
import time
from collections.abc import Callable

__all__ = ["until", "until_async"]

ASK_EVERY_S = 0.05


def until(holds: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """Whether ``holds`` came true before the deadline. Assert on the answer, never on the time."""
    give_up_at = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(ASK_EVERY_S)
    return True


async def until_async(holds: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """The same beside other tasks of this loop."""
    give_up_at = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        await asyncio.sleep(ASK_EVERY_S)
    return True
