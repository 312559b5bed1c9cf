"""Snapshots of percentiles as commands use them: in force, due, shown, given to a replay."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from partitionlog import DAY_MS, START_MS, activation, at, card_of, changed_card, event
from schemas.control import CONTROL, ControlRecord, PercentilesTaken, ScorecardActivated
from scoring.card import hash_of
from snapshots import CARD, snapshot_of
from streams.clock import to_ms
from streams.commands import percentiles_command, replay_command, scorecard_command
from streams.exits import Exit, NamedExit
from streams.reading.percentiles import InForce, in_force, next_ms, read_snapshot, spread
from streams.scorecard_pages.as_html import as_html
from streams.scorecard_pages.as_markdown import as_markdown
from streams.scorecard_pages.reading import read_page

M = 1_000_000
SPREAD = {
    ("depth", "large"): [n * M for n in range(1, 20)],
    ("depth", "small"): [n * M for n in range(1, 21)],
    ("silence", None): [n * M for n in range(20)],
}
OTHER = changed_card(('version: "1"', 'version: "2"'), text=CARD)
THIRD = changed_card(('version: "1"', 'version: "3"'), text=CARD)
CLEAN = {"VITALS_AS_OF": None, "VITALS_STEP_S": None, "VITALS_DISORDER_S": None,
         "VITALS_SCORECARD": None, "VITALS_BOOTSTRAP": None}  # fmt: skip


def run(command: click.Command, *arguments: object) -> Any:
    return CliRunner().invoke(command, [str(each) for each in arguments], env=CLEAN)


# -- in force and due ----------------------------------------------------------------------------


def activated(text: str) -> ControlRecord:
    return CONTROL.validate_json(activation(text).body)


def taken(text: str, reason: str) -> PercentilesTaken:
    return snapshot_of(text, SPREAD, reason)


def acting(*decisions: ControlRecord) -> tuple[str | None, str | None]:
    """The active card's hash, and the reason of the snapshot in force."""
    found = in_force(decisions)
    return (
        None if found.active is None else found.active.hash,
        None if found.taken is None else found.taken.reason,
    )


def test_what_acts_is_what_a_worker_would_say() -> None:
    """The last snapshot of the active card; that of the card before is kept, no other."""
    card, other, third = activated(CARD), activated(OTHER), activated(THIRD)
    one, two = taken(CARD, "one"), taken(CARD, "two")
    assert acting() == (None, None)
    assert acting(one) == (None, None)
    assert acting(one, card) == (hash_of(CARD), None)
    assert acting(card, one, two) == (hash_of(CARD), "two")
    assert acting(card, one, card) == (hash_of(CARD), "one")
    assert acting(card, one, other) == (hash_of(OTHER), None)
    assert acting(card, one, other, card) == (hash_of(CARD), "one")
    assert acting(card, other, two, card) == (hash_of(CARD), "two")
    assert acting(card, one, other, third, two, card) == (hash_of(CARD), None)


def test_the_next_one_is_due_by_the_age_of_the_last() -> None:
    """A process that is started again takes none before its time; a new card has none."""
    active = activated(CARD)
    assert isinstance(active, ScorecardActivated)
    assert next_ms(InForce(active, None), DAY_MS) == 0
    last = taken(CARD, "one")
    assert next_ms(InForce(active, last), DAY_MS) == to_ms(last.at) + DAY_MS


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--every", "24"), "expected a duration such as 90s"),
        (("--every", "59s"), "expected at least 1m"),
        (("--every", "24h", "--dry-run"), "give --dry-run or --every, not both"),
    ],
)
def test_a_slip_on_the_command_line_is_told(arguments: tuple[str, ...], told: str) -> None:
    done = run(percentiles_command.command, "take", *arguments)
    assert done.exit_code == 2
    assert told in done.output


# -- shown ---------------------------------------------------------------------------------------


def test_the_spread_is_in_the_units_of_the_card() -> None:
    rows = spread(taken(CARD, "one"), card_of(CARD))
    assert [(row.measure, row.segment, row.customers, row.values) for row in rows] == [
        ("depth", "large", 19, ()),
        ("depth", "small", 20, ("2.5", "10.5", "18.5")),
        ("silence", None, 20, ("36 hours", "9.5 days", "17.5 days")),
    ]
    level = snapshot_of(CARD, {("depth", "small"): [7 * M] * 20})
    assert spread(level, card_of(CARD))[0].values == ("7", "7", "7")
    gone = snapshot_of(CARD, {("renamed", None): [7 * M] * 20})
    assert spread(gone, card_of(CARD))[0].values == ("7", "7", "7")


