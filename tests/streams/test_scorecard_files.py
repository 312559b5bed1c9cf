"""A scorecard's text as it is written, and as its validated file: what is wrong has its line."""

import pytest

from partitionlog import SAAS, changed_card
from streams.exits import Exit, NamedExit
from streams.scorecards import document_of, load_card, load_file


def test_the_document_is_as_it_is_written() -> None:
    document = document_of("a: {b: no, 5: 12:30}\n")
    assert document == {"a": {"b": "no", 5: "12:30"}}
    assert document_of(SAAS)["scorecard"] == "b2b-saas"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "card.yaml:1: not valid YAML"),
        ("a: 1\na: 2\n", "card.yaml:2: not valid YAML: 'a' stands here twice"),
        ("just a text", "card.yaml:1: expected a scorecard, a mapping"),
    ],
)
def test_what_is_no_document_is_told(text: str, message: str) -> None:
    for load in (document_of, load_file, load_card):
        with pytest.raises(NamedExit) as ended:
            load(text, "card.yaml")
        assert ended.value.code is Exit.USAGE
        assert ended.value.message.startswith(message)


def test_the_file_is_what_the_card_is_made_of() -> None:
    file, card = load_file(SAAS), load_card(SAAS)
    assert (file.scorecard, file.version) == (card.name, card.version)
    assert set(file.groups) == set(card.groups)


def test_a_file_is_refused_for_its_shape_a_card_also_for_its_metrics() -> None:
    shape = changed_card(("usage: 45", "usage: 44"))
    for load in (load_file, load_card):
        with pytest.raises(NamedExit, match=r"c\.yaml:\d+: weights: expected a total of 100"):
            load(shape, "c.yaml")
    metric = changed_card(("days_since(human_use)", "days_since(human_us)"))
    assert load_file(metric).scorecard == "b2b-saas"
    with pytest.raises(NamedExit, match=r"c\.yaml:\d+: groups\.usage\.last_use\.metric: "):
        load_card(metric, "c.yaml")
