"""The board and the plain lines: what they show, rendered to text."""

import io

from rich.console import Console

from schemas.scores import Band, Cause, ScorecardRef, TransitionData
from streams.demo.board import line, render
from streams.demo.tally import CROSSINGS_SHOWN, Phase, Tally


def crossing(name="Halden Robotics GmbH", **changed):
    given = {
        "customer_id": "halden-robotics", "customer_name": name, "epoch": 1, "sequence": 2,
        "scorecard": ScorecardRef(name="demo", version="1", hash="0" * 64), "cause": Cause.EVENT,
        "before": Band.GREEN, "after": Band.RED, "score_before": 8149, "score_after": 2500,
        "because": "an invoice is 30 days overdue", "movers": (), "events": (),
        "contributions": (),
    }  # fmt: skip
    return TransitionData(**{**given, **changed})


def shown(tally, width=140):
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    console.print(render(tally))
    return console.file.getvalue()


def busy():
    tally = Tally(broker="embedded", redis="fakeredis", address="http://127.0.0.1:8123")
    tally.phase, tally.elapsed_s = Phase.LIVE, 33.3
    tally.events_in, tally.events_per_s, tally.dead_letters = 71_234, 42.4, 6
    tally.customers = {Band.GREEN: 140, Band.YELLOW: 35, Band.RED: 22, Band.UNKNOWN: 3}
    tally.lag_records = {"intake": 12, "score": 0}
    tally.deliveries.update(slack=4, webhook=5)
    tally.latencies_ms.extend([100.0, 200.0, 900.0])
    tally.score_changes, tally.transitions = 812, 215
    tally.crossings.append(crossing())
    return tally


def test_the_board_shows_everything_that_was_promised():
    text = shown(busy())
    for promised in (
        "http://127.0.0.1:8123", "live", "71,234", "intake 12, score 0", "140", "35", "22",
        "to slack", "to webhook", "p50 200 ms, p99 900 ms", "Halden Robotics GmbH", "81 → 25",
        "an invoice is 30 days overdue", "nothing survives", "embedded", "fakeredis",
    ):  # fmt: skip
        assert promised in text


def test_colours_are_told_apart_without_colours():
    text = shown(busy())
    assert "● green" in text
    assert "■ red" in text


def test_an_empty_board_says_that_nothing_has_happened_yet():
    text = shown(Tally())
    assert "No customer has crossed a line yet." in text
    assert "starting" in text


def test_markup_in_a_customers_name_is_shown_as_it_is():
    tally = busy()
    tally.crossings.append(crossing(name="[bold]Evil[/bold] [red]", before=None, score_before=None))
    assert "[bold]Evil[/bold] [red]" in shown(tally)


def test_a_narrow_terminal_still_shows_names_and_colours():
    text = shown(busy(), width=80)
    assert max(len(row) for row in text.splitlines()) <= 80
    assert "Halden" in text
    assert "■ red" in text


def test_only_the_latest_crossings_are_kept_newest_first():
    tally = busy()
    for number in range(CROSSINGS_SHOWN + 3):
        tally.crossings.append(crossing(name=f"Customer {number:02d}"))
    text = shown(tally)
    assert "Customer 02" not in text
    assert text.index("Customer 14") < text.index("Customer 03")


def test_a_plain_line_holds_the_counts():
    text = line(busy())
    for promised in (
        "events=71234",
        "red=22",
        "unknown=3",
        "transitions=215",
        "slack=4",
        "lag: intake=12 score=0",
    ):
        assert promised in text
    assert "\n" not in text
