"""The attention formula, factor by factor, on both sides of each bound."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio import NOW, band_of, customer, marked
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.clock import to_ms
from streams.views.attention import WEIGHT_MAX, Standing, attention_of
from streams.views.base import percentile

NOW_MS, DAY_MS = to_ms(NOW), 86_400_000


def one(score: int | None = 5_000, **changes: Any) -> CustomerHealth:
    """A customer with this score; ``changes`` are attributes (None: without), or of the health."""
    row = customer(random.Random(0), "acme")
    attributes = {k: v for k, v in {**row.attributes, **changes}.items() if v is not None}
    fields = {name: attributes.pop(name) for name in ("band", "overrides", "contributions")
              if name in attributes}  # fmt: skip
    health = {"score": score, "band": band_of(score), **fields}
    return row.model_copy(
        update={"health": row.health.model_copy(update=health), "attributes": attributes}
    )


@pytest.mark.parametrize(
    ("row", "risk"),
    [
        (one(0), 10_000),
        (one(5_000), 5_000),
        (one(9_900), 100),
        (one(9_901), 100),
        (one(10_000), 100),
        (one(None), 4_000),
        (one(None, contributions=()), 100),  # the card does not score it
        (one(9_000, band=Band.RED, overrides=("leaving",)), 7_500),
        (one(2_499, band=Band.RED, overrides=("leaving",)), 7_501),
        (one(None, band=Band.RED, overrides=("leaving",)), 7_500),
        (one(5_200, band=Band.RED), 4_800),  # red by its own memory, nothing forces it
        (one(9_000, overrides=("worried",)), 1_000),  # a cap that does not bite
    ],
)
def test_a21_risk(row: CustomerHealth, risk: int) -> None:
    assert attention_of(row, NOW_MS).risk == risk


@pytest.mark.parametrize(
    ("minor", "currency", "value"),
    [
        (0, "EUR", 1_024),
        (99, "EUR", 1_024),  # less than a whole euro
        (100, "EUR", 2_048),
        (200, "EUR", 2_560),  # 3 is half way from 2 to 4
        (300, "EUR", 3_072),
        (99_900, "EUR", 10 * 1_024 + 976),
        (999, "JPY", 10 * 1_024 + 976),  # the yen has no hundredths
        (-5_000, "EUR", 1_024),
        (None, "EUR", 7 * 1_024 + 592),  # 1 + 100
        (2**62, "EUR", 1_024 * 56 + 286),
    ],
)
def test_a21_value(minor: int | None, currency: str, value: int) -> None:
    row = one(mrr_reporting_minor=minor, reporting_currency=currency)
    assert attention_of(row, NOW_MS).value == value


@pytest.mark.parametrize(
    ("left_ms", "closeness", "days"),
    [
        (301 * DAY_MS, 2_500, 301),
        (300 * DAY_MS, 2_500, 300),
        (299 * DAY_MS + 1, 2_500, 300),
        (299 * DAY_MS, 2_525, 299),
        (100 * DAY_MS, 7_500, 100),
        (1, 9_975, 1),
        (0, 10_000, 0),
        (-1, 10_000, 0),
        (-31 * DAY_MS + 1, 10_000, -30),
        (-31 * DAY_MS, 2_500, None),
        (None, 2_500, None),
    ],
)
def test_a21_closeness(left_ms: int | None, closeness: int, days: int | None) -> None:
    at = None if left_ms is None else (NOW + timedelta(milliseconds=left_ms)).isoformat()
    found = attention_of(one(renewal_at=at), NOW_MS)
    assert (found.closeness, found.days_to_renewal) == (closeness, days)


def test_a_renewal_that_cannot_be_read_is_not_known() -> None:
    """The scorer never writes one; a view must not die of it."""
    assert attention_of(one(renewal_at="soon"), NOW_MS).closeness == 2_500


@given(left_ms=st.integers(-40 * DAY_MS, 330 * DAY_MS), after_ms=st.integers(0, 400 * DAY_MS))
def test_a21_nothing_changes_before_the_next_step_and_something_does_at_it(
    left_ms: int, after_ms: int
) -> None:
    """So that a refresh of those who are due is a refresh of all."""
    row = one(renewal_at=(NOW + timedelta(milliseconds=left_ms)).isoformat())
    found = attention_of(row, NOW_MS)
    until_ms = NOW_MS + 10**12 if found.next_ms is None else found.next_ms
    assert until_ms > NOW_MS
    between = attention_of(row, min(NOW_MS + after_ms, until_ms - 1))
    assert (between.weight, between.next_ms) == (found.weight, found.next_ms)
    if found.next_ms is not None:
        assert attention_of(row, found.next_ms).next_ms != found.next_ms


@given(
    score=st.one_of(st.none(), st.integers(0, 10_000)),
    minor=st.one_of(st.none(), st.integers(-(2**62), 2**62)),
    days=st.integers(-40, 330),
)
def test_a21_the_weight_is_the_product_and_fits_its_place(
    score: int | None, minor: int | None, days: int
) -> None:
    at = (NOW + timedelta(days=days)).isoformat()
    found = attention_of(
        one(score, mrr_reporting_minor=minor, reporting_currency="JPY", renewal_at=at), NOW_MS
    )
    assert found.weight == found.risk * found.value * found.closeness
    assert 0 < found.weight <= WEIGHT_MAX


def test_a21_a_disaster_a_year_ahead_stands_above_a_whale_that_is_well() -> None:
    """The reason for the floor and for the logarithm."""
    far = one(1_000, mrr_reporting_minor=50_000, renewal_at=(NOW + timedelta(days=360)).isoformat())
    whale = one(
        9_200, mrr_reporting_minor=5_000_000, renewal_at=(NOW + timedelta(days=200)).isoformat()
    )
    assert attention_of(far, NOW_MS).weight > attention_of(whale, NOW_MS).weight


def test_a21_standing() -> None:
    assert attention_of(one(), NOW_MS).standing is Standing.OPEN
    assert attention_of(marked(one(), handled="r"), NOW_MS).standing is Standing.HANDLED
    both = marked(one(), handled="r", not_pursued="r")
    assert attention_of(both, NOW_MS).standing is Standing.NOT_PURSUED


@pytest.mark.parametrize(
    ("below", "equal", "n", "expected"),
    [
        (0, 1, 19, None),
        (0, 1, 20, 1),
        (19, 1, 20, 100),
        (0, 20, 20, 50),
        (99, 1, 100, 100),
        (49, 1, 100, 50),
        (50, 1, 100, 51),
        (0, 0, 20, 1),  # it changed while it was counted
        (20, 1, 20, 100),
    ],
)
def test_a23_percentile(below: int, equal: int, n: int, expected: int | None) -> None:
    assert percentile(below, equal, n) == expected
