"""A customer against its own past: the window before, days in a row, its own baseline."""

from scoring import working_days
from scoring.calendar import Calendar
from scoring.moment import NO_DATA, Moment, Reading, earliest, reading_of
from scoring.series import Series
from scoring.state import DAY_MS, CustomerState
from scoring.units import MICRO
from scoring.windows import Read, Window, count_in, kept_in, total_in

__all__ = ["CHANGE_MAX", "against_own", "change", "streak"]

#: A change of more than this many times is shown as this.
CHANGE_MAX = 10 * MICRO
STREAK_MAX = 400


def streak(one: Series) -> Read:
    """How many days in a row had at least one, up to today or yesterday."""
    window = Window(1, DAY_MS)

    def read(state: CustomerState, moment: Moment) -> Reading:
        kept = kept_in(state, one, moment, window)
        if type(kept) is Reading:
            return kept
        last = max((day for day, n in kept.items() if n), default=None)
        if last is None or last < moment.day - 1:
            return reading_of(0)
        day = last
        while kept.get(day) and last - day < STREAK_MAX:
            day -= 1
        began_ms = moment.complete_from(one.key)
        if began_ms is not None and day <= began_ms // DAY_MS:
            # It may be longer than what was seen of it.
            return reading_of(None, (last + 2) * DAY_MS)
        # It ends when a whole day has passed without any.
        return reading_of((last - day) * MICRO, (last + 2) * DAY_MS)

    return read


def change(one: Series, window: Window, *, summed: bool, calendar: Calendar | None = None) -> Read:
    """This window against the one before, as a ratio; no data where that one has nothing.

    With a calendar the two are compared by what they have for each working day.
    """

    def read(state: CustomerState, moment: Moment) -> Reading:
        if not state.heard & one.families:
            return NO_DATA
        whole_ms = window.whole_ms(one, moment, 2)
        if whole_ms is not None:
            return reading_of(None, whole_ms)
        kept = state.series.get(one.key) or {}
        oldest = window.before_first(moment)
        if summed:
            _, now, now_first = total_in(kept, oldest, None)
            _, then, then_first = total_in(kept, oldest - window.buckets, oldest)
        else:
            now, now_first = count_in(kept, oldest, None)
            then, then_first = count_in(kept, oldest - window.buckets, oldest)
        moves = [window.leaves_ms(now_first)]
        if then_first is not None:
            moves.append((then_first + 2 * window.buckets) * window.size_ms)
        next_ms = min((ms for ms in moves if ms is not None), default=None)
        if then <= 0:
            return reading_of(None, next_ms)
        if calendar is not None:
            country = state.fact("country")
            next_ms = earliest(
                next_ms, working_days.next_other_ms(calendar, window, moment, country, 2)
            )
            days, days_then = (
                working_days.days_in(calendar, window, moment, country, before) for before in (0, 1)
            )
            if not days or not days_then:
                return reading_of(None, next_ms)
            # Each total is divided by its own working days.
            now, then = now * days_then, then * days
        return reading_of(min((now - then) * MICRO // then, CHANGE_MAX), next_ms)

    return read


#: The customer's own recent past: the weeks before the last four, and the anchor.
OWN_DAYS = 28
RECENT_DAYS = 84
#: Days 29 to 119 after the first use.
ANCHOR_AFTER_DAYS, ANCHOR_DAYS = 28, 91
OWN_DAYS_MIN = 56


def against_own(one: Series) -> Read:
    """The last 28 days against the higher of the 12 weeks before and the first steady quarter."""
    window = Window(OWN_DAYS, DAY_MS)

    def read(state: CustomerState, moment: Moment) -> Reading:
        if moment.complete_from(one.key) is not None:
            return NO_DATA  # how it began was not seen
        kept = kept_in(state, one, moment, window)
        if type(kept) is Reading:
            return kept
        first = min((day for day, n in kept.items() if n), default=None)
        oldest = window.before_first(moment)
        known = 0 if first is None else oldest + 1 - first
        if first is None or known < OWN_DAYS_MIN:
            ready = None if first is None else (first + OWN_DAYS_MIN + OWN_DAYS - 1) * DAY_MS
            return reading_of(None, ready)
        now, _ = count_in(kept, oldest, None)
        recent_days = min(known, RECENT_DAYS)
        recent, _ = count_in(kept, oldest - recent_days, oldest)
        # Uses a day as a fraction: recent / recent_days against anchor / anchor_days.
        before, before_days = recent, recent_days
        after = first + ANCHOR_AFTER_DAYS
        if after + ANCHOR_DAYS <= oldest:
            anchor, _ = count_in(kept, after, after + ANCHOR_DAYS)
            if anchor * before_days > before * ANCHOR_DAYS:
                before, before_days = anchor, ANCHOR_DAYS
        next_ms = (moment.day + 1) * DAY_MS
        if not before:
            return reading_of(None, next_ms)
        return reading_of(
            min(now * before_days * MICRO // (before * OWN_DAYS), CHANGE_MAX), next_ms
        )

    return read
