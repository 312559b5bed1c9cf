"""The JSON Schema for editors: every line explained, examples that suit it, nothing narrowed."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.commands.schemas_command import documents
from streams.scorecard_pages.editor_schema import for_editors, undescribed
from streams.scorecards import document_of, shipped_card

CONTRACT = documents()["scorecard-file"]
CARDS = sorted((Path(__file__).parents[3] / "deploy" / "scorecards").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As an editor reads it: keys of JSON objects are texts."""
    made = for_editors(CONTRACT, document_of(shipped_card().read_text()))
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def test_every_line_is_explained(schema: dict[str, Any]) -> None:
    """If this fails: give the new field a description in ``schemas/scorecard.py``."""
    assert undescribed(schema) == []


def test_examples_suit_their_line(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    seen = 0
    for part in [schema, *schema["$defs"].values()]:
        for name, field in part.get("properties", {}).items():
            for example in field.get("examples", ()):
                whole = {"$defs": schema["$defs"], **field}
                assert Draft202012Validator(whole).is_valid(example), (name, example)
                seen += 1
    assert seen > 30


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_shipped_cards_are_not_underlined(schema: dict[str, Any], path: Path) -> None:
    document = json.loads(json.dumps(document_of(path.read_text())))
    Draft202012Validator(schema).validate(document)
    assert not Draft202012Validator(schema).is_valid({**document, "colour": "red"})


def test_it_is_the_contract_with_words(schema: dict[str, Any]) -> None:
    """Without descriptions and examples the two are the same."""

    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            kept = {k: v for k, v in part.items() if k not in ("examples", "title")}
            if isinstance(kept.get("description"), str):
                del kept["description"]
            return {key: bare(value) for key, value in kept.items()}
        return [bare(each) for each in part] if isinstance(part, list) else part

    assert bare(schema) == bare(json.loads(json.dumps(CONTRACT)))


def test_examples_stand_beside_the_models_words() -> None:
    own = {
        "properties": {
            "owner": {"type": "string", "description": "Ours."},
            "version": {"type": "string"},
            "mystery": {"type": "string"},
        }
    }
    made = for_editors(own, {"owner": "Dana", "version": "1"})
    assert made["properties"]["owner"] == {
        "type": "string", "description": "Ours.", "examples": ["Dana"],
    }  # fmt: skip
    assert undescribed(made) == ["ScorecardFile.version", "ScorecardFile.mystery"]
    assert "examples" not in own["properties"]["owner"]
