"""`vitals replay` as people and scripts call it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from partitionlog import DAY_MS, HOUR_MS, SAAS, START_MS, at, changed_card
from relatives import tree_card
from servers.vitals import vitals
from strategies import event_dicts
from streams.commands.replay_command import command
from streams.exits import Exit, NamedExit
from streams.intake.plain_events import PlainEvents
from streams.replay import Replay, event_in, lines_of

CLEAN = {"VITALS_AS_OF": None, "VITALS_STEP_S": None, "VITALS_DISORDER_S": None,
         "VITALS_SCORECARD": None}  # fmt: skip


def lines(days: int = 30) -> list[str]:
    return [
        json.dumps(
            {"event_id": f"e{day}", "customer_id": "acme",
             "occurred_at": at(START_MS + day * DAY_MS), "source": "app",
             "type": "usage.feature", "feature": "f", "user": "u"}
        )
        for day in range(days)
    ]  # fmt: skip


def test_help_shows_examples_as_lines() -> None:
    text = CliRunner().invoke(command, ["--help"]).stdout
    assert "\\b" not in text
    assert "  vitals replay events.jsonl --as-of 2025-01-01T00:00:00Z --json scores.json\n" in text


def test_what_was_rejected_is_told_in_words(tmp_path: Path) -> None:
    path, out = tmp_path / "events.jsonl", tmp_path / "out.json"
    path.write_text("\n".join([*lines(), "{", '{"type": "usage.feature"}']) + "\n")
    done = CliRunner().invoke(command, [str(path), "--json", str(out)], env=CLEAN)
    assert done.exit_code == 0, done.output
    assert "2 lines rejected: {'not_json': 1, 'missing_customer': 1}" in done.stderr
    assert "<Reason" not in done.output
    assert json.loads(out.read_text())["rejected"] == {"not_json": 1, "missing_customer": 1}


def replay(card: str = SAAS) -> Replay:
    return Replay(card, step_ms=DAY_MS, disorder_ms=0, as_of_ms=START_MS + 40 * DAY_MS)


def test_lines_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n\ntwo\n")
    assert [*lines_of([path])] == [(b"one\n", path, 1), (b"two\n", path, 3)]
    with pytest.raises(NamedExit, match=r"none: cannot read it"):
        [*lines_of([tmp_path / "none"])]


def test_standard_input_is_a_file(tmp_path: Path) -> None:
    done = vitals(
        "replay", "-", "--quiet", "--json", str(tmp_path / "out"), input="\n".join(lines())
    )
    assert done.returncode == 0, done.stderr
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines()))
    vitals("replay", str(path), "--quiet", "--json", str(tmp_path / "same"))
    assert (tmp_path / "out").read_text() == (tmp_path / "same").read_text()


def test_a_line_is_taken_as_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines()) + "\n")
    read, taken = replay(), replay()
    read.read([path])
    for number, line in enumerate(lines()):
        taken.take(event_in(line.encode()), "line", number)
    taken.take(event_in(b"{"), "the last line")
    assert read.finish().customers == taken.finish().customers
    assert taken.result.first_rejections[0].startswith("the last line:0: not_json")


def test_a_switch_is_told_as_one() -> None:
    """A card that asks for more data than there is; a wrong one changes nothing."""
    one = replay(changed_card(("minimum_coverage: 60%", "minimum_coverage: 20%")))
    for line in lines():
        one.take(event_in(line.encode()), "")
    one.finish()
    with pytest.raises(NamedExit) as ended:
        one.switch("scorecard: [")
    assert ended.value.code is Exit.USAGE
    changes = one.switch(SAAS)
    assert [(each["customer_id"], each["cause"]) for each in changes] == [("acme", "scorecard")]
    assert changes[0]["score_before"] is not None
    assert (changes[0]["score_after"], changes[0]["band_after"]) == (None, "unknown")
    assert one.pending() == {}


# -- accounts with children ----------------------------------------------------------------------


def account(name: str, day: int, **fields: object) -> bytes:
    return json.dumps(
        {"event_id": f"{name}-{day}-{sorted(fields)}", "customer_id": name, "source": "crm",
         "occurred_at": at(START_MS + day * DAY_MS + HOUR_MS), "type": "account.changed", **fields}
    ).encode()  # fmt: skip


FAMILY = [
    account("top", 0, seats=100),
    account("middle", 0, seats=100, parent="top"),
    account("low", 1, seats=90, parent="middle"),
    account("low", 9, seats=10),
    account("low", 20, seats=70),
    account("loop", 21, seats=5, parent="knot"),
    account("knot", 22, seats=55, parent="loop"),
]


@pytest.mark.parametrize("block_lines", [1, 1000])
def test_parents_follow_their_children_at_the_same_instants(
    monkeypatch: pytest.MonkeyPatch, block_lines: int
) -> None:
    """However many lines are read between two ticks."""
    monkeypatch.setattr("streams.replay.BLOCK_LINES", block_lines)
    taken = replay(tree_card())
    for number, line in enumerate(FAMILY):
        taken.take(event_in(line), "f", number)
    result = taken.finish()
    scores = {name: health["score"] for name, health in result.customers.items()}
    # knot was the second to say its parent: it is the parent of loop, and has none.
    assert scores == {"top": 7000, "middle": 7000, "low": 7000, "loop": 500, "knot": 500}
    told = [
        (change["at"][:10], change["score_after"], change["cause"])
        for change in result.changes
        if change["customer_id"] == "top"
    ]
    days = [(at(START_MS + day * DAY_MS)[:10], score) for day, score in
            ((1, 10_000), (2, 9000), (10, 1000), (21, 7000))]  # fmt: skip
    assert [one[:2] for one in told] == days
    assert [one[2] for one in told] == ["first", "correction", "event", "event"]
    assert result.rejected == {"hierarchy_cycle": 1}
    assert "knot: parent loop is refused: a cycle" in result.first_rejections[0]


def test_a_switch_to_a_hierarchy_is_told_with_the_parents() -> None:
    without = tree_card().replace("hierarchy: {parent: mean, own: 0%}\n", "")
    taken = replay(without)
    for number, line in enumerate(FAMILY[:5]):
        taken.take(event_in(line), "f", number)
    assert taken.finish().customers["top"]["score"] == 10_000
    changes = taken.switch(tree_card())
    top = [change for change in changes if change["customer_id"] == "top"]
    assert [(c["score_before"], c["score_after"], c["cause"]) for c in top] == [
        (10_000, 7000, "scorecard")
    ]


@given(event_dicts(), st.sampled_from(["", "ticket.changed", "billing.changed"]))
def test_the_short_way_says_what_the_reference_says(event: dict[str, Any], name: str) -> None:
    """Of any family, also where a text within names another one."""
    line = json.dumps(event | ({"event_id": name} if name else {})).encode()
    assert event_in(line, PlainEvents()) == event_in(line)
