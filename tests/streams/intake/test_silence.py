"""When a silent source counts as stopped: against a naive look at all arrivals."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.silence import (
    DAY_MS,
    HOUR_MS,
    Habit,
    SilencePolicy,
    Verdict,
    judge,
    learn,
    silences_in,
)

POLICY = SilencePolicy()


def habit_of(arrivals: list[int], policy: SilencePolicy = POLICY) -> Habit:
    habit = Habit(policy)
    for at_ms in arrivals:
        habit.came(at_ms)
    return habit


def days_of(days: int, hours: range = range(24), skip: tuple[int, ...] = ()) -> list[int]:
    """An arrival each ten minutes of these hours, except on some weekdays."""
    return [
        day * DAY_MS + hour * HOUR_MS + tenth * 600_000
        for day in range(days)
        if day % 7 not in skip
        for hour in hours
        for tenth in range(6)
    ]


def verdict(arrivals: list[int], silent_ms: int, stated_ms: int | None = None) -> Verdict:
    return judge(habit_of(arrivals), arrivals[-1] + silent_ms, POLICY, stated_ms).verdict


def test_a_source_that_never_delivered_is_not_stalled() -> None:
    assert judge(Habit(POLICY), 99 * DAY_MS, POLICY).verdict is Verdict.NEVER_DELIVERED
    assert judge(Habit(POLICY), 99 * DAY_MS, POLICY, HOUR_MS).verdict is Verdict.NEVER_DELIVERED


def test_a_young_source_is_not_judged_unless_somebody_said_how() -> None:
    """An import of an hour, then nothing: that is how imports are."""
    import_ = days_of(1, range(2))
    assert verdict(import_, 30 * DAY_MS) is Verdict.LEARNING
    assert verdict(import_, 2 * HOUR_MS + 1, stated_ms=2 * HOUR_MS) is Verdict.SILENT
    assert verdict(import_, 2 * HOUR_MS, stated_ms=2 * HOUR_MS) is Verdict.DELIVERS
    assert verdict(days_of(30), 30 * DAY_MS, stated_ms=0) is Verdict.NOT_JUDGED


def test_a_source_that_always_delivers_is_missed_after_an_hour() -> None:
    assert verdict(days_of(10), HOUR_MS) is Verdict.DELIVERS
    assert verdict(days_of(10), HOUR_MS + 1) is Verdict.SILENT


def test_nights_and_weekends_are_no_stalls() -> None:
    """8 to 18, five days a week: neither the weekend nor the Monday after it is a surprise."""
    office = days_of(19, range(8, 18), skip=(5, 6))
    friday_evening = [at for at in office if at // DAY_MS % 7 == 4]
    known = [at for at in office if at <= friday_evening[-1]]
    assert verdict(known, 3 * DAY_MS) is Verdict.DELIVERS
    assert verdict(known, 6 * DAY_MS) is Verdict.SILENT


def test_one_outage_does_not_hide_the_next() -> None:
    """Three days missing once: that is not how it delivers."""
    once = [at for at in days_of(14) if not 5 * DAY_MS < at < 8 * DAY_MS]
    assert verdict(once, HOUR_MS + 1) is Verdict.SILENT


def test_a_daily_delivery_is_missed_after_two_days() -> None:
    daily = [day * DAY_MS for day in range(10)]
    assert verdict(daily, 2 * DAY_MS) is Verdict.DELIVERS
    assert verdict(daily, 2 * DAY_MS + 1) is Verdict.SILENT


def test_silence_begins_anew_when_a_person_says_that_it_is_back() -> None:
    habit, now_ms = habit_of(days_of(10)), 20 * DAY_MS
    assert judge(habit, now_ms, POLICY).verdict is Verdict.SILENT
    back = judge(habit, now_ms, POLICY, since_ms=now_ms - HOUR_MS)
    assert (back.verdict, back.silent_ms, back.limit_ms) == (Verdict.DELIVERS, HOUR_MS, HOUR_MS)


SMALL = SilencePolicy(least_ms=20_000, times=2, look_back_ms=600_000, learning_ms=100_000)
arrivals_ms = st.lists(st.integers(0, 900_000), min_size=1, max_size=60).map(sorted)


@given(arrivals_ms, st.integers(0, 300_000))
def test_it_is_what_a_look_at_all_arrivals_says(arrivals: list[int], silent_ms: int) -> None:
    """Gaps that decide nothing aside, and whole stretches that ended before the window."""
    last = arrivals[-1]
    stretches: list[list[int]] = []
    for at in arrivals:
        if stretches and at - stretches[-1][-1] <= 10_000:
            stretches[-1].append(at)
        else:
            stretches.append([at])
    kept = [each for each in stretches if each[-1] >= last - 600_000]
    gaps = sorted(after[0] - before[-1] for before, after in pairwise(kept))
    limit_ms = max(20_000, 2 * gaps[-2]) if len(gaps) > 1 else 20_000
    if last - kept[0][0] < 100_000:
        expected = Verdict.LEARNING
    else:
        expected = Verdict.SILENT if silent_ms > limit_ms else Verdict.DELIVERS
    assert judge(habit_of(arrivals, SMALL), last + silent_ms, SMALL).verdict is expected


@given(arrivals_ms, st.integers(0, 400_000))
def test_what_is_learnt_from_a_log_is_what_was_seen(arrivals: list[int], later_ms: int) -> None:
    """The last arrival to the second; gaps to one step, so a takeover decides as before."""
    now_ms, learnt = arrivals[-1] + later_ms, Habit(SMALL)
    asked = 0

    async def first_since_ms(at_ms: int) -> int | None:
        nonlocal asked
        asked += 1
        return min((at for at in arrivals if at >= at_ms), default=None)

    asyncio.run(learn(learnt, first_since_ms, now_ms, SMALL))
    seen = [at for at in arrivals if at >= now_ms - SMALL.look_back_ms]
    if not seen:
        assert learnt.last_ms is None
        return
    assert learnt.last_ms is not None
    assert seen[-1] - 1250 <= learnt.last_ms <= seen[-1]
    assert abs(learnt.usual_gap_ms() - habit_of(seen, SMALL).usual_gap_ms()) <= 10_000 + 10_000
    assert asked <= 600_000 // 10_000 + 20


def test_records_stamped_in_the_future_say_nothing_of_the_past() -> None:
    async def first_since_ms(at_ms: int) -> int | None:
        return 10**15

    habit = Habit(SMALL)
    asyncio.run(learn(habit, first_since_ms, 1000, SMALL))
    assert habit.last_ms is None


def test_silences_are_stated_by_source() -> None:
    assert silences_in("usage=2h, billing=3d,accounts=never,") == {
        "usage": 2 * HOUR_MS,
        "billing": 3 * DAY_MS,
        "accounts": 0,
    }
    assert silences_in("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("use=2h", "expected SOURCE=DURATION with one of accounts, usage"),
        ("usage=2", "expected a duration such as"),
        ("usage", "expected a duration such as"),
        ("usage=0s", "expected a silence such as usage=2h or usage=never"),
    ],
)
def test_a_wrong_silence_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        silences_in(text)
