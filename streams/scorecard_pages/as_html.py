"""A scorecard's page as HTML: one file that needs nothing else, on a screen or on paper."""

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from schemas.scales import Scale
from streams.scorecard_pages import drawing
from streams.scorecard_pages.page import Page
from streams.scorecard_pages.wording import percent, percents, points

__all__ = ["as_html"]


def as_html(page: Page) -> str:
    """The page as a whole HTML document: no script, no file or host besides itself."""
    return _template().render(page=page)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "exact": Scale().exact,
        "percent": percent,
        "percents": percents,
        "points": points,
    }
    environment.globals |= {"plot": drawing}
    return environment.get_template("page.html")
