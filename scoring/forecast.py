"""What comes if nothing happens: the next band, and the next change that is told.

The customer is assessed ahead of time, on the state as it is. Its own due instants are
taken one by one at first, then in growing steps of whole days; where something is
different at the end of a step, the instant is searched for within it. A step passes
instants at which something may have come and gone again: what is found behind one is
``about``. Bounded: :data:`ASSESSMENTS_MAX` assessments, :data:`AHEAD_DAYS` days. Children of a
parent account stay as they are.
"""

from collections.abc import Callable
from typing import NamedTuple

from scoring.card import Card
from scoring.evaluate import Assessment, assess
from scoring.kin import Sums
from scoring.moment import Moment
from scoring.state import DAY_MS, CustomerState

__all__ = ["AHEAD_DAYS", "ASSESSMENTS_MAX", "Ahead", "Coming", "look_ahead"]

AHEAD_DAYS = 400
ASSESSMENTS_MAX = 64
#: So many due instants are taken one by one.
EXACT_STEPS = 4
#: A step grows with what lies behind it: a quarter of it, a day at least.
GROWTH = 4

#: Whether an assessment would be told.
Telling = Callable[[Assessment], bool]


class Coming(NamedTuple):
    """A change to come: the band and the score then; ``about``: one may come before it."""

    band: str
    at_ms: int
    score: int | None
    about: bool


class Ahead(NamedTuple):
    """The next other band, and the next change that is told; None: none within reach."""

    crossing: Coming | None
    told: Coming | None


class _At(NamedTuple):
    """An assessment and its instant."""

    ms: int
    found: Assessment


class _Walk:
    """A way forward in time, with what it may cost."""

    def __init__(
        self,
        state: CustomerState,
        card: Card,
        moment: Moment,
        sums: Sums | None,
        would_tell: Telling,
    ) -> None:
        self._state, self._card, self._moment, self._sums = state, card, moment, sums
        self._would_tell = would_tell
        self.left = ASSESSMENTS_MAX
        self.told: Coming | None = None
        self.about = False

    def at(self, before: _At, ms: int) -> _At:
        """The customer at ``ms``, if nothing happens from ``before`` on."""
        self.left -= 1
        past, moment = before.found.past, self._moment.later(ms)
        return _At(ms, assess(self._state, past, self._card, moment, self._sums))

    def differs(self, a: _At, b: _At) -> bool:
        """Whether ``b`` has another band or pending band, or is the first to be told."""
        one, other = a.found.standing, b.found.standing
        if one.band is not other.band or one.pending is not other.pending:
            return True
        return self.told is None and self._would_tell(b.found)

    def first_difference(self, low: _At, high: _At) -> _At | None:
        """The first due instant after ``low`` that differs from it; None: the cost is too high."""
        while self.left > 0:
            due_ms = low.found.next_ms
            if due_ms is None or due_ms >= high.ms:
                return self.at(low, high.ms)
            middle = self.at(low, max(due_ms, (low.ms + high.ms) // 2))
            if not self.differs(low, middle):
                low = middle
            elif middle.ms == due_ms:
                return middle
            else:
                high = middle
        return None

    def coming(self, at: _At) -> Coming:
        """What comes at an instant."""
        return Coming(str(at.found.standing.band), at.ms, at.found.score, self.about)


def look_ahead(
    state: CustomerState,
    now: Assessment,
    card: Card,
    moment: Moment,
    sums: Sums | None,
    would_tell: Telling,
) -> Ahead:
    """What comes if nothing happens after ``now``, the assessment of ``moment``."""
    walk = _Walk(state, card, moment, sums, would_tell)
    here, band, taken = _At(moment.now_ms, now), now.standing.band, 0
    last_ms = moment.now_ms + AHEAD_DAYS * DAY_MS
    while walk.left > 0:
        due_ms = here.found.next_ms
        if due_ms is None or due_ms > last_ms:
            break
        taken += 1
        target_ms = due_ms
        if taken > EXACT_STEPS:
            step_ms = max(DAY_MS, (here.ms - moment.now_ms) // GROWTH)
            target_ms = max(due_ms, min((here.ms + step_ms) // DAY_MS * DAY_MS, last_ms))
        there = walk.at(here, target_ms)
        if walk.differs(here, there):
            if target_ms > due_ms:
                walk.about = True
                found = walk.first_difference(here, there)
                if found is None:
                    break
                there = found
            if walk.told is None and would_tell(there.found):
                walk.told = walk.coming(there)
            if there.found.standing.band is not band:
                return Ahead(walk.coming(there), walk.told)
        elif target_ms > due_ms:
            walk.about = True
        here = there
    return Ahead(None, walk.told)
