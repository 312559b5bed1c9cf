"""What comes if nothing happens: against a walk through every due instant."""

import pytest
from hypothesis import HealthCheck, given, settings

import histories
from partitionlog import DAY_MS, HOUR_MS, SAAS, START_MS, Log, bodies, changed_card, data_of, event
from properties import examples
from schemas.scores import ScoreChanged
from schemas.signals import Progress, Tick
from scoring import forecast
from scoring.evaluate import Assessment, assess
from scoring.forecast import AHEAD_DAYS, ASSESSMENTS_MAX, Ahead, look_ahead
from scoring.moment import Moment
from scoring.partition import FORECASTS_MAX

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def told_ahead(log: Log, now_ms: int) -> ScoreChanged:
    """What is told at a tick that looks ahead."""
    log.add(Tick(now_ms, None, None, True), now_ms)
    return ScoreChanged.model_validate(bodies(log.outputs)[-1])


def every_instant(log: Log, now: Assessment, now_ms: int) -> tuple[int, str] | None:
    """The first other band, by evaluating at each due instant."""
    card, customer, found = log.fold.card, log.customer(), now
    assert card is not None
    at_ms = now_ms
    while found.next_ms is not None and found.next_ms <= now_ms + AHEAD_DAYS * DAY_MS:
        at_ms = found.next_ms
        found = assess(customer.state, found.past, card, Moment(at_ms))
        if found.standing.band is not now.standing.band:
            return at_ms, str(found.standing.band)
    return None


def ahead_of(log: Log, now_ms: int) -> tuple[Assessment, Ahead]:
    """The customer now, and what comes; nothing is worth telling but another band."""
    card, customer = log.fold.card, log.customer()
    assert card is not None
    moment = Moment(now_ms)
    now = assess(customer.state, customer.past, card, moment)
    band = now.standing.band
    return now, look_ahead(
        customer.state, now, card, moment, None, lambda found: found.standing.band is not band
    )


def test_silence_turns_red_on_a_day_that_is_said_in_advance() -> None:
    """And that day comes: the tick at its instant crosses, the tick before does not."""
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    told = told_ahead(log, START_MS).data.after
    assert told.band == "green"
    assert told.next_crossing is not None
    assert told.next_told is not None
    assert told.next_told.at < told.next_crossing.at
    crossing_ms = int(told.next_crossing.at.timestamp() * 1000)
    assert told.next_crossing.band == "yellow"
    seen = []
    for hour_ms in range(START_MS + HOUR_MS, crossing_ms, HOUR_MS):
        log.tick(hour_ms)
    log.tick(crossing_ms - 1)
    seen.append(log.customer().standing.band)
    log.tick(crossing_ms)
    seen.append(log.customer().standing.band)
    assert seen == ["green", "yellow"]
    assert data_of(log.outputs)[-1]["after"]["score"] == told.next_crossing.score


def test_the_next_change_told_comes_when_it_was_said() -> None:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    next_told = told_ahead(log, START_MS).data.after.next_told
    assert next_told is not None
    at_ms = int(next_told.at.timestamp() * 1000)
    for ms in range(START_MS + HOUR_MS, at_ms, HOUR_MS):
        assert log.tick(ms) == []
    (data,) = data_of(log.tick(at_ms))
    assert data["after"]["score"] == next_told.score


def test_a_hold_ends_at_its_instant() -> None:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    events = [
        event("engagement.survey", START_MS + 1, survey="nps", score=0),
        *[
            event("ticket.changed", START_MS + 1, event_id=f"t{n}", ticket_id=f"t{n}",
                  change="opened", priority="urgent")
            for n in range(9)
        ],
        *[
            event("billing.changed", START_MS + 1, event_id=f"p{n}", change="payment_failed")
            for n in range(4)
        ],
        event("engagement.pulse", START_MS + 1, pulse="lost", reason="r", author="a"),
        event("billing.changed", START_MS + 1, change="invoice_due", invoice_id="i"),
    ]  # fmt: skip
    log.read(START_MS + 1, *events)
    told = told_ahead(log, START_MS + 1).data.after
    if told.pending is not None:
        assert told.next_crossing is not None
        assert told.next_crossing.at == told.pending.at
        assert told.next_crossing.band == told.pending.band
        assert not told.next_crossing.about


def test_who_is_not_looked_at_ahead_has_nothing_to_come() -> None:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    (data,) = data_of(log.tick(START_MS))
    assert (data["after"]["next_crossing"], data["after"]["next_told"]) == (None, None)


