"""Scorecard files: what is shipped loads, what is wrong is told with its line, all at once."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from partitionlog import SHIPPED, changed_card
from schemas.account import AccountStatus
from scoring.card import CardError
from scoring.metrics import METRICS
from streams.exits import Exit, NamedExit
from streams.scorecards import load_card, read_card, shipped_card

PROJECT = Path(__file__).parents[2]
BAD = sorted((PROJECT / "tests" / "scoring" / "bad").glob("*.bad.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name.removesuffix(".bad.yaml"))
def test_what_is_wrong_is_told(path: Path) -> None:
    """Each file begins with the messages it must get, as comments: ``# :LINE: field: what``."""
    text = path.read_text()
    expected = [line[2:] for line in text.splitlines() if line.startswith("# :")]
    assert expected
    with pytest.raises(NamedExit) as ended:
        load_card(text, "card.yaml")
    assert ended.value.code is Exit.USAGE
    assert ended.value.message.splitlines() == [f"card.yaml{line}" for line in expected]


def test_there_are_bad_files_of_every_kind() -> None:
    """The test above would pass on an empty folder."""
    assert len(BAD) > 50


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name.removesuffix(".bad.yaml"))
def test_the_line_is_where_the_mistake_is(path: Path) -> None:
    """The line that a message names holds the last key of the field that it names."""
    lines = path.read_text().splitlines()
    for message in (line for line in lines if line.startswith("# :")):
        found = re.match(r"# :(\d+): ([\w.]+): (?!is missing)", message)
        if found is None or found[2] in ("scorecard", "not valid YAML"):
            continue
        keys = [key for key in found[2].split(".") if not key.isdigit()]
        assert keys[-1] in lines[int(found[1]) - 1], message


@pytest.mark.parametrize("path", sorted((PROJECT / "deploy" / "scorecards").glob("*.yaml")))
def test_shipped_scorecards_load(path: Path) -> None:
    card, text = read_card(path)
    assert path.stem == card.name
    assert text == path.read_text()
    assert sum(measure.weight_ppm for measure in card.measures) == 1_000_000
    assert sum(card.group_ppm) == 1_000_000


def test_the_shipped_card_measures_enough() -> None:
    """At least ten measures, over every family of events."""
    card, _ = read_card(shipped_card())
    assert len(card.measures) >= 10
    assert len({kind for m in card.measures for kind in m.metric.kinds}) >= 6
    assert {m.metric.name for m in card.measures} <= set(METRICS)


def test_a_card_that_is_not_shipped() -> None:
    with pytest.raises(NamedExit, match="no shipped scorecard named nobody"):
        shipped_card("nobody")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NamedExit, match=r"none\.yaml: cannot read the scorecard: No such file"):
        read_card(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"owner: J\xfcrgen\n")
    with pytest.raises(NamedExit, match="it is not UTF-8"):
        read_card(tmp_path / "latin.yaml")


def test_the_hash_is_of_the_text() -> None:
    """A comment makes another card: what was activated is what was written."""
    assert load_card(SHIPPED).hash == load_card(SHIPPED).hash
    assert load_card(SHIPPED + "# more\n").hash != load_card(SHIPPED).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("internal: false", "internal: no"),
        ("minimum_coverage: 60%", "minimum_coverage: 60"),
        ("hold: 24h", "hold: 1d"),
        ("hold: 1h", "hold: 0"),
        ("{at_least: 0.5}", "{at_least: .5}"),
        ("{0: 0, 5: 50, 20: 100}", "{0: 0, 05: 50, 20: 100}"),
        ("{0: 0, 5: 50, 20: 100}", '{"0": 0, 5.0: 50, 20: 100}'),
        ("{1: 100, 7: 70, 14: 35, 30: 0}", "{24h: 100, 1w: 70, 2w: 35, 30d: 0}"),
        ("{1h: 100, 8h: 60, 24h: 0}", "{3600: 100, 480m: 60, 1d: 0}"),
        ("{25%: 0, 60%: 60, 90%: 100}", "{0.25: 0, 0.6: 60, .9: 100}"),
        ("uses_per_seat(28d)", "uses_per_seat( 4w )"),
        ("uses_per_seat(28d)", "uses_per_seat"),
        ("days_overdue >= 30", "days_overdue  >=30d"),
        ("days_overdue >= 30", "days_overdue >= 720h"),
    ],
)
def test_other_ways_to_write_the_same(old: str, new: str) -> None:
    """Percent signs, durations and spaces are a matter of taste."""
    one, other = load_card(SHIPPED), load_card(changed_card((old, new)))
    for field in ("measures", "overrides", "bands", "coverage_ppm_min", "emit_at_least"):
        if field == "bands" and new == "hold: 0":
            assert other.bands.red_hold_ms == 0
        else:
            assert getattr(one, field) == getattr(other, field), field
    assert one.scores_internal is other.scores_internal


def test_defaults_of_what_is_left_out() -> None:
    text = changed_card(
        ("scored: {status: [trial, customer, notice], internal: false}\n", ""),
        ("defaults: {missing: leave_out, minimum_coverage: 60%}\n", ""),
        ("emit: {at_least: 0.5}\n", ""),
        ("shown_as: {scale: 0-100, decimals: 0, lead_with: colour}\n", ""),
    )
    card, shipped = load_card(text), load_card(SHIPPED)
    assert (card.scored_statuses, card.scores_internal) == (shipped.scored_statuses, False)
    assert card.coverage_ppm_min == 600_000
    assert card.emit_at_least == 50
    assert shipped.scored_statuses < {str(status) for status in AccountStatus}


def test_short_hash_and_problems_as_text() -> None:
    card = load_card(SHIPPED)
    assert card.hash.startswith(card.short_hash)
    assert len(card.short_hash) == 16
    assert str(CardError([(("a", "b"), "what")])) == "a.b: what"


def test_a_weight_finer_than_a_millionth_is_refused() -> None:
    text = changed_card(
        ("usage: 45, support: 20", "usage: 45.01, support: 19.99"),
        ("share: 20\n      metric: active", "share: 20.01\n      metric: active"),
        ("share: 15\n      metric: uses_per_seat", "share: 14.99\n      metric: uses_per_seat"),
    )
    with pytest.raises(NamedExit, match="finer than a millionth"):
        load_card(text)


@given(st.text(max_size=300))
def test_any_text_is_a_card_or_a_message(text: str) -> None:
    """Never a traceback, whatever is in the file."""
    with pytest.raises(NamedExit) as ended:
        load_card(text, "x.yaml")
    assert ended.value.message.startswith("x.yaml:")


@settings(max_examples=40)
@given(st.integers(0, SHIPPED.count("\n") - 1), st.text(alphabet="{}[]:,-0a% \"'\n", max_size=6))
def test_a_slip_in_any_line_is_a_card_or_a_message(line: int, slip: str) -> None:
    """One line of the shipped card broken: it loads, or the message has a line and a field."""
    lines = SHIPPED.splitlines()
    lines[line] = lines[line][: len(lines[line]) // 2] + slip + lines[line][len(lines[line]) // 2 :]
    try:
        load_card("\n".join(lines), "x.yaml")
    except NamedExit as ended:
        for message in ended.message.splitlines():
            assert re.match(r"x\.yaml:\d+: .+: .+", message), message


def test_the_demo_card_differs_in_its_holds_only() -> None:
    def plain(name: str) -> dict[str, object]:
        document = yaml.safe_load(shipped_card(name).read_text())
        del document["scorecard"]
        for band in ("green", "red"):
            del document["bands"][band]["hold"]
        return document

    assert plain("demo") == plain("b2b-saas")
