"""What a page says of a card: all of it, in words, and an example that adds up."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from partitionlog import SAAS, changed_card
from schemas.scorecard import Measure, ScorecardFile
from streams.exits import Exit, NamedExit
from streams.scorecard_pages.page import Page
from streams.scorecard_pages.reading import WORDED_OF_A_MEASURE, read_page
from streams.scorecard_pages.sections import WORDED, unworded
from streams.scorecards import document_of, load_card

PROJECT = Path(__file__).parents[3]
RICH = (Path(__file__).parent / "rich.yaml").read_text()
CARDS = sorted((PROJECT / "deploy" / "scorecards").glob("*.yaml"))


def said(page: Page) -> dict[str, str]:
    """The facts of all sections by name."""
    return {fact.name: fact.says for section in page.sections for fact in section.facts}


@pytest.fixture(scope="module")
def page() -> Page:
    return read_page(SAAS)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_every_measure_is_on_the_page_with_its_weight(path: Path) -> None:
    text = path.read_text()
    page, card = read_page(text), load_card(text)
    lines = card.weightings.values()
    assert [(m.name, m.group, m.weights_ppm) for m in page.measures] == [
        (measure.name, measure.group, tuple(line.measures[n] for line in lines))
        for n, measure in enumerate(card.measures)
    ]
    assert [(g.name, g.weights_ppm) for g in page.groups] == [
        (name, tuple(line.groups[n] for line in lines)) for n, name in enumerate(card.groups)
    ]
    assert [name.lower() for name in page.weightings] == list(card.weightings)
    assert (page.name, page.version, page.hash) == (card.name, card.version, card.hash)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_example_adds_up(path: Path) -> None:
    """Every measure has a value near its middle, so the score is near it as well."""
    example = read_page(path.read_text()).example
    assert example.score == sum(line.points for line in example.lines)
    assert example.lines
    assert all(line.value for line in example.lines)
    for line in example.lines:
        assert line.curve_points is not None
        assert abs(line.points * 1_000_000 - line.curve_points * line.weight_ppm) < 1_000_000


def test_the_shipped_example_is_the_middle(page: Page) -> None:
    assert (page.example.score, page.example.band, page.example.letter) == (5_000, "yellow", "C")
    assert {line.curve_points for line in page.example.lines} == {5_000}
    assert page.example.where == ""
    by_name = {line.name: line.value for line in page.example.lines}
    assert by_name["Urgent open"] == "1 urgent tickets open"
    assert by_name["Active seats"] == "20 % of the paid seats worked with it in 28 days"


def test_a_measure_in_words(page: Page) -> None:
    measures = {measure.name: measure for measure in page.measures}
    last_use, urgent = measures["last_use"], measures["urgent_open"]
    assert last_use.looks_at == "Time since the last use by a person"
    assert last_use.metric == "days_since(human_use)"
    assert (
        last_use.without_data == "None so far: left out, its weight goes to the rest of its group"
    )
    assert urgent.without_data == "Never a ticket: counts as 100 points"
    trend = measures["trend"]
    assert trend.looks_at == "Change of uses in 28 days against the 28 days before"
    assert trend.metric == "change(use, 28d)"
    assert trend.without_data.startswith("Nothing in the 28 days before: left out")
    nps = measures["nps"]
    assert nps.looks_at.endswith("until it is 180 days old")
    assert nps.without_data.startswith("None in 180 days: left out")
    assert {note.name: note.says for note in nps.notes} == {
        "In words": "NPS answer …",
        "Movable": "no: nobody changes this by working on it",
    }


def test_the_head(page: Page) -> None:
    about = {fact.name: fact.says for fact in page.about}
    assert about["Objective"] == "Name, 90 days ahead, the paying customers who will not renew."
    assert about["Owner"].startswith("customer-success")
    assert "customer, notice or trial" in about["Scored"]
    assert about["Scored"].endswith("internal and test accounts are left out")
    included = read_page(changed_card(("internal: false", "internal: true")))
    assert {f.name: f.says for f in included.about}["Scored"].endswith("are included")


def test_bands_in_words(page: Page) -> None:
    bands = {band.name: {f.name: f.says for f in band.facts} for band in page.bands}
    assert bands["green"] == {
        "Enter": "at 75 points or more, once the score has stayed there for 24 hours",
        "Leave": "below 70 points",
    }
    assert bands["red"]["Enter"] == "below 50 points, once the score has stayed there for 1 hour"
    assert bands["red"]["Leave"] == "at 56 points or more"
    assert bands["yellow"]["Enter"].endswith(", at once")
    assert "less than 60 %" in bands["unknown"]["Enter"]
    assert all(band.to_do for band in page.bands)
    assert all(band.playbook == () for band in page.bands)
    at_once = read_page(changed_card(("hold: 1h", "hold: 0")))
    assert {f.says for b in at_once.bands if b.name == "red" for f in b.facts} >= {
        "below 50 points, at once"
    }


def test_the_scale_is_covered_without_gaps(page: Page) -> None:
    assert [(z.band, z.start, z.end, z.kept) for z in page.zones] == [
        ("red", 0, 5_000, False),
        ("red", 5_000, 5_600, True),
        ("yellow", 5_600, 7_000, False),
        ("green", 7_000, 7_500, True),
        ("green", 7_500, 10_000, False),
    ]
    tight = read_page(
        changed_card(('enter: "< 50", leave: ">= 56"', 'enter: "< 70", leave: ">= 70"'))
    )
    assert [(z.band, z.start) for z in tight.zones] == [
        ("red", 0), ("green", 7_000), ("green", 7_500),
    ]  # fmt: skip


def test_sections_in_words(page: Page) -> None:
    facts = said(page)
    assert facts["Unpaid 30d"] == (
        "The longest time overdue of an open invoice is at least 30 days: the score is at most 25."
        " People read: “an invoice is 30 days overdue”"
    )
    assert "the colour is red, whatever the score" in facts["Leaving"]
    assert facts["A"] == "from 85 points on"
    assert facts["Least coverage"].startswith("60 %")
    assert facts["Scale"] == "0-100, whole numbers"
    assert facts["Told again"].startswith("when changes add up to 0.5 points")
    assert "Everything else in the file" not in {section.title for section in page.sections}


def test_other_ways_to_treat_no_data() -> None:
    page = read_page(changed_card(("missing: leave_out, minimum", "missing: 40, minimum")))
    assert said(page)["A measure without data"].startswith("counts as 40 points")
    measures = {measure.name: measure for measure in page.measures}
    assert measures["last_use"].without_data == "None so far: counts as 40 points"


def test_an_override_may_do_both() -> None:
    changed = changed_card(("cap: 25, says", "cap: 25, band: red, says"), (">= 30,", "< 3d,"))
    assert said(read_page(changed))["Unpaid 30d"].startswith(
        "The longest time overdue of an open invoice is less than 3 days:"
        " the score is at most 25 and the colour is red"
    )


def test_no_section_is_empty() -> None:
    start = SAAS.index("overrides:")
    page = read_page(SAAS[:start])
    assert "What decides by itself" not in {section.title for section in page.sections}
    assert all(section.facts for section in page.sections)


def test_what_nothing_words_is_shown_as_it_is_written() -> None:
    """A field that the format gains stands on the page before anybody writes words for it."""

    class Grown(ScorecardFile):
        weather: dict[str, Any] = Field(default_factory=dict)
        tides: dict[str, Any] = Field(default_factory=dict)

    document = document_of(SAAS) | {"weather": {"rain": {"when": "x >= 1"}}}
    facts = unworded(Grown.model_validate(document), WORDED)
    assert [(f.name, f.says) for f in facts] == [("Weather", "{rain: {when: x >= 1}}")]


def test_every_line_of_the_format_has_words(page: Page) -> None:
    """If this fails: give the new line a function in ``reading``, and its name to ``WORDED``."""
    document = document_of(SAAS)
    assert unworded(ScorecardFile.model_validate(document), frozenset()) != ()
    everything = yaml.safe_dump(document)
    titles = {section.title for section in read_page(everything).sections}
    assert "Everything else in the file" not in titles
    notes = {note.name for measure in page.measures for note in measure.notes}
    assert notes == {"In words", "In words, for 0 days", "Movable"}
    assert set(ScorecardFile.model_fields) == WORDED
    assert set(Measure.model_fields) == WORDED_OF_A_MEASURE


def test_a_wrong_card_is_told_with_its_line() -> None:
    with pytest.raises(NamedExit, match=r"card\.yaml:\d+: weights: expected a total") as ended:
        read_page(changed_card(("usage: 45", "usage: 44")), "card.yaml")
    assert ended.value.code is Exit.USAGE


# -- a card with all that there is ---------------------------------------------------------------


@pytest.fixture(scope="module")
def rich() -> Page:
    return read_page(RICH)


def facts_of(page: Page, title: str) -> dict[str, tuple[str, str]]:
    """The facts of a section: words, and what is written."""
    [section] = [each for each in page.sections if each.title == title]
    return {fact.name: (fact.says, fact.code) for fact in section.facts}


def test_weights_by_stage(rich: Page) -> None:
    assert rich.weighted_by == "lifecycle stage"
    assert rich.weightings == ("Onboarding", "Renewal", "Steady")
    groups = {group.name: (group.label, group.depth, group.weights_ppm) for group in rich.groups}
    assert groups["usage"] == ("Usage", 0, (500_000, 300_000, 700_000))
    assert groups["usage.adoption"] == ("Usage › Adoption", 1, (300_000, 180_000, 420_000))
    measures = {measure.name: measure for measure in rich.measures}
    assert set(measures) == set(load_card(RICH).by_name)
    assert measures["seats"].group == "usage.adoption"
    assert measures["seats"].weights_ppm == (150_000, 90_000, 210_000)


def test_every_weighting_adds_up(rich: Page) -> None:
    for column in range(len(rich.weightings)):
        assert sum(measure.weights_ppm[column] for measure in rich.measures) == 1_000_000


def test_shapes_in_words(rich: Page) -> None:
    measures = {measure.name: measure for measure in rich.measures}
    assert measures["seats"].looks_at == "Different users in 28 days, per seat paid"
    assert measures["seats"].curve.endswith("10 at 10 %, 50 at 35 % and 90 at 60 %")
    assert measures["trend"].curve == "0 up to −60 %, rising to 100 at 0 %"
    mood = measures["mood"]
    assert mood.drawing is None
    assert mood.texts == (("positive", "100"), ("negative", "0"), ("anything else", "60"))
    assert mood.curve == "100 for positive, 0 for negative and 60 for anything else"
    assert {n.name: n.says for n in mood.notes} == {"In words, for “negative”": "they complain"}
    assert {n.name: n.says for n in measures["open"].notes} == {
        "In words, for 0": "nothing is open",
        "In words": "… tickets are open",
    }
    closed = read_page(RICH.replace("zero: [-60%, null]", "zero: [-60%, 90%]"))
    assert {m.name: m.curve for m in closed.measures}["trend"] == (
        "0 up to −60 %, rising to 100 at 0 %, then staying at 100 until 50 %,"
        " then falling to 0 at 90 %"
    )


def test_the_hierarchy_in_words(rich: Page, page: Page) -> None:
    assert facts_of(rich, "Accounts with children") == {
        "A parent's score": (
            (
                "The mean of its children's scores, each weighing as much as its MRR;"
                " its own measures give 20 %"
            ),
            "weighted_by_mrr",
        )
    }
    assert "Accounts with children" not in {section.title for section in page.sections}


def test_classes_in_words(rich: Page) -> None:
    assert facts_of(rich, "Segments") == {
        "Enterprise": ("The monthly revenue (MRR) is at least 5000 EUR", "account.mrr >= 5000"),
        "Growth": ("The monthly revenue (MRR) is at least 800 EUR", "account.mrr >= 800"),
        "Small": ("All others", "otherwise"),
        "Order": ("Enterprise, Growth and Small", ""),
        "Kept": ("for at least 24 hours, once entered", ""),
    }
    assert facts_of(rich, "Lifecycle stages")["Onboarding"] == (
        "The time since the contract began is less than 90 days", "tenure < 90d",
    )  # fmt: skip
    archetypes = facts_of(rich, "Archetypes")
    assert archetypes["Struggler"] == (
        (
            "“Seats” is less than 25 %, and there are at least 3 open tickets, called “Needs help”."
            " People read: “many tickets and few users”"
        ),
        "seats < 25% and open_tickets >= 3",
    )
    assert archetypes["None of them"] == ("unclassified", "")
    assert archetypes["Kept"][0] == "for at least 7 days, once entered"
    outlook = facts_of(rich, "Outlook")
    assert [*outlook] == ["Leave", "Grow", "Renew", "Order", "Kept"]
    assert outlook["Leave"][0] == "A cancellation is scheduled, or the colour is red"
    assert outlook["Kept"][0] == "no longer than it is met"


def test_scores_indicators_and_money_in_words(rich: Page) -> None:
    assert facts_of(rich, "Other scores") == {
        "Adoption": ("How much of it they use. Made of: Usage 100 %", "")
    }
    assert facts_of(rich, "Indicators") == {
        "Payment failed": (
            (
                "A payment failed at least once in 7 days; stays for 14 days after that."
                " People read: “a payment failed”"
            ),
            "count(payment_failed, 7d) >= 1",
        )
    }
    assert facts_of(rich, "Money") == {
        "Currency": ("EUR", ""),
        "1 USD": ("0.9 EUR", ""),
        "1 GBP": ("1.1 EUR from 2026-01-01 on and 1.2 EUR from 2026-04-01 on", ""),
    }
    [actions] = [s.table for s in rich.sections if s.title == "Points for actions: Engagement"]
    assert actions is not None
    rows = {row[0]: row[1:] for row in actions.rows}
    assert rows["Negative feedback"] == ("negative feedback", "−10", "")
    assert rows["Use"][1:] == ("1", "3 a day")


def test_the_rich_example_adds_up(rich: Page) -> None:
    """Nothing is known of the made-up customer but its values: it is in the last stage."""
    example = rich.example
    assert example.where == "lifecycle stage Steady, segment Small"
    assert {line.name: line.value for line in example.lines}["Mood"] == "mood: anything else"
    assert example.score == sum(line.points for line in example.lines)
    assert {line.name: line.weight_ppm for line in example.lines}["Seats"] == 210_000
    by_segment = (
        RICH.replace("onboarding: {usage: 50", "enterprise: {usage: 50")
        .replace("renewal: {usage: 30", "growth: {usage: 30")
        .replace("steady: {usage: 70", "small: {usage: 70")
        .replace("    weights: {usage: 60, support: 40}\n", "")
    )
    page = read_page(by_segment)
    assert (page.weighted_by, page.example.where) == ("segment", "segment Small")


def test_variants_in_words(rich: Page) -> None:
    """What a variant says itself, and nothing of what it leaves to the card."""
    assert facts_of(rich, "Only for segment Enterprise") == {
        "Weights": ("Usage 60 % and Support 40 %", ""),
        "Least coverage": ("80 % of the weight needs data", ""),
        "Green": (
            ("entered at 80 points or more, once the score has stayed there for 2 days;"
            " left below 75"), "",
        ),
        "Red": ("entered below 60 points, at once; left at 65 or more", ""),
        "Letters": ("A from 90 points on, B from 75 points on and D from 0 points on", ""),
        "Unpaid 60d": (
            ("The longest time overdue of an open invoice is at least 60 days: the score is at most"
            " 40 and the colour is red, whatever the score. People read: “unpaid 60d”"),
            "days_overdue >= 60",
        ),
    }  # fmt: skip
    assert facts_of(rich, "Only for segment Growth") == {"What decides by itself": ("nothing", "")}


def test_the_calendar_in_words(rich: Page) -> None:
    assert facts_of(rich, "Working days") == {
        "Weekdays": ("mon-thu", ""),
        "Holidays": ("the public holidays of a customer's country are none", ""),
        "Days begin": ("at midnight in Europe/Berlin", ""),
    }
    plain = RICH.replace(", holidays: account.country", "")
    assert facts_of(read_page(plain), "Working days")["Holidays"] == ("none are known", "")


def test_nothing_of_the_rich_card_is_left_unworded(rich: Page) -> None:
    assert "Everything else in the file" not in {section.title for section in rich.sections}
    assert set(document_of(RICH)) | {"scored", "shown_as", "defaults", "emit"} == WORDED
