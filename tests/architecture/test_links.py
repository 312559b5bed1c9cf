"""The documents' links lead somewhere, and the commands they show exist."""

import re
from pathlib import Path

import pytest

from streams.__main__ import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)?(?:#([\w-]+))?\)")


def _anchors(path: Path) -> set[str]:
    """The anchors that Markdown viewers make of headings."""
    headings = re.findall(r"^#+ +(.+?) *$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Relative links name files that are there, and headings that are in them."""
    broken = []
    for name, anchor in LINK.findall(document.read_text()):
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{name}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist(document: Path) -> None:
    """A command or make target that a document shows can be typed."""
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:`|^)(?:[.\w]+/)*vitals ([a-z]+(?:-[a-z]+)*)\b", text, re.MULTILINE))
    assert shown <= set(COMMANDS)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets
