"""The page as Markdown and as HTML: complete, self-contained, safe whatever a card says."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from partitionlog import SAAS, changed_card
from schemas.scales import Scale
from streams.scorecard_pages.as_html import as_html
from streams.scorecard_pages.as_markdown import as_markdown
from streams.scorecard_pages.page import Fact, Page, Section, Table
from streams.scorecard_pages.reading import read_page
from streams.scorecard_pages.wording import percent

#: Elements without an end.
VOID = {"meta", "br", "hr", "img", "link", "input", "path", "circle", "rect"}
HOSTILE = "a | b <script>alert(1)</script> [x](javascript:1) `c` *d* & é"


class Outline(HTMLParser):
    """Tags that do not match, ids, links, texts, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if "href" in given:
            self.links.append(given["href"])
        if given.get("role") == "img":
            self.pictures.append(given["aria-label"])
        self.fetched += [given[name] for name in ("src", "srcset", "data") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(document: str) -> Outline:
    found = Outline()
    found.feed(document)
    found.close()
    assert found.open == []
    return found


RICH = (Path(__file__).parent / "rich.yaml").read_text()


@pytest.fixture(scope="module", params=[SAAS, RICH], ids=["shipped", "rich"])
def page(request: pytest.FixtureRequest) -> Page:
    return read_page(request.param)


def one_line(text: str) -> str:
    return " ".join(text.split())


def everything(page: Page) -> list[str]:
    """All that a page must show."""
    facts = [*page.about, *(f for s in page.sections for f in s.facts)]
    facts += [f for band in page.bands for f in band.facts]
    facts += [note for measure in page.measures for note in measure.notes]
    texts = [text for fact in facts for text in (fact.name, fact.says, fact.code)]
    texts += [cell for s in page.sections if s.table for row in s.table.rows for cell in row]
    texts += [group.label for group in page.groups]
    if len(page.weightings) > 1:
        texts += page.weightings
        texts += [percent(weight) for measure in page.measures for weight in measure.weights_ppm]
    texts += [text for s in page.sections for text in (s.title, s.intro)]
    for measure in page.measures:
        texts += [measure.label, measure.looks_at, measure.metric, measure.without_data]
        texts += [part for row in measure.texts for part in row]
        texts += [] if measure.texts else [measure.curve]
    texts += [band.to_do for band in page.bands]
    texts += [text for line in page.example.lines for text in (line.name, line.value)]
    return [*texts, page.name, page.version, page.hash, Scale().exact(page.example.score)]


def test_the_html_shows_everything(page: Page) -> None:
    text = one_line(outline(as_html(page)).text)
    assert [part for part in everything(page) if part not in text] == []


def test_the_markdown_shows_everything(page: Page) -> None:
    text = re.sub(r"\\(.)", r"\1", as_markdown(page))
    assert [part for part in everything(page) if part not in text] == []


def test_the_html_needs_nothing_else(page: Page) -> None:
    """No script, no file, no host; anchors lead somewhere, ids are unique."""
    document = as_html(page)
    found = outline(document)
    assert found.fetched == []
    assert not {"script", "link", "iframe", "object"} & set(found.tags)
    assert "http" not in document
    assert "url(" not in document
    assert "@import" not in document
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert found.links


def test_every_curve_is_drawn_and_described(page: Page) -> None:
    found = outline(as_html(page))
    for measure in page.measures:
        assert (f"{measure.label}: {measure.curve}" in found.pictures) is not bool(measure.texts)
        assert bool(measure.texts) is (measure.drawing is None)
    assert found.pictures[-1].startswith("The scale from 0 to 100 points: 0 to 50 red, 50 to 56")


def test_tables_have_as_many_cells_in_each_row(page: Page) -> None:
    widths: list[set[int]] = []
    before = ""
    for line in as_markdown(page).splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            if not before.startswith("|"):
                widths.append(set())
            widths[-1].add(cells)
        before = line
    tables = [section for section in page.sections if section.table]
    assert len(widths) == len([group for group in page.groups if group.measures]) + 2 + len(tables)
    assert all(len(each) == 1 for each in widths)


def test_markdown_has_no_markup_of_html_but_line_breaks(page: Page) -> None:
    text = re.sub(r"`[^`]*`", "", as_markdown(page))
    assert set(re.findall(r"(?<!\\)<[^>]*>", text)) == {"<br>"}
    assert "▁" in as_markdown(page)


def test_what_a_card_says_is_no_markup() -> None:
    """An owner is no script, a pipe no table cell."""
    page = read_page(
        changed_card(
            ("owner: customer-success", f'owner: "{HOSTILE}"'),
            ('says: "{value} tickets open"', f"says: '{HOSTILE}'"),
        )
    )
    found = outline(as_html(page))
    assert "script" not in found.tags
    assert HOSTILE in one_line(found.text)
    text = as_markdown(page)
    assert "<script>" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\]", "")
    for line in text.splitlines():
        if "alert" in line and line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (5, 6)


def test_a_playbook_is_shown_where_there_is_one(page: Page) -> None:
    red = replace(page.bands[0], playbook=("Call the owner", "Agree on a date"))
    with_steps = replace(page, bands=(red, *page.bands[1:]))
    assert "<ol>" not in as_html(page)
    assert "<li>Call the owner</li><li>Agree on a date</li>" in as_html(with_steps)
    assert "1. Call the owner\n2. Agree on a date\n" in as_markdown(with_steps)
    assert "1. " not in as_markdown(page)


def test_new_sections_need_no_new_renderer(page: Page) -> None:
    section = replace(page.sections[0], title="Archetypes", facts=(Fact("Ghost", "never seen"),))
    grown = replace(page, sections=(*page.sections, section))
    assert "Archetypes" in outline(as_html(grown)).ids or "Archetypes" in as_html(grown)
    assert "- **Ghost:** never seen" in as_markdown(grown)


def test_the_same_card_makes_the_same_page(page: Page) -> None:
    """No clock and no chance: a page can be kept under version control."""
    again = read_page(RICH if page.name == "rich" else SAAS)
    assert as_html(again) == as_html(page)
    assert as_markdown(again) == as_markdown(page)
    assert as_markdown(page).endswith(f"hash `{page.hash}`\n")


def test_what_a_table_says_is_no_markup(page: Page) -> None:
    """Neither a cell nor code can break out."""
    odd = Table(("a", "b"), (("x | y", "`a` | <b>"),), code=frozenset({1}))
    fact = Fact("<i>", "*says*", 'status == "a|`b`"')
    grown = replace(page, sections=(Section("Odd", "", (fact,), odd),))
    found = outline(as_html(grown))
    assert not {"i", "b"} & (set(found.tags) - {"b"})
    assert "`a` | <b>" in found.text
    lines = as_markdown(grown).splitlines()
    assert "| x \\| y | `'a' \\| <b>` |" in lines
