"""Values by segment and stage: which one is picked, when it changes, and what is due."""

import pytest

from partitionlog import DAY_MS, START_MS, Log, card_of, event, folded, signals_of, source_control
from schemas.inbound import InboundEvent
from scoring.evaluate import evaluate
from scoring.moment import Moment
from scoring.plan import Plan

CARD = """
scorecard: picked
version: "1"
objective: To see each customer at its own cadence
owner: test
money: {currency: EUR}
segments: {large: account.seats >= 50, middle: account.seats >= 10, small: otherwise}
lifecycle: {young: segment == large and tenure < 30d, old: otherwise}
defaults: {minimum_coverage: 0%}
weights: {all: 100}
groups:
  all: {one: {share: 100, metric: "METRIC", curve: {0: 100, 4: 0}}}
bands:
  green: {enter: ">= 75", leave: "< 70"}
  red: {enter: "< 50", leave: ">= 56"}
letters: {A: 85, D: 0}
overrides: {late: {when: "WHEN", cap: 10}}
"""


def card(metric: str, when: str = "cancel_scheduled") -> str:
    return CARD.replace("METRIC", metric).replace("WHEN", when)


def seats(n: int, ms: int = START_MS) -> InboundEvent:
    return event(
        "account.changed", ms, seats=n, mrr_minor=100_000, currency="EUR",
        started_at="2026-02-20T00:00:00Z",
    )  # fmt: skip


def log(text: str, n: int) -> Log:
    made = Log(text)
    made.read(START_MS, seats(n), event("usage.feature", START_MS - 30 * DAY_MS, feature="f"))
    made.tick(START_MS)
    return made


def value(made: Log) -> object:
    emitted = made.customer().emitted
    assert emitted is not None
    return next(line[4] for line in emitted.lines if line[0] == "one")


@pytest.mark.parametrize(
    ("metric", "large", "middle", "small"),
    [
        ("days_since(use) / by(segment, large: 10d, middle: 60d)", 3, 0.5, None),
        ("days_since(use) / by(segment, large: 240h, otherwise: 60d)", 3, 0.5, 0.5),
        ("days_since(use) / by(segment, large: 10, otherwise: 60)", 3, 0.5, 0.5),
        (
            "by(segment, large: 10%, otherwise: 50%) + share(use, 90d, where: outcome == ok)",
            1.1,
            1.5,
            1.5,
        ),
        ("account.seats / by(segment, large: 25, middle: 5, small: 1)", 2, 2, 1),
        ("account.mrr - by(segment, large: 900, otherwise: 999)", 100, 1, 1),
        ("count(use, 90d) + by(lifecycle, young: 1, old: 2)", 2, 3, 3),
        ("count(use, 90d) + -by(segment, large: 1, otherwise: 0.5)", 0, 0.5, 0.5),
        ("highest(count(use, 90d), by(segment, large: 7, otherwise: 0))", 7, 1, 1),
    ],
)
def test_a_class_picks_its_value(
    metric: str, large: float | None, middle: float | None, small: float | None
) -> None:
    for n, expected in ((50, large), (10, middle), (1, small)):
        found = value(log(card(metric), n))
        assert found == (None if expected is None else expected * 1_000_000), n


@pytest.mark.parametrize(
    ("when", "met"),
    [
        ("days_since(use) > by(segment, large: 20d, middle: 40d)", (True, False, False)),
        ("not days_since(use) > by(segment, large: 20d, middle: 40d)", (False, True, False)),
        ("by(segment, large: 20d, otherwise: 40d) < days_since(use)", (True, False, False)),
        ("account.seats >= by(lifecycle, young: 60, otherwise: 5)", (False, True, False)),
        ("by(segment, large: 2, otherwise: 0) > 1", (True, False, False)),
    ],
)
def test_it_stands_in_conditions(when: str, met: tuple[bool, bool, bool]) -> None:
    """A class that is not named has no data: neither the condition nor its not is met."""
    for n, expected in zip((50, 10, 1), met, strict=True):
        emitted = log(card("count(use, 90d)", when), n).customer().emitted
        assert emitted is not None
        assert emitted.overrides == (["late"] if expected else []), n


def test_a_span_against_a_value_by_class_is_due_once() -> None:
    """40 days after the use of 30 days ago, and not at every hour before."""
    text = card("count(use, 400d)", "days_since(use) >= by(segment, large: 20d, otherwise: 40d)")
    made = log(text, 1)
    assert made.customer().due_ms == START_MS + 10 * DAY_MS
    made.tick(START_MS + 10 * DAY_MS)
    emitted = made.customer().emitted
    assert emitted is not None
    assert emitted.overrides == ["late"]


def test_a_level_curve_has_nothing_due_though_the_span_is_divided() -> None:
    """Beyond four cadences no hour matters any more; before, each does; without a value none."""
    text = card("days_since(use) / by(segment, large: 5d, middle: 60d)")
    assert log(text, 50).customer().due_ms == START_MS + 20 * DAY_MS  # its stage ends
    assert log(text, 10).customer().due_ms == START_MS + 3_600_000
    metric = card_of(text).measures[0].metric
    state = folded(Plan(metric.series), signals_of([seats(1)]))
    assert metric.read(state, Moment(START_MS)).value is None


def test_a_stalled_source_freezes_it_with_the_class_that_is_known() -> None:
    text = card("days_since(use) / by(segment, large: 10d, otherwise: 60d)")
    made = log(text, 50)
    made.add(source_control("source.stalled", "health.usage.v1", 1), START_MS)
    made.tick(START_MS + 2 * DAY_MS)
    customer, compiled = made.customer(), card_of(text)
    moment = made.fold.moment(customer, START_MS + 2 * DAY_MS)
    found = evaluate(customer.state, customer.past, compiled, moment)
    assert [line.value for line in found.lines if line.name == "one"] == [3_000_000]
