"""The pages in a real Chromium: what people see, live, in place, and nothing from elsewhere."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from portfolio import NOW, customer, marked, moved, portfolio
from schemas.scores import Band
from schemas.views import CustomerHealth
from streams.api.server import ApiServer
from streams.clock import ManualClock, to_ms
from streams.settings import Settings
from streams.views.memory_view import MemoryView

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """A server over a view, and a page that is watched."""

    view: MemoryView
    url: str
    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    loads: int = 0

    async def open(self, path: str) -> None:
        """Go there and wait until it is live."""
        await self.page.goto(self.url + path)
        await expect(self.page.locator("#link-state")).to_have_attribute("data-state", "live")


@pytest_asyncio.fixture(loop_scope="module")
async def site(browser: Browser) -> AsyncIterator[Site]:
    """A page over an empty view; afterwards: no error was logged, no request left the origin."""
    view = MemoryView()
    server = ApiServer(view, Settings(api_port=0), ManualClock(to_ms(NOW)))
    url = await server.start()
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin"
    )
    await context.clock.set_fixed_time(NOW)
    made = Site(view, url, await context.new_page())
    made.page.on(
        "console",
        lambda said: made.errors.append(said.text) if said.type in ("error", "warning") else None,
    )
    made.page.on("pageerror", lambda error: made.errors.append(str(error)))
    made.page.on("request", lambda request: made.requests.append(request.url))

    def loaded(_: Page) -> None:
        made.loads += 1

    made.page.on("load", loaded)
    yield made
    await context.close()
    await server.stop()
    assert made.errors == []
    assert [each for each in made.requests if not each.startswith(url + "/")] == []


def newest(rows: list[CustomerHealth], band: Band) -> list[CustomerHealth]:
    """The customers of a band, as they ended."""
    return [
        row for row in {row.customer_id: row for row in rows}.values() if row.health.band is band
    ]


def number(text: str) -> float:
    """A number as the page prints it; a dash is nothing."""
    return 0.0 if text == "–" else float(text.replace("−", "-"))


async def names(page: Page) -> list[str]:
    """The customers listed, in order."""
    return await page.locator(".customers tbody .customer a").all_inner_texts()


async def test_the_list_shows_who_needs_attention_first(site: Site) -> None:
    """Totals, order, words beside colours, the reader's own time zone."""
    rows = portfolio()
    await site.view.apply(rows)
    await site.open("/")
    expected = (await site.view.customers(limit=100)).items
    assert await names(site.page) == [row.customer_name for row in expected]
    counts = await site.view.counts()
    for band in Band:
        tile = site.page.locator(f".tile.{band.value} .tile-count")
        await expect(tile).to_have_text(str(counts[band]))
    first = site.page.locator(".customers tbody tr").first
    await expect(first.locator(".chip")).to_have_text("Red")
    await expect(first.locator(".because")).to_contain_text(expected[0].because)
    await expect(site.page.locator(".pending").first).to_have_text("red pending until Thu 08:12")
    await expect(site.page).to_have_title(f"({counts[Band.RED]}) Who needs attention · Vitals")


async def test_a_change_updates_its_row_in_place(site: Site) -> None:
    """The same page, the same row element: focus, scroll and typed text stay."""
    rng = random.Random(1)
    rows = portfolio()
    await site.view.apply(rows)
    await site.open("/")
    target = newest(rows, Band.GREEN)[-1]
    row = site.page.locator(f'tr[data-key="{target.customer_id}"]')
    await row.scroll_into_view_if_needed()
    await row.locator("a").focus()
    place = await row.evaluate("element => element.getBoundingClientRect().top")
    capped = target.model_copy(
        update={
            "sequence": target.sequence + 1,
            "because": "The champion left",
            "changed_at": NOW,
            "customer_name": "Renamed Systems",
        }
    )
    await site.view.apply([capped])
    await expect(row.locator(".because")).to_have_text("The champion left")
    await expect(row.locator(".customer a")).to_have_text("Renamed Systems")
    await expect(row.locator(".changed time")).to_have_text("just now")
    await expect(row.locator("a")).to_be_focused()
    assert abs(await row.evaluate("e => e.getBoundingClientRect().top") - place) < 2
    # Now it falls: the row moves to the top and keeps being the same element.
    fallen = moved(capped, rng, strength=0.02, at=NOW, measures=10)
    await site.view.apply([fallen])
    await expect(row.locator(".chip")).to_have_text("Red")
    await expect(row.locator(".delta")).to_contain_text("down")
    assert (await names(site.page))[0] == "Renamed Systems"
    await expect(row.locator("a")).to_be_focused()
    counts = await site.view.counts()
    await expect(site.page.locator(".tile.red .tile-count")).to_have_text(str(counts[Band.RED]))
    assert site.loads == 1


