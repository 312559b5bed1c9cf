"""How many cores this process may use: its affinity, and what its container grants."""

import math
import os
from pathlib import Path

__all__ = ["cores", "granted"]

#: Of the container (cgroup v2): microseconds of CPU time for each period, or ``max``.
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def cores(cpu_max: Path = CPU_MAX) -> int:
    """Cores to use, at least one.

    A container on a machine of 64 cores with a limit of 2 sees all 64; as many processes
    would be throttled, miss their heartbeats and lose their partitions.
    """
    try:
        seen = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        seen = os.cpu_count() or 1
    return max(1, min(seen, granted(cpu_max) or seen))


def granted(cpu_max: Path) -> int | None:
    """Cores of the container's limit, begun ones counted; None without a limit."""
    try:
        quota_us, period_us = cpu_max.read_text().split()
        return math.ceil(int(quota_us) / int(period_us))
    except (OSError, ValueError):
        return None
