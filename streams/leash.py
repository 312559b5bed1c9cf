"""Runs a command that dies with its parent: ``python -m streams.leash PARENT_PID COMMAND...``.

Without it a demonstration whose process is killed would leave its children behind.
Linux only (``PR_SET_PDEATHSIG``); elsewhere the command just runs. The signal is
SIGKILL, because nobody is left to wait for a graceful end. The kernel ties it to
the *thread* that started the child: start children from the main thread.
"""

import ctypes
import os
import signal
import sys

__all__ = ["command"]

_PR_SET_PDEATHSIG = 1


def command(argv: list[str]) -> list[str]:
    """``argv``, to be started by this very process."""
    return [sys.executable, "-m", __name__, str(os.getpid()), *argv]


def _main(parent: int, argv: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)  # the parent ended before the kernel knew of the leash
    os.execvp(argv[0], argv)  # noqa: S606 - the parent's own command line


if __name__ == "__main__":
    # Under -m this module is called __main__, so command() above would name it wrongly here.
    _main(int(sys.argv[1]), sys.argv[2:])
