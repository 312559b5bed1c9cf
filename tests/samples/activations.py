"""Reports about an activation, and the event that sums one up, for tests."""

from typing import Any

from samples.transitions import NOON
from schemas.activations import ActivationReport, ScorecardApplied
from streams.outreach.tally import tally

CARD = {"name": "b2b-saas", "version": "2", "hash": "ab12" * 16}


def report(partition: int = 0, offset: int = 10, **changes: Any) -> ActivationReport:
    """A partition that is done and moved nobody; ``changes`` replace fields."""
    given: dict[str, Any] = {
        "control_offset": 3,
        "partition": partition,
        "offset": offset,
        "outcome": "done",
        "at": NOON,
        "scorecard": CARD,
        "author": "Dana",
        "reason": "support weighs too much",
        "activated_at": NOON,
    }
    return ActivationReport.model_validate({**given, **changes})


def crossings(**into: int) -> list[dict[str, Any]]:
    """So many customers from green into each band, as ``crossings(red=3)``."""
    return [{"before": "green", "after": band, "customers": n} for band, n in into.items()]


def red(customer_id: str, mrr_reporting_minor: int | None = None, **changes: Any) -> dict[str, Any]:
    """A customer that turned red."""
    given = {"customer_id": customer_id, "before": "green", "score_before": 8012,
             "score_after": 4199, "mrr_reporting_minor": mrr_reporting_minor}  # fmt: skip
    return {**given, **changes}


def applied(*reports: ActivationReport, **changes: Any) -> ScorecardApplied:
    """The sum of these reports, or of one with these changes."""
    [found] = tally(reports or [report(**changes)]).values()
    return found.event()
