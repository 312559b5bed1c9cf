"""Expressions in words: every word of the language, and what holds when."""

from pathlib import Path

import pytest

import histories
from scoring.events import EVENT_FUNCTIONS
from scoring.fields import FIELDS
from scoring.functions import FUNCTIONS
from scoring.language.syntax import Name
from scoring.metrics import NAMES as LANGUAGE_NAMES
from scoring.things import THINGS
from streams.scorecard_pages.calls import CALLS
from streams.scorecard_pages.expressions import Expressions
from streams.scorecard_pages.phrases import (
    FLAGS,
    NAMES,
    SEVERAL,
    family_of,
    field_called,
    one_thing,
    several_things,
    values_of,
)
from streams.scorecard_pages.unknown import unknown_when
from streams.scorecards import load_card, load_file

RICH = (Path(__file__).parent / "rich.yaml").read_text()


@pytest.fixture(scope="module")
def words() -> Expressions:
    return Expressions(load_card(RICH), load_file(RICH))


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("distinct(user, 28d) / account.seats", "different users in 28 days, per seat paid"),
        ("distinct(property.team, 2w)",
         "different values of the own property “team” in 14 days"),
        ("count(use, 6h)", "uses in 6 hours"),
        ("count(use, 1d, where: user_kind == human and not outcome == failed)",
         "uses in 1 day, only where the kind of user is human, and the outcome is not failed"),
        ("count(payment_failed, 28d)", "how often a payment failed in 28 days"),
        ("sum(amount, 90d, of: order)", "total amount in 90 days, of orders, in EUR"),
        ("mean(satisfaction, 180d)", "average satisfaction with a ticket in 180 days"),
        ("median(first_response, 90d)",
         "median time until the first answer to a ticket in 90 days"),
        ("quantile(active_time, 90%, 28d)", "time of use that 90 % do not exceed in 28 days"),
        ("max(rating, 28d)", "highest rating of a review or visit, on its scale in 28 days"),
        ("last(nps, 180d)", "last NPS answer, until it is 180 days old"),
        ("last(sentiment)", "last sentiment"),
        ("days_since(human_use)", "time since the last use by a person"),
        ("days_since(payment_failed)", "time since a payment failed, the last one"),
        ("working_days_since(check_in)", "working days since the last check-in"),
        ("working_days_since(payment_failed)",
         "working days since a payment failed, the last one"),
        ("count(use, 28d, per: working_day)", "uses in 28 days, for each working day"),
        ("sum(quantity, 28d, per: working_day, of: use)",
         "total number of uses at once in 28 days, of uses, for each working day"),
        ("change(use, 28d, per: working_day)",
         "change of uses in 28 days against the 28 days before, for each working day"),
        ("days_since(check_in) / by(segment, enterprise: 90d, otherwise: 180d)",
         ("time since the last check-in divided by 90 days for Enterprise and 180 days for all"
         " others, by segment")),
        ("goals_planned(kind: milestone)", "milestones planned"),
        ("days_paused", "time that a subscription has been paused"),
        ("active_days(order, 14d)", "days with at least one order in 14 days"),
        ("streak(refund)", "days in a row when money was paid back, up to now"),
        ("change(use, 28d)", "change of uses in 28 days against the 28 days before"),
        ("change(sum(active_time, where: feature == board), 12h)",
         ("change of total time of use in 12 hours against the 12 hours before,"
          " only where the feature is board")),
        ("change(account.seats, 28d)", "change of the seats paid against 28 days ago"),
        ("share(use, 28d, where: outcome == failed)",
         "share of the uses in 28 days where the outcome is failed"),
        ("against_own(use)", "uses in the last 28 days against the customer's own usual"),
        ("open_tickets(priority: urgent, category: bug)", "urgent open tickets of category “bug”"),
        ("oldest_open_ticket(priority: urgent)", "age of the oldest urgent open ticket"),
        ("goals_reached(kind: milestone)", "milestones reached"),
        ("goals_due", "goals and milestones that are due"),
        ("mrr_movement(28d, kind: churn)", "churn of monthly revenue (MRR) in 28 days, in EUR"),
        ("mrr_movement(28d)", "monthly revenue gained and lost in 28 days, in EUR"),
        ("points(engagement, half_life: 30d)",
         "points for actions by the table “engagement”, halved every 30 days"),
        ("at_least(mean(csat, 60d), 2)",
         "average CSAT answer in 60 days, once there are 2 of them"),
        ("lowest(days_since(call), days_since(mail))",
         "the lowest of (time since the last call) and (time since the last mail)"),
        ("(count(order, 7d) + count(visit, 7d)) / account.seats",
         "(orders in 7 days plus visits in 7 days) divided by seats paid"),
        ("first(count(order, 7d), 0)", "orders in 7 days (0 while none is known)"),
        ("-account.mrr * 2", "minus monthly revenue (MRR) times 2, in EUR"),
        ("account.plan", "account's plan"),
        ("account.attributes.tier", "account's own “tier”"),
        ("pulse", "pulse that a person set"),
        ("is wrong", "is wrong"),
        ("unheard_of(use)", "unheard_of(use)"),
    ],
)  # fmt: skip
def test_metrics(words: Expressions, metric: str, said: str) -> None:
    assert words.metric(metric) == said


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("days_overdue >= 30", "the longest time overdue of an open invoice is at least 30 days"),
        ("change(use, 28d) <= -15%",
         "the change of uses in 28 days against the 28 days before is at most −15 %"),
        ("tenure < 12w", "the time since the contract began is less than 84 days"),
        ("median(first_response, 90d) > 8h",
         "the median time until the first answer to a ticket in 90 days is more than 8 hours"),
        ("median(resolution, 90d) <= 3600",
         "the median time until a ticket was solved in 90 days is at most 1 hour"),
        ("account.mrr >= 5000", "the monthly revenue (MRR) is at least 5000 EUR"),
        ("open_tickets < 3", "there are fewer than 3 open tickets"),
        ("count(order, 7d) == 0", "there are exactly 0 orders in 7 days"),
        ("count(payment_failed, 7d) >= 1", "a payment failed at least once in 7 days"),
        ("count(payment_failed, 7d) > 2", "a payment failed more than twice in 7 days"),
        ("count(payment_failed, 7d) < 5", "a payment failed less than 5 times in 7 days"),
        ("count(payment_failed, 7d) == 0", "a payment failed not once in 7 days"),
        ("distinct(user, 28d) / account.seats < 25%",
         "the number of different users in 28 days per seat paid is less than 25 %"),
        ("goals_reached / goals_due > 0.5",
         ("the number of goals and milestones reached divided by the number of goals and"
          " milestones that are due is more than 0.5")),
        ("seats < 25% and open_tickets >= 3",
         "“Seats” is less than 25 %, and there are at least 3 open tickets"),
        ("lifecycle is not onboarding and (band is red or letter == D)",
         "the lifecycle stage is not onboarding, and (the colour is red, or the letter is D)"),
        ("cancel_scheduled", "a cancellation is scheduled"),
        ("not cancel_scheduled", "no cancellation is scheduled"),
        ("not not account.internal", "the account is internal"),
        ("not (seats < 5% or pulse == lost)",
         "it is not so that (“Seats” is less than 5 %, or the pulse that a person set is lost)"),
        ("pulse in [worried, lost]", "the pulse that a person set is worried or lost"),
        ("pulse not in [worried, lost]", "the pulse that a person set is neither worried nor lost"),
        ("not letter in [A]", "the letter is not A"),
        ("not open_tickets >= 3", "there are fewer than 3 open tickets"),
        ('account.attributes.tier == "Gold x"', "the account's own “tier” is “Gold x”"),
        ("count(use, 7d) < count(use, 14d)",
         "the number of uses in 7 days is less than the number of uses in 14 days"),
        ("last(nps) < 7", "the last NPS answer is less than 7"),
        ("account.internal == true", "the account is internal is true"),
        ("true", "always"),
        ("is wrong", "is wrong"),
    ],
)  # fmt: skip
def test_conditions(words: Expressions, condition: str, said: str) -> None:
    assert words.condition(condition) == said


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        (">=", "less than"),
        (">", "at most"),
        ("<=", "more than"),
        ("<", "at least"),
        ("==", "not"),
        ("!=", ""),
    ],
)
def test_a_not_is_said_as_the_contrary(words: Expressions, operator: str, said: str) -> None:
    """With no data neither is met, so they say the same."""
    verb = f"is {said}".rstrip()
    assert words.condition(f"not seats {operator} 5%") == f"“Seats” {verb} 5 %"


