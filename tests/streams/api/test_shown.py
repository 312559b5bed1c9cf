"""How numbers become words: what is shown adds up, and never flatters."""

import random
from datetime import timedelta

import pytest

from portfolio import NOW, customer
from schemas.scores import ShownAs
from schemas.views import CustomerHealth
from streams.api import shown
from streams.clock import to_ms


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


def shown_as(**fields: object) -> CustomerHealth:
    """A customer of 71.42 points, letter B, yellow, whose card is shown in this way."""
    row = customer(random.Random(1), "a", strength=0.7)
    card = row.scorecard.model_copy(update={"shown_as": ShownAs.model_validate(fields)})
    health = row.health.model_copy(update={"score": 7142, "letter": "B", "band": "yellow"})
    return row.model_copy(update={"scorecard": card, "health": health, "delta": -1240})


@pytest.mark.parametrize(
    ("fields", "score", "whole", "delta", "lead"),
    [
        ({}, "71", "100", "−12", "Yellow"),
        ({"decimals": 1, "lead_with": "points"}, "71.4", "100", "−12.4", "71.4"),
        ({"scale": "0-10", "decimals": 1}, "7.1", "10", "−1.2", "Yellow"),
        ({"scale": "percent", "lead_with": "points"}, "71 %", "100 %", "−12", "71 %"),
        ({"scale": "letter", "lead_with": "letter"}, "B", "100", "−12", "B"),
    ],
)
def test_a2_every_score_has_points_letter_colour_and_percent(
    fields: dict[str, object], score: str, whole: str, delta: str, lead: str
) -> None:
    """On whatever scale the card shows it, and whatever it leads with."""
    words = shown.display(shown_as(**fields))
    assert (words.score, words.score_of, words.delta, words.lead) == (score, whole, delta, lead)
    assert words.points.startswith("71")
    assert words.percent.startswith("71")
    assert words.percent.endswith(" %")
    assert (words.letter, words.band) == ("B", "Yellow")


def test_without_a_score_there_are_dashes() -> None:
    row = shown_as()
    none = row.health.model_copy(update={"score": None, "letter": None, "band": "unknown"})
    words = shown.display(row.model_copy(update={"health": none, "delta": None}))
    assert (words.score, words.score_exact, words.letter) == ("–", "no score", "–")
    assert (words.percent, words.delta, words.lead) == ("–", "", "Unknown")