async def test_the_element_of_a_row_survives_a_change(site: Site) -> None:
    """Not torn down and built anew: a selection in it would be lost."""
    rng = random.Random(2)
    rows = [customer(rng, f"c{n}", strength=0.5) for n in range(5)]
    await site.view.apply(rows)
    await site.open("/")
    await site.page.evaluate("window.kept = document.querySelector('tr[data-key=c3]')")
    await site.view.apply([moved(rows[3], rng, strength=0.01, at=NOW, measures=10)])
    await expect(site.page.locator("tr[data-key=c3]")).to_have_attribute(
        "data-version", f"{rows[3].epoch}-2"
    )
    assert await site.page.evaluate("kept === document.querySelector('tr[data-key=c3]')")


async def test_filters_and_search_narrow_the_list_without_a_load(site: Site) -> None:
    """The address follows, and so does the way back."""
    await site.view.apply(portfolio())
    await site.open("/")
    await site.page.locator(".tile.yellow").click()
    await expect(site.page.locator(".tile.yellow")).to_have_attribute("aria-current", "true")
    await expect(site.page.locator(".chip:not(.yellow)")).to_have_count(0)
    field = site.page.get_by_role("searchbox")
    await field.press_sequentially("acct-10")
    await expect(site.page).to_have_url(re.compile(r"band=yellow&search=acct-10$"))
    await field.fill("no such customer")
    await expect(site.page.get_by_text("Nobody matches")).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_value("no such customer")
    await site.page.go_back()
    await expect(site.page.locator(".tile.all")).to_have_attribute("aria-current", "true")
    await expect(site.page.locator(".customers tbody tr")).to_have_count(60)
    assert site.loads == 1


async def test_a_click_before_the_last_ones_page_has_come_does_not_undo_it(site: Site) -> None:
    """Two filters in quick succession: both count."""
    await site.view.apply(portfolio())
    await site.open("/?band=red")
    answer, asked = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await site.page.route(re.compile(r"/$"), late)
    await site.page.locator(".tile.all").click()
    await asked.wait()
    await site.page.locator(".segments").get_by_role("link", name="Small").click()
    answer.set()
    await expect(site.page).to_have_url(re.compile(r"/\?segment=small$"))
    await expect(site.page.locator(".customers tbody .id", has_text="Enterprise")).to_have_count(0)
    assert site.loads == 1


async def test_a21_a23_the_list_says_why_and_handled_customers_sink(site: Site) -> None:
    """Rank and reason in words; a mark moves the row to the end without a load, and back."""
    rows = portfolio()
    await site.view.apply(rows)
    await site.open("/")
    first = (await site.view.customers(limit=1)).items[0]
    row = site.page.locator(f'tr[data-key="{first.customer_id}"]')
    await expect(row.locator(".attention")).to_contain_text(re.compile("risk, €.* MRR.*renew"))
    await expect(row.locator(".percentile .rank")).to_have_attribute("title", re.compile("among"))
    await expect(site.page.locator(".part")).to_have_count(0)
    done = marked(first, handled="Called them")
    await site.view.apply([done])
    await expect(site.page.locator(".part")).to_have_text("Handled, until something changes")
    assert (await names(site.page))[-1] == first.customer_name
    await expect(row.locator(".because")).to_contain_text("Called them")
    await site.view.apply([marked(done)])
    await expect(site.page.locator(".part")).to_have_count(0)
    assert (await names(site.page))[0] == first.customer_name
    await site.view.apply([marked(marked(done), not_pursued="Merged")])
    await expect(row).to_have_count(0)
    await site.page.get_by_role("link", name="1 not pursued").click()
    await expect(row.locator(".because")).to_contain_text("Merged")
    await site.page.get_by_role("link", name="Back to those pursued").click()
    await site.page.locator(".segments").get_by_role("link", name="Small").click()
    await expect(site.page).to_have_url(re.compile(r"segment=small$"))
    await expect(site.page.locator(".customers tbody .id", has_text="Enterprise")).to_have_count(0)
    assert site.loads == 1


