"""docs/operations.md says what the code does: exit codes, settings, topics."""

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from schemas.topics import TOPICS, Topics
from streams.exits import Exit
from streams.settings import Settings

REPO = Path(__file__).resolve().parents[2]
DOCUMENT = REPO / "docs" / "operations.md"
SETTINGS_BLOCK = re.compile(r"(<!-- settings: [^\n]* -->\n)(.*?)(<!-- /settings -->)", re.DOTALL)


@pytest.fixture
def document() -> str:
    """The text as it is shipped."""
    return DOCUMENT.read_text()


def _settings_table() -> str:
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default in (None, "", PydanticUndefined) else f"`{default}`"
        rows.append(f"| `VITALS_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows) + "\n"


def test_every_exit_code_is_documented_with_its_name(document: str) -> None:
    """A supervisor's rules are written from this table."""
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", document, re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {code.name: code.value for code in Exit}


@pytest.mark.parametrize("path", [DOCUMENT, REPO / "README.md"], ids=lambda path: path.name)
def test_every_setting_is_documented(path: Path) -> None:
    """The table is the settings' own names, defaults and meanings."""
    text = path.read_text()
    if os.environ.get("UPDATE_DOCS"):
        text = SETTINGS_BLOCK.sub(lambda old: old[1] + _settings_table() + old[3], text)
        path.write_text(text)
    found = SETTINGS_BLOCK.search(text)
    assert found is not None
    assert found[2] == _settings_table(), "run it with UPDATE_DOCS=1"


def test_every_topic_and_group_stands_in_the_access_table(document: str) -> None:
    """An ACL that is not in the table is found on the first day in production."""
    table = document.split("## Access rights")[1].split("\n## ", maxsplit=1)[0]
    groups = [
        value.fget(Topics())
        for name, value in vars(Topics).items()
        if name.startswith("group_") and isinstance(value, property) and value.fget
    ]
    assert [topic.name for topic in TOPICS.values() if f"`{topic.name}`" not in table] == []
    assert [group for group in groups if f"`{group}`" not in table] == []
