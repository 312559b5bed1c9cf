"""The exported JSON Schemas: up to date, valid, and no narrower than what is read."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from jsonschema import Draft202012Validator

from schemas.inbound import AnyEvent, family_of
from strategies import event_dicts
from streams.commands.schemas_command import command, documents, export

ROOT = Path(__file__).parents[2]
DOCUMENTS = documents()
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in DOCUMENTS.items()}


def test_docs_schemas_is_up_to_date(tmp_path: Path) -> None:
    """If this fails: `vitals schemas --out docs/schemas`."""
    fresh = {path.name: path.read_text() for path in export(tmp_path)}
    kept = {path.name: path.read_text() for path in (ROOT / "docs" / "schemas").iterdir()}
    assert sorted(kept) == sorted(fresh)
    stale = [name for name, text in fresh.items() if kept[name] != text]
    assert not stale


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_a_valid_schema(name: str) -> None:
    """Of the dialect that it names."""
    Draft202012Validator.check_schema(DOCUMENTS[name])
    assert DOCUMENTS[name]["$schema"].endswith("2020-12/schema")


@given(event_dicts())
def test_the_schemas_accept_every_event_that_is_read(fields: dict[str, Any]) -> None:
    """By the type's schema and by its family's."""
    event = AnyEvent.validate_json(json.dumps(fields))
    VALIDATORS[f"{event.type}.v1"].validate(fields)
    VALIDATORS[f"{family_of(event)}.v1"].validate(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [("customer_id", ""), ("customer_id", None), ("schema_version", "2.0"), ("quantity", -1)],
)
def test_the_schemas_refuse_what_is_refused(field: str, value: object) -> None:
    """A schema that accepts everything would pass the test above."""
    golden = json.loads((Path(__file__).parent / "golden" / "usage.feature.v1.json").read_text())
    VALIDATORS["usage.feature.v1"].validate(golden)
    assert not VALIDATORS["usage.feature.v1"].is_valid({**golden, field: value})


@pytest.mark.parametrize(
    ("schema", "folder"), [("mapping-file", "mappings"), ("scorecard-file", "scorecards")]
)
def test_the_shipped_files_suit_their_schema(schema: str, folder: str) -> None:
    """Editors must not underline what we ship."""
    paths = sorted((ROOT / "deploy" / folder).glob("*.yaml"))
    assert paths
    for path in paths:
        document = yaml.load(path.read_text(), Loader=_TextKeys)
        VALIDATORS[schema].validate(document)


class _TextKeys(yaml.SafeLoader):
    """Keys as they are written: in a mapping, `True:` is the text of a cell."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def test_the_command_lists_prints_and_refuses() -> None:
    """`vitals schemas`, with a name, with a wrong name."""
    runner = CliRunner()
    listed = runner.invoke(command, [])
    assert listed.output.split() == list(DOCUMENTS)
    printed = runner.invoke(command, ["usage.v1"])
    assert json.loads(printed.output) == DOCUMENTS["usage.v1"]
    assert runner.invoke(command, ["no-such"]).exit_code == 2
