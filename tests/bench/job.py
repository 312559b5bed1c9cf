"""The job that every system of the benchmark does, written by hand.

Validate an event, make it a small signal for its customer, fold that into 30 days of state, score
it as ``tests/cards/bench.yaml`` does. The Python peers run these functions inside their engine; the
Java peer writes them again; Vitals has only the card. What each of them ends with is compared with
:class:`Oracle`, which folds the same events with nothing around it.
"""

import json
from bisect import bisect_right
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = [
    "CARD",
    "DAY_S",
    "FAMILIES",
    "WINDOW_DAYS",
    "Oracle",
    "Scores",
    "Signal",
    "fold",
    "new_state",
    "signal_of",
]

CARD = Path(__file__).resolve().parents[1] / "cards" / "bench.yaml"
FAMILIES = ("usage", "tickets", "billing")
DAY_S = 86_400
WINDOW_DAYS = 30

#: Customer, what happened, day of the event, ticket.
Signal = tuple[str, str, int, str]
#: Customer -> score in hundredths of a point, band.
Scores = dict[str, tuple[int, str]]

USAGE = {"usage.feature": "use"}
TICKETS = {"opened": "opened", "answered": "", "solved": "solved"}
BILLING = {"invoice_issued": "", "invoice_paid": "", "payment_failed": "failed"}

ACTIVE = ((1, 5, 10, 15), (0, 20, 50, 80, 100))
USES = ((20, 100, 300, 1000), (0, 30, 60, 80, 100))
OPEN = ((1, 3, 6), (100, 70, 30, 0))
FAILED = ((1, 3), (100, 50, 0))


def signal_of(family: str, raw: bytes) -> Signal | None:
    """What a record says of whom; None if it is not an event of its family."""
    try:
        event = json.loads(raw)
        customer, kind = event["customer_id"], event["type"]
        at = datetime.fromisoformat(event["occurred_at"])
        texts = (customer, event["event_id"], event["source"])
        if at.tzinfo is None or not all(isinstance(text, str) and text for text in texts):
            return None
        day = int(at.timestamp()) // DAY_S
        if family == "usage":
            feature = event["feature"]
            if not (isinstance(feature, str) and feature):
                return None
            return customer, USAGE[kind], day, ""
        if family == "tickets":
            if kind != "ticket.changed":
                return None
            return customer, TICKETS[event["change"]], day, event["ticket_id"]
        if kind != "billing.changed":
            return None
        return customer, BILLING[event["change"]], day, ""
    except (ValueError, KeyError, TypeError):
        return None


def new_state() -> dict[str, Any]:
    """A customer of whom nothing is known. JSON can hold it: days are texts."""
    return {"uses": {}, "failed": {}, "open": [], "score": 0, "band": ""}


def fold(state: dict[str, Any], signal: Signal, today: int) -> bool:
    """Put a signal into a customer's state and score it; whether the band is another one."""
    _put(state, signal, today - WINDOW_DAYS + 1)
    score, band = _score(state)
    changed = band != state["band"]
    state["score"], state["band"] = score, band
    return changed


def _put(state: dict[str, Any], signal: Signal, first: int) -> None:
    """A signal into a state; days before the first day of the window leave it."""
    _, kind, day, ticket = signal
    if kind in {"use", "failed"}:
        days = state["uses" if kind == "use" else "failed"]
        if day >= first:
            days[str(day)] = days.get(str(day), 0) + 1
            for known in [known for known in days if int(known) < first]:
                del days[known]
    elif kind == "opened":
        if ticket not in state["open"]:
            state["open"].append(ticket)
    elif kind == "solved" and ticket in state["open"]:
        state["open"].remove(ticket)


def _score(state: dict[str, Any]) -> tuple[int, str]:
    uses = state["uses"]
    score = (
        30 * _points(ACTIVE, len(uses))
        + 30 * _points(USES, sum(uses.values()))
        + 20 * _points(OPEN, len(state["open"]))
        + 20 * _points(FAILED, sum(state["failed"].values()))
    )
    return score, "green" if score >= 7500 else "red" if score < 5000 else "yellow"


def _points(steps: tuple[tuple[int, ...], tuple[int, ...]], value: int) -> int:
    levels, points = steps
    return points[bisect_right(levels, value)]


class Oracle:
    """The same job with nothing around it: what every system must end with.

    It scores at the end alone, since only the last score counts; and it may have another window
    than the peers, for the runs of Vitals alone.
    """

    def __init__(self, today: int, window_days: int = WINDOW_DAYS) -> None:
        self.good = 0
        self._first = today - window_days + 1
        self._states: dict[str, dict[str, Any]] = {}

    def take(self, family: str, raw: bytes) -> None:
        """One more record."""
        signal = signal_of(family, raw)
        if signal is not None:
            self.good += 1
            state = self._states.get(signal[0])
            if state is None:
                state = self._states[signal[0]] = {"uses": {}, "failed": {}, "open": []}
            _put(state, signal, self._first)

    def scores(self) -> Scores:
        """Each customer's score and band after what was taken so far."""
        return {customer: _score(state) for customer, state in self._states.items()}
