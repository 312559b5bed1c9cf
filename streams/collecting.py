"""What a process that holds many states does with memory: rare searches for cycles, none kept."""

import ctypes
import gc

__all__ = ["collect_rarely", "give_back"]


def collect_rarely() -> None:
    """Let garbage wait; to be called when what stays for good has been imported.

    States are many containers without cycles: walking all of them again and again was an
    eighth of a worker's time. What has cycles (tasks, tracebacks) is little, and still found.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)


def give_back() -> None:
    """Return what was freed to the system, where the C library knows how (glibc does).

    To be called after a restore: between the rows that stay lie the batches that they were
    read from, which the allocator would keep.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
