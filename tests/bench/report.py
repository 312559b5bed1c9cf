"""What a run of the benchmark found, and the arithmetic of its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["OURS", "Measured", "cpu_ratio", "differences", "figures", "ratio", "report", "table"]

OURS = "vitals"


@dataclass(frozen=True)
class Measured:
    """One system's run over its input."""

    events: int
    seconds: float
    cpu_s: float
    outputs_equal: bool

    @property
    def events_per_s(self) -> float:
        """From the first event read to the last one worked off."""
        return self.events / self.seconds

    @property
    def cpu_us_per_event(self) -> float:
        """CPU time of the system's process, all threads."""
        return self.cpu_s / self.events * 1e6


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The customers of whom a system says another score or band than was expected, and what."""
    return [
        f"{customer}: {found.get(customer)}, expected {expected.get(customer)}"
        for customer in sorted(found.keys() | expected.keys())
        if found.get(customer) != expected.get(customer)
    ]


def figures(measured: Sequence[Measured]) -> dict[str, Any]:
    """A system's entry: what its rounds measured."""
    return {
        "events": measured[0].events,
        "events_per_s": _spread([one.events_per_s for one in measured]),
        "cpu_us_per_event": round(median(one.cpu_us_per_event for one in measured), 2),
        "outputs_equal": all(one.outputs_equal for one in measured),
    }


def ratio(one: Sequence[Measured], other: Sequence[Measured]) -> float:
    """Events/s of one by those of the other: the median of the rounds' own ratios."""
    return _median(a.events_per_s / b.events_per_s for a, b in zip(one, other, strict=False))


def cpu_ratio(one: Sequence[Measured], other: Sequence[Measured]) -> float:
    """The same of CPU time per event."""
    pairs = zip(one, other, strict=False)
    return _median(a.cpu_us_per_event / b.cpu_us_per_event for a, b in pairs)


def report(
    scenario: str, rounds: int, runs: Mapping[str, Sequence[Measured]], absent: Mapping[str, str]
) -> dict[str, Any]:
    """``bench.json``. A system is in ``systems`` or in ``absent``, never in both.

    A ratio is the median of the rounds' own ratios, in which both systems ran after each other:
    what else the machine did then, it did to both. One whose outputs differ has a figure and no
    ratio.
    """
    systems = {
        name: figures(measured)
        for name, measured in runs.items()
        if measured and name not in absent
    }
    ratios, cpu_ratios = {}, {}
    for name, system in systems.items():
        counts = system["outputs_equal"] and systems.get(OURS, {}).get("outputs_equal")
        if name != OURS and counts:
            ratios[f"{OURS}/{name}"] = ratio(runs[OURS], runs[name])
            cpu_ratios[f"{OURS}/{name}"] = cpu_ratio(runs[name], runs[OURS])
    return {
        "scenario": scenario, "rounds": rounds, "systems": systems, "ratios": ratios,
        "cpu_ratios": cpu_ratios, "absent": dict(absent),
    }  # fmt: skip


def _median(values: Any) -> float:
    return round(median(values), 3)


def _spread(values: Sequence[float]) -> dict[str, int]:
    return {
        "median": round(median(values)), "min": round(min(values)), "max": round(max(values)),
    }  # fmt: skip


def table(found: Mapping[str, Any]) -> str:
    """The report for people."""
    rows = [("", "events", "events/s", "least", "most", "CPU µs/event", "outputs", "vitals is")]
    for name, system in found["systems"].items():
        rate, ratio = system["events_per_s"], found["ratios"].get(f"{OURS}/{name}")
        rows.append(
            (
                name,
                f"{system['events']:,}",
                f"{rate['median']:,}",
                f"{rate['min']:,}",
                f"{rate['max']:,}",
                f"{system['cpu_us_per_event']:.1f}",
                "equal" if system["outputs_equal"] else "DIFFER",
                f"{ratio:.2f} x" if ratio else "",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(r, widths, strict=True)) for r in rows]
    return "\n".join([*lines, *(f"absent: {name}: {why}" for name, why in found["absent"].items())])
