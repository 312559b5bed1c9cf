"""What was asked of a demonstration, and where it is shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streams.demo.tally import Tally

__all__ = ["Plan", "Screen"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for. ``seconds`` None: until stopped; ``logs`` None: kept only on failure."""

    customers: int
    seed: int
    rate: float
    days: int
    port: int
    scorecard: Path
    seconds: float | None = None
    logs: Path | None = None


class Screen(Protocol):
    """Shows a demonstration to somebody."""

    def announce(self, address: str) -> None:
        """The page answers at ``address``."""

    def show(self, tally: Tally) -> None:
        """The counts may have changed."""
