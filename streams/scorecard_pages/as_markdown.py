"""A scorecard's page as Markdown: for a repository, a wiki, a pull request."""

import re
from collections.abc import Iterable, Iterator, Sequence

from schemas.scales import Scale
from streams.scorecard_pages.page import Example, Fact, GroupShown, MeasureShown, Page, Section
from streams.scorecard_pages.wording import percent, percents, points

__all__ = ["as_markdown"]

#: What would begin markup, a table cell or HTML within a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")

_LOOKS_AT = """\
## What it looks at

A curve makes points, 0 to 100, of a value; it is level before its first and beyond its last dot. \
Points times weight is what a measure contributes to the score."""


def as_markdown(page: Page) -> str:
    """The page as Markdown, with curves in block characters; ends with a line break."""
    parts = [
        f"# Scorecard {_text(page.name)} {_text(page.version)}",
        _facts(page.about),
        _LOOKS_AT,
        _weights(page),
        *(_group(group) for group in page.groups if group.measures),
        *_bands(page),
        *(_section(section) for section in page.sections),
        _example(page.example),
        f"---\n\nScorecard {_text(page.name)}, version {_text(page.version)}, hash `{page.hash}`",
    ]
    return "\n\n".join(parts) + "\n"


def _weights(page: Page) -> str:
    """A row for each group; where weights differ also for each measure, and a column for each."""
    if len(page.weightings) < 2:
        rows = [
            (_inset(group.depth, group.label), percent(group.weights_ppm[0]))
            for group in page.groups
        ]
        return _table(("group", "weight"), rows)
    intro = f"The weights depend on the customer's {page.weighted_by}."
    head = ("weight of", *map(_text, page.weightings))
    return f"{intro}\n\n{_table(head, _rows_by_weighting(page))}"


def _rows_by_weighting(page: Page) -> Iterator[tuple[str, ...]]:
    for group in page.groups:
        name = f"**{_text(group.label)}**"
        yield ("\u2003" * group.depth + name, *map(percent, group.weights_ppm))
        for measure in group.measures:
            yield (_inset(group.depth + 1, measure.label), *map(percent, measure.weights_ppm))


def _inset(depth: int, text: str) -> str:
    return "\u2003" * depth + _text(text)


def _section(section: Section) -> str:
    parts = [f"## {_text(section.title)}", _text(section.intro), _facts(section.facts)]
    table = section.table
    if table is not None:
        rows = [
            [_code(cell) if n in table.code else _text(cell) for n, cell in enumerate(row)]
            for row in table.rows
        ]
        parts.append(_table([_text(cell) for cell in table.head], rows))
    return "\n\n".join(filter(None, parts))


def _group(group: GroupShown) -> str:
    rows = [
        (
            f"**{_text(measure.label)}**<br>{_text(measure.looks_at)}<br>{_code(measure.metric)}",
            percents(measure.weights_ppm),
            _curve(measure),
            "<br>".join([_text(measure.without_data), *_notes(measure)]),
        )
        for measure in group.measures
    ]
    heading = f"### {_text(group.label)}: {percents(group.weights_ppm)} of the score"
    return f"{heading}\n\n{_table(('measure', 'weight', 'points', 'without data'), rows)}"


def _curve(measure: MeasureShown) -> str:
    drawing = measure.drawing
    if drawing is None:
        return "<br>".join(f"{_text(text)}: {of}" for text, of in measure.texts)
    return f"{_text(measure.curve)}<br>{drawing.first} `{drawing.blocks}` {drawing.last}"


def _notes(measure: MeasureShown) -> Iterator[str]:
    for note in measure.notes:
        yield f"*{_text(note.name)}:* {_text(note.says)}"


def _bands(page: Page) -> Iterator[str]:
    """Each band with its levels and what to do; the card's own steps where it names some."""
    yield (
        "## Colours\n\nA colour is entered at one level and left at another, so that a score that"
        " trembles around a level does not flap. A customer's first colour is entered at once."
    )
    for band in page.bands:
        steps = "\n".join(
            f"{number}. {_text(each)}" for number, each in enumerate(band.playbook, 1)
        )
        to_do = f"**What to do:** {_text(band.to_do)}"
        parts = (f"### {_text(band.label)}", _facts(band.facts), to_do, steps)
        yield "\n\n".join(filter(None, parts))


def _example(example: Example) -> str:
    rows = [
        (
            _text(line.name),
            _text(line.value),
            "" if line.curve_points is None else points(line.curve_points),
            percent(line.weight_ppm) if line.weight_ppm else "",
            Scale().exact(line.points),
        )
        for line in example.lines
    ]
    letter = "" if example.letter is None else f", letter {example.letter}"
    rows.append(
        ("**score**", f"{example.band}{letter}", "", "", f"**{Scale().exact(example.score)}**")
    )
    head = ("line", "value", "points", "weight", "contributes")
    where = f", with the weights of {_text(example.where)}" if example.where else ""
    return (
        "## A worked example\n\nA made-up customer whose every measure has the value that gives 50"
        f" points, or comes nearest to it{where}. Points times weight is what a line contributes,"
        f" in hundredths; the lines add up to the score exactly.\n\n{_table(head, rows)}"
    )


def _facts(facts: Iterable[Fact]) -> str:
    return "\n".join(_fact(fact) for fact in facts)


def _fact(fact: Fact) -> str:
    code = f" {_code(fact.code)}" if fact.code else ""
    return f"- **{_text(fact.name)}:** {_text(fact.says)}{code}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    """An expression as it is written; a pipe or backtick would end the cell or the code."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _text(text: str) -> str:
    """A card's own words as one line without markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
