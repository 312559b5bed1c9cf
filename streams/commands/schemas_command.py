"""``vitals schemas``: the contracts as JSON Schema, for producers, consumers and editors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BaseModel, TypeAdapter

from schemas.actions import Action, Delivery
from schemas.activations import ActivationReport, ScorecardApplied
from schemas.control import CONTROL
from schemas.dead_letters import DeadLetter
from schemas.inbound import FAMILIES, InboundEvent
from schemas.mapping import Mapping as MappingFile
from schemas.redrives import Redrive
from schemas.scorecard import ScorecardFile
from schemas.scores import ScoreChanged, Transition
from schemas.sources import SourceStopped
from streams.exits import Exit, NamedExit

__all__ = ["command", "documents", "export"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INDEX = "README.md"


def documents() -> dict[str, dict[str, Any]]:
    """Every JSON Schema by name, in the order of the index.

    What is read (events in, files) is described as it may be written; what is
    emitted, as it is emitted.
    """
    found: dict[str, dict[str, Any]] = {}
    for model in get_args(InboundEvent):
        name = get_args(model.model_fields["type"].annotation)[0]
        found[f"{name}.v1"] = _document(f"{name}.v1", TypeAdapter(model), "validation")
    for family, adapter in FAMILIES.items():
        about = f"Any event of the {family} family, as its topic carries it."
        found[f"{family}.v1"] = _document(f"{family}.v1", adapter, "validation", about)
    emitted: Mapping[str, type[BaseModel]] = {
        "score-changed.v1": ScoreChanged,
        "transition.v1": Transition,
        "scorecard-applied.v1": ScorecardApplied,
        "source-stopped.v1": SourceStopped,
        "activation-report.v1": ActivationReport,
        "action.v1": Action,
        "delivery.v1": Delivery,
        "dead-letter.v1": DeadLetter,
        "redrive-note.v1": Redrive,
    }
    for name, emitted_model in emitted.items():
        found[name] = _document(name, TypeAdapter(emitted_model), "serialization")
    about = "A record of the control topic."
    found["control.v1"] = _document("control.v1", CONTROL, "validation", about)
    found["mapping-file"] = _document("mapping-file", TypeAdapter(MappingFile), "validation")
    found["scorecard-file"] = _document("scorecard-file", TypeAdapter(ScorecardFile), "validation")
    return found


def _document(
    name: str, adapter: TypeAdapter[Any], mode: Any, about: str | None = None
) -> dict[str, Any]:
    schema = adapter.json_schema(by_alias=True, mode=mode)
    head = {"$schema": DIALECT, "$id": f"urn:customer-vitals:{name}"}
    if about is not None:
        head |= {"title": name, "description": about}
    return head | schema


def export(folder: Path) -> list[Path]:
    """Write all schemas and their index into ``folder``; the files, by name.

    Schemas that are no longer exported are removed.
    """
    found = documents()
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in found.items()}
    texts[_INDEX] = _index(found)
    for stale in {path.name for path in folder.glob("*.json")} - set(texts):
        (folder / stale).unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in sorted(texts)]


def _index(found: Mapping[str, dict[str, Any]]) -> str:
    lines = [
        "# JSON Schemas",
        "",
        "Written by `vitals schemas --out docs/schemas`: do not edit them here.",
        "",
        "Unknown fields are ignored everywhere but in the two files that people write.",
        "JSON Schema cannot say everything: a time needs an offset and a year from 0002 to 9998,",
        "text must be valid Unicode, and a record may have at most 256 KiB.",
        "",
        "| schema | what |",
        "| --- | --- |",
    ]
    for name, schema in found.items():
        about = str(schema.get("description", "")).strip().partition("\n\n")[0].replace("\n", " ")
        lines.append(f"| [{name}]({name}.json) | {about} |")
    return "\n".join(lines) + "\n"


@click.command("schemas")
@click.argument("name", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all of them into this folder, with an index.",
)
def command(name: str | None, out: Path | None) -> None:
    """List the JSON Schemas, print the one called NAME, or export all with --out."""
    if out is not None:
        if name is not None:
            raise click.UsageError("give a NAME or --out, not both")
        try:
            written = export(out)
        except OSError as error:
            raise NamedExit(Exit.FAILED, f"cannot write to {out}: {error.strerror}") from None
        click.echo(f"{len(written)} files in {out}", err=True)
        return
    found = documents()
    if name is None:
        click.echo("\n".join(found))
    elif name in found:
        click.echo(json.dumps(found[name], indent=2))
    else:
        raise click.UsageError(f"no schema {name}; `vitals schemas` lists them")
