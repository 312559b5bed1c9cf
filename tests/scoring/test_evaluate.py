"""The arithmetic of a score: weights, re-spread, coverage, caps, and what nobody scores."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    at,
    card_of,
    changed_card,
    event,
    folded,
    signals_of,
)
from properties import examples
from schemas.scores import Band
from scoring.bands import Standing
from scoring.evaluate import Evaluation, Line, assess, evaluate
from scoring.moment import VALUE_MAX, Moment
from scoring.past import Past
from scoring.plan import Plan
from scoring.state import CustomerState
from scoring.units import Unit
from scoring.way import Step, way_to_green

ONE = 1_000_000
SMALL = """
scorecard: small
version: "1"
objective: Arithmetic that fits a head
owner: test
defaults: {minimum_coverage: 0%}
weights: {talk: 60, pay: 40}
groups:
  talk:
    a: {share: 50, metric: last(property.a), curve: {0: 0, 100: 100}}
    b: {share: 30, metric: last(property.b), curve: {0: 0, 100: 100}}
    c: {share: 20, metric: last(property.c), curve: {0: 0, 100: 100}}
  pay:
    d: {share: 100, metric: last(property.d), curve: {0: 100, 100: 0}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 24h}
  red: {enter: "< 50", leave: ">= 56", hold: 1h}
letters: {A: 85, B: 70, C: 50, D: 0}
overrides:
  unpaid: {when: d >= 30, cap: 25}
  tired: {when: b <= 25, cap: 40}
  leaving: {when: cancel_scheduled, band: red}
"""


def score_of(
    text: str, /, facts: dict[str, object] | None = None, **values: float | None
) -> Evaluation:
    """The score of a customer whose measures have these values; None: no data."""
    card = card_of(text)
    assert set(values) <= set(card.by_name)
    state = CustomerState(facts={name: (0, "e", fact) for name, fact in (facts or {}).items()})
    for name, value in values.items():
        if value is not None:
            (series,) = card.by_name[name].metric.series
            state.series[series.key] = [START_MS, "e", int(value * ONE)]
    return evaluate(state, Past(), card, Moment(START_MS))


def lines_of(evaluation: Evaluation) -> dict[str, int]:
    return {line.name: line.points for line in evaluation.lines}


def test_the_documented_example() -> None:
    """docs/scorecards.md works this one out by hand; it must come out as written there."""
    found = score_of(SMALL, a=80, b=50, d=20)
    assert found.coverage_ppm == 880_000
    assert lines_of(found) == {"a": 2400, "b": 900, "d": 3200, "c": 0, "respread": 825}
    assert found.score == 7325
    assert found.letter == "B"
    assert found.standing == Standing(Band.YELLOW)


def test_a7_parts_of_ten_add_up_exactly() -> None:
    """A7: satisfaction 8 x 0.4 + engagement 7 x 0.3 + recommendation 9 x 0.3 = 3.2 + 2.1 + 2.7."""
    text = changed_card(
        ("{talk: 60, pay: 40}", "{talk: 100, pay: 0}"),
        ("a: {share: 50", "a: {share: 40"),
        ("c: {share: 20", "c: {share: 30"),
        ("curve: {0: 0, 100: 100}", "curve: {0: 0, 10: 100}"),
        ("  tired: {when: b <= 25, cap: 40}\n", ""),
        text=SMALL,
    )
    found = score_of(text, a=8, b=7, c=9, d=0)
    assert lines_of(found) == {"a": 3200, "b": 2100, "c": 2700}
    assert found.score == 8000


def test_an_unknown_measure_leaves_its_siblings_relative_weights() -> None:
    """Without c, a and b share the group's 60 points 5 to 3, as before."""
    base = score_of(SMALL, a=0, b=30, d=0).score
    with_a = score_of(SMALL, a=80, b=30, d=0).score
    with_b = score_of(SMALL, a=0, b=30 + 64, d=0).score
    assert base is not None
    assert with_a is not None
    assert with_b is not None
    assert Fraction(with_a - base, 80) / Fraction(with_b - base, 64) == Fraction(5, 3)
    assert with_a - base == 80 * 60 * 5 / 8


def test_an_empty_group_gives_its_weight_to_the_others() -> None:
    """Nothing known of pay: talk is the whole score."""
    found = score_of(SMALL, a=80, b=80, c=80)
    assert found.score == 8000
    assert lines_of(found)["respread"] == 8000 - 4800
    assert found.coverage_ppm == 600_000


