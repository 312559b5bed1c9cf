"""When a worker looks again for ticks: often, and seldom while nothing can be due.

To wake up ten times a second and find nothing is a fifth of what an idle worker does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

__all__ = ["IDLE_S", "TickTimer"]

#: A worker whose log says nothing looks that often all the same.
IDLE_S = 1.0


class TickTimer:
    """Waits ``every_s`` between two looks, and longer where nobody is due.

    Then the next look comes when a record of the log was applied (:meth:`applied`): somebody
    was touched, or the sources were read on to an instant at which somebody is due.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._applied = asyncio.Event()

    def applied(self) -> None:
        """Something in the log may have made somebody due."""
        self._applied.set()

    async def run(
        self,
        look: Callable[[], Awaitable[None]],
        is_idle: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]],
        ends: Callable[[], bool],
    ) -> None:
        """Look, again and again, until it ``ends``."""
        while not ends():
            # Before the look: what is applied during it may be too late for it.
            self._applied.clear()
            await look()
            await sleep(self._every_s)
            if is_idle():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._applied.wait(), IDLE_S)
