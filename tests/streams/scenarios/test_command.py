"""``vitals scorecard test``: what it finds, what it says, how it ends."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.commands.scenario_command import test_command as command
from streams.exits import NamedExit
from streams.scenarios.files import find_scenarios
from streams.scorecards import shipped_card

HERE = Path(__file__).parent
GOOD = ("- do: 2026-03-03 2 users use 8 features", "- at: 2026-03-03", "  expect: {band: green}")
WRONG = (
    "- do: 2026-03-03 1 user uses 8 features",
    '- do: 2026-02-11 invoice "INV [7]" over 10 EUR falls due',
    "- at: 2026-03-03 12:00",
    "  expect:",
    "    band: green",
    "    score: 73.25",
    "    letter: A",
    "- at: 2026-03-13",
    "  expect: {overrides: none}",
)
Write = Callable[..., Path]
Problems = Callable[..., Sequence[str]]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)


def test_a_scenario_that_holds(write: Write) -> None:
    result = invoke(write(*GOOD))
    assert result.exit_code == 0
    assert result.stdout == "✓ A story  1 expectation met\n1 scenario passed, 1 expectation met\n"
    assert result.stderr == ""


def test_a_scenario_that_does_not_hold(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Place, what was expected and found, and the whole score there: as in ``failing.txt``."""
    monkeypatch.setenv("COLUMNS", "110")
    path = write(*WRONG)
    result = invoke(path)
    assert result.exit_code == 1
    lines = [line.rstrip() for line in result.stdout.replace(f"{path.parent}/", "").splitlines()]
    assert "\n".join(lines) + "\n" == (HERE / "failing.txt").read_text()


def test_the_report_for_machines(write: Write, tmp_path: Path) -> None:
    good, wrong = write(*GOOD), write(*WRONG, name="wrong.yaml")
    target = tmp_path / "report.json"
    assert invoke(good, wrong, "--json", target).exit_code == 1
    report = json.loads(target.read_text())
    assert report["passed"] is False
    first, second = report["scenarios"]
    assert (first["passed"], first["expectations"], first["met"]) == (True, 1, 1)
    assert (second["passed"], second["expectations"], second["met"]) == (False, 4, 1)
    assert second["scorecard"]["name"] == "small"
    failure = second["failures"][0]
    assert {key: failure[key] for key in ("line", "at", "name", "expected", "found")} == {
        "line": 9,
        "at": "2026-03-03T12:00:00.000Z",
        "name": "band",
        "expected": "green",
        "found": "yellow",
    }
    health = failure["health"]
    assert sum(line["points"] for line in health["contributions"]) == health["score"] == 7325
    with pytest.raises(NamedExit, match="cannot write it: No such file or directory"):
        invoke(good, "--json", tmp_path / "none" / "report.json")


def test_a_wrong_file_ends_everything_with_2(write: Write) -> None:
    """Every mistake of every file, in order; nothing is played."""
    good = write(*GOOD)
    bad = write("- do: 2026-03-03 nsp 9", "- at: 2026-03-03", "  expect: {bnd: 1}", name="bad.yaml")
    result = invoke(good, bad, bad.parent / "none.yaml")
    assert result.exit_code == 2
    assert result.stdout == ""
    said = result.stderr.replace(f"{bad.parent}/", "").splitlines()
    assert said[0].startswith("bad.yaml:5: steps.1.do: expected a whole number, a, account,")
    assert said[0].endswith("got nsp; did you mean nps?")
    assert said[1:] == [
        "bad.yaml:7: steps.2.expect.bnd: nothing of this name can be expected; did you mean band?",
        "none.yaml:1: cannot read it: No such file or directory",
        "3 problems; nothing was played",
    ]


def test_a_folder_is_searched(write: Write, tmp_path: Path) -> None:
    """What is no scenario is passed over; a scorecard that none is about is named."""
    write(*GOOD)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "other.yml").write_text((tmp_path / "story.yaml").read_text())
    (tmp_path / "deep" / "mapping.yaml").write_text("mapping: x\n")
    (tmp_path / "deep" / "broken.yaml").write_text("{{{\n")
    (tmp_path / "deep" / "note.yaml").write_text("text: |\n  x\nscenarios: 3\n")
    (tmp_path / "deep" / "quote.yaml").write_text('text: "\nscenario: no\n"\n')
    (tmp_path / "idle.yaml").write_text((tmp_path / "small.yaml").read_text())
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text("scenario: of somebody's tool\n")
    (tmp_path / "notes.txt").write_text("scenario: x\n")
    result = invoke(tmp_path, tmp_path / "story.yaml")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("✓ A story") == 2
    assert result.stdout.splitlines()[-2:] == [
        f"no scenario is about {tmp_path / 'idle.yaml'}",
        "2 scenarios passed, 2 expectations met",
    ]