def test_all_weight_on_one_measure() -> None:
    """Only d has data: it makes the score alone."""
    assert score_of(SMALL, d=30).score == 2500  # 70, capped by unpaid
    assert score_of(SMALL, d=29).score == 7100


@pytest.mark.parametrize(
    ("minimum", "band"),
    [("88%", Band.YELLOW), ("87.99%", Band.YELLOW), ("88.01%", Band.UNKNOWN)],
)
def test_coverage_at_the_minimum_is_enough(minimum: str, band: Band) -> None:
    """Below it the customer is unknown: never red, never green; the lines still say why."""
    text = changed_card(("minimum_coverage: 0%", f"minimum_coverage: {minimum}"), text=SMALL)
    found = score_of(text, a=80, b=50, d=20)
    assert found.standing.band is band
    assert (found.score is None) == (band is Band.UNKNOWN)
    assert (found.letter is None) == (band is Band.UNKNOWN)
    assert lines_of(found) == {"a": 2400, "b": 900, "d": 3200, "c": 0, "respread": 825}


@pytest.mark.parametrize("value", [0, 100])
def test_below_the_minimum_is_neither_red_nor_green(value: float) -> None:
    text = changed_card(("minimum_coverage: 0%", "minimum_coverage: 50%"), text=SMALL)
    found = score_of(text, a=value)
    assert found.standing == Standing(Band.UNKNOWN)
    assert found.score is None


def test_an_override_still_acts_below_the_minimum() -> None:
    """A scheduled cancellation is red whatever else is known, also if nothing is."""
    text = changed_card(("minimum_coverage: 0%", "minimum_coverage: 50%"), text=SMALL)
    for values in ({"a": 90}, {}):
        found = score_of(text, {"cancel_scheduled": "too dear"}, **values)
        assert found.standing == Standing(Band.RED)
        assert found.score is None
        assert found.letter is None
        assert found.overrides == ("leaving",)
    with_cap = score_of(text, d=40)
    assert with_cap.overrides == ("unpaid",)
    assert "unpaid" not in lines_of(with_cap)  # a cap has nothing to take from


def test_missing_points_count_as_data() -> None:
    """``missing: 100`` makes points of no data, and covers the measure's weight."""
    text = changed_card(
        ("c: {share: 20,", "c: {share: 20, missing: 100,"),
        text=SMALL,
    )
    found = score_of(text, a=80, b=50, d=20)
    assert found.coverage_ppm == ONE
    assert found.score == 2400 + 900 + 1200 + 3200
    assert found.lines[2] == Line("c", "measure", 1200, 10_000, None, 120_000)
    assert "respread" not in lines_of(found)


def test_default_for_missing_data() -> None:
    """The card's default holds for measures that do not say otherwise; leave_out says otherwise."""
    text = changed_card(
        ("minimum_coverage: 0%", "minimum_coverage: 0%, missing: 50"),
        ("b: {share: 30,", "b: {share: 30, missing: leave_out,"),
        text=SMALL,
    )
    found = score_of(text)
    assert lines_of(found) == {"a": 1500, "c": 600, "d": 2000, "b": 0, "respread": 900}
    assert found.score == 5000


def test_caps_are_lines_of_their_own_one_after_the_other() -> None:
    """Each shows what it took; a cap above the score takes nothing and has no line."""
    found = score_of(SMALL, a=100, b=25, c=100, d=30)
    assert found.overrides == ("unpaid", "tired")
    assert found.score == 2500
    assert lines_of(found)["unpaid"] == 2500 - (3000 + 450 + 1200 + 2800)
    assert "tired" not in lines_of(found)


@pytest.mark.parametrize(("days", "score"), [(29.99, 8800), (30, 2500), (30.01, 2500)])
def test_an_override_acts_from_its_level_on(days: float, score: int) -> None:
    assert score_of(SMALL, a=100, b=100, c=100, d=days).score == pytest.approx(score, abs=1)


@pytest.mark.parametrize(
    ("operator", "acting"),
    [(">=", [30, 31]), (">", [31]), ("<=", [29, 30]), ("<", [29])],
)
def test_each_comparison(operator: str, acting: list[int]) -> None:
    """An override on a metric without data does not act."""
    text = changed_card(("d >= 30", f"d {operator} 30"), text=SMALL)
    for days in (29, 30, 31):
        found = score_of(text, a=50, d=days)
        assert ("unpaid" in found.overrides) == (days in acting)
    assert score_of(text, a=50).overrides == ()


