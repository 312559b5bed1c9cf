"""Retention: of those who paid when a period began, who still pays, and how much."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partitionlog import DAY_MS, START_MS, at, card_of, changed_card, event, folded, signals_of
from properties import examples
from scoring.card import Card
from scoring.moment import Moment
from scoring.money import parse_rates
from scoring.plan import Plan
from scoring.retention import Paid, Portfolio, Retention, paid

#: The currency and the segments of a company that sells to large and small ones.
SECTIONS = """money:
  currency: EUR
  rates: {USD: {2020-01-01: 0.5, 2026-01-01: 0.9}}
segments: {large: account.mrr >= 1000, many: account.seats >= 50, small: otherwise}
groups:"""
CARD = card_of(changed_card(("groups:", SECTIONS)))
NO_SEGMENTS = card_of(changed_card(("groups:", "money: {currency: EUR}\ngroups:")))
EURO = 1_000_000
NOW_MS = START_MS + 400 * DAY_MS
#: A dollar rises in the middle of the period.
RATES = parse_rates({"USD": {"2020-01-01": 0.5, at(NOW_MS - 100 * DAY_MS)[:10]: 0.9}}, "EUR")


def of(*told: tuple[int, dict[str, Any]], card: Card = CARD, days: int = 365) -> Paid | None:
    """What became of a customer of whom these things were told, so many days ago."""
    events = [event("account.changed", NOW_MS - ago * DAY_MS, **fields) for ago, fields in told]
    state = folded(Plan(()), signals_of(events))
    return paid(state, card, RATES, Moment(NOW_MS), days)


def euros(amount: int, **fields: Any) -> dict[str, Any]:
    return {"mrr_minor": amount * 100, "currency": "EUR", **fields}


def test_a3_who_left_counts_in_the_segment_in_which_it_began() -> None:
    """Without MRR it would be a small one now."""
    assert of((370, euros(2_000)), (10, euros(0))) == Paid("large", 2_000 * EURO, 0)
    assert of((370, euros(100)), (10, euros(3_000))) == Paid("small", 100 * EURO, 3_000 * EURO)


def test_seats_are_those_of_the_beginning_too() -> None:
    assert of((370, euros(100, seats=60)), (10, euros(90, seats=5))) == Paid(
        "many", 100 * EURO, 90 * EURO
    )


def test_who_came_later_is_judged_as_of_now() -> None:
    assert of((10, euros(2_000))) == Paid("large", 0, 2_000 * EURO)
    assert of((10, euros(2_000)), card=NO_SEGMENTS) == Paid("", 0, 2_000 * EURO)


def test_the_day_on_which_the_period_begins_is_before_it() -> None:
    """What was told on that day holds at its beginning."""
    assert of((365, euros(100))) == Paid("small", 100 * EURO, 100 * EURO)
    assert of((364, euros(100))) == Paid("small", 0, 100 * EURO)


def test_a_rate_that_moves_gains_and_loses_nobody() -> None:
    dollars = {"mrr_minor": 10_000, "currency": "USD"}
    assert of((370, dollars), (1, {"seats": 3})) == Paid("small", 90 * EURO, 90 * EURO)


def test_another_currency_since_is_no_other_customer() -> None:
    now = {"mrr_minor": 200_000, "currency": "USD"}
    assert of((370, euros(100)), (10, now)) == Paid("small", 100 * EURO, 1_800 * EURO)


@pytest.mark.parametrize(
    "told",
    [
        (),
        ((10, {"seats": 3}),),
        ((370, {"mrr_minor": 10_000, "currency": "CHF"}),),
        ((370, {"mrr_minor": -10_000, "currency": "EUR"}),),
        ((370, {"mrr_minor": 10_000, "currency": "EUR", "internal": True}),),
    ],
    ids=["nothing", "no-amount", "no-rate", "a-credit", "internal"],
)
def test_who_never_paid_is_not_counted(told: tuple[tuple[int, dict[str, Any]], ...]) -> None:
    assert of(*told) is None


def test_a_test_account_counts_where_the_card_scores_them() -> None:
    scored = ("internal: false", "internal: true")
    card = card_of(changed_card(scored, ("groups:", "money: {currency: EUR}\ngroups:")))
    assert of((370, euros(100, internal=True)), card=card) == Paid("", 100 * EURO, 100 * EURO)


def test_a3_the_shares_by_hand() -> None:
    """Of 4 with 1,000: one grew by 500, one shrank by 300, one left with 200, one is as it was."""
    found = Portfolio()
    for then, now in ((400, 900), (300, 0), (200, 100), (100, 100), (0, 50)):
        found.add(Paid("small", then, now))
    assert found.total == found.segments["small"]
    assert found.total == Retention(4, 1, 1, 1_000, 500, -100, -300, 50)
    assert (found.total.logo_ppm, found.total.gross_ppm, found.total.net_ppm) == (
        750_000,
        600_000,
        1_100_000,
    )


def test_without_anybody_there_is_no_share() -> None:
    none = Retention.of(Paid("small", 0, 10))
    assert (none.logo_ppm, none.gross_ppm, none.net_ppm) == (None, None, None)


AMOUNTS = st.integers(0, 10**12)
PAID = st.builds(Paid, st.sampled_from(["", "large", "small"]), AMOUNTS, AMOUNTS)


@settings(max_examples=examples(100))
@given(st.lists(PAID, max_size=30))
def test_the_figures_equal_those_of_the_definitions(all_of_them: list[Paid]) -> None:
    """Sums over lists, group by group; gross is never more than net, nor than all."""
    found = Portfolio()
    for one in all_of_them:
        found.add(one)
    groups = {"": all_of_them} | {
        f"in {name}": [one for one in all_of_them if one.segment == name] for name in found.segments
    }
    for name, group in groups.items():
        figures = found.total if not name else found.segments[name.removeprefix("in ")]
        began = [one for one in group if one.then]
        then = sum(one.then for one in began)
        assert figures.customers == len(began)
        if not began:
            continue
        assert figures.logo_ppm == sum(one.now > 0 for one in began) * 1_000_000 // len(began)
        assert figures.gross_ppm == sum(min(one) for one in _amounts(began)) * 1_000_000 // then
        assert figures.net_ppm == sum(one.now for one in began) * 1_000_000 // then
        assert 0 <= figures.gross_ppm <= min(figures.net_ppm, 1_000_000)


def _amounts(group: list[Paid]) -> list[tuple[int, int]]:
    return [(one.then, one.now) for one in group]