def test_a_scenario_in_a_folder_that_cannot_be_read_is_not_passed_over(write: Write) -> None:
    path = write(*GOOD)
    write("- do: 2026-03-03 event {type: usage.feature}", name="colon.yaml")
    result = invoke(path.parent)
    assert result.exit_code == 2
    assert (
        "colon.yaml:5: not valid YAML: mapping values are not allowed here; a sentence with a"
        in (result.stderr)
    )


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.yaml", "", ":1: expected a scenario, a file that begins with `scenario: WHAT HAPPENS`"),
        ("x.yaml", "- 1\n", ":1: expected a scenario"),
        ("x.yaml", "a: 1\n", ":1: expected a scenario"),
        (
            "x.yaml",
            "scenario: a\nscenario: b\n",
            ":2: not valid YAML: 'scenario' stands here twice",
        ),
        ("x.yaml", "scenario: a\n---\nscenario: b\n", "not valid YAML: but found another document"),
        ("x.yaml", "scorecard: a\n", ":1: a scorecard; give the scenarios about it"),
    ],
)
def test_a_file_that_is_no_scenario(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    result = invoke(tmp_path / name)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_folder_without_scenarios(tmp_path: Path) -> None:
    result = invoke(tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path}:1: no scenario lies in this folder or below it" in result.stderr


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"scenario: \xff\n")
    assert "x.yaml:1: cannot read it: it is not UTF-8" in invoke(tmp_path / "x.yaml").stderr


