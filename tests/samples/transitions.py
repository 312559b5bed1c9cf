"""Transitions and actions for tests, with everything that a message can show."""

from datetime import datetime
from typing import Any

from schemas.actions import Action
from schemas.scores import Band, Cause, Transition
from streams.clock import from_ms, to_ms
from streams.outreach.decide import decide

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
NOON_MS = to_ms(NOON)


def transition(customer_id: str = "acme", sequence: int = 7, **changes: Any) -> Transition:
    """Acme goes from yellow to red; ``changes`` replace fields of the data, or ``time_ms``."""
    at = from_ms(changes.pop("time_ms", NOON_MS))
    data: dict[str, Any] = {
        "customer_id": customer_id,
        "customer_name": "Acme",
        "epoch": 1_700_000_000_000,
        "sequence": sequence,
        "scorecard": {"name": "b2b-saas", "version": "3", "hash": "ab12"},
        "cause": Cause.EVENT,
        "before": Band.YELLOW,
        "after": Band.RED,
        "score_before": 5800,
        "score_after": 4112,
        "because": "Nobody has logged in for 12 days, and an invoice is overdue.",
        "movers": [
            {"name": "days_since_last_use", "delta": -1100},
            {"name": "days_overdue", "delta": -800},
            {"name": "satisfaction", "delta": 212},
            {"name": "open_tickets", "delta": -30},
        ],
        "events": [{"source": "billing", "id": "evt-1"}],
        "contributions": [
            {"name": "days_since_last_use", "points": 300, "says": "last used 12 days ago"},
            {"name": "days_overdue", "points": 100, "says": "9 days overdue"},
            {"name": "satisfaction", "points": 3712},
        ],
        "attributes": {"owner": "dana", "mrr_minor": 200_000},
    }
    data.update(changes)
    return Transition(
        id=f"{customer_id}/{data['epoch']}-{data['sequence']}",
        source="/vitals/scores",
        subject=customer_id,
        time=at,
        data=data,
    )


def action(
    sink: str = "webhook", customer_id: str = "acme", sequence: int = 7, **changes: Any
) -> Action:
    """The action that :func:`transition` leads to, decided at its own time."""
    crossed = transition(customer_id, sequence, **changes)
    [decision] = decide(crossed, [sink], to_ms(crossed.time), "https://vitals.example")
    assert decision.action is not None
    return decision.action