@pytest.mark.parametrize(
    ("condition", "turns_ms", "before"),
    [
        ("days_overdue >= 30", 30 * DAY_MS, False),
        ("days_overdue > 30", 30 * DAY_MS + HOUR_MS, False),
        ("days_overdue < 30", 30 * DAY_MS, True),
        ("days_overdue <= 30", 30 * DAY_MS + HOUR_MS, True),
        ("30 <= days_overdue", 30 * DAY_MS, False),
        ("days_to_renewal <= 10", 90 * DAY_MS, False),
        ("days_to_renewal < 10", 90 * DAY_MS + HOUR_MS, False),
        ("days_to_renewal >= 10", 90 * DAY_MS + HOUR_MS, True),
        ("not days_to_renewal > 10", 90 * DAY_MS, False),
        ("days_overdue >= 30 and days_to_renewal <= 100d", 30 * DAY_MS, False),
        ("days_overdue >= 30 or days_to_renewal <= 10d", 30 * DAY_MS, False),
    ],
)
def test_a_condition_on_a_span_turns_at_one_known_instant(
    condition: str, turns_ms: int, before: bool
) -> None:
    """By whole hours, to the millisecond; until then nothing is due for its sake."""
    text = changed_card(("d >= 30", condition), text=SMALL)
    card = card_of(text)
    due = event("billing.changed", START_MS, invoice_id="i", change="invoice_due")
    signed = event("account.created", START_MS, renewal_at=at(START_MS + 100 * DAY_MS))
    state = folded(Plan(card.series), signals_of([due, signed]))

    def acts(now_ms: int) -> tuple[bool, int | None]:
        found = evaluate(state, Past(), card, Moment(now_ms))
        return "unpaid" in found.overrides, found.next_ms

    for now_ms in (START_MS, START_MS + 12 * DAY_MS + 7, START_MS + turns_ms - 1):
        assert acts(now_ms) == (before, START_MS + turns_ms)
    assert acts(START_MS + turns_ms)[0] is not before


def test_what_weighs_nothing_makes_no_score() -> None:
    """Data for a measure of weight zero alone is no data, even with a minimum of 0 %."""
    text = changed_card(("{talk: 60, pay: 40}", "{talk: 100, pay: 0}"), text=SMALL)
    found = score_of(text, d=10)
    assert found.score is None
    assert found.standing == Standing(Band.UNKNOWN)
    assert found.coverage_ppm == 0


def test_nothing_known_names_every_measure() -> None:
    found = score_of(SAAS)
    assert found.score is None
    assert {line.name for line in found.lines} >= {"active_seats", "nps", "overdue"}
    unknown = [line for line in found.lines if line.kind == "measure" and not line.curve_points]
    assert {line.points for line in unknown} == {0}


@pytest.mark.parametrize(
    ("facts", "scored"),
    [
        ({}, True),
        ({"status": "customer"}, True),
        ({"status": "trial"}, True),
        ({"status": "notice"}, True),
        ({"status": "prospect"}, False),
        ({"status": "churned"}, False),
        ({"internal": True}, False),
        ({"internal": False}, True),
        ({"status": None, "internal": None}, True),
    ],
)
def test_who_is_scored(facts: dict[str, object], scored: bool) -> None:
    """Others have no score, no lines, no override and nothing that falls due."""
    found = score_of(SMALL, {**facts, "cancel_scheduled": "r"}, a=80, b=50, d=20)
    assert bool(found.lines) is scored
    if not scored:
        assert found == Evaluation(None, Past(), None, 0, (), (), (), None, card_of(SMALL).own)


def test_internal_accounts_are_scored_where_the_card_says_so() -> None:
    text = SMALL.replace("weights:", "scored: {internal: true}\nweights:")
    assert score_of(text, {"internal": True}, a=80, b=50, d=20).score == 7325


