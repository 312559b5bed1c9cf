"""Every metric that is offered is told by somebody."""

import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "streams"


def attributes() -> list[str]:
    """The names under which the metrics are told."""
    text = (SOURCES / "metrics.py").read_text()
    return re.findall(r"self\.(\w+) = self\._(?:counter|gauge|histogram)\(", text)


def told_in(sources: str, name: str) -> bool:
    """Whether some source changes the metric."""
    how = r"(?:\.labels\([^)]*\)+)?\.(?:inc|set|observe)\("
    by_count = rf"\bmetrics\.{name}(?:\.labels\([^)]*\))?,"  # in a table of counts
    return re.search(rf"\.{name}{how}|{by_count}", sources.replace("\n", " ")) is not None


def test_no_metric_stands_there_at_nothing() -> None:
    """A gauge that nobody sets is 0 for ever, and whoever watches it believes that all is well."""
    sources = "\n".join(p.read_text() for p in SOURCES.rglob("*.py") if p.name != "metrics.py")
    names = attributes()
    assert len(names) > 25
    assert [name for name in names if not told_in(sources, name)] == []
    assert not told_in(sources, "no_such_metric")
