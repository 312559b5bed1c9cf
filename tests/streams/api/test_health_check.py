"""A customer's page and its health check tell all that is told of a customer."""

import random
from datetime import timedelta

import httpx

from portfolio import NOW, customer
from schemas.scores import (
    EventRef,
    GroupPoints,
    IndicatorOn,
    Mover,
    OtherScore,
    Place,
    Way,
    WayStep,
)
from schemas.views import CustomerHealth
from streams.api.app import build_api
from streams.clock import ManualClock, to_ms
from streams.settings import Settings
from streams.views.memory_view import MemoryView

LONG_AGO = NOW - timedelta(days=40)


def told() -> CustomerHealth:
    """A customer of whom everything is told that can be."""
    row = customer(random.Random(7), "acme/eu", strength=0.4)
    health = row.health.model_copy(
        update={
            "segment": Place(name="enterprise", label="enterprise", since=LONG_AGO),
            "stage": Place(name="renewal", label="before renewal", since=LONG_AGO),
            "archetype": Place(
                name="ghost",
                label="Gone quiet",
                since=LONG_AGO,
                says="nobody was there for 30 days",
            ),
            "outlook": Place(name="leave", label="leave", since=LONG_AGO, says="red and renewing"),
            "indicators": (
                IndicatorOn(name="failed", says="a payment failed", since=LONG_AGO, until=NOW),
            ),
            "scores": (OtherScore(name="adoption", score=8150, letter="B", coverage_ppm=900_000),),
            "groups": (
                GroupPoints(name="usage", weight_ppm=600_000, points=3000),
                GroupPoints(name="usage.depth", weight_ppm=200_000, points=500),
                GroupPoints(name="money", weight_ppm=400_000, points=1210),
            ),
            "way_to_green": Way(
                reachable=True,
                score=7500,
                steps=(
                    WayStep(name="breadth", curve_points=9000, value=8, says="8 features used"),
                ),
            ),
        }
    )
    mover = Mover(
        name="breadth", delta=-500, events=(EventRef(source="app", id="evt-7", at=LONG_AGO),)
    )
    return row.model_copy(update={"health": health, "movers": (mover,), "delta": -500})


async def page_of(row: CustomerHealth, path: str) -> httpx.Response:
    """The page at a path, of a view that holds this customer."""
    view = MemoryView()
    await view.apply([row])
    app = build_api(view, Settings(), ManualClock(to_ms(NOW)))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        return await client.get(path)


SAID = (
    "Enterprise", "Before renewal", "Gone quiet", "nobody was there for 30 days",
    "Leave", "red and renewing", "a payment failed", "Adoption", "8 features used",
    "The cheapest way to green; it gives 75",
)  # fmt: skip


async def test_a14_the_customer_page_tells_every_measure_and_all_that_is_told_beside() -> None:
    """Classes with their reasons, facts of the moment, groups, events by measure, the way up."""
    row = told()
    page = (await page_of(row, "/customers/acme%2Feu")).text
    for words in (*SAID, "evt-7"):
        assert words in page, words
    for line in row.health.contributions:
        assert (line.says or "No data") in page
    assert 'href="/customers/acme%2Feu/health-check"' in page


async def test_a14_a_health_check_is_dated_and_whole() -> None:
    """One document with the date on it: each measure, its value, what it gives, the history."""
    row = told()
    answer = await page_of(row, "/customers/acme%2Feu/health-check")
    assert answer.status_code == 200
    assert NOW.strftime("%d %b %Y") in answer.text
    for words in (*SAID, "The last 90 days", row.because, row.scorecard.version):
        assert words in answer.text, words
    for line in row.health.contributions:
        assert (line.says or "No data") in answer.text


async def test_an_id_that_ends_so_has_a_page_of_its_own() -> None:
    """``x/health-check`` as an id, its slash percent-encoded."""
    row = customer(random.Random(7), "x/health-check")
    page = await page_of(row, "/customers/x%2Fhealth-check")
    assert page.status_code == 200
    assert "How the score adds up" in page.text
    assert "Health check to print" in page.text


async def test_a_way_that_leads_nowhere_says_so() -> None:
    """No steps, or not far enough."""
    row = told()
    for way, words in (
        (Way(reachable=False, score=6000, steps=()), "No measure that can be moved has room"),
        (
            Way(reachable=False, score=6000, steps=row.health.way_to_green.steps),  # type: ignore[union-attr]
            "Green is not within reach of what can be moved. The best that is gives 60",
        ),
    ):
        health = row.health.model_copy(update={"way_to_green": way, "band": "yellow"})
        page = await page_of(row.model_copy(update={"health": health}), "/customers/acme%2Feu")
        assert words in page.text
