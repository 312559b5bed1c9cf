"""docs/scorecards.md says what the code does: its card, its sums, its list of metrics.

``python tests/scoring/test_docs.py`` writes the list of metrics into it.
"""

import re
from pathlib import Path

from partitionlog import DAY_MS, START_MS, Log, card_of, event
from schemas.account import AccountStatus
from schemas.scorecard import (
    BandRule,
    Bands,
    Defaults,
    Emit,
    Measure,
    Override,
    ScorecardFile,
    Scored,
    ShownAs,
)
from scoring.evaluate import evaluate
from scoring.metrics import METRICS, Unit

DOCUMENT = Path(__file__).parents[2] / "docs" / "scorecards.md"
LIST = re.compile(r"(<!-- metrics:.*-->\n)(.*)(<!-- /metrics -->\n)", re.DOTALL)
#: A line of the worked example: its name, and what it contributes.
ROW = re.compile(r"^\| (\**[a-z ]+\**) \|.*\| \**([-+\d.]+)\** \|$", re.MULTILINE)
UNITS = {
    Unit.COUNT: "number",
    Unit.RATIO: "ratio, %",
    Unit.DAYS: "days",
    Unit.SECONDS: "seconds",
    Unit.SCORE: "score",
}


def table() -> str:
    """All metrics, as a Markdown table."""
    lines = ["| metric | unit | window | what it says |", "| --- | --- | --- | --- |"]
    for metric in METRICS.values():
        window = "" if metric.window_days is None else f"{metric.window_days}d"
        lines.append(f"| `{metric.name}` | {UNITS[metric.unit]} | {window} | {metric.about} |")
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """The document with the list of metrics as the code has it."""
    return LIST.sub(lambda found: found[1] + table() + found[3], text)


def example_card() -> str:
    """The first YAML block that is a whole card."""
    return next(
        block
        for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        if block.startswith("scorecard:")
    )


def test_the_list_of_metrics_is_up_to_date() -> None:
    """If not: python tests/scoring/test_docs.py."""
    text = DOCUMENT.read_text()
    assert LIST.search(text)
    assert written(text) == text


def test_every_metric_says_what_no_data_is() -> None:
    for metric in METRICS.values():
        assert "No data" in metric.about or "until" in metric.about, metric.name


def test_the_worked_example_comes_out_as_written() -> None:
    """The document's own card, events that give its values, and each figure of its table."""
    log = Log(example_card())
    used = [
        event("usage.feature", START_MS, event_id=f"u{n}", feature=f"f{n}", user="ann")
        for n in range(8)
    ]
    log.read(
        START_MS,
        event("account.created", START_MS - DAY_MS, seats=2),
        *used,
        event("billing.changed", START_MS - 20 * DAY_MS, change="invoice_due", invoice_id="i"),
    )
    card = card_of(example_card())
    found = evaluate(log.customer().state, log.customer().standing, card, START_MS)
    rows = re.findall(
        r"^\| (\**[a-z ]+\**) \|.*\| \**([-+\d.]+)\** \|$", DOCUMENT.read_text(), re.MULTILINE
    )
    figures = {name.strip("*"): round(float(points) * 100) for name, points in rows}
    lines = {line.name: line.points for line in found.lines}
    assert figures.pop("score") == found.score == 7325
    assert figures.pop("weight of missing measures") == lines.pop("respread")
    assert figures == lines
    assert found.coverage_ppm == 880_000
    assert (found.letter, found.standing.band) == ("B", "yellow")


def test_every_field_of_a_card_is_explained() -> None:
    """Whatever may stand in a file stands in the document."""
    text = DOCUMENT.read_text()
    models = (ScorecardFile, Scored, ShownAs, Defaults, Emit, Measure, Bands, BandRule, Override)
    for field in {field for model in models for field in model.model_fields}:
        assert f"`{field}`" in text or f"{field}:" in text or f".{field}`" in text, field


def test_every_status_is_named() -> None:
    for status in AccountStatus:
        assert str(status) in DOCUMENT.read_text()


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
