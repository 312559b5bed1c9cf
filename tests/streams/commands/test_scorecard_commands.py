"""`vitals scorecard explain`, `schema` and `diff` as people and scripts call them; the history."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from partitionlog import DAY_MS, SAAS, START_MS, at, changed_card
from schemas.control import ScorecardActivated
from scoring.card import hash_of
from streams.commands.scorecard_command import command
from streams.exits import Exit, NamedExit
from streams.reading.decisions import history, replaced

CLEAN = {"VITALS_AS_OF": None, "VITALS_STEP_S": None, "VITALS_DISORDER_S": None}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, [str(each) for each in arguments], env=CLEAN)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.yaml"
    path.write_text(SAAS)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.yaml"
    path.write_text(changed_card(('version: "1"', 'version: "2"'), ("usage: 45", "usage: 40"),
                                 ("support: 20, money", "support: 25, money")))  # fmt: skip
    return path


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Two customers: one uses it every day, one went away."""
    path = tmp_path / "events.jsonl"
    lines = [
        {"event_id": f"{who}-{day}", "customer_id": who, "occurred_at": at(START_MS + day * DAY_MS),
         "source": "app", "type": "usage.feature", "feature": "f", "user": "u"}
        for who, days in (("busy", 60), ("gone", 10)) for day in range(days)
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(each) for each in lines) + "\n")
    return path


# -- check -------------------------------------------------------------------------------------


def test_check_warns_of_a_card_with_relative_usage_alone(tmp_path: Path) -> None:
    """A warning goes to standard error and changes no exit code; the shipped card has none."""
    path = tmp_path / "relative.yaml"
    text = SAAS
    for absolute in (
        "distinct(user, 28d) / account.seats",
        "count(use, 28d) / account.seats",
        "distinct(feature, 28d)",
        "days_since(human_use)",
    ):
        text = text.replace(f"metric: {absolute}", "metric: against_own(use)")
    path.write_text(text)
    done = run("check", path)
    assert done.exit_code == 0
    assert f"{path}: warning: all that is looked at of usage" in done.stderr
    path.write_text(SAAS)
    assert run("check", path).stderr == ""


# -- explain -------------------------------------------------------------------------------------


def test_explain_prints_markdown(card: Path) -> None:
    done = run("explain", card)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("# Scorecard b2b-saas 1\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "options", "begins"),
    [
        ("page.html", (), "<!doctype html>"),
        ("page.HTM", (), "<!doctype html>"),
        ("page.md", (), "# Scorecard"),
        ("page.md", ("--format", "html"), "<!doctype html>"),
        ("page", ("--format", "markdown"), "# Scorecard"),
    ],
)
def test_explain_writes_the_format_that_is_asked_for(
    card: Path, tmp_path: Path, name: str, options: tuple[str, ...], begins: str
) -> None:
    out = tmp_path / name
    done = run("explain", card, "--out", out, *options)
    assert (done.exit_code, done.output) == (0, "")
    assert out.read_text(encoding="utf-8").lstrip().startswith(begins)


def test_explain_says_what_it_cannot_do(card: Path, tmp_path: Path) -> None:
    unclear = run("explain", card, "--out", tmp_path / "page.pdf")
    assert unclear.exit_code == 2
    assert "give --format, or .md or .html" in unclear.stderr
    nowhere = run("explain", card, "--out", tmp_path / "none" / "page.md")
    assert isinstance(nowhere.exception, NamedExit)
    assert nowhere.exception.code is Exit.FAILED
    assert "No such file or directory" in nowhere.exception.message


def test_explain_refuses_a_wrong_card(card: Path, tmp_path: Path) -> None:
    """With its lines, as `check` does; nothing is written."""
    card.write_text(SAAS.replace("days_since(human_use)", "days_since(human_us)"))
    out = tmp_path / "page.html"
    done = run("explain", card, "--out", out)
    assert isinstance(done.exception, NamedExit)
    assert done.exception.code is Exit.USAGE
    assert re.search(r"card\.yaml:\d+: .*did you mean human_use", done.exception.message)
    assert not out.exists()


# -- schema --------------------------------------------------------------------------------------


def test_schema_prints_and_writes_the_same(tmp_path: Path) -> None:
    printed, out = run("schema"), tmp_path / "scorecard.schema.json"
    written = run("schema", "--out", out)
    assert (printed.exit_code, written.exit_code, written.output) == (0, 0, "")
    assert out.read_text() == printed.stdout
    Draft202012Validator.check_schema(json.loads(printed.stdout))


def test_schema_says_how_an_editor_finds_it() -> None:
    text = run("schema", "--help").stdout
    assert "  # yaml-language-server: $schema=scorecard.schema.json\n" in text
    assert "\\b" not in text


# -- diff ----------------------------------------------------------------------------------------


def test_diff_without_events_compares_the_cards(card: Path, other: Path) -> None:
    done = run("diff", card, other)
    assert done.exit_code == 0, done.output
    assert "Weights · Support: 25 %; before: 20 %" in done.stdout
    assert "messages over the history" not in done.stdout
    same = run("diff", card, card)
    assert "the very same text" in same.stdout


