"""The report of a demonstration: one JSON object, its fields stable for scripts."""

import json
import os
from pathlib import Path
from typing import Any

from streams.demo.tally import Tally, percentile
from streams.exits import Exit, NamedExit

__all__ = ["report", "writable", "write_report"]


def report(tally: Tally) -> dict[str, Any]:
    """The counts as the report holds them.

    ``latency_ms`` runs from a probe event being handed to the producer to its score
    change being read from the view; p50 and p99 are null without a sample.
    """
    return {
        "broker": tally.broker,
        "redis": tally.redis,
        "address": tally.address,
        "seconds": round(tally.elapsed_s, 1),
        "events_in": tally.events_in,
        "signals": tally.signals,
        "dead_letters": tally.dead_letters,
        "customers": sum(tally.customers.values()),
        "bands": {band.value: count for band, count in tally.customers.items()},
        "score_changes": tally.score_changes,
        "transitions": tally.transitions,
        "deliveries": dict(sorted(tally.deliveries.items())),
        "latency_ms": {
            "p50": _rounded(percentile(tally.latencies_ms, 0.50)),
            "p99": _rounded(percentile(tally.latencies_ms, 0.99)),
            "samples": len(tally.latencies_ms),
            "unanswered": tally.probes_unanswered,
        },
    }


def writable(path: Path) -> None:
    """Refuse now what could not be written after the run.

    Raises:
        NamedExit: the folder is missing or may not be written to.
    """
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise NamedExit(
            Exit.USAGE, f"--report {path}: cannot be written; name a file in an existing folder"
        )


def write_report(path: Path, tally: Tally) -> None:
    """Write the report, whole or not at all: a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(report(tally), indent=2) + "\n")
    part.replace(path)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
