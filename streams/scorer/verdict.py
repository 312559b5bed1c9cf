"""What a worker makes of a record of the control topic: a decision, or why it is none here.

The verdict is given once, by the owner of a partition when it copies the record,
and stands in the copy. Whoever owns the partition later, with whatever release,
follows it: so a card that an older release cannot read leaves the partitions of
that release on their card, and nothing has to be guessed when they move.
"""

import logging
from typing import NamedTuple

from schemas.control import (
    ControlRecord,
    ScorecardActivated,
    StateFinalized,
    Undecided,
    decision_in,
)
from scoring.card import hash_of
from scoring.row_body import CODECS
from streams.exits import NamedExit
from streams.metrics import Metrics
from streams.scorecards import load_card

__all__ = ["Verdict", "Verdicts", "verdict_on"]

log = logging.getLogger(__name__)

#: A card may have hundreds of problems; so much of them goes into the log.
PROBLEM_CHARS_MAX = 2000


class Verdict(NamedTuple):
    """``decision`` is None where the record is none; ``refused`` is empty where it counts."""

    kind: str
    decision: ControlRecord | None
    refused: str = ""


def verdict_on(body: bytes | None) -> Verdict:
    """Whether a record of the control topic decides something in this release, else why not."""
    found = decision_in(body)
    if isinstance(found, Undecided):
        return Verdict(found.kind, None, found.problem)
    if isinstance(found, StateFinalized):
        known = found.version in CODECS
        return Verdict("state", found, "" if known else f"this release writes {max(CODECS)}")
    if not isinstance(found, ScorecardActivated):
        return Verdict("source", found)
    return Verdict("scorecard", found, _wrong(found)[:PROBLEM_CHARS_MAX])


def _wrong(activated: ScorecardActivated) -> str:
    """What keeps a scorecard from being used; empty if nothing does."""
    if activated.hash != hash_of(activated.text):
        return "its hash is not that of its text"
    try:
        load_card(activated.text, f"{activated.name} {activated.version}")
    except NamedExit as error:
        return error.message
    except Exception as error:
        # A text that nobody has checked: it may hurt itself, not the worker.
        log.exception("scorecard %s cannot be compiled", activated.hash[:16])
        return f"it cannot be compiled: {type(error).__name__}: {error}"
    return ""


class Verdicts:
    """The verdicts of this process, each given and told once."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: dict[int, Verdict] = {}

    def on(self, offset: int, body: bytes | None) -> Verdict:
        """The verdict on the record at ``offset`` of the control topic."""
        known = self._known.get(offset)
        if known is None:
            known = self._known[offset] = verdict_on(body)
            if known.refused:
                self._tell(offset, known)
        return known

    def _tell(self, offset: int, verdict: Verdict) -> None:
        self._metrics.decisions_refused.labels(verdict.kind).inc()
        decision = verdict.decision
        if isinstance(decision, ScorecardActivated):
            log.error(
                "scorecard %s %s, activated by %s (decision %d), is refused:"
                " partitions here keep their card.\n%s",
                decision.name, decision.version, decision.author, offset, verdict.refused,
            )  # fmt: skip
        else:
            log.warning("decision %d is skipped: %s", offset, verdict.refused)
