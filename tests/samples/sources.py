"""Decisions about sources, and the event about one that stopped, for tests."""

from typing import Any

from samples.transitions import NOON
from schemas.control import CONTROL, ControlRecord
from schemas.sources import SourceStopped

TOPIC = "health.usage.v1"


def decision(kind: str, **changes: Any) -> ControlRecord:
    """Such as ``decision("intake.paused", partition=3)``, about the usage topic."""
    given = {"type": kind, "at": NOON, "author": "Dana", "reason": "a bad deploy", "topic": TOPIC}
    return CONTROL.validate_python({**given, **changes})


def stopped(**changes: Any) -> SourceStopped:
    """Partition 3 of usage is paused; ``changes`` replace fields of the data."""
    data = {
        "source": "usage", "topic": TOPIC, "partition": 3, "paused": True, "since": NOON,
        "author": "Dana", "reason": "a bad deploy", "control_offset": 7, **changes,
    }  # fmt: skip
    return SourceStopped.model_validate(
        {"id": f"source/{TOPIC}/3/7", "source": "/vitals/health.control.v1",
         "subject": f"{TOPIC}/3", "time": NOON, "data": data}
    )  # fmt: skip
