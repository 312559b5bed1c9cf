"""Reports about activations for partitions that did not exist then.

Whoever sums an activation up waits for as many reports as there are partitions. So each new
partition says of each activation that all old ones have reported: done, nobody was moved here.
"""

from collections.abc import Iterable, Sequence

from schemas.activations import ActivationReport
from streams.outreach.tally import Tally

__all__ = ["missing_reports"]


def missing_reports(tallies: Iterable[Tally], old: int, new: int) -> Sequence[ActivationReport]:
    """What partitions ``old`` to ``new`` have to say; nothing that was said already."""
    reports = []
    for tally in tallies:
        ended = tally.done | tally.refused
        if not ended.issuperset(range(old)):
            continue
        outcome = "done" if tally.done else "refused"
        reports += [
            tally.about.model_copy(
                update={
                    "partition": partition,
                    "offset": 0,
                    "outcome": outcome,
                    "problem": "" if tally.done else tally.problem,
                    "evaluated": 0,
                    "crossings": (),
                    "pending": (),
                    "turned_red": (),
                }
            )
            for partition in range(old, new)
            if partition not in ended
        ]
    return reports