def test_ticks_look_ahead_where_few_wait() -> None:
    """Two of three wait: within the bound of two, beyond the bound of one."""
    log = Log()
    for name in ("a", "b"):
        log.read(START_MS, *histories.known(name, START_MS))
    log.add(Tick(START_MS - 1), START_MS)
    queue = log.fold._queue
    queue.ready.update({"a", "b"})
    assert [tick.looks_ahead for tick in queue.ticks(START_MS, 10, 2)] == [True]
    assert [tick.looks_ahead for tick in queue.ticks(START_MS, 10, 1)] == [False]
    assert [tick.looks_ahead for tick in queue.ticks(START_MS, 10)] == [False]


def test_of_so_many_who_are_told_at_one_tick_it_is_said_what_comes() -> None:
    """The others are told too; at the next tick as many again are looked at."""
    log = Log()
    names = [f"c{number:02}" for number in range(FORECASTS_MAX + 3)]
    for name in names:
        log.read(START_MS, *histories.known(name, START_MS))
    log.add(Tick(START_MS, None, None, True), START_MS)
    said = [each["after"]["next_told"] is not None for each in data_of(log.outputs)]
    assert said == [True] * FORECASTS_MAX + [False] * 3
    log.read(START_MS + 1, *histories.known("later", START_MS + 1))
    assert told_ahead(log, START_MS + 1).data.after.next_told is not None


def test_in_a_backlog_ticks_do_not_look_ahead() -> None:
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    log.add(Progress({"health.usage.v1/0": START_MS}), START_MS)
    for may in (True, False):
        (tick,) = log.fold.ticks(START_MS, 10, may_look_ahead=may)
        assert tick.looks_ahead is may


def test_a_customer_whom_nothing_moves_stays() -> None:
    """A card that looks at answers alone: nothing is due, so nothing comes, exactly."""
    log = Log()
    log.read(START_MS, event("account.created", START_MS, status="prospect"))
    now, ahead = ahead_of(log, START_MS)
    assert now.next_ms is None
    assert ahead == Ahead(None, None)


@settings(max_examples=examples(40), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), histories.cards())
def test_what_is_exact_is_exact_and_what_is_about_is_near(
    history: list[histories.Step], text: str
) -> None:
    """Where it does not say about, a walk through every instant finds the very same."""
    log = Log(text)
    now_ms = START_MS
    for step in history:
        now_ms = step.now_ms
        if step.event is not None:
            log.read(now_ms, step.event)
        log.tick(now_ms)
    if "acme" not in log.fold.customers():
        return
    now, ahead = ahead_of(log, now_ms)
    expected = every_instant(log, now, now_ms)
    if ahead.crossing is not None:
        assert expected is not None
        found = (ahead.crossing.at_ms, ahead.crossing.band)
        assert found[0] >= expected[0]
        assert found == expected or ahead.crossing.about
        assert ahead.told is not None
        assert ahead.told.at_ms <= ahead.crossing.at_ms


def test_most_of_what_is_about_is_exact() -> None:
    """On a usual card silence goes one way: the steps miss nothing."""
    log = Log()
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    now, ahead = ahead_of(log, START_MS)
    assert ahead.crossing is not None
    assert ahead.crossing.about
    assert (ahead.crossing.at_ms, ahead.crossing.band) == every_instant(log, now, START_MS)


@pytest.mark.parametrize("limit", range(1, 24))
def test_it_costs_no_more_than_its_limit(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is allowed, it ends, and finds nothing rather than something wrong."""
    log = Log(changed_card(("curve: {1: 100, 7: 70, 14: 35, 30: 0}", "curve: {1: 100, 90: 0}")))
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    calls = 0

    def counted(*given: object) -> Assessment:
        nonlocal calls
        calls += 1
        return assess(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(forecast, "assess", counted)
    monkeypatch.setattr(forecast, "ASSESSMENTS_MAX", limit)
    now, ahead = ahead_of(log, START_MS)
    assert calls <= limit + 1
    if ahead.crossing is not None:
        assert (ahead.crossing.at_ms, ahead.crossing.band) == every_instant(log, now, START_MS)
    monkeypatch.setattr(forecast, "ASSESSMENTS_MAX", ASSESSMENTS_MAX)
    calls = 0
    assert ahead_of(log, START_MS)[1].crossing is not None
    assert calls <= ASSESSMENTS_MAX


def test_looking_ahead_changes_nothing() -> None:
    """The row but for what is told: the same with and without."""
    logs = []
    for looks in (True, False):
        log = Log(SAAS)
        log.read(START_MS, *histories.known("acme", START_MS))
        log.add(Tick(START_MS, None, None, looks), START_MS)
        logs.append(log.customer())
    one, other = logs
    assert (one.past, one.due_ms, one.state) == (other.past, other.due_ms, other.state)
    assert one.emitted != other.emitted
