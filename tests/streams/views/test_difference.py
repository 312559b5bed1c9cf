"""What `difference` says, and that it says nothing about equal rows."""

import random

from portfolio import NOW, customer, moved
from streams.views.difference import difference


def test_equal_rows_differ_in_nothing() -> None:
    """Words may differ: they are not compared."""
    row = customer(random.Random(1), "acme")
    assert difference({"acme": row}, {"acme": row.model_copy(update={"because": "other"})}) == []


def test_missing_and_surplus_customers_are_named() -> None:
    """On either side."""
    row = customer(random.Random(1), "acme")
    assert difference({"acme": row}, {}) == ["acme: missing in the view"]
    assert difference({}, {"acme": row}) == ["acme: in the view, but there is no such row"]


def test_each_field_is_named_with_both_values() -> None:
    """Customer, field, expected, found."""
    rng = random.Random(2)
    row = customer(rng, "acme", strength=0.9)
    found = row.model_copy(
        update={
            "epoch": row.epoch + 1,
            "health": row.health.model_copy(
                update={
                    "score": 1,
                    "letter": "Z",
                    "coverage_ppm": 5,
                    "contributions": row.health.contributions[1:],
                }
            ),
        }
    )
    said = difference({"acme": row}, {"acme": found})
    assert [line.split(":")[1].strip() for line in said] == [
        "epoch",
        "score",
        "letter",
        "coverage",
        "contribution active_seats",
    ]
    assert said[1] == f"acme: score: expected {row.health.score}, found 1"


def test_a_later_change_differs_in_sequence_and_lines() -> None:
    """As when the view lags behind the rows."""
    rng = random.Random(3)
    row = customer(rng, "acme")
    said = difference({"acme": moved(row, rng, strength=0.2, at=NOW, measures=10)}, {"acme": row})
    assert "acme: sequence: expected 2, found 1" in said
    assert any("contribution active_seats: expected" in line for line in said)
