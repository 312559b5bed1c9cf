"""What the language refuses, with the words that say why; and what is the same for all."""

import pytest

from partitionlog import START_MS, event, folded, plan_of, reading_of, signals_of
from scoring.language.syntax import LanguageError
from scoring.metrics import Vocabulary, compile_condition, compile_metric
from scoring.moment import Moment
from scoring.money import parse_rates
from scoring.state import CustomerState

WORDS = Vocabulary(rates=parse_rates({"USD": "0.9"}, "EUR"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # metrics
        ("last(amount)", "last of amounts is not offered: sum and mean are"),
        ("lowest()", "expected lowest(A, B, ...)"),
        ("first(count(use, 28d), x: 1)", "expected first(A, B, ...)"),
        ("mean(5, 28d)", "expected the name of a field"),
        ("6 / 2d", "number divided by seconds means nothing"),
        ("count(use, 28d, where: feature > board)",
         "a text is neither more nor less: write == or !="),
        ("count(use, 28d, where: quantity > board)", "expected a number to compare with"),
        ("count(use, 28d, where: 5 > quantity)", "expected the name of a field here"),
        ("count(use, 28d, where: quantity > quantity + 1)",
         "expected a number or a text to compare with"),
        ("count(use, 28d, where: feature == 5)",
         'expected a text to compare with; write it in quotes: "5"'),
        ("count(use, 28d, where: quantity > -50%)", "number cannot be compared with ratio"),
        # conditions
        ("account.country in [5]", "expected a text in the list"),
        ("account.country in [DE, account.plan]", "expected a text in the list"),
        ("account.seats in [few]", "expected a number in the list"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    compiled = compile_condition if " in [" in text else compile_metric
    with pytest.raises(LanguageError) as refused:
        compiled(text, WORDS)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("5 in [1, 5] and not cancel_scheduled", True),
        ("5 not in [1, 5] or cancel_scheduled", False),
        ("not (1 == 1) or cancel_scheduled", False),
        ('account.country in ["DE", AT]', True),
        ("account.seats in [1, 2]", True),
    ],
)
def test_part_of_a_condition_may_be_the_same_for_all(text: str, met: bool) -> None:
    told = event("account.changed", START_MS, country="DE", seats=2)
    state = folded(plan_of(), signals_of([told]))
    assert compile_condition(text, WORDS).read(state, Moment(START_MS)).value is met


def test_a_number_by_a_number_is_a_ratio_however_it_is_written() -> None:
    one = compile_metric("6 / 3 + share(use, 28d, where: outcome == ok)", WORDS)
    assert one.unit == "ratio"
    assert one.read(CustomerState(), Moment(START_MS)).value is None


def test_a_number_below_zero_in_a_condition_on_events() -> None:
    used = event("usage.feature", START_MS, feature="f", properties={"size": -1})
    metric = "count(use, 28d, where: property.size > -2)"
    assert reading_of(folded(plan_of(metric), signals_of([used])), metric, START_MS).value == 10**6


def test_a_share_of_what_was_kept_and_what_was_not() -> None:
    """All uses are known whole, those that the condition fits are not yet: no data."""
    metric = "share(use, 28d, where: outcome == failed)"
    used = event("usage.feature", START_MS, feature="f", outcome="failed")
    plan = plan_of(metric, "count(use, 28d)")
    (failed,) = [key for key, one in plan.series.items() if "outcome" in one.text]
    state = folded(plan, signals_of([used]))
    assert reading_of(state, metric, START_MS, {failed: START_MS}).value is None
    assert reading_of(state, metric, START_MS).value == 10**6
