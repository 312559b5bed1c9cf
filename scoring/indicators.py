"""Risk indicators: facts of the moment, kept apart from the slow score.

An indicator is on while its condition is met, and for ``clears_after`` from then
on. It acts on no score and needs no coverage: it is there also when the band is
unknown.
"""

from dataclasses import dataclass
from typing import NamedTuple

from scoring.metrics import Metric, ask
from scoring.moment import Moment, earliest
from scoring.state import CustomerState

__all__ = ["Indicator", "Signalled", "indicate"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator, compiled."""

    name: str
    when: Metric
    clears_after_ms: int
    says: str


class Signalled(NamedTuple):
    """An indicator that is on: since when, and until when if its condition is met no more."""

    since_ms: int
    until_ms: int | None


def indicate(
    indicators: tuple[Indicator, ...],
    state: CustomerState,
    moment: Moment,
    known: dict[str, Signalled],
) -> tuple[dict[str, Signalled], int | None]:
    """The indicators that are on, and when the first ends that is on for its time only.

    When the answers change by themselves the moment says, which notes the conditions asked.
    """
    now_ms, next_ms = moment.now_ms, None
    found: dict[str, Signalled] = {}
    for one in indicators:
        met, _ = ask(one.when, state, moment)
        before = known.get(one.name)
        if met is True:
            found[one.name] = Signalled(before.since_ms if before else now_ms, None)
        elif before is not None:
            until_ms = before.until_ms
            if until_ms is None:
                until_ms = now_ms + one.clears_after_ms
            if until_ms > now_ms:
                found[one.name] = Signalled(before.since_ms, until_ms)
                next_ms = earliest(next_ms, until_ms)
    return found, next_ms