def test_the_page_of_a_card_says_what_a_rank_is_and_draws_it() -> None:
    page = read_page(CARD)
    depth, _, silence = page.measures
    assert depth.curve == (
        "the rank among the customers of its segment, as last taken: from near 0 for the lowest"
        " value to near 100 for the highest; drawn over the share of customers that do worse"
    )
    assert silence.curve.startswith("the rank among all customers, as last taken: from near 100")
    assert "fewer than 20 customers to compare with: left out" in depth.without_data
    assert depth.drawing is not None
    assert (depth.drawing.first, depth.drawing.last) == ("0 %", "100 %")
    lines = {line.name: line for line in page.example.lines}
    assert lines["Depth"].value == "depth: in the middle of its segment"
    assert [line.curve_points for line in page.example.lines] == [5_000, 5_000, 5_000]
    assert page.example.score == 5_000
    for text in (as_markdown(page), as_html(page)):
        assert "in the middle of all customers" in text
    assert "0 % `▁▁▂▃▃▄▅▆▆▇██` 100 %" in as_markdown(page)


def test_check_says_what_has_no_data_yet(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(CARD)
    done = run(scorecard_command.command, "check", path)
    assert done.exit_code == 0, done.output
    note = "note: these measures have no data until the first `vitals percentiles take`:"
    assert f"{note} depth, silence\n" in done.output


# -- given to a replay ---------------------------------------------------------------------------


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """One customer, five uses."""
    path = tmp_path / "events.jsonl"
    uses = [
        event("usage.feature", START_MS, event_id=f"u{n}", feature="board", user="ann")
        for n in range(5)
    ]
    path.write_text("".join(one.model_dump_json(exclude_unset=True) + "\n" for one in uses))
    return path


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.yaml"
    path.write_text(CARD)
    return path


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "percentiles.json"
    path.write_text(taken(CARD, "one").model_dump_json(indent=1))
    return path


def points(out: Path) -> dict[str, int | None]:
    found = json.loads(out.read_text())["customers"]["acme"]["contributions"]
    return {line["name"]: line["curve_points"] for line in found if line["kind"] == "measure"}


def test_a_replay_compares_with_the_snapshot_that_it_is_given(
    events: Path, card: Path, snapshot: Path, tmp_path: Path
) -> None:
    """Without one it says what has no data; with it the ranks are those of a worker."""
    out = tmp_path / "out.json"
    given = (events, "--scorecard", card, "--as-of", at(START_MS), "--json", out)
    none = run(replay_command.command, *given)
    assert none.exit_code == 0, none.output
    assert "no percentiles, so these measures have no data: depth, silence." in none.stderr
    assert points(out) == {"depth": None, "breadth": 1_000, "silence": None}
    done = run(replay_command.command, *given, "--percentiles", snapshot)
    assert done.exit_code == 0, done.output
    assert "note:" not in done.stderr
    assert points(out) == {"depth": 2_250, "breadth": 1_000, "silence": 9_750}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot read the percentiles: No such file"),
        ("{", "JSON: Invalid JSON"),
        ('{"at": "2026-03-02T00:00:00Z"}', "author: Field required. Expected what `vitals"),
    ],
)
def test_a_snapshot_that_cannot_be_read(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "snapshot.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NamedExit, match=told) as ended:
        read_snapshot(path, card_of(CARD))
    assert ended.value.code is Exit.USAGE


def test_a_snapshot_of_another_card_is_refused(snapshot: Path) -> None:
    with pytest.raises(NamedExit, match=r"were taken for ranks 1 .* not for ranks 2 .* or ranks 3"):
        read_snapshot(snapshot, card_of(OTHER), card_of(THIRD))
    assert read_snapshot(snapshot, card_of(OTHER), card_of(CARD)).reason == "one"


def test_diff_gives_each_card_its_own_snapshot(
    events: Path, card: Path, snapshot: Path, tmp_path: Path
) -> None:
    """The other card has none, and that is told."""
    other, out = tmp_path / "other.yaml", tmp_path / "out.json"
    other.write_text(OTHER)
    done = run(
        scorecard_command.command, "diff", card, other, "--events", events,
        "--as-of", at(START_MS), "--percentiles", snapshot, "--json", out,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "--percentiles FILE gives ranks 2 some" in done.stderr
    assert "gives ranks 1 some" not in done.stderr
    (customer,) = json.loads(out.read_text())["customers"]
    # 22.5 x 40 % + 10 x 30 % + 97.5 x 30 %; the other card knows the features alone.
    assert (customer["score_before"], customer["score_after"]) == (4_125, 1_000)
