"""The HTTP API over the fake and over the real Redis: same questions, same answers."""

import random
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from portfolio import NOW, customer, marked, moved, portfolio
from schemas.scores import Band
from streams.api.app import build_api
from streams.api.ranked import reason_of
from streams.clock import ManualClock, to_ms
from streams.metrics import Metrics
from streams.settings import Settings
from streams.views.base import View
from streams.views.memory_view import MemoryView
from streams.views.redis_view import open_view

ODD_IDS = ("a/b", "größe", "a b", "x%2Fy", "acme/history", "q?x=1#f", "<b>&'\"", "/lead", "trail/")


def client_of(view: View, metrics: Metrics | None = None) -> httpx.AsyncClient:
    """A client of an application over this view."""
    app = build_api(view, Settings(), ManualClock(to_ms(NOW)), metrics=metrics)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
async def view(request: pytest.FixtureRequest) -> AsyncIterator[View]:
    """An empty view."""
    made: View = MemoryView()
    if request.param == "redis":
        made = open_view(Settings(redis=request.getfixturevalue("redis_url"), prefix="t."))
    yield made
    await made.close()


@pytest.fixture
async def client(view: View) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over ``view``."""
    async with client_of(view) as made:
        yield made


async def test_customers_come_in_pages_until_next_is_null(
    view: View, client: httpx.AsyncClient
) -> None:
    """Items and next, and nobody twice."""
    rows = portfolio()
    await view.apply(rows)
    seen: list[str] = []
    query: dict[str, str] = {"limit": "25"}
    while True:
        answer = (await client.get("/v1/customers", params=query)).json()
        assert set(answer) == {"items", "next"}
        seen += [item["customer_id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    assert sorted(seen) == sorted({row.customer_id for row in rows})


async def test_an_item_has_exact_integers_and_words_beside_them(
    view: View, client: httpx.AsyncClient
) -> None:
    """Scores in hundredths; the display is for people."""
    row = customer(random.Random(1), "acme", name="Acme", strength=0.7)
    await view.apply([row])
    (item,) = (await client.get("/v1/customers")).json()["items"]
    score = row.health.score
    assert score is not None
    assert item["health"]["score"] == score
    assert sum(line["points"] for line in item["health"]["contributions"]) == score
    assert item["display"]["score"] == str(score // 100)
    assert item["display"]["name"] == "Acme"
    assert item["display"]["mrr"] == "€1,200"


async def test_filters_and_orders_reach_the_view(view: View, client: httpx.AsyncClient) -> None:
    """Band, sort and search together."""
    await view.apply(portfolio())
    query = {"band": "green", "sort": "-score", "search": "copper"}
    items = (await client.get("/v1/customers", params=query)).json()["items"]
    assert len(items) > 1
    assert {item["health"]["band"] for item in items} == {"green"}
    scores = [item["health"]["score"] for item in items]
    assert scores == sorted(scores, reverse=True)
    assert all("Copper" in item["customer_name"] for item in items)


async def test_a21_a23_an_item_says_where_it_stands_and_why(
    view: View, client: httpx.AsyncClient
) -> None:
    """Percentiles from twenty customers on; the factors of its weight."""
    rng = random.Random(8)
    rows = [
        customer(rng, f"c{n:02d}", strength=0.04 * n, mrr_minor=100_000, renewal_days=40)
        for n in range(20)
    ]
    await view.apply(rows)
    items = (await client.get("/v1/customers", params={"sort": "-score"})).json()["items"]
    assert items[0]["percentile"] == {"portfolio": 100, "n": 20, "segment": 100, "segment_n": 20}
    assert [item["percentile"]["segment"] for item in items] == sorted(
        (item["percentile"]["segment"] for item in items), reverse=True
    )
    one = (await client.get("/v1/customers/c03")).json()
    risk = 10_000 - one["health"]["score"]
    assert one["attention"] == {
        "standing": "open",
        "weight": risk * 11_218 * 9_000,
        "risk": risk,
        "value": 1_024 * 10 + 978,
        "closeness": 9_000,
        "days_to_renewal": 40,
    }
    listed = (await client.get("/v1/customers")).json()["items"]
    weights = [item["attention"]["weight"] for item in listed]
    assert weights == sorted(weights, reverse=True)


async def test_a21_not_pursued_leaves_the_attention_list_and_can_be_filtered(
    view: View, client: httpx.AsyncClient
) -> None:
    """Other orders and a search have it, unless they are told not to."""
    rng = random.Random(9)
    left = marked(customer(rng, "left", name="Left Behind"), not_pursued="Merged")
    await view.apply([customer(rng, "here"), left, marked(customer(rng, "done"), handled="Called")])

    async def ids(**query: str) -> list[str]:
        answer = await client.get("/v1/customers", params=query)
        return [item["customer_id"] for item in answer.json()["items"]]

    assert await ids() == ["here", "done"]
    assert await ids(pursued="no") == ["left"]
    assert await ids(pursued="any") == ["here", "done", "left"]
    assert await ids(sort="name") == ["done", "here", "left"]
    assert await ids(sort="name", pursued="yes") == ["done", "here"]
    assert await ids(search="behind") == ["left"]
    assert await ids(search="behind", pursued="yes") == []
    item = (await client.get("/v1/customers/left")).json()
    assert item["attention"]["standing"] == "not_pursued"
    assert item["health"]["not_pursued"]["reason"] == "Merged"
    html = {"accept": "text/html"}
    page = (await client.get("/", headers=html)).text
    assert 'href="/customers/left"' not in page
    assert 'href="/?pursued=no"' in page
    assert "Handled, until something changes" in page
    assert 'href="/customers/left"' in (await client.get("/?pursued=no", headers=html)).text
    assert "Merged" in (await client.get("/customers/left", headers=html)).text


async def test_a23_segments_filter_lists_and_pages(view: View, client: httpx.AsyncClient) -> None:
    """With how many they have; one that nobody is in is empty, not an error."""
    rng = random.Random(10)
    sizes = {100_000: 3, 900_000: 2}
    rows = [customer(rng, f"{m}-{n}", mrr_minor=m) for m in sizes for n in range(sizes[m])]
    await view.apply(rows)
    assert (await client.get("/v1/segments")).json()["items"] == [
        {"name": "small", "label": "Small", "customers": 3},
        {"name": "enterprise", "label": "Enterprise", "customers": 2},
    ]
    items = (await client.get("/v1/customers?segment=enterprise")).json()["items"]
    assert sorted(item["customer_id"] for item in items) == ["900000-0", "900000-1"]
    assert (await client.get("/v1/customers?segment=nobody")).json() == {"items": [], "next": None}
    html = {"accept": "text/html"}
    page = (await client.get("/?segment=small&sort=score", headers=html)).text
    assert 'href="/customers/900000-0"' not in page
    assert 'href="/customers/100000-2"' in page
    assert 'href="/?segment=enterprise&amp;sort=score"' in page
    assert "Nobody matches" in (await client.get("/?segment=nobody", headers=html)).text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-5, "renewal 5 days overdue"),
        (-1, "renewal 1 day overdue"),
        (0, "renewal due"),
        (1, "renews within a day"),
        (34, "renews in 34 days"),
        (None, "renewal not known"),
    ],
)
def test_a21_the_renewal_in_words(days: int | None, words: str) -> None:
    row = customer(random.Random(1), "acme", renewal_days=days or 0)
    if days is None:
        row.attributes.pop("renewal_at")
    assert reason_of(row, to_ms(NOW)).renewal == words


@pytest.mark.parametrize(
    ("score", "band", "overrides", "words"),
    [
        (2_500, Band.RED, (), "Very high risk"),
        (2_501, Band.RED, (), "High risk"),
        (5_000, Band.YELLOW, (), "High risk"),
        (7_500, Band.GREEN, (), "Some risk"),
        (7_501, Band.GREEN, (), "Low risk"),
        (9_000, Band.RED, ("leaving",), "Very high risk"),
        (None, Band.UNKNOWN, (), "Risk not known"),
        (None, Band.UNKNOWN, ("unpaid",), "Risk not known"),
        (None, Band.RED, ("leaving",), "Very high risk"),
    ],
)
def test_a21_the_risk_in_words(
    score: int | None, band: Band, overrides: tuple[str, ...], words: str
) -> None:
    row = customer(random.Random(1), "acme")
    health = {"score": score, "band": band, "overrides": overrides}
    row = row.model_copy(update={"health": row.health.model_copy(update=health)})
    assert reason_of(row, to_ms(NOW)).risk == words
    none = row.health.model_copy(update={"contributions": ()})
    row.attributes.pop("mrr_reporting_minor")
    found = reason_of(row.model_copy(update={"health": none}), to_ms(NOW))
    assert (found.risk, found.value) == ("Not scored", "MRR not known")


@pytest.mark.parametrize("customer_id", ODD_IDS)
async def test_any_id_is_found_by_its_address(
    view: View, client: httpx.AsyncClient, customer_id: str
) -> None:
    """Percent-encoded, in the API and on its page; its history too."""
    await view.apply([customer(random.Random(1), customer_id)])
    address = quote(customer_id, safe="")
    answer = await client.get(f"/v1/customers/{address}")
    assert answer.status_code == 200
    assert answer.json()["customer_id"] == customer_id
    assert len(answer.json()["history"]) == 1
    history = await client.get(f"/v1/customers/{address}/history")
    assert [point["sequence"] for point in history.json()["items"]] == [1]
    html = {"accept": "text/html"}
    listing = await client.get("/", headers=html)
    assert f'href="/customers/{address}"' in listing.text
    page = await client.get(f"/customers/{address}", headers=html)
    assert page.status_code == 200


async def test_a_slash_in_an_id_may_be_sent_as_it_is(view: View, client: httpx.AsyncClient) -> None:
    """For people who type addresses."""
    await view.apply([customer(random.Random(1), "a/b")])
    assert (await client.get("/v1/customers/a/b")).json()["customer_id"] == "a/b"
    assert len((await client.get("/v1/customers/a/b/history")).json()["items"]) == 1


async def test_history_is_newest_first_and_limited(view: View, client: httpx.AsyncClient) -> None:
    """The current score is its first point."""
    rng = random.Random(2)
    row = customer(rng, "acme")
    for _ in range(4):
        await view.apply([row])
        row = moved(row, rng, strength=0.6, at=NOW)
    answer = await client.get("/v1/customers/acme/history", params={"limit": 2})
    assert [point["sequence"] for point in answer.json()["items"]] == [4, 3]


@pytest.mark.parametrize("path", ["/v1/customers/nobody", "/v1/customers/nobody/history"])
async def test_an_unknown_customer_is_a_404_with_what_to_do(
    client: httpx.AsyncClient, path: str
) -> None:
    """JSON with `error` and `do`."""
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]
    assert answer.json()["do"]


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("limit=0", 422, "limit"),
        ("limit=501", 422, "limit"),
        ("band=purple", 422, "band"),
        ("sort=luck", 422, "sort"),
        ("pursued=maybe", 422, "pursued"),
        ("segment=" + "x" * 201, 422, "segment"),
        ("search=" + "x" * 201, 422, "search"),
        ("cursor=garbage", 400, "cursor"),
    ],
)
async def test_a_wrong_query_names_the_parameter(
    client: httpx.AsyncClient, query: str, status: int, named: str
) -> None:
    """And changes nothing."""
    answer = await client.get(f"/v1/customers?{query}")
    assert answer.status_code == status
    assert answer.json()["error"].startswith(named)
    assert answer.json()["do"]


async def test_an_outage_is_a_503_that_recovers_by_itself() -> None:
    """JSON for programs, a page for people; alive, but not ready."""
    view = MemoryView()
    await view.apply(portfolio(count=3))
    async with client_of(view) as client:
        view.outage = "Redis at redis://127.0.0.1:1 does not answer."
        for path in ("/v1/customers", "/v1/customers/x", "/v1/customers/x/history"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert answer.json()["error"] == view.outage
            assert answer.json()["do"]
        page = await client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert view.outage in page.text
        assert "tries again by itself" in page.text
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["error"]) == (503, view.outage)
        assert (await client.get("/healthz")).status_code == 200
        view.outage = None
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        assert len((await client.get("/v1/customers")).json()["items"]) == 3


async def test_metrics_count_by_route_never_by_customer() -> None:
    """A customer id as a label would grow without end."""
    view = MemoryView()
    await view.apply([customer(random.Random(1), "acme")])
    async with client_of(view) as client:
        await client.get("/v1/customers/acme")
        await client.get("/v1/customers/nobody")
        await client.get("/somewhere/else")
        text = (await client.get("/metrics")).text
    route = 'route="/v1/customers/{customer_id:path}"'
    assert f'health_api_requests_total{{{route},status="200"}} 1.0' in text
    assert f'health_api_requests_total{{{route},status="404"}} 1.0' in text
    assert 'health_api_requests_total{route="other",status="404"} 1.0' in text
    assert "acme" not in text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_only_loopback_names_are_served(host: str, status: int) -> None:
    """A web page elsewhere must not read customers through the browser of someone here."""
    async with client_of(MemoryView()) as client:
        for path in ("/", "/v1/customers", "/v1/openapi.json"):
            assert (await client.get(path, headers={"host": host})).status_code == status
        assert (await client.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1/customers", "/static/live.js", "/nowhere", "/v1/customers/none"]
)
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    """Pages, JSON, files and failures alike."""
    async with client_of(MemoryView()) as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


async def test_pages_have_nothing_inline_and_nothing_from_elsewhere() -> None:
    """What the policy forbids must not be there to be missed."""
    view = MemoryView()
    rows = portfolio()
    await view.apply(rows)
    async with client_of(view) as client:
        for path in ("/", f"/customers/{rows[0].customer_id}", "/customers/nobody"):
            text = (await client.get(path, headers={"accept": "text/html"})).text
            assert " style=" not in text
            assert "<style" not in text
            assert " onclick=" not in text
            assert "<script>" not in text
            assert "//" not in text.replace("</", "<")


async def test_what_customers_are_called_is_escaped(view: View, client: httpx.AsyncClient) -> None:
    """Names, ids, reasons and facts come from elsewhere."""
    evil = "<script>alert('x')</script>"
    row = customer(random.Random(1), evil, name=evil, owner=evil)
    row = row.model_copy(update={"because": evil, "attributes": row.attributes | {evil: evil}})
    await view.apply([row])
    html = {"accept": "text/html"}
    for path in ("/", f"/customers/{quote(evil, safe='')}", f"/?search={quote(evil)}"):
        text = (await client.get(path, headers=html)).text
        assert "alert" in text
        assert "<script>alert" not in text


async def test_unknown_addresses_answer_in_the_form_asked_for() -> None:
    """JSON under /v1, a page for browsers."""
    async with client_of(MemoryView()) as client:
        assert (await client.get("/v1/nothing")).json()["do"]
        page = await client.get("/nothing", headers={"accept": "text/html"})
        assert page.status_code == 404
        assert "<h1>Not found</h1>" in page.text
        assert (await client.get("/docs")).status_code == 404
        schema = (await client.get("/v1/openapi.json")).json()
    assert "/v1/customers" in schema["paths"]
    assert "/" not in schema["paths"]


async def test_an_empty_view_says_what_to_do() -> None:
    """And a filter that matches nobody says that instead."""
    view = MemoryView()
    html = {"accept": "text/html"}
    async with client_of(view) as client:
        empty = (await client.get("/", headers=html)).text
        assert "No customer has been scored yet" in empty
        assert "vitals demo" in empty
        await view.apply([customer(random.Random(1), "acme", strength=0.9)])
        assert "Nobody matches" in (await client.get("/?band=red", headers=html)).text
        assert "acme" in (await client.get("/?band=purple&sort=luck", headers=html)).text