@pytest.mark.parametrize(
    ("metric", "when"),
    [
        ("days_since(use)", "none so far"),
        ("count(use, 28d) / account.seats", "no use is known yet, or no seats are known"),
        ("sum(amount, 90d, of: invoice_paid)", "no billing is known yet"),
        ("mean(csat, 60d)", "none in 60 days"),
        ("last(nps, 180d)", "none in 180 days"),
        ("quantile(active_time, 90%, 28d)", "none in 28 days"),
        ("change(use, 28d)", "nothing in the 28 days before"),
        ("open_tickets(priority: urgent)", "never a ticket"),
        ("goals_reached / goals_due", "there are no goals, or it is divided by none"),
        ("at_least(mean(csat, 60d), 3)", "none in 60 days, or too few of them"),
        ("account.plan", ""),
        ("working_days_since(use)", "none so far"),
        (
            "count(use, 7d, per: working_day)",
            "no use is known yet, or there is no working day in 7 days",
        ),
        (
            "days_since(use) / by(segment, enterprise: 9d)",
            "none so far, or nothing is said for the segment, or it is divided by none",
        ),
        (
            "days_since(use) / by(segment, enterprise: 9d, otherwise: 90d)",
            "none so far, or it is divided by none",
        ),
    ],
)
def test_no_data(metric: str, when: str) -> None:
    assert unknown_when(metric) == when


def test_every_function_and_name_of_the_language_has_words() -> None:
    """If this fails: word the new one in ``calls`` or ``phrases``."""
    assert set(CALLS) == {*EVENT_FUNCTIONS, *FUNCTIONS}
    assert set(LANGUAGE_NAMES) <= {*NAMES, *SEVERAL, *FLAGS}


def test_every_thing_and_field_has_words() -> None:
    for name in THINGS:
        assert one_thing(name), name
        assert several_things(name), name
        assert family_of(name) != "such event", name
        assert "`" not in several_things(name), name
    for name in FIELDS:
        said = [field_called(Name((name,))), values_of(Name((name,)))]
        assert all(said), name
        assert not any("_" in words for words in said), name


def test_no_metric_is_left_as_it_is_written(words: Expressions) -> None:
    """Those that histories are made with: all functions, in all their forms."""
    for metrics in histories._MEASURES.values():
        for metric, _ in metrics.values():
            if "points(" not in metric:
                assert words.metric(metric) != metric
                assert "(" not in words.metric(metric).replace("(MRR)", "").replace("(time", ""), (
                    metric
                )
