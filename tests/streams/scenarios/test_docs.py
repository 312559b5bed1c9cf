"""docs/scenarios.md says what the code does: its example passes, its lists are the code's.

``python tests/streams/scenarios/test_docs.py`` writes the lists into it.
"""

import re
from pathlib import Path

import yaml

from schemas.scenario import AccountFacts, ScenarioFile
from streams.scenarios.expectations import EXPECTATIONS, Expectation
from streams.scenarios.files import find_scenarios
from streams.scenarios.judges import Wanted
from streams.scenarios.run import run
from streams.scenarios.sentences import ENDINGS, read_sentence, shown
from streams.scenarios.story import read_do
from streams.scenarios.times import ZoneTimes, zone_of
from streams.scenarios.vocabulary import SENTENCES
from streams.scorecards import read_card, shipped_card

DOCUMENT = Path(__file__).parents[3] / "docs" / "scenarios.md"
RICH = Path(__file__).parents[2] / "scoring" / "rich.yaml"
UTC = ZoneTimes(zone_of("UTC"))


def sentences() -> str:
    """All sentences by what they are about, as Markdown tables."""
    lines = []
    for group, members in SENTENCES.items():
        lines += [f"**{group.capitalize()}**", ""]
        lines += ["| sentence | says | for example |", "| --- | --- | --- |"]
        lines += [f"| `{shown(s.form)}` | {s.about} | `{s.example}` |" for s in members]
        lines.append("")
    return "\n".join(lines)


def endings() -> str:
    """What any sentence may end with, as a Markdown table."""
    lines = ["| ends with | says |", "| --- | --- |"]
    lines += [f"| `..., {shown(form)}` | {about} |" for form, about in ENDINGS.items()]
    return "\n".join(lines) + "\n"


def expectations() -> str:
    """All that may be expected, as a Markdown table."""
    lines = ["| name | what is looked at | for example |", "| --- | --- | --- |"]
    for name, known in EXPECTATIONS.items():
        examples = ", ".join(f"`{example}`" for example in known.examples)
        lines.append(f"| `{name}` | {known.about} | {examples} |")
    return "\n".join(lines) + "\n"


LISTS = {"sentences": sentences, "endings": endings, "expectations": expectations}


def written(text: str) -> str:
    """The document with its lists as the code has them."""
    for name, table in LISTS.items():
        pattern = re.compile(rf"(<!-- {name}\b.*?-->\n).*?(<!-- /{name} -->\n)", re.DOTALL)
        assert pattern.search(text), name
        text = pattern.sub(lambda found, table=table: found[1] + table() + found[2], text)
    return text


def test_the_lists_are_up_to_date() -> None:
    """If not: python tests/streams/scenarios/test_docs.py."""
    text = DOCUMENT.read_text()
    assert written(text) == text


def test_the_whole_example_passes(tmp_path: Path) -> None:
    """With as many expectations as the document says."""
    example = re.search(r"```yaml\n(scenario:.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example is not None
    path = tmp_path / "story.yaml"
    path.write_text(example[1])
    found = find_scenarios([path])
    assert found.problems == []
    outcome = run(found.scenarios[0])
    assert [failure.found for failure in outcome.failures] == []
    assert f"✓ {outcome.scenario.name}  {outcome.met} expectations met" in DOCUMENT.read_text()


def test_the_mistakes_are_told_as_written(tmp_path: Path) -> None:
    """The two that the document shows."""
    path = tmp_path / "story.yaml"
    path.write_text(
        "scenario: Two mistakes\n"
        "scorecard: b2b-saas\n"
        "zone: UTC\n"
        "account: {id: acme, started: 2026-03-02}\n"
        "steps:\n"
        "  - do: 2026-03-03 nps 9\n"
        "  - do: 2026-03-03 ticket T-1 opend, urgent\n"
        "  - do: 2026-03-04 ticket T-1 solved\n"
        "  - at: 2026-03-05\n"
        "    expect:\n"
        "      band: gren\n"
    )
    said = [line.removeprefix(f"{tmp_path}/") for line in find_scenarios([path]).problems]
    assert said == re.findall(r"^story\.yaml:.*$", DOCUMENT.read_text(), re.MULTILINE)


def test_the_openings_are_understood() -> None:
    """Each beginning that the document lists, with a sentence behind it."""
    pattern = re.compile(r"^\| `((?:\d|every|silence).*?)` \|", re.MULTILINE)
    for opening in pattern.findall(DOCUMENT.read_text()):
        assert read_do(opening.replace("...", "nps 9"), "acme", 1, UTC)


def test_the_endings_are_understood() -> None:
    for ending in ENDINGS:
        said = read_sentence(f"nps 9, {shown(ending).replace('SPAN', '2d')}", UTC)
        assert said.late_s or said.again_s is not None


def test_the_examples_of_expectations_are_understood() -> None:
    """As YAML: what needs quotes has them. By the shipped card, or one with all sections."""
    cards = [read_card(path)[0] for path in (shipped_card(), shipped_card("worked-example"), RICH)]
    for name, known in EXPECTATIONS.items():
        for example in known.examples:
            (written,) = yaml.load(f"[{example}]", Loader=yaml.BaseLoader)
            assert any(reads(known, Wanted(written, card, UTC)) for card in cards), name


def reads(known: Expectation, wanted: Wanted) -> bool:
    try:
        return callable(known.read(wanted))
    except ValueError:
        return False


def test_every_field_is_explained() -> None:
    text = DOCUMENT.read_text()
    for field in {*ScenarioFile.model_fields, *AccountFacts.model_fields, "do", "at", "expect"}:
        assert f"`{field}`" in text, field


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
