"""Rows A3, A8, A9, A17: what the shipped cards look at, and the page that shares them."""

import pytest

from schemas.signals import Kind
from scoring.card import Card
from streams.scorecard_pages.as_html import as_html
from streams.scorecard_pages.reading import read_page
from streams.scorecards import read_card, shipped_card

USE = {Kind.FEATURE, Kind.ACTIVITY}


def card_named(name: str) -> Card:
    return read_card(shipped_card(name))[0]


def looks_at(card: Card, *words: str) -> bool:
    """Whether one of the card's metrics has all of these words in it."""
    return any(all(word in one.metric.text for word in words) for one in card.measures)


def test_a3_the_default_card_looks_at_every_family() -> None:
    """Usage breadth and depth, expansion and billing, retention, engagement, feedback, support."""
    card = card_named("b2b-saas")
    kinds = {kind for one in card.measures for kind in one.metric.kinds}
    assert kinds >= {Kind.FEATURE, Kind.TICKET, Kind.BILLING, Kind.SURVEY, Kind.CONTACT, Kind.TOUCH}
    for words in (("distinct(feature",), ("count(use",), ("account.mrr",), ("nps",), ("ticket",)):
        assert looks_at(card, *words), words


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("retail", [("count(order, 365d) - 1",), ("count(order, 90d)",), ("mean(amount",),
                    ("rating",), ("negative_feedback",)]),
        ("consumer-electronics", [("csat",), ("count(ticket",), ("nps",)]),
        ("coffee-loyalty", [("count(visit",), ("points(stars",), ("sum(amount", "/"), ("rating",)]),
        ("travel-marketplace", [("count(booking",), ("mean(rating", "of: review"),
                                ("count(review",)]),
    ],
)  # fmt: skip
def test_a9_each_named_example_looks_at_what_the_article_names(
    name: str, metrics: list[tuple[str, ...]]
) -> None:
    """Their scenarios are played by ``tests/streams/scenarios/test_shipped.py``."""
    for words in metrics:
        assert looks_at(card_named(name), *words), words


def test_a8_software_by_use_and_support_retail_by_frequency_and_value() -> None:
    software, retail = card_named("b2b-saas"), card_named("retail")
    groups = {one.group for one in software.measures if one.metric.kinds & {*USE, Kind.TICKET}}
    assert groups >= {"usage", "support"}
    assert {"order_frequency", "average_order"} <= set(retail.by_name)
    assert retail.shown_as.lead_with == "colour"


@pytest.mark.parametrize("path", sorted(shipped_card().parent.glob("*.yaml")), ids=lambda p: p.stem)
def test_a17_a_card_is_a_page_that_a_team_can_read(path: object) -> None:
    """What it is for, what each measure looks at, and what to do in each colour."""
    text = path.read_text()  # type: ignore[attr-defined]
    page = read_page(text)
    html = as_html(page)
    assert page.objective in html.replace("&#39;", "'")
    assert {band.name for band in page.bands} == {"green", "yellow", "red", "unknown"}
    assert all(band.to_do in html.replace("&#39;", "'") for band in page.bands)
    assert all(measure.label in html for measure in page.measures)
