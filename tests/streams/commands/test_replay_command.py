"""`vitals replay` as people and scripts call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from partitionlog import DAY_MS, SAAS, START_MS, at, changed_card
from streams.commands.replay_command import command
from streams.exits import Exit, NamedExit
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
    assert [*lines_of([path])] == [(b"one\n", f"{path}:1"), (b"two\n", f"{path}:3")]
    with pytest.raises(NamedExit, match=r"none: cannot read it"):
        [*lines_of([tmp_path / "none"])]


def test_a_line_is_taken_as_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines()) + "\n")
    read, taken = replay(), replay()
    read.read([path])
    for number, line in enumerate(lines()):
        taken.take(event_in(line.encode()), f"line {number}")
    taken.take(event_in(b"{"), "the last line")
    assert read.finish().customers == taken.finish().customers
    assert taken.result.first_rejections[0].startswith("the last line: not_json")


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
