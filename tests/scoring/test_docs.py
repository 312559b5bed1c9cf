"""docs/metrics.md and docs/scorecards.md say what the code does: tables, examples, sums.

``python tests/scoring/test_docs.py`` writes the tables of things and fields into docs/metrics.md.
"""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from partitionlog import DAY_MS, START_MS, Log, card_of, event
from schemas.account import AccountStatus
from schemas.billing import BillingChange
from schemas.control import PercentileGroup
from schemas.scorecard import (
    ActionPoints,
    Archetypes,
    BandRule,
    Bands,
    Calendar,
    ClassRule,
    Defaults,
    Emit,
    HierarchyRule,
    IndicatorRule,
    Logistic,
    Measure,
    MeasureGroup,
    Money,
    OtherScore,
    Outlook,
    Override,
    Percentile,
    ScorecardFile,
    Scored,
    ShownAs,
    Target,
    Variant,
)
from schemas.signals import Kind
from schemas.tickets import Priority, TicketChange
from scoring import calendar
from scoring.account import FACTS
from scoring.actions import Action
from scoring.distinct import MEMBERS_MAX
from scoring.events import EVENT_FUNCTIONS, HOURS_MAX, count_series
from scoring.fields import FIELDS, PROPERTIES_AT
from scoring.language.tokens import tokens_of
from scoring.language.vocabulary import RESERVED, UNITS
from scoring.metrics import NAMES, Vocabulary, compile_condition, compile_metric
from scoring.money import Rates
from scoring.percentiles import CUSTOMERS_MIN, CUTS_MAX, GROUPS_MAX, Ranked, cuts_of
from scoring.plan import HOURS_KEPT, SAMPLES_MAX
from scoring.shapes import compile_shape
from scoring.state import HORIZON_DAYS
from scoring.things import FAMILY_OF, THINGS
from scoring.units import MICRO, Unit

DOCS = Path(__file__).parents[2] / "docs"
MANUAL, CARDS = DOCS / "metrics.md", DOCS / "scorecards.md"
UNIT_WORDS = {
    Unit.COUNT: "number",
    Unit.RATIO: "ratio",
    Unit.DAYS: "span",
    Unit.SECONDS: "span",
    Unit.MONEY: "money",
    Unit.TEXT: "text",
    Unit.FLAG: "flag",
}
#: What people call the events of a kind.
EVENTS = {
    Kind.FEATURE: "features",
    Kind.ACTIVITY: "activities",
    Kind.TICKET: "tickets",
    Kind.BILLING: "billing",
    Kind.SURVEY: "surveys",
    Kind.FEEDBACK: "feedback",
    Kind.CONTACT: "contacts",
    Kind.GOAL: "goals",
    Kind.TOUCH: "campaigns, community, learning, site visits",
}


def things() -> str:
    """All things, as a Markdown table."""
    lines = ["| thing | what counts |", "| --- | --- |"]
    lines += [f"| `{thing.name}` | {thing.about} |" for thing in THINGS.values()]
    return "\n".join(lines) + "\n"


def fields() -> str:
    """All fields, as a Markdown table."""
    lines = ["| field | kind | of | what it is |", "| --- | --- | --- | --- |"]
    for field in FIELDS.values():
        of = ", ".join(EVENTS[kind] for kind in field.at)
        lines.append(f"| `{field.name}` | {UNIT_WORDS[field.unit]} | {of} | {field.about} |")
    return "\n".join(lines) + "\n"


TABLES = {"things": things, "fields": fields}


def between(name: str) -> re.Pattern[str]:
    """The markers of a table, and what stands between them."""
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->\n)", re.DOTALL)


def written(text: str) -> str:
    """The manual with the tables as the code has them."""
    for name, table in TABLES.items():
        text = between(name).sub(rf"\g<1>{table()}\g<3>", text)
    return text


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_up_to_date(name: str) -> None:
    """If not: python tests/scoring/test_docs.py."""
    text = MANUAL.read_text()
    found = between(name).search(text)
    assert found is not None
    assert found[2] == TABLES[name]()
    assert written(text) == text


