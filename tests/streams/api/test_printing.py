"""The health check of a real customer: all that its score was made of, on paper."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from typing import NoReturn

import httpx
import pytest

from silence import told
from streams.api.app import build_api, templates_of
from streams.api.customer_page import check_context
from streams.api.health_checks import health_check
from streams.api.printing import BROWSERS, as_pdf
from streams.clock import ManualClock
from streams.exits import Exit, NamedExit
from streams.settings import Settings
from streams.views.memory_view import MemoryView


async def checked() -> tuple[MemoryView, int]:
    """A view with one customer, and now."""
    rows, now_ms = told()
    view = MemoryView()
    await view.apply(rows)
    return view, now_ms


async def page(path: str) -> httpx.Response:
    view, now_ms = await checked()
    app = build_api(view, Settings(), ManualClock(now_ms))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        return await client.get(path, headers={"accept": "text/html"})


async def test_a14_the_health_check_has_all_that_a_score_was_made_of() -> None:
    """Dated; each measure with value, own score, what it gives; changes, what comes, the way."""
    answer = await page("/customers/acme/health-check")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    text = answer.text
    for said in (
        "Health check · 13 March 2026", "How the score adds up", "Last used 10 days ago", "Seats",
        "Usage", "Adoption", "The last 90 days", "If nothing happens", "way to green",
        "a further score", "growth", "Not seen", "a payment failed", "the source is stalled",
    ):  # fmt: skip
        assert said.lower() in text.lower(), said
    assert "style=" not in text
    assert "<style" not in text
    assert "<script" not in text


async def test_the_customers_page_leads_to_it() -> None:
    answer = await page("/customers/acme")
    assert 'href="/customers/acme/health-check">' in answer.text
    for said in ("until", "What comes", "Archetype", "Outlook", "source is stalled", "of 40"):
        assert said in answer.text, said


async def test_an_id_that_ends_alike_is_a_customer() -> None:
    assert (await page("/customers/acme%2Fhealth-check")).status_code == 404
    assert (await page("/customers/nobody/health-check")).status_code == 404


async def test_as_a_file_it_loads_nothing() -> None:
    view, now_ms = await checked()
    html = await health_check(view, "acme", templates_of(Settings()).env, now_ms)
    assert html is not None
    assert "<style>" in html
    assert "@page" in html
    assert not any(loads in html for loads in ('href="/', "src=", "url(", "http://", "https://"))


async def test_many_changes_are_cut_to_the_largest() -> None:
    """Every new colour stays; of the others those that moved most."""
    rows, now_ms = told(60)
    view = MemoryView()
    await view.apply(rows)
    row = await view.customer("acme")
    assert row is not None
    (rank,) = await view.percentiles([row])
    context = check_context(row, await view.history("acme"), rank, now_ms)
    assert len(context["changes"]) == 12
    assert context["more_changes"] == len(rows) - 12
    at = [point.at for point, _, _ in context["changes"]]
    assert at == sorted(at, reverse=True)
    crossed = {b.sequence for a, b in pairwise(rows)
               if a.health.band != b.health.band}  # fmt: skip
    assert crossed <= {point.sequence for point, _, _ in context["changes"]}


@pytest.mark.browser
async def test_it_is_printed_on_two_pages(
    missing_part: Callable[[str, str], NoReturn],
) -> None:
    if not any(shutil.which(name) for name in BROWSERS):
        missing_part("chromium", "Install it (Debian, Ubuntu: apt-get install chromium).")
    view, now_ms = await checked()
    html = await health_check(view, "acme", templates_of(Settings()).env, now_ms)
    assert html is not None
    pdf = as_pdf(html)
    assert pdf.startswith(b"%PDF")
    assert 1 <= pdf.count(b"/Type /Page\n") <= 2


def test_without_a_chromium_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NamedExit, match="without --pdf") as raised:
        as_pdf("")
    assert raised.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("program", "said"),
    [("/bin/false", "printed nothing"), ("/nowhere/chromium", "No such file")],
)
def test_a_chromium_that_prints_nothing(program: str, said: str) -> None:
    with pytest.raises(NamedExit, match=said) as raised:
        as_pdf("", program)
    assert raised.value.code is Exit.FAILED
