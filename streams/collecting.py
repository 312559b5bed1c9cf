"""How often Python looks for cycles: rarely, in a process that holds many states."""

import gc

__all__ = ["collect_rarely"]


def collect_rarely() -> None:
    """Let garbage wait; to be called when what stays for good has been imported.

    States are many containers without cycles: walking all of them again and again was an
    eighth of a worker's time. What has cycles (tasks, tracebacks) is little, and still found.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)
