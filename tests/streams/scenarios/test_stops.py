"""A source that stops: what it feeds stands still, and comes when it is back."""

from collections.abc import Callable, Sequence

import pytest

from streams.scenarios.report import as_json
from streams.scenarios.run import Scenario, run

Load = Callable[..., Scenario]
Problems = Callable[..., Sequence[str]]
USED = "- do: 2026-03-02 12:00 2 users use 5 features"
OWED = "- do: 2026-03-02 12:00 invoice I-1 over 10 EUR issued"
TICKET = "- do: 2026-03-02 12:00 ticket T-1 opened"
STOPS = "- do: source usage stops 2026-03-20 02:00..2026-04-01 10:00"


def failures(scenario: Scenario) -> list[tuple[str, str]]:
    (report,) = as_json([run(scenario)], [])["scenarios"]
    return [(one["name"], one["found"]) for one in report["failures"]]


def test_what_a_source_feeds_stands_still_then_has_no_data(load: Load) -> None:
    """Uses of March 2 leave their window on March 30; frozen on March 20 they do not.

    Seven days later the value is too old to be believed, and there is none.
    """
    scenario = load(
        USED, OWED, STOPS,
        "- {at: 2026-03-20 01:59, expect: {frozen: none, operator_notes: 0}}",
        "- {at: 2026-03-20 02:00, expect: {frozen: [product], operator_notes: 1}}",
        "- {at: 2026-03-27 01:59, expect: {frozen: [product], value: {breadth: 5}, "
        "operator_notes: 0, next_change: 2026-03-27 02:00}}",
        "- {at: 2026-03-27 02:00, expect: {frozen: none, value: {breadth: no data}}}",
        "- {at: 2026-04-01 09:59, expect: {value: {breadth: no data}}}",
        "- {at: 2026-04-01 10:00, expect: {frozen: none, value: {breadth: 0}}}",
    )  # fmt: skip
    assert failures(scenario) == []


def test_without_the_stop_silence_counts(load: Load) -> None:
    """The same customer, and nothing stops: the window moves on."""
    expect = "{frozen: none, operator_notes: 0, value: {breadth: 0}}"
    scenario = load(USED, OWED, f"- {{at: 2026-03-30 00:00, expect: {expect}}}")
    assert failures(scenario) == []


def test_only_what_the_source_feeds_stands_still(load: Load) -> None:
    scenario = load(
        USED, OWED,
        "- do: 2026-03-02 13:00 ticket T-1 rated 5 of 5",
        "- do: source tickets stops 2026-03-20 02:00..10:00",
        "- do: 2026-03-20 03:00 5 users use 9 features",
        "- {at: 2026-03-20 04:00, expect: {frozen: [product], value: {breadth: 9}}}",
    )  # fmt: skip
    assert failures(scenario) == []


def test_what_happens_meanwhile_is_heard_when_it_is_back(load: Load) -> None:
    scenario = load(
        USED, TICKET,
        "- do: source tickets stops 2026-03-20 02:00..10:00",
        "- do: 2026-03-20 03:00 ticket T-1 rated 5 of 5",
        "- {at: 2026-03-20 09:59, expect: {value: {satisfaction: no data}}}",
        "- {at: 2026-03-20 10:00, expect: {value: {satisfaction: 100%}}}",
    )  # fmt: skip
    assert failures(scenario) == []


def test_a_wrong_group_is_named(problems: Problems) -> None:
    found = problems("- {at: 2026-03-20 02:00, expect: {frozen: [prodct]}}")
    assert found == [
        "5: steps.1.expect.frozen: the scorecard has no group 'prodct'; did you mean product?"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source ticket stops 2026-03-20 02:00..10:00",
         ("expected one of the sources accounts, usage, tickets, billing, engagement, got 'ticket';"
         " did you mean tickets?")),
        ("source zendesk stops 2026-03-20 02:00..10:00",
         ("expected one of the sources accounts, usage, tickets, billing, engagement,"
         " got 'zendesk'")),
        ("source tickets stops 2026-03-20 10:00..02:00",
         "2026-03-20 02:00 does not lie after 2026-03-20 10:00"),
        ("source tickets stops 2026-03-20",
         ("expected source NAME stops FIRST..LAST, such as tickets stops 2026-06-10 02:00..10:00,"
         " got 'tickets stops 2026-03-20'")),
        ("source tickets breaks 2026-03-20 02:00..10:00",
         ("expected source NAME stops FIRST..LAST, such as tickets stops 2026-06-10 02:00..10:00,"
         " got 'tickets breaks 2026-03-20 02:00..10:00'")),
        ("source tickets stops 2026-03-20 2..10:00",
         "expected a time such as 2026-03-02 or 2026-06-22 11:00"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(problems: Problems, text: str, message: str) -> None:
    found = problems(f"- do: {text}", "- {at: 2026-03-21 02:00, expect: {band: unknown}}")
    wanted = message.replace("2026-03-02 or", "2026-06-22 or")
    assert found == [f"5: steps.1.do: {wanted}"]


def test_a_source_stops_once_at_a_time_and_in_order(problems: Problems) -> None:
    found = problems(
        "- {at: 2026-03-10 02:00, expect: {band: unknown}}",
        "- do: source tickets stops 2026-03-09 02:00..10:00",
        "- do: source tickets stops 2026-03-20 02:00..10:00",
        "- do: source tickets stops 2026-03-20 09:00..11:00",
        "- do: source usage stops 2026-03-20 09:00..11:00",
    )
    assert found == [
        (
            "6: steps.2.do: happens before what is expected above it, at 2026-03-10 02:00:"
            " steps stand in order of time"
        ),
        "8: steps.4.do: tickets has stopped already at that time",
    ]