@pytest.mark.parametrize("split", [False, True], ids=["one file", "a shell's pattern"])
def test_diff_with_events(
    card: Path, other: Path, events: Path, tmp_path: Path, split: bool
) -> None:
    """A pattern hands the option its first file, and the others to nobody."""
    files = [events]
    if split:
        lines = events.read_text().splitlines(keepends=True)
        files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
        for path, part in zip(files, (lines[:30], lines[30:]), strict=True):
            path.write_text("".join(part))
    out = tmp_path / "diff.json"
    done = run("diff", card, other, "--events", *files, "--json", out, "--disorder-s", 9_000_000)
    assert done.exit_code == 0, done.output
    assert "first card \\ second card" in done.stdout
    body = json.loads(out.read_text())
    assert body["events"] == 70
    assert {each["customer_id"] for each in body["customers"]} == {"busy", "gone"}
    assert "messages over the history: 0 with the first card, 0 with the second" in done.stdout


def test_diff_ends_where_it_is_told(card: Path, other: Path, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "diff.json"
    done = run("diff", card, other, "--events", events, "--json", out, "--quiet",
               "--as-of", "2026-03-20T00:00:00Z")  # fmt: skip
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads(out.read_text())["as_of"] == "2026-03-20T00:00:00.000Z"
    wrong = run("diff", card, other, "--events", events, "--as-of", "yesterday")
    assert isinstance(wrong.exception, NamedExit)
    assert "--as-of yesterday" in wrong.exception.message


def test_diff_tells_what_was_rejected(card: Path, other: Path, tmp_path: Path) -> None:
    """And fails when nothing is left, as `vitals replay` does."""
    path = tmp_path / "bad.jsonl"
    path.write_text("{\n")
    done = run("diff", card, other, "--events", path)
    assert done.exit_code == 1
    assert f"rejected: {path}:1: not_json" in done.stderr
    assert "1 lines rejected: {'not_json': 1}" in done.stderr


def test_diff_refuses_what_makes_no_sense(card: Path, other: Path, tmp_path: Path) -> None:
    third = run("diff", card, other, card)
    assert third.exit_code == 2
    assert "two scorecards are compared" in third.stderr
    missing = run("diff", card, other, "--events", tmp_path / "none.jsonl")
    assert isinstance(missing.exception, NamedExit)
    assert missing.exception.code is Exit.USAGE
    assert "none.jsonl: cannot read it" in missing.exception.message
    nowhere = run("diff", card, other, "--json", tmp_path / "none" / "diff.json")
    assert isinstance(nowhere.exception, NamedExit)
    assert "cannot write" in nowhere.exception.message
    card.write_text("scorecard: [")
    wrong = run("diff", card, other)
    assert isinstance(wrong.exception, NamedExit)
    assert wrong.exception.message.startswith(f"{card}:1: not valid YAML")


# -- activate, rollback, history -----------------------------------------------------------------


def activated(*names: str) -> list[ScorecardActivated]:
    """Activations of these texts, an hour apart."""
    first = datetime(2026, 3, 2, tzinfo=UTC)
    return [
        ScorecardActivated(
            at=first + timedelta(hours=n), author="Dana", reason="r", name="card", version=name,
            hash=hash_of(name), text=name,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "before"),
    [
        ("", None),
        ("a", None),
        ("aa", None),
        ("ab", "a"),
        ("abb", "a"),
        ("abc", "b"),
        ("aba", "b"),  # a second rollback goes forward again
        ("abcb", "c"),
    ],
)
def test_the_card_before_the_present_one(names: str, before: str | None) -> None:
    found = replaced(activated(*names))
    assert (None if found is None else found.text) == before


@pytest.mark.parametrize(
    ("names", "rollbacks"),
    [("a", "-"), ("aa", "--"), ("ab", "--"), ("aba", "--r"), ("abba", "---r"), ("abab", "--rr")],
)
def test_an_entry_that_went_back_is_marked(names: str, rollbacks: str) -> None:
    """An activation of a text that was active before and was replaced; the same again is none."""
    entries = history(activated(*names))
    assert "".join("r" if each.rollback else "-" for each in entries) == rollbacks
    assert [each.active for each in entries] == [False] * (len(names) - 1) + [True]
    assert [each.activation.text for each in entries] == list(names)


def test_no_history() -> None:
    assert history([]) == []


@pytest.mark.parametrize("action", ["activate", "rollback"])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("--author", " ", "--reason", "r"), "--author is empty"),
        (("--author", "a", "--reason", ""), "--reason is empty"),
        (("--reason", "r"), "Missing option '--author'"),
        (("--author", "a"), "Missing option '--reason'"),
    ],
)
def test_who_and_why_are_asked_for(
    card: Path, action: str, said: tuple[str, ...], expected: str
) -> None:
    """Before any broker is."""
    file = [card] if action == "activate" else []
    done = run(action, *file, *said, "--bootstrap", "127.0.0.1:1")
    assert done.exit_code == 2
    assert expected in done.stderr


def test_every_command_is_there() -> None:
    assert {"explain", "schema", "diff", "check", "activate", "rollback", "history", "show"} <= set(
        command.commands
    )
