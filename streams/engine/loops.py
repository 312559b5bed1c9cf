"""The event loop of each thread: uvloop's where there is one."""

import asyncio
from collections.abc import Callable

__all__ = ["new_event_loop"]

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # not on every platform
    new_event_loop = asyncio.new_event_loop
