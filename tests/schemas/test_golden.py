"""Events as they were once written must be read for ever."""

import json
from pathlib import Path
from typing import get_args

import pytest

from schemas.inbound import AnyEvent, InboundEvent, Rejection, family_of, parse

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
MODELS = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(InboundEvent)
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_event_keeps_its_meaning(path: Path) -> None:
    """Every field of the file is still understood, with the value it had."""
    written = json.loads(path.read_text())
    event = AnyEvent.validate_json(path.read_bytes())
    read = event.model_dump(mode="json", exclude_unset=True)
    assert read == written
    assert parse(family_of(event), path.read_bytes()) == event


def test_every_field_of_every_event_is_in_a_golden_file() -> None:
    """A new type or field needs a golden file of its own: `<type>.v1.<minor>.json`."""
    shown: dict[str, set[str]] = {name: set() for name in MODELS}
    for path in FILES:
        written = json.loads(path.read_text())
        shown[written["type"]] |= set(written)
    assert shown == {name: set(model.model_fields) for name, model in MODELS.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_later_minor_version_is_read_as_far_as_it_is_known(path: Path) -> None:
    """A producer may be ahead: new fields, a new minor version."""
    written = json.loads(path.read_text())
    ahead = {**written, "schema_version": "1.17", "added_later": {"deep": [1, None]}}
    event = parse("redrive", json.dumps(ahead).encode())
    assert not isinstance(event, Rejection)
    assert event.schema_version == "1.17"
    assert event.event_id == written["event_id"]