def test_where_the_scorecard_is_found(write: Write, tmp_path: Path) -> None:
    """Beside the scenario, above it, by a path, among the shipped ones, on the command line."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    # A folder, and a scenario, of the card's name are not the card.
    (tmp_path / "a" / "small").mkdir()
    (tmp_path / "a" / "small.yaml").write_text("scenario: x\nscorecard: small\n")
    steps = GOOD

    def hash_with(scorecard: str, *options: object) -> str:
        head = f"scenario: A story\n{scorecard}account: {{id: acme, started: 2026-03-02}}\nsteps:\n"
        path = write(*steps[:2], "  expect: {band: unknown}", head=head, name="a/b/s.yaml")
        found = find_scenarios([path], *options)  # type: ignore[arg-type]
        assert found.problems == []
        return found.scenarios[0].card.hash

    small = hash_with("scorecard: small\n")
    assert hash_with("scorecard: ../../small.yaml\n") == small
    shipped = hash_with("scorecard: b2b-saas\n")
    assert shipped != small
    assert hash_with("scorecard: b2b-saas\n", tmp_path / "small.yaml") == small
    assert hash_with("scorecard: nowhere\n", tmp_path / "small.yaml") == small
    assert hash_with("", shipped_card()) == shipped


@pytest.mark.parametrize(
    ("scorecard", "told"),
    [
        ("", ":1: scorecard: is missing: name the scorecard, or give it with --scorecard FILE"),
        ("scorecard: b2b-sas\n", (":2: scorecard: no b2b-sas.yaml lies beside the scenario or in a"
         " folder above it, and none is shipped; did you mean b2b-saas?")),
        ("scorecard: ../x.yaml\n", ":2: scorecard: there is no file ../x.yaml beside the scenario"),
    ],
)  # fmt: skip
def test_no_scorecard(write: Write, scorecard: str, told: str) -> None:
    head = f"scenario: A story\n{scorecard}account: {{id: acme, started: 2026-03-02}}\nsteps:\n"
    result = invoke(write(*GOOD, head=head))
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_wrong_scorecard_is_told_once(write: Write, tmp_path: Path) -> None:
    """With its own lines, and each scenario that needs it."""
    one, two = write(*GOOD), write(*GOOD, name="two.yaml")
    text = (tmp_path / "small.yaml").read_text()
    (tmp_path / "small.yaml").write_text(text.replace("money: 40", "money: 30"))
    said = invoke(one, two).stderr.replace(f"{tmp_path}/", "").splitlines()
    assert [line for line in said if "total" in line] == [
        "small.yaml:9: weights: expected a total of 100, got 90"
    ]
    assert [line for line in said if "wrong itself" in line] == [
        "story.yaml:2: scorecard: the scorecard small.yaml is wrong itself",
        "two.yaml:2: scorecard: the scorecard small.yaml is wrong itself",
    ]


def test_a_scenario_with_all_kinds_of_mistakes(problems: Problems) -> None:
    """The shape, the account, the sentences and the expectations, all in one go."""
    head = (
        "scenario: A story\n"
        "scorecard: small\n"
        "zone: Europe/Berln\n"
        "account: {id: acme, mrr: 2000, started: 2026-03-02, renewl: 1}\n"
        "steps:\n"
    )
    said = problems(
        "- do: nps 9",
        "- do: 2026-03-03 nps 9",
        "  at: 2026-03-03",
        "- at: 2026-03-03",
        "  expect: {band: gren, score: many}",
        "- do: 2026-03-03 nps 8",
        "- at: 2026-03-02",
        "  expect: {band: green}",
        head=head,
    )
    assert said == [
        "3: zone: no IANA time zone named 'Europe/Berln'; did you mean Europe/Berlin?",
        "4: account.mrr: expected an amount with its currency, such as 2000 EUR",
        "4: account.renewl: unknown field; did you mean renewal?",
        ("6: steps.1.do: begin with a time (2026-06-22 or 2026-06-22 11:00), with `every working"
         " day FIRST..LAST,`, with `silence FIRST..LAST` or with `source NAME stops FIRST..LAST`"),
        "7: steps.2: expected either `do`, or `at` with `expect`",
        "10: steps.3.expect.band: expected one of green, yellow, red, unknown, got 'gren'",
        "10: steps.3.expect.score: expected a number, got 'many'",
        ("11: steps.4.do: happens before what is expected above it, at 2026-03-03 12:00: steps"
         " stand in order of time"),
        "12: steps.5.at: lies before the expectation before, 2026-03-03 12:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (("- do: 2026-03-03 nps 9",), [("4: steps: nothing is expected: add a step with `at` and"
                                      " `expect`")]),
        (("- at: 2026-03-01", "  expect: {band: unknown}"),
         ["5: steps.1.at: lies before the account is known, 2026-03-02 00:00"]),
        (("- at: 2026-03-03", "  expect: {}"), ["6: steps.1.expect: expected at least one"]),
        (("- at: 2026-03-03", "  expect: green"),
         ["6: steps.1.expect: expected fields with values, such as {id: acme}"]),
        (("- 7",), ["5: steps.1: expected fields with values, such as {id: acme}"]),
        (("- do: 7",), ['5: steps.1.do: expected a text; write it in quotes: "7"']),
        (("- do: silence 2026-03-01..2026-03-05", "- do: 2026-03-06 nps 9",
          "- do: every day 2026-03-04..2026-03-09, nps 9"),
         ["5: steps.1.do: 2026-03-01..2026-03-05 is not silent: line 3 puts events there",
          "5: steps.1.do: 2026-03-01..2026-03-05 is not silent: line 7 puts events there"]),
        (("- do: 2026-03-03 call, heard 2d later", "- do: silence 2026-03-04..2026-03-06",
          "- do: 2026-03-08 mail, heard 1d later",
          "- do: silence 2026-03-08..2026-03-08", "- at: 2026-03-09", "  expect: {cause: first}"),
         ["8: steps.4.do: 2026-03-08..2026-03-08 is not silent: line 7 puts events there"]),
        (("- do: '2026-03-03 event {type: usage.feature, feature: x, quantity: -1}'",),
         ["5: steps.1.do: usage.feature.quantity: Input should be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_one_mistake(problems: Problems, steps: tuple[str, ...], told: list[str]) -> None:
    assert problems(*steps) == told


def test_its_help_helps() -> None:
    """With an example that is a scenario itself."""
    shown = invoke("--help").output
    assert "invoice INV-7 over 2000 EUR falls due, unpaid" in shown
    assert "--scorecard" in shown
    assert "--json" in shown


def test_the_example_in_the_help_passes(tmp_path: Path) -> None:
    assert command.help is not None
    text = command.help.partition("\b\n")[2].partition("\n\n")[0]
    (tmp_path / "example.yaml").write_text(text)
    result = invoke(tmp_path / "example.yaml")
    assert result.exit_code == 0, result.output
