"""Amounts in one currency: minor units, dated rates, exactness, and what is wrong with a file."""

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.currencies import minor_digits
from scoring.money import Rates, RatesError, parse_rates

NEW_YEAR, APRIL = 20_454, 20_544  # 2026-01-01 and 2026-04-01
FILE = {"USD": {"2026-04-01": 0.9, "2026-01-01": 0.92}, "GBP": 1.17, "JPY": "0.0061", "KWD": 3}
RATES = parse_rates(FILE, "EUR")


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("XPF", 0), ("KWD", 3), ("TND", 3), ("CLF", 4), ("QQQ", 2)],
)
def test_minor_units(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount_minor", "currency", "day_no", "micros"),
    [
        (123, "EUR", 0, 1_230_000),  # the reporting currency itself
        (100, "USD", NEW_YEAR - 400, 920_000),  # before the first rate: the first
        (100, "USD", NEW_YEAR, 920_000),
        (100, "USD", APRIL - 1, 920_000),
        (100, "USD", APRIL, 900_000),  # a rate holds from its day on
        (100, "USD", APRIL + 9_000, 900_000),
        (-100, "USD", APRIL, -900_000),
        (1_000, "GBP", -5, 11_700_000),
        (1, "JPY", 0, 6_100),  # yen have no minor unit
        (1, "KWD", 0, 3_000),  # dinars have thousandths
        (1_000, "CHF", NEW_YEAR, None),
        (10**15, "USD", APRIL, 9 * 10**18),
    ],
)
def test_an_amount_is_converted(
    amount_minor: int, currency: str, day_no: int, micros: int | None
) -> None:
    assert RATES.convert(amount_minor, currency, day_no) == micros


@pytest.mark.parametrize(("amount_minor", "micros"), [(1, 3_333), (-1, -3_334), (3, 9_999)])
def test_a_millionth_is_rounded_down(amount_minor: int, micros: int) -> None:
    """Also below nothing: -3333.3 becomes -3334."""
    rates = parse_rates({"USD": "0.33333333"}, "EUR")
    assert rates.convert(amount_minor, "USD", 0) == micros


def test_a_rate_is_what_is_written() -> None:
    """0.1 is a tenth, not the nearest binary fraction; so are very small and great ones."""
    rates = parse_rates({"USD": 0.1, "VND": 0.000034, "BTC": 10**9, "IRR": 1e-9}, "EUR")
    assert rates.rate("USD", 0) == Fraction(1, 10)
    assert rates.rate("VND", 0) == Fraction(34, 1_000_000)
    assert rates.rate("BTC", 0) == 10**9
    assert rates.rate("IRR", 0) == Fraction(1, 10**9)
    assert rates.rate("EUR", 0) == 1
    assert rates.rate("CHF", 0) is None


def test_days_may_be_dates() -> None:
    """As other YAML readers hand them over."""
    assert parse_rates({"USD": {date(2026, 4, 1): 0.9, date(2026, 1, 1): 0.92}}, "EUR") == Rates(
        "EUR", {"USD": ((NEW_YEAR, APRIL), (Fraction(92, 100), Fraction(9, 10)))}
    )


def test_no_rates_are_rates() -> None:
    rates = parse_rates({}, "EUR")
    assert (rates.convert(1, "EUR", 0), rates.convert(1, "USD", 0)) == (10_000, None)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RATE = "expected a rate from 0.000000001 to 1000000000, such as 0.92"
CODE = "expected an ISO 4217 code, such as USD"


@pytest.mark.parametrize(
    ("mapping", "problems"),
    [
        (None, [((), "expected currencies with their rates")]),
        ([1], [((), "expected currencies with their rates")]),
        ({"usd": 1, 5: 1, "EURO": 1}, [(("usd",), CODE), (("5",), CODE), (("EURO",), CODE)]),
        ({"USD": {}}, [(("USD",), "expected at least one day with its rate")]),
        (
            {"USD": {"2026-13-01": 1, "01.02.2026": 1, 2026: 1, NOON: 1}},
            [
                (("USD", text), "expected a day, such as 2026-01-01")
                for text in ("2026-13-01", "01.02.2026", "2026", "2026-01-01 12:00:00+00:00")
            ],
        ),
        (
            {"USD": {"2026-01-01": 1, date(2026, 1, 1): 1}},
            [(("USD", "2026-01-01"), "a second rate from the same day on")],
        ),
        (
            {"USD": {"x": 0}},  # both are told
            [(("USD", "x"), "expected a day, such as 2026-01-01"), (("USD", "x"), RATE)],
        ),
        (
            {"EUR": {"2026-01-01": 1, "2026-02-01": 2}, "USD": None},
            [
                (("EUR",), "is the currency reported in: its rate is 1, leave it out"),
                (("USD",), RATE),
            ],
        ),
    ],
)
def test_all_problems_are_told_with_their_place(
    mapping: Any, problems: list[tuple[tuple[str, ...], str]]
) -> None:
    with pytest.raises(RatesError) as caught:
        parse_rates(mapping, "EUR")
    assert caught.value.problems == problems
    assert all(what in str(caught.value) for _, what in problems)


@pytest.mark.parametrize(
    "rate",
    [
        *(0, -1, 1e-10, 1_000_000_001, float("nan"), float("inf"), True, None, [1]),
        *("", "x", "1e9", "-1", "nan", "1,5", "٣", "0.0", "1" * 11, "0." + "1" * 19),
        10**5_000,
    ],
    ids=lambda rate: str(rate)[:20] if not isinstance(rate, int) or rate < 10**20 else "huge",
)
def test_no_rate(rate: Any) -> None:
    with pytest.raises(RatesError) as caught:
        parse_rates({"USD": {"2026-01-01": rate}}, "EUR")
    assert caught.value.problems == [(("USD", "2026-01-01"), RATE)]


def test_the_reporting_currency_may_stand_there_with_one() -> None:
    rates = parse_rates({"EUR": 1, "USD": 2}, "EUR")
    assert (rates.convert(100, "EUR", 0), rates.convert(100, "USD", 0)) == (1_000_000, 2_000_000)


@given(
    st.dictionaries(
        st.integers(NEW_YEAR, NEW_YEAR + 30), st.decimals("0.001", 1000, places=3), min_size=1
    ),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.integers(NEW_YEAR - 5, NEW_YEAR + 40),
    st.integers(-(10**15), 10**15),
)
def test_the_latest_rate_before_the_day_counts(
    drawn: dict[int, Any], currency: str, day_no: int, amount_minor: int
) -> None:
    """Against fractions and a search of all days."""
    days = {date.fromordinal(719_163 + day).isoformat(): str(rate) for day, rate in drawn.items()}
    rates = parse_rates({currency: days}, "EUR")
    at = max((day for day in drawn if day <= day_no), default=min(drawn))
    exact = Fraction(amount_minor, 10 ** minor_digits(currency)) * Fraction(drawn[at]) * 10**6
    assert rates.convert(amount_minor, currency, day_no) == exact.__floor__()
