"""The page in a real Chromium: it fits, it loads nothing, light and dark can be read."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from streams.scorecard_pages.as_html import as_html
from streams.scorecard_pages.reading import read_page
from streams.scorecards import shipped_card

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

#: The WCAG contrast of every text against what is behind it, the lowest first.
CONTRASTS = """() => {
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(e).backgroundColor);
      if (a === 1 && r !== undefined) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest('style, .zones')) continue;
    const style = getComputedStyle(e);
    const ink = light(parts(e.closest('svg') ? style.fill : style.color));
    const paper = light(behind(e));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    found.push([Math.round(ratio * 100) / 100, e.tagName, e.textContent.trim().slice(0, 30)]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}"""


RICH = (Path(__file__).parent / "rich.yaml").read_text()
CARDS = [*(shipped_card(name).read_text() for name in ("b2b-saas", "worked-example")), RICH]


@pytest.mark.parametrize("card", CARDS, ids=["shipped", "small", "rich"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_and_can_be_read(
    browser: Browser, tmp_path: Path, scheme: str, card: str
) -> None:
    path = tmp_path / "card.html"
    path.write_text(as_html(read_page(card)), encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    context = await browser.new_context(color_scheme=scheme, java_script_enabled=True)
    page = await context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for width in (1280, 800, 390):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.goto(path.as_uri())
        assert await page.evaluate("document.documentElement.scrollWidth") == width
    lowest = (await page.evaluate(CONTRASTS))[:3]
    curve = await page.locator(".curve").first.bounding_box()
    await context.close()
    assert said == []
    assert set(asked) == {path.as_uri()}
    assert lowest[0][0] >= 4.5, lowest
    assert curve is not None
    assert curve["width"] > 200
