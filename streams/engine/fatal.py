"""The way out when going on would harm the data.

Faust acknowledges an event whose agent raised, and swallows errors in recovery.
So nothing is raised there: the process ends, with a name, before anything is
acknowledged. What was not acknowledged is read again by whoever comes next.
"""

import logging
import os
import sys
from collections.abc import Awaitable
from typing import NoReturn

from streams.exits import Exit, NamedExit

__all__ = ["end_process", "guarded"]

log = logging.getLogger(__name__)


def end_process(error: BaseException) -> NoReturn:
    """End at once, without clean-up: 70 for a programming error, else the error's own exit code."""
    if isinstance(error, NamedExit):
        log.critical("%s (exit %d, %s)", error.message, error.code, error.code.name)
        code = int(error.code)
    else:
        log.critical("unexpected error, ending the process", exc_info=error)
        code = int(Exit.INTERNAL)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def guarded(work: Awaitable[None]) -> None:
    """Await ``work``; an error of any kind ends the process. Cancellation passes."""
    try:
        await work
    except Exception as error:  # the last resort, and the point of this function
        end_process(error)
