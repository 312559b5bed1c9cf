"""Working days in metrics: what is counted, and the exact instant at which it moves."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle import Oracle
from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, card_of, data_of, event, folded, signals_of
from schemas.inbound import InboundEvent
from scoring.calendar import Calendar
from scoring.metrics import compile_condition, compile_metric
from scoring.moment import Moment
from scoring.plan import Plan
from scoring.vocabulary import Vocabulary

CARD = """
scorecard: working
version: "1"
objective: To look at working days only
owner: test
calendar: {zone: ZONE, working_days: "DAYS", holidays: HOLIDAYS}
defaults: {minimum_coverage: 0%}
weights: {all: 100}
groups:
  all: {one: {share: 100, metric: "METRIC", curve: {-1: 100, 0: 60, 1: 40, 20: 0}}}
bands:
  green: {enter: ">= 75", leave: "< 70"}
  red: {enter: "< 50", leave: ">= 56"}
letters: {A: 85, D: 0}
"""


def card(metric: str, zone: str = "Europe/Berlin", days: str = "mon-fri",
         holidays: str = "account.country") -> str:  # fmt: skip
    told = {"METRIC": metric, "ZONE": zone, "HOLIDAYS": holidays, "DAYS": days}
    text = CARD
    for name, value in told.items():
        text = text.replace(name, value)
    return text


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def check_in(at_ms: int) -> InboundEvent:
    return event("engagement.contact", at_ms, kind="check_in", direction="outbound")


def test_it_moves_when_a_working_day_begins_in_the_zone_and_not_on_a_holiday() -> None:
    """Maundy Thursday 2026; Good Friday and Easter Monday are no working days in Germany."""
    log = Log(card("working_days_since(check_in)"))
    thursday_ms = ms("2026-04-02T09:00")
    log.read(
        thursday_ms, event("account.created", thursday_ms, country="DE"), check_in(thursday_ms)
    )
    log.tick(thursday_ms)
    tuesday_ms = ms("2026-04-06T22:00")  # midnight in Berlin, in summer
    assert log.customer().due_ms == tuesday_ms
    assert log.fold.ticks(tuesday_ms - 1, 10) == []
    (change,) = data_of(log.tick_if_wanted(tuesday_ms))
    assert (change["before"]["score"], change["after"]["score"]) == (6000, 4000)
    assert change["cause"] == "time"
    assert log.customer().due_ms == tuesday_ms + DAY_MS


def test_in_a_country_without_the_holiday_it_moves_on_friday() -> None:
    for country in ("IN", None):
        log = Log(card("working_days_since(check_in)"))
        at_ms = ms("2026-04-05T09:00")
        log.read(at_ms, event("account.created", at_ms, country=country), check_in(at_ms))
        log.tick(at_ms)
        assert log.customer().due_ms == ms("2026-04-05T22:00")


def test_a_month_with_many_holidays_is_no_decline() -> None:
    """April 2026 has 20 working days in Germany, March 22: as much a day is no change."""
    plain, fair = "change(use, 30d)", "change(use, 30d, per: working_day)"
    now_ms = ms("2026-04-30T12:00")
    words = Vocabulary(calendar=Calendar(ZoneInfo("Europe/Berlin"), country_holidays=True))
    events = [event("account.created", now_ms - 90 * DAY_MS, country="DE")]
    assert words.calendar is not None
    for ago in range(60):
        at_ms = now_ms - ago * DAY_MS
        if words.calendar.is_working_day(at_ms // DAY_MS, "DE"):
            events.append(event("usage.feature", at_ms, feature="f", quantity=10))
    for text, expected in ((plain, -90_910), (fair, 0)):
        metric = compile_metric(text, words)
        state = folded(Plan(metric.series), signals_of(events))
        assert metric.read(state, Moment(now_ms)).value == expected


_METRICS = st.sampled_from(
    [
        "working_days_since(use)",
        "working_days_since(check_in)",
        "count(use, 1d, per: working_day)",
        "count(use, 7d, per: working_day)",
        "count(use, 30d, per: working_day)",
        "sum(quantity, 5d, per: working_day)",
        "change(use, 3d, per: working_day)",
        "change(use, 9d, per: working_day)",
        "change(sum(quantity), 14d, per: working_day)",
    ]
)
_CARDS = st.builds(
    card,
    _METRICS,
    st.sampled_from(["Europe/Berlin", "UTC", "America/Sao_Paulo", "Pacific/Apia"]),
    st.sampled_from(["mon-fri", "sun-thu", "sat", "mon,wed,fri"]),
    st.sampled_from(["account.country", "none"]),
)
_AGO_H = st.one_of(st.integers(0, 24 * 70), st.integers(0, 24 * 9))


@st.composite
def _histories(draw: st.DrawFn) -> list[InboundEvent]:
    start_ms = ms("2026-12-18T00:00")
    country = draw(st.sampled_from(["DE", "US", "SA", None]))
    found = [event("account.created", start_ms - 90 * DAY_MS, country=country)]
    for n, ago_h in enumerate(draw(st.lists(_AGO_H, max_size=8))):
        at_ms = start_ms - ago_h * HOUR_MS
        found.append(event("usage.feature", at_ms, event_id=f"u{n}", feature="f",
                           quantity=draw(st.integers(0, 3))))  # fmt: skip
    if draw(st.booleans()):
        found.append(check_in(start_ms - draw(_AGO_H) * HOUR_MS))
    return found


@given(_CARDS, _histories())
def test_it_is_the_oracles_and_moves_only_when_due(text: str, events: list[InboundEvent]) -> None:
    """For 25 days over the turn of a year, at every full hour and a moment before each due one."""
    compiled, oracle = card_of(text), Oracle(text)
    metric = compiled.measures[0].metric
    state = folded(Plan(compiled.series), signals_of(events))
    start_ms = ms("2026-12-18T00:00")
    now_ms, due = start_ms, []
    while now_ms < start_ms + 25 * DAY_MS:
        reading = metric.read(state, Moment(now_ms))
        expected = oracle.metric(metric.text, events, now_ms)
        assert reading.value == (None if expected is None else expected * 1_000_000)
        assert reading.next_ms is None or reading.next_ms > now_ms
        due.append((now_ms, reading.value))
        if reading.next_ms is None:
            break
        now_ms = reading.next_ms
    ends = [at_ms for at_ms, _ in due[1:]] + [start_ms + 25 * DAY_MS]
    for (from_ms, value), to_ms in zip(due, ends, strict=True):
        for at_ms in {*range(from_ms, to_ms, HOUR_MS), to_ms - 1}:
            assert metric.read(state, Moment(at_ms)).value == value


def test_nobody_is_looked_at_every_day_for_a_window_of_whole_weeks() -> None:
    """28 days always have 20 working days: without holidays only what leaves can move it."""
    text = card("count(use, 28d, per: working_day)", holidays="none")
    metric = card_of(text).measures[0].metric
    events = [event("usage.feature", START_MS, feature="f")]
    state = folded(Plan(metric.series), signals_of(events))
    assert metric.read(state, Moment(START_MS)).next_ms == START_MS + 28 * DAY_MS
    days = [metric.read(state, Moment(START_MS + day * DAY_MS)) for day in range(30, 170)]
    assert {later.value for later in days} == {0}
    assert len({later.next_ms for later in days}) == 3  # looked for again every 70 days


def test_until_when_a_reading_holds_does_not_depend_on_when_it_is_read() -> None:
    """A year with its holidays: read on each day, the time of the next change comes first."""
    text = card("count(use, 28d, per: working_day)")
    metric = card_of(text).measures[0].metric
    events = [
        event("account.created", START_MS, country="DE"),
        event("usage.feature", START_MS, feature="f"),
    ]
    state, next_ms = folded(Plan(metric.series), signals_of(events)), 0
    for day in range(365):
        found = metric.read(state, Moment(START_MS + day * DAY_MS)).next_ms
        assert found is not None
        if START_MS + day * DAY_MS < next_ms:
            assert found == next_ms
        next_ms = found


@pytest.mark.parametrize("kind", ["metric", "condition"])
def test_it_can_be_compared(kind: str) -> None:
    words = Vocabulary(calendar=Calendar(ZoneInfo("UTC")))
    text = "working_days_since(check_in)"
    compiled = (
        compile_metric(text, words) if kind == "metric" else compile_condition(f"{text} > 3", words)
    )
    state = folded(Plan(compiled.series), signals_of([check_in(START_MS)]))
    found = [compiled.read(state, Moment(START_MS + n * DAY_MS)).value for n in (0, 3, 4, 6, 7)]
    assert found == ([0, 3_000_000, 4_000_000, 4_000_000, 5_000_000] if kind == "metric"
                     else [False, False, True, True, True])  # fmt: skip