def test_a_fraction_of_a_hundredth_goes_to_the_largest_remainder() -> None:
    """Three thirds of 100 points: 33.33 + 33.33 + 33.34, the odd one where most was cut off."""
    text = changed_card(
        ("{talk: 60, pay: 40}", "{talk: 100, pay: 0}"),
        ("a: {share: 50", "a: {share: 33.33"),
        ("b: {share: 30", "b: {share: 33.33"),
        ("c: {share: 20", "c: {share: 33.34"),
        text=SMALL,
    )
    found = score_of(text, a=99.99, b=99.99, c=99.99, d=0)
    assert lines_of(found) == {"a": 3333, "b": 3333, "c": 3333}
    assert found.score == 9999
    tie = score_of(text, a=50.01, b=50.01, c=0, d=0)
    assert lines_of(tie) == {"a": 1667, "b": 1667, "c": 0}  # 1666.83 each: 3333.67 in all


def test_evaluating_changes_nothing() -> None:
    """Only ``now`` moves a score: asked twice it says the same, and the state is as it was."""
    log = Log()
    log.read(START_MS, event("usage.feature", START_MS - DAY_MS, feature="f", user="u"))
    customer = log.customer()
    before = repr(customer.state)
    moment = Moment(START_MS)
    first = evaluate(customer.state, customer.past, card_of(SAAS), moment)
    assert evaluate(customer.state, customer.past, card_of(SAAS), moment) == first
    assert repr(customer.state) == before


values = st.one_of(st.none(), st.integers(0, 120))


@settings(max_examples=examples(200))
@given(
    st.fixed_dictionaries(dict.fromkeys("abcd", values)),
    st.sampled_from("abcd"),
    st.integers(0, 120),
    st.integers(0, 120),
)
def test_a_score_is_monotone_in_a_measure_with_a_monotone_curve(
    others: dict[str, int | None], name: str, one: int, other: int
) -> None:
    """Monotone curves make a monotone score, whatever is missing beside them."""
    assume(one <= other)
    worse, better = (other, one) if name == "d" else (one, other)
    low = score_of(SMALL, **{**others, name: worse})
    high = score_of(SMALL, **{**others, name: better})
    assert low.score is not None
    assert high.score is not None
    assert low.score <= high.score
    for found in (low, high):
        assert sum(line.points for line in found.lines) == found.score


@pytest.mark.parametrize(("value", "points"), [(10**12, 100), (-(10**12), 0)])
def test_a_value_is_held_within_what_a_row_can_hold(value: float, points: int) -> None:
    """As far as 64 bits reach; beyond the curve's ends it is level anyway."""
    text = changed_card(("last(property.a)", '"last(property.a) * 1000000000"'), text=SMALL)
    (line, *_) = score_of(text, a=value, d=0).lines
    assert abs(line.value) == VALUE_MAX
    assert line.curve_points == points * 100


def test_the_way_to_green_may_be_a_word() -> None:
    """The one that gives the fewest points that are enough; none where no word does."""
    words = "metric: pulse, steps: {good: 100, unsure: 80, lost: 0}, movable: true}"
    text = changed_card(("metric: last(property.a), curve: {0: 0, 100: 100}}", words), text=SMALL)
    card = card_of(text)
    told = [
        event("engagement.pulse", START_MS, pulse="lost", reason="r", author="a"),
        *(event("usage.feature", START_MS, event_id=name, feature="f", properties={name: value})
          for name, value in (("b", 90), ("c", 90), ("d", 0))),
    ]  # fmt: skip
    state = folded(Plan(card.series), signals_of(told))
    found = assess(state, Past(), card, Moment(START_MS))
    way = way_to_green(card, found)
    assert way is not None
    assert (way.reachable, way.steps) == (True, (Step("a", 2665, "unsure"),))


@pytest.mark.parametrize(
    ("shape", "unit"),
    [
        ("curve: {0%: 0, 100%: 100}", Unit.RATIO),
        ("curve: {0: 0, 1: 100}", Unit.COUNT),
        ("steps: {0: 0, 50%: 100}", Unit.RATIO),
        ("logistic: {low: 20%, high: 1}", Unit.RATIO),
        ("logistic: {low: 0.2, high: 1}", Unit.COUNT),
        ('target: {best: [20%, 30%], zero: [null, "90%"]}', Unit.RATIO),
    ],
)
def test_a_ratio_is_shown_as_its_card_writes_it(shape: str, unit: Unit) -> None:
    """As a percentage where one stands on its curve, else as a number."""
    written = "metric: last(property.a), curve: {0: 0, 100: 100}"
    asked = f'metric: "share(use, 28d, where: outcome == ok)", {shape}'
    assert card_of(changed_card((written, asked), text=SMALL)).by_name["a"].shown is unit
