"""A wrong mapping is explained: every problem, with line, field and what was expected."""

import textwrap
from pathlib import Path

import pytest

from streams.exits import Exit, NamedExit
from streams.importing.mapping_file import load_mapping, placeholders

HEAD = """\
mapping: shop
source: shop
inputs:
  - file: "orders*.csv"
    emit:
      - type: usage.activity
        fields:
          event_id: "{id}"
          customer_id: "{customer}"
          occurred_at: {column: at, as: time}
          activity: order
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    """The lines of complaint about a mapping, without the head line."""
    path = tmp_path / "m.yaml"
    path.write_text(textwrap.dedent(text))
    with pytest.raises(NamedExit) as caught:
        load_mapping(path)
    assert caught.value.code is Exit.USAGE
    return [line.replace(str(path), "m.yaml").strip() for line in caught.value.message.split("\n")]


def test_a_right_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(HEAD)
    mapping = load_mapping(path)
    assert mapping.inputs[0].emit[0].fields["activity"].template == "order"


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (
            "          amount_minr: 5\n",
            "m.yaml:12: inputs.1.emit.1.fields.amount_minr: usage.activity has no field",
        ),
        (
            "          item: {colum: x}\n",
            "m.yaml:12: inputs.1.emit.1.fields.item.colum: no such key; did you mean column",
        ),
        (
            "          item: {default: x}\n",
            "m.yaml:12: inputs.1.emit.1.fields.item: expected exactly one of",
        ),
        (
            "          item: {column: x, templte: y}\n",
            "m.yaml:12: inputs.1.emit.1.fields.item.templte: no such key; did you mean template?",
        ),
        (
            "          rating: {column: x, as: numbr}\n",
            "m.yaml:12: inputs.1.emit.1.fields.rating.as: Input should be",
        ),
        (
            "          rating: {column: x, scale: 2}\n",
            "m.yaml:12: inputs.1.emit.1.fields.rating: `scale` is for `as: integer or number`",
        ),
        (
            "          amount_minor: {column: x, as: minor_units}\n",
            "m.yaml:12: inputs.1.emit.1.fields.amount_minor: `as: minor_units` needs either",
        ),
        (
            "          item: {lookup: items, key: x}\n",
            "m.yaml:12: inputs.1.emit.1.fields.item.lookup: no look-up items is declared",
        ),
        (
            '          item: "{a:>5}"\n',
            "m.yaml:12: inputs.1.emit.1.fields.item.template: expected {column}",
        ),
        (
            '          item: "{a"\n',
            "m.yaml:12: inputs.1.emit.1.fields.item.template: not a template",
        ),
        (
            "          currency: euro\n",
            "m.yaml:12: inputs.1.emit.1.fields.currency: 'euro' does not suit the field",
        ),
        (
            "          item: {fields: {a: b}}\n",
            "m.yaml:12: inputs.1.emit.1.fields.item: `fields` is for attributes alone",
        ),
        (
            "          rating: .inf\n",
            "m.yaml:12: inputs.1.emit.1.fields.rating: expected a finite number",
        ),
        (
            "          activity: visit\n",
            "m.yaml:12: inputs.1.emit.1.fields.activity: given twice",
        ),
        (
            "        when: [{column: x, equals: 1, present: true}]\n",
            "m.yaml:12: inputs.1.emit.1.when.1: expected exactly one of present, equals",
        ),
        (
            "      - {type: usage.activty, fields: {}}\n",
            "m.yaml:12: inputs.1.emit.2.type: no event type usage.activty; did you mean",
        ),
        (
            "      - {type: account.closed, fields: {event_id: x, customer_id: y}}\n",
            "m.yaml:12: inputs.1.emit.2.fields: account.closed needs the field occurred_at",
        ),
        (
            "  - {file: x.csv}\n",
            "m.yaml:12: inputs.2: expected either `emit` or `ignored`",
        ),
        (
            "  - {file: x.csv, ignored: y, encoding: utf-9}\n",
            "m.yaml:12: inputs.2.encoding: no such encoding: utf-9",
        ),
        ("nonsense: 1\n", "m.yaml:12: nonsense: no such key"),
        (
            "          <<: order\n",
            "m.yaml:12: inputs.1.emit.1.fields.<<: expected a mapping, or a list of mappings",
        ),
    ],
)
def test_a_problem_is_named_with_its_line(tmp_path: Path, extra: str, complaint: str) -> None:
    head, *rest = problems(tmp_path, HEAD + extra)
    assert head.startswith("the mapping m.yaml has")
    assert any(line.startswith(complaint) for line in rest), rest


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        ('{column: at, as: time, format: "%Y"}', "a time format without %z needs `zone`"),
        ('{column: at, as: time, format: "%Y", zone: Mars/X}', "no IANA time zone Mars/X"),
        ("{column: at, as: time, zone: UTC}", "`zone` and `at` go with a strptime format"),
        ("{constant: yesterday}", "does not suit the field"),
        ("{column: at, map: {a: b}}", "'b' does not suit the field"),
    ],
)
def test_a_wrong_time_is_found_before_any_row(tmp_path: Path, at: str, complaint: str) -> None:
    lines = problems(tmp_path, HEAD.replace("{column: at, as: time}", at))
    assert any(line.startswith("m.yaml:10:") and complaint in line for line in lines), lines


def test_all_problems_come_at_once_in_order(tmp_path: Path) -> None:
    wrong = HEAD.replace("activity: order", "activty: order").replace("customer_id", "custmer_id")
    head, *lines = problems(tmp_path, wrong)
    assert head == "the mapping m.yaml has 4 problems:"
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    assert {9, 11} <= set(numbers)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a: [1", "not YAML"),
        (b"\xff\xfe", "expected UTF-8"),
        (b"", "Input should be an object"),
        (b"- a\n- b\n", "Input should be an object"),
        (b"a: &a [*a]\n", "an alias refers to itself"),
        (b"a: !!python/object/apply:os.getcwd []\n", "missing"),
        (b"a: \x00\n", "not YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(content)
    with pytest.raises(NamedExit) as caught:
        load_mapping(path)
    assert caught.value.code is Exit.USAGE
    assert complaint in caught.value.message
    assert str(path) in caught.value.message


def test_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NamedExit, match="cannot read"):
        load_mapping(tmp_path / "absent.yaml")


def test_keys_are_texts_as_written(tmp_path: Path) -> None:
    """`True:` in a map is the text of a cell, not YAML's idea of a boolean."""
    path = tmp_path / "m.yaml"
    path.write_text(HEAD + "          item: {column: x, map: {True: a, no: b, 007: c}}\n")
    fields = load_mapping(path).inputs[0].emit[0].fields
    assert fields["item"].map == {"True": "a", "no": "b", "007": "c"}


def test_fields_can_be_shared_by_yamls_merge_key(tmp_path: Path) -> None:
    """One mapping or several; what stands there itself wins, then the first that has a key."""
    path = tmp_path / "m.yaml"
    shared = "          <<: [{item: first}, {item: second, activity: visit, rating: '{r}'}]\n"
    path.write_text(HEAD + shared)
    fields = load_mapping(path).inputs[0].emit[0].fields
    said = {name: fields[name].template for name in ("item", "activity", "rating")}
    assert said == {"item": "first", "activity": "order", "rating": "{r}"}


def test_placeholders_of_a_template() -> None:
    assert placeholders("{a}-{b c}!") == [("", "a"), ("-", "b c"), ("!", None)]
    assert placeholders("{{x}}") == [("{", None), ("x}", None)]