async def test_the_customer_page_adds_up_before_every_eye(site: Site) -> None:
    """The printed lines add up to the printed total, with caps and missing measures."""
    rng = random.Random(3)
    cases = [
        customer(rng, "plain", strength=0.7),
        customer(rng, "missing", strength=0.7, missing=2),
        customer(rng, "capped", strength=0.7, missing=1, cap=2500),
        moved(customer(rng, "moved", strength=0.9), rng, strength=0.3, at=NOW),
    ]
    await site.view.apply(cases)
    for row in cases:
        await site.open(f"/customers/{row.customer_id}")
        values = await site.page.locator(".bars tbody .value").all_inner_texts()
        total = await site.page.locator(".bars tfoot .value").inner_text()
        assert len(values) == len(row.health.contributions)
        assert round(sum(map(number, values)), 1) == number(total)
        exact = await site.page.locator(".bars tfoot .value").get_attribute("title")
        score = row.health.score or 0
        assert exact == f"{score // 100}.{score % 100:02d} points"
        whole = await site.page.locator(".hero-score .number").inner_text()
        assert whole == total.split(".")[0]
    shifts = await site.page.locator(".shifts tbody .points").all_inner_texts()
    change = await site.page.locator(".shifts tfoot .points").inner_text()
    assert len(shifts) == 4
    assert round(sum(map(number, shifts)), 1) == number(change)
    await expect(site.page.locator(".events li")).to_have_count(2)


async def test_the_customer_page_follows_its_customer(site: Site) -> None:
    """Score, bars and history; an opened table stays open; others change nothing."""
    rng = random.Random(4)
    row = customer(rng, "a/ö <b>", name="Ä & Söhne", strength=0.8)
    await site.view.apply([row, other := customer(rng, "other")])
    await site.open("/customers/a%2F%C3%B6%20%3Cb%3E")
    await expect(site.page.get_by_role("heading", level=1)).to_have_text("Ä & Söhne")
    await site.page.locator("summary").click()
    asked = len(site.requests)
    await site.view.apply([moved(other, rng, strength=0.5, at=NOW)])
    later = moved(row, rng, strength=0.2, at=NOW + timedelta(seconds=1))
    await site.view.apply([later])
    await expect(site.page.locator(".hero")).to_have_attribute("data-version", f"{row.epoch}-2")
    await expect(site.page.locator(".points-table tbody tr")).to_have_count(2)
    await expect(site.page.locator("details")).to_have_attribute("open", "")
    await expect(site.page.locator(".curve .stroke")).to_have_count(1)
    assert len(site.requests) == asked + 1
    assert site.loads == 1


async def test_the_first_customer_appears_by_itself(site: Site) -> None:
    """From the empty page on."""
    await site.open("/")
    await expect(site.page.get_by_text("No customer has been scored yet")).to_be_visible()
    await site.view.apply([customer(random.Random(5), "acme", name="Acme")])
    await expect(site.page.get_by_role("link", name="Acme")).to_be_visible()
    await site.view.clear()
    await expect(site.page.get_by_text("No customer has been scored yet")).to_be_visible()
    assert site.loads == 1


async def test_an_outage_is_said_and_ends_by_itself(site: Site) -> None:
    """The last known state stays on screen; a page opened meanwhile fills itself later."""
    await site.view.apply([customer(random.Random(6), "acme", name="Acme")])
    await site.open("/")
    site.view.outage = "Redis at redis://127.0.0.1:6379 does not answer."
    await expect(site.page.get_by_role("alert")).to_contain_text("does not answer")
    await expect(site.page.locator("#link-state")).to_have_text("Waiting for Redis…")
    assert await names(site.page) == ["Acme"]
    await site.page.reload()
    await expect(site.page.get_by_role("heading", level=1)).to_contain_text("cannot be read")
    site.view.outage = None
    await expect(site.page.get_by_role("link", name="Acme")).to_be_visible()
    await expect(site.page.locator("#link-state")).to_have_text("Live")
    assert any("503" in error for error in site.errors)
    site.errors.clear()  # the browser's own line about the failed load


@pytest.mark.parametrize("width", [375, 800, 1100, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit_small_and_wide_screens(site: Site, width: int, scheme: str) -> None:
    """Nothing is cut off or scrolls sideways, and every word can be read."""
    rows = portfolio()
    await site.view.apply(rows)
    await site.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await site.page.set_viewport_size({"width": width, "height": 800})
    worst = newest(rows, Band.RED)[0]
    left = newest(rows, Band.YELLOW)[0]
    await site.view.apply([marked(worst, handled="Called"), marked(left, not_pursued="Merged")])
    for path in (
        "/",
        "/?pursued=no",
        f"/customers/{worst.customer_id}",
        "/?search=nobody",
    ):
        await site.open(path)
        assert await site.page.evaluate("document.documentElement.scrollWidth") <= width
        assert await site.page.evaluate(CONTRAST) == []


#: Every visible text against what is behind it: 4.5 to 1 (WCAG AA), large text 3 to 1.
CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const bad = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5))
      bad.add(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return [...bad];
}"""
