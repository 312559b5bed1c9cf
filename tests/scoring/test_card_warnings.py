"""What a card is warned about: usage that is only compared with the customer's own."""

from pathlib import Path

import pytest

from partitionlog import card_of
from scoring.card_warnings import warnings_of

CARD = """
scorecard: warned
version: "1"
objective: To be warned about, or not
owner: test
money: {currency: EUR}
weights: {all: 100}
groups:
  all:
    one: {share: 40, metric: "ONE", curve: {0: 0, 1: 100}}
    two: {share: 40, metric: "TWO", curve: {0: 0, 1: 100}}
    open: {share: 20, metric: open_tickets, curve: {0: 100, 5: 0}}
bands:
  green: {enter: ">= 75", leave: "< 70"}
  red: {enter: "< 50", leave: ">= 56"}
letters: {A: 85, D: 0}
"""


@pytest.mark.parametrize(
    ("one", "two", "warned"),
    [
        ("change(use, 28d)", "against_own(use)", "one, two"),
        ("change(sum(active_time), 28d)", "change(order, 28d)", "one, two"),
        ("change(use, 28d)", "count(ticket, 28d)", "one"),
        ("change(use, 28d)", "change(ticket, 28d)", "one"),
        ("highest(change(use, 28d), change(use, 7d))", "against_own(human_use)", "one, two"),
        ("change(use, 28d)", "count(use, 28d) / account.seats", ""),
        ("change(use, 28d) + count(use, 28d) / count(ticket, 28d)", "change(use, 7d)", ""),
        ("change(use, 28d)", "distinct(user, 28d)", ""),
        ("change(use, 28d)", "distinct(feature, 28d)", ""),
        ("change(use, 28d)", "sum(amount, 28d, of: order)", ""),
        ("change(use, 28d)", "sum(amount, 28d, of: invoice_paid)", "one"),
        ("change(use, 28d)", "sum(property.pages, 28d)", "one"),
        ("change(ticket, 28d)", "count(ticket, 28d)", ""),
        ("change(account.seats, 28d)", "count(ticket, 28d)", ""),
    ],
)
def test_only_relative_usage_is_warned_about(one: str, two: str, warned: str) -> None:
    found = warnings_of(card_of(CARD.replace("ONE", one).replace("TWO", two)))
    if not warned:
        assert found == ()
    else:
        (message,) = found
        assert f"of usage ({warned}) compares a customer with itself" in message


SAAS = sorted((Path(__file__).parents[2] / "deploy" / "scorecards").glob("*.yaml"))


@pytest.mark.parametrize("path", SAAS, ids=lambda path: path.stem)
def test_no_shipped_card_is_warned_about(path: Path) -> None:
    assert warnings_of(card_of(path.read_text())) == ()