def rows(text: str, start: str) -> list[list[str]]:
    """The cells of all table rows that begin with a piece of text."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(f"| {start}")
    ]


# -- docs/metrics.md -----------------------------------------------------------------------------

VOCABULARY = Vocabulary(
    rates=Rates("EUR", {}),
    calendar=calendar.Calendar(ZoneInfo("UTC")),
    classes={"segment": ("enterprise", "growth"), "lifecycle": ("renewal",)},
    actions={"engagement": {"use": Action(count_series("use"), MICRO)}},
)
#: What the manual writes for anything of its kind, and one such thing.
STANDS_FOR = {
    "thing": "use", "field": "quantity", "W": "28d", "table": "engagement", "X": "tier",
    "x": "mean(csat, 180d)", "n": "3", "a": "tenure", "b": "days_overdue", "...": "days_overdue",
}  # fmt: skip


def calls() -> list[str]:
    """Every call that the manual shows in backticks, with what it stands for filled in."""
    found = re.findall(r"`([a-z_]+\([^`]*\))`", MANUAL.read_text())
    filled = []
    for text in sorted(set(found)):
        text = text.replace("where: ...", "where: outcome == failed")
        if "category: x" not in text:
            text = re.sub(
                r"\.\.\.|(?<![\w.])\w+(?![\w:(])",
                lambda word: STANDS_FOR.get(word[0], word[0]),
                text,
            )
        filled.append(text.replace("W", "28d"))
    return filled


@pytest.mark.parametrize("text", calls())
def test_what_the_manual_shows_can_be_written(text: str) -> None:
    """A call that is shown compiles (``sum(field)`` stands within ``change`` only)."""
    compile_metric(text, VOCABULARY)


def test_the_manual_shows_every_function() -> None:
    shown = {text.partition("(")[0] for text in calls()}
    called = {
        "open_tickets", "goals_due", "goals_reached", "mrr_movement", "points", "at_least", "first",
        "lowest", "highest",
    }  # fmt: skip
    table = {name for cells in rows(MANUAL.read_text(), "`") for name in names(cells[0])}
    assert set(EVENT_FUNCTIONS) | called <= shown | table
    assert set(NAMES) | set(EVENT_FUNCTIONS) <= table | {"stage"}


def names(cell: str) -> list[str]:
    """The names in the first cell of a row."""
    return re.findall(r"`([a-z_]+)", cell)


def test_the_examples_compile() -> None:
    found = re.findall(r"```yaml\n(metric:.*?)```", MANUAL.read_text(), re.DOTALL)
    assert len(found) > 1
    for line in "".join(found).splitlines():
        key, _, text = line.partition(": ")
        compiled = {"metric": compile_metric, "when": compile_condition}[key]
        compiled(text.strip('"'), VOCABULARY)


def test_the_kinds_in_the_manual_are_those_of_the_code() -> None:
    """The names of the account and the functions have the kind that the manual says."""
    words = {**UNIT_WORDS, Unit.DAYS: "days"}
    text = MANUAL.read_text()
    for name, term in NAMES.items():
        if name == "stage":
            continue
        (cells,) = [cells for cells in rows(text, "`") if name in names(cells[0])[:1]]
        assert cells[1] == words[term.unit], name
    for kind in UNIT_WORDS.values():
        assert rows(text, f"{kind} |"), kind


def test_every_fact_of_the_account_is_named() -> None:
    for name in (*FACTS, "seats", "mrr", "internal", "attributes.X"):
        assert f"`account.{name}`" in MANUAL.read_text()
        fact = name.replace("X", "tier")
        compile_condition(f"account.{fact} == account.{fact}", VOCABULARY)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (HORIZON_DAYS, "From 1 hour to {} days"),
        (HORIZON_DAYS, "nothing touched for {} days are forgotten"),
        (HORIZON_DAYS // 2, "W up to {} days"),
        (HOURS_MAX, "windows up to {} hours"),
        (HOURS_KEPT, "(in {} hours"),
        (MEMBERS_MAX, "no more than {:,} in"),
        (SAMPLES_MAX, "the youngest {} where"),
    ],
)
def test_the_limits_are_those_of_the_code(limit: int, sentence: str) -> None:
    assert sentence.format(limit) in " ".join(MANUAL.read_text().split())


def test_the_units_and_words_are_those_of_the_code() -> None:
    text = MANUAL.read_text()
    (cell,) = [cells[1] for cells in rows(text, "span |")]
    spans = {written[-1] for written in re.findall(r"`(\d+[a-z])`", cell)}
    assert spans == set(UNITS) - {"%"}
    for word in RESERVED:
        assert f"`{word}" in text, word
    assert tokens_of("20%")[0].written in text


def test_every_family_of_events_is_named() -> None:
    """Kinds of one family share a bit; a field or thing is of kinds that have one."""
    assert set(EVENTS) == set(FAMILY_OF) == set(PROPERTIES_AT)
    assert {kind for field in FIELDS.values() for kind in field.at} == set(EVENTS)
    assert {kind for thing in THINGS.values() for kind in thing.kinds} == set(EVENTS)
    assert FAMILY_OF[Kind.FEATURE] == FAMILY_OF[Kind.ACTIVITY]
    assert len(set(FAMILY_OF.values())) == len(FAMILY_OF) - 1


def test_there_is_a_thing_for_every_change() -> None:
    """Whatever may happen to a subscription or invoice, or most to a ticket, can be counted."""
    for kind, changes in ((Kind.BILLING, BillingChange), (Kind.TICKET, TicketChange)):
        told = {
            value
            for thing in THINGS.values()
            if thing.kinds == (kind,) and thing.only is not None
            for value in thing.only[1]
        }
        assert {str(change) for change in changes} - told <= {"merged", "deleted"}
        assert told <= {str(change) for change in changes}


# -- docs/scorecards.md --------------------------------------------------------------------------


def blocks() -> list[str]:
    """The YAML that docs/scorecards.md shows."""
    return re.findall(r"```yaml\n(.*?)```", CARDS.read_text(), re.DOTALL)


def example_card() -> str:
    """The first YAML block that is a whole card."""
    return next(block for block in blocks() if block.startswith("scorecard:"))


def sections() -> list[str]:
    """The blocks that are further sections of a card."""
    return [block for block in blocks() if not block.startswith(("scorecard:", "metric:"))]


def with_sections(block: str) -> str:
    """The example card with all sections that are shown, and with the lines of a measure."""
    card = yaml.safe_load(example_card())
    for shown in (yaml.safe_load(each) for each in sections()):
        card["groups"].update(shown.pop("groups", {}))
        card.update(shown)
    if block.startswith("metric:"):
        card["groups"]["money"]["overdue"] = {"share": 100, **yaml.safe_load(block)}
    return yaml.safe_dump(card)


@pytest.mark.parametrize("block", [b for b in blocks() if b not in example_card()])
def test_every_block_fits_the_example_card(block: str) -> None:
    """All sections together, and each measure with them."""
    card_of(with_sections(block))
    assert len(sections()) >= 2


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
    log.tick(START_MS)
    found = log.customer().emitted
    assert found is not None
    figures = {
        cells[0].strip("*"): round(float(cells[-1].strip("*")) * 100)
        for cells in rows(CARDS.read_text(), "")
        if len(cells) == 5 and re.fullmatch(r"\**[-+]?\d+\.\d\d\**", cells[-1])
    }
    lines = {line[0]: line[2] for line in found.lines}
    assert figures.pop("score") == found.score == 7325
    assert figures.pop("weight of missing measures") == lines.pop("respread")
    assert figures == lines
    assert found.coverage_ppm == 880_000
    assert (found.letter, found.band) == ("B", "yellow")


def shapes() -> list[tuple[str, str, str, str]]:
    """(shape, as it is written, value, points) of each example in the table of shapes."""
    return [
        (cells[0].strip("`"), cells[1].strip("`"), *pair.split(": "))
        for cells in rows(CARDS.read_text(), "`")
        if len(cells) == 4 and ": " in cells[3]
        for pair in cells[3].split(", ")
    ]  # type: ignore[misc]


def test_there_is_an_example_of_every_shape() -> None:
    assert {shape for shape, *_ in shapes()} == {"curve", "steps", "logistic", "target"}


@pytest.mark.parametrize(("shape", "as_written", "value", "points"), shapes())
def test_a_shape_gives_the_points_that_are_written(
    shape: str, as_written: str, value: str, points: str
) -> None:
    """``4: 60`` in the last column: at 4 there are 60 points."""
    parts = yaml.safe_load(as_written)
    unit = Unit.TEXT if value.isalpha() else Unit.COUNT
    measure = Measure.model_validate({"share": 100, "metric": "x", shape: parts})
    problems: list[tuple[tuple[str, ...], str]] = []
    made = compile_shape(measure, unit, (), problems)
    assert problems == []
    at = value if unit is Unit.TEXT else round(float(value) * MICRO)
    found = made.points(at)  # type: ignore[arg-type]
    assert found == (None if points == "no data" else round(float(points) * 100))


def test_the_ranks_come_out_as_written() -> None:
    """The table of uses: its customers are the snapshot, and the points are those that it says."""
    text = CARDS.read_text()
    table = text[text.index("| uses |") : text.index("With `best: lowest`")]
    written = [[cell for cell in cells if cell] for cells in rows(table, "")][2:]
    values = [int(uses) * MICRO for uses, n, _ in written if n != "none" for _ in range(int(n))]
    assert len(values) == CUSTOMERS_MIN
    group = PercentileGroup(measure="m", customers=len(values), cuts=cuts_of(values))
    curve = Ranked(within_segment=False, lowest_best=False, curves={}).taken([group]).curve("")
    assert curve is not None
    found = [curve.points(int(uses) * MICRO) for uses, *_ in written]
    assert found == [round(float(points) * 100) for *_, points in written]
    for limit in (f"fewer than {CUSTOMERS_MIN}\ncustomers", f"at most {CUTS_MAX} different",
                  f"may have {GROUPS_MAX} percentile"):  # fmt: skip
        assert limit in text


@pytest.mark.parametrize(
    ("document", "first", "last"),
    [(CARDS, "## Metrics", "## Money"), (MANUAL, "## What is asked", "## Own baseline")],
)
def test_what_is_asked_for_often_can_be_written(document: Path, first: str, last: str) -> None:
    """The lists of metrics: every metric in the last column compiles."""
    text = document.read_text()
    listed = text[text.index(first) : text.index(last)]
    found = [text for cells in rows(listed, "") for text in re.findall(r"`([^`]+)`", cells[-1])]
    assert len(found) > 12
    for text in found:
        compile_metric(text, VOCABULARY)


def test_every_field_of_a_card_is_explained() -> None:
    """Whatever may stand in a file stands in the document."""
    text = CARDS.read_text()
    models = (
        ScorecardFile, Scored, ShownAs, Defaults, Emit, Measure, MeasureGroup, Logistic, Target,
        Money, Calendar, ActionPoints, Bands, BandRule, Override, Variant, ClassRule, Archetypes,
        Outlook, IndicatorRule, OtherScore, HierarchyRule, Percentile,
    )  # fmt: skip
    found = {field for model in models for field in model.model_fields}
    for field in found:
        assert f"`{field}`" in text or f"{field}:" in text or f".{field}`" in text, field


def test_every_status_is_named() -> None:
    for status in AccountStatus:
        assert str(status) in CARDS.read_text()


def test_every_priority_can_be_asked_for() -> None:
    for priority in Priority:
        compile_metric(f"open_tickets(priority: {priority})", VOCABULARY)


if __name__ == "__main__":
    MANUAL.write_text(written(MANUAL.read_text()))
