"""Exit codes, and the errors that lead to them.

A person at a terminal gets one message (what, where, what to do) and a code
that a supervisor can act on; a traceback only with ``--log-level debug``.
"""

from enum import IntEnum

__all__ = ["STOP_S_MAX", "Exit", "NamedExit"]

#: An orderly stop of a process takes no longer; after it the process ends with STOP_TIMEOUT.
STOP_S_MAX = 25.0


class Exit(IntEnum):
    """Why a process ended. The values are documented in docs/operations.md: never renumber."""

    OK = 0
    FAILED = 1
    USAGE = 2  # wrong option, wrong scorecard or mapping, no broker, no Redis
    INTERRUPTED = 130
    # 64 and up: the engine ended itself to protect the data; a supervisor should restart it
    # (70, 75) or page somebody (71 to 74), because a restart alone will not help.
    INTERNAL = 70
    TOPIC_MISMATCH = 71
    GAP = 72
    CHANGELOG_DAMAGED = 73
    STATE_VERSION = 74
    OWNERSHIP_LOST = 75
    STOP_TIMEOUT = 76


class NamedExit(Exception):
    """An end with a name: the message says what, where and what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
