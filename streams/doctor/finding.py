"""What an examination finds."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "State", "fail", "ok", "warn"]


class State(StrEnum):
    """How grave it is. Only ``fail`` makes `vitals doctor` exit with 1."""

    OK = "ok"
    WARN = "warn"  # it runs, but something is not as it should be
    FAIL = "fail"  # it does not run, or not safely


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: State
    found: str
    remedy: str = ""


def ok(about: str, found: str) -> Finding:
    """As it should be."""
    return Finding(about, State.OK, found)


def warn(about: str, found: str, remedy: str) -> Finding:
    """It runs, but somebody should look at it."""
    return Finding(about, State.WARN, found, remedy)


def fail(about: str, found: str, remedy: str) -> Finding:
    """It does not run, or not safely."""
    return Finding(about, State.FAIL, found, remedy)
