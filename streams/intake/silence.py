"""Whether a source that is silent has stopped: judged by when it delivered before. Pure.

Silence says nothing by itself: a help desk is quiet at night, a billing system sends once a
day. So each source is measured by itself. It counts as stopped when it has been silent for
longer than twice the second longest gap of the last 15 days, and an hour at least. Not the
longest one: an outage or a holiday must not make the next one invisible; in 15 days there
are always two weekends. Before it has delivered for a week nothing is known of its habits,
and it is not judged. A person who knows better states the silence, and that counts at once.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from schemas.scorecard_values import parse_duration_s
from schemas.topics import SOURCES

__all__ = ["Habit", "Judgement", "SilencePolicy", "Verdict", "judge", "learn", "silences_in"]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Verdict(StrEnum):
    """How a source stands."""

    NEVER_DELIVERED = "never_delivered"
    NOT_JUDGED = "not_judged"
    LEARNING = "learning"
    DELIVERS = "delivers"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """See above for what the defaults are for."""

    least_ms: int = HOUR_MS
    times: int = 2
    look_back_ms: int = 15 * DAY_MS
    learning_ms: int = 7 * DAY_MS

    @property
    def together_ms(self) -> int:
        """Arrivals so close to each other are one: gaps as short as that decide nothing."""
        return self.least_ms // self.times


class Judgement(NamedTuple):
    """``silent_ms`` since the last arrival; ``limit_ms`` is what is borne, where that is known."""

    verdict: Verdict
    silent_ms: int = 0
    limit_ms: int | None = None


class Habit:
    """When a source delivered, in the last days; some hundred entries at most."""

    def __init__(self, policy: SilencePolicy) -> None:
        self._policy = policy
        #: First and last arrival of each stretch without a gap that matters.
        self._stretches: deque[list[int]] = deque()

    @property
    def last_ms(self) -> int | None:
        """The last arrival; None without one."""
        return self._stretches[-1][1] if self._stretches else None

    def came(self, at_ms: int) -> None:
        """Something arrived; an instant before the last one changes nothing."""
        stretches = self._stretches
        if not stretches or at_ms - stretches[-1][1] > self._policy.together_ms:
            stretches.append([at_ms, at_ms])
        else:
            stretches[-1][1] = max(at_ms, stretches[-1][1])
        while stretches[0][1] < at_ms - self._policy.look_back_ms:
            stretches.popleft()

    def span_ms(self) -> int:
        """From the first arrival known to the last one."""
        return self._stretches[-1][1] - self._stretches[0][0] if self._stretches else 0

    def usual_gap_ms(self) -> int:
        """The second longest gap between arrivals, 0 if there were fewer than two that matter."""
        gaps = sorted(after[0] - before[1] for before, after in pairwise(self._stretches))
        return gaps[-2] if len(gaps) > 1 else 0


def judge(
    habit: Habit,
    now_ms: int,
    policy: SilencePolicy,
    stated_ms: int | None = None,
    since_ms: int = 0,
) -> Judgement:
    """Whether a source has stopped, and why it is thought so.

    Args:
        habit: when it delivered.
        now_ms: the present.
        policy: the rule for those of which nothing is stated.
        stated_ms: the silence that somebody stated; 0 if it is never to be judged.
        since_ms: silence before it does not count: somebody declared the source to be back.
    """
    if stated_ms == 0:
        return Judgement(Verdict.NOT_JUDGED)
    if habit.last_ms is None:
        return Judgement(Verdict.NEVER_DELIVERED)
    silent_ms = now_ms - max(habit.last_ms, since_ms)
    if stated_ms is None and habit.span_ms() < policy.learning_ms:
        return Judgement(Verdict.LEARNING, silent_ms)
    limit_ms = stated_ms or max(policy.least_ms, policy.times * habit.usual_gap_ms())
    verdict = Verdict.SILENT if silent_ms > limit_ms else Verdict.DELIVERS
    return Judgement(verdict, silent_ms, limit_ms)


async def learn(
    habit: Habit,
    first_since_ms: Callable[[int], Awaitable[int | None]],
    now_ms: int,
    policy: SilencePolicy,
) -> None:
    """Find out when a source delivered, from a log that tells the first record since an instant.

    One question for each half hour in which something came, some hundred in all. The last
    arrival is found to the second, a gap to half an hour.
    """
    step_ms, last_ms = policy.together_ms, None
    at_ms = now_ms - policy.look_back_ms
    while step_ms >= 1000:
        found_ms = await first_since_ms(at_ms)
        if found_ms is not None and found_ms <= now_ms:
            last_ms = max(found_ms, at_ms)
            habit.came(last_ms)
        elif last_ms is None:
            return  # nothing, or nothing but what is stamped in the future
        else:
            step_ms //= 8
        at_ms = last_ms + step_ms


def silences_in(text: str) -> Mapping[str, int]:
    """``usage=2h,billing=never`` as milliseconds by source, 0 for never.

    Raises:
        ValueError: with what was expected.
    """
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, silence = (word.strip() for word in part.partition("="))
        if name not in SOURCES:
            raise ValueError(f"expected SOURCE=DURATION with one of {', '.join(SOURCES)}: {part!r}")
        found[name] = 0 if silence == "never" else parse_duration_s(silence) * 1000
        if not found[name] and silence != "never":
            raise ValueError(f"expected a silence such as {name}=2h or {name}=never: {part!r}")
    return found
