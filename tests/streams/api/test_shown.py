"""How numbers become words: what is shown adds up, and never flatters."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio import NOW
from streams.api import shown
from streams.clock import to_ms

LINES = st.lists(st.integers(-10_000, 10_000), max_size=30)


@given(lines=LINES)
def test_tenths_add_up_to_the_sum_shown(lines: list[int]) -> None:
    """Whatever the lines: the printed ones add up to the printed total."""
    rounded = shown.tenths(lines)
    assert sum(rounded) == shown.in_tenths(sum(lines))
    assert all(abs(10 * tenth - line) < 10 for tenth, line in zip(rounded, lines, strict=True))


def test_tenths_give_what_is_left_to_the_largest_loss() -> None:
    """1.99 + 0.95 + 0.97 = 3.91: two tenths are left over."""
    assert shown.tenths([199, 95, 97]) == [20, 9, 10]


@pytest.mark.parametrize(
    ("hundredths", "words"),
    [(4999, "49"), (5000, "50"), (7142, "71"), (99, "0"), (0, "0"), (10_000, "100"), (None, "–")],
)
def test_whole_points_are_rounded_down(hundredths: int | None, words: str) -> None:
    """49.99 is red because it is below 50: it must not read 50."""
    assert shown.whole(hundredths) == words


@pytest.mark.parametrize(
    ("hundredths", "words"), [(7142, "71.42"), (5, "0.05"), (-305, "−3.05"), (None, "no score")]
)
def test_the_exact_value_has_two_decimals(hundredths: int | None, words: str) -> None:
    """For titles."""
    assert shown.exact(hundredths) == words


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (120_000, "EUR", "€1,200"),
        (120_000, "JPY", "¥120,000"),
        (120_000, "KWD", "120 KWD"),
        (-5_099, "CHF", "−50 CHF"),
        (120_000, None, "1,200"),
        (None, "EUR", ""),
        (True, "EUR", ""),
        ("many", "EUR", ""),
    ],
)
def test_money_knows_its_minor_unit(minor: object, currency: object, words: str) -> None:
    """Yen have none, dinars have three digits; what is no amount is not shown."""
    assert shown.money(minor, currency) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(hours=30), "yesterday"),
        (timedelta(days=59), "59 days ago"),
        (timedelta(days=80), "Dec 2025"),
    ],
)
def test_ago_uses_the_largest_unit(passed: timedelta, words: str) -> None:
    """As the page's script does."""
    assert shown.ago(NOW - passed, to_ms(NOW)) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("days_to_renewal", "Days to renewal"),
        ("nps", "NPS"),
        ("respread", "Measures without data"),
        ("", ""),
    ],
)
def test_labels_read_like_headings(name: str, words: str) -> None:
    """Names of the scorecard, for people."""
    assert shown.label(name) == words
