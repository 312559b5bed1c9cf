"""``vitals scorecard explain`` and ``schema``: a card for its team, and for the editor."""

import json
from pathlib import Path

import click

__all__ = ["explain_command", "schema_command"]

#: The first character of each paragraph keeps click from joining its lines.
_PAGE_EXAMPLES = """\b
vitals scorecard explain card.yaml --out card.html
vitals scorecard explain card.yaml | less"""
_SCHEMA_EXAMPLES = """\b
vitals scorecard schema --out scorecard.schema.json
# the first line of card.yaml:
# yaml-language-server: $schema=scorecard.schema.json"""
_FORMATS = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html"}


@click.command("explain", epilog=_PAGE_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write into this file."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "html"]),
    help="Default: what the name of --out ends with, else markdown.",
)
def explain_command(file: Path, out: Path | None, form: str | None) -> None:
    """Write scorecard FILE as a page to share with a team.

    It says in words what each measure looks at, what it weighs, what becomes of
    a value and what of no data; when a colour is entered and left, and what to
    do then; and shows on an example how the lines add up. The page is one file:
    the HTML needs no script and nothing from elsewhere.
    """
    from streams.scorecard_pages.as_html import as_html
    from streams.scorecard_pages.as_markdown import as_markdown
    from streams.scorecard_pages.reading import read_page
    from streams.scorecards import read_card

    chosen = form or _format_of(out)
    _, text = read_card(file)
    page = read_page(text, str(file))
    _write(as_html(page) if chosen == "html" else as_markdown(page), out)


@click.command("schema", epilog=_SCHEMA_EXAMPLES)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write into this file."
)
def schema_command(out: Path | None) -> None:
    """Print the JSON Schema of scorecard files, for editors.

    An editor that knows it completes names, underlines what is wrong and says
    what each line means. Write it beside the cards, and name it in the first
    line of each: VS Code (with its YAML extension), Neovim and others that use
    the YAML language server read it there.

    JSON Schema cannot say everything: `vitals scorecard check` has the last
    word, about sums and about which metrics there are.
    """
    from streams.commands.schemas_command import documents
    from streams.scorecard_pages.editor_schema import for_editors
    from streams.scorecards import document_of, shipped_card

    example = document_of(shipped_card().read_text(encoding="utf-8"))
    schema = for_editors(documents()["scorecard-file"], example)
    _write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", out)


def _format_of(out: Path | None) -> str:
    """The format that a file's name asks for."""
    if out is None:
        return "markdown"
    form = _FORMATS.get(out.suffix.lower())
    if form is None:
        raise click.UsageError(f"cannot tell the format from {out}: give --format, or .md or .html")
    return form


def _write(text: str, out: Path | None) -> None:
    from streams.exits import Exit, NamedExit

    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NamedExit(Exit.FAILED, f"cannot write {out}: {error.strerror}") from None
