"""One message for each activation: what is counted, when it is complete, and in what words."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.activations import applied, crossings, red, report
from samples.transitions import NOON_MS
from schemas.actions import Action, Severity
from schemas.activations import ActivationReport, ScorecardApplied
from streams.metrics import Metrics
from streams.outreach.decide import AGE_MAX_MS, Reason
from streams.outreach.summaries import Summaries
from streams.outreach.summary import summarise
from streams.outreach.tally import tally
from streams.settings import Settings


def action_of(event: ScorecardApplied, **options: Any) -> Action:
    [decision] = summarise(event, ["webhook"], NOON_MS, **options)
    assert decision.action is not None
    return decision.action


def text_of(**changes: Any) -> str:
    return action_of(applied(**changes)).message.text


# -- counting ------------------------------------------------------------------------------------


def test_reports_of_all_partitions_are_added_up() -> None:
    [found] = tally(
        [
            report(0, 5, outcome="running", evaluated=20, crossings=crossings(red=2, yellow=1)),
            report(1, 5, evaluated=9, crossings=crossings(red=1), pending=crossings(red=4)),
            report(0, 6, evaluated=1, crossings=crossings(yellow=3)),
        ]
    ).values()
    data = found.event().data
    assert (data.evaluated, data.customers_changed, data.partitions) == (30, 7, 2)
    assert [(c.before, c.after, c.customers) for c in data.crossings] == [
        ("green", "red", 3), ("green", "yellow", 4),
    ]  # fmt: skip
    assert [c.customers for c in data.pending] == [4]


def test_a_report_that_came_before_adds_nothing() -> None:
    """After a crash it comes again, without those whose rows were ahead: the first one counts."""
    first = report(0, 5, evaluated=20, crossings=crossings(red=2), turned_red=[red("a"), red("b")])
    again = report(0, 5, evaluated=1, crossings=crossings(red=1), turned_red=[red("b")])
    assert applied(first, again) == applied(first)
    assert applied(first, again).data.customers_changed == 2


def test_each_activation_is_counted_apart() -> None:
    """Also the same card again, later: its offset in the control topic is another."""
    found = tally([report(control_offset=3), report(control_offset=9, offset=30)])
    assert [each.event().id.rpartition("/")[2] for each in found.values()] == ["3", "9"]


def test_it_is_complete_when_every_partition_has_said_its_last_word() -> None:
    reports = [report(0), report(1, outcome="running"), report(1, 11, outcome="replaced")]
    reports.append(report(2, outcome="refused", problem="card:1: no"))
    for count, complete in ((1, False), (2, False), (3, False), (4, True)):
        [found] = tally(reports[:count]).values()
        assert found.is_complete(3) is complete
    assert (found.event().data.refused_partitions, found.event().data.problem) == (1, "card:1: no")


def test_what_is_named_does_not_depend_on_who_reports_first() -> None:
    reds = [red(f"c{n:02}", n) for n in range(30)] + [red("unknown-value")]
    random.Random(1).shuffle(reds)
    parts = [report(n, turned_red=reds[n::4], crossings=crossings(red=1)) for n in range(4)]
    events = [applied(*parts), applied(*reversed(parts))]
    named = [[each.customer_id for each in event.data.turned_red] for event in events]
    assert named[0] == named[1] == [f"c{n}" for n in range(29, 19, -1)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 9)), max_size=30))
def test_any_repeats_give_the_sum_of_the_first_ones(told: list[tuple[int, int, int]]) -> None:
    first: dict[tuple[int, int], int] = {}
    for partition, offset, count in told:
        first.setdefault((partition, offset), count)
    reports = [report(p, offset, crossings=crossings(red=count)) for p, offset, count in told]
    found = tally(reports).get(3)
    assert (0 if found is None else found.changed) == sum(first.values())


# -- the decision --------------------------------------------------------------------------------


def test_one_message_for_each_sink_with_an_id_that_never_changes() -> None:
    event = applied(crossings=crossings(red=1))
    decisions = summarise(event, ["slack", "webhook"], NOON_MS)
    ids = [decision.action.id for decision in decisions if decision.action]
    assert ids == [f"scorecard/{'ab12' * 16}/3/{sink}" for sink in ("slack", "webhook")]
    later = summarise(event, ["slack", "webhook"], NOON_MS + 1000)
    assert [decision.action.id for decision in later if decision.action] == ids


@pytest.mark.parametrize(
    ("changes", "sinks", "late_ms", "reason"),
    [
        ({}, ["webhook"], 0, Reason.NOTHING_CHANGED),
        ({"evaluated": 500}, ["webhook"], 0, Reason.NOTHING_CHANGED),
        ({"crossings": crossings(red=1)}, [], 0, Reason.SINK_NOT_CONFIGURED),
        ({"crossings": crossings(red=1)}, ["webhook"], AGE_MAX_MS + 1, Reason.TOO_OLD),
        ({"crossings": crossings(red=1)}, ["webhook"], AGE_MAX_MS, Reason.SEND),
        ({"pending": crossings(red=1)}, ["webhook"], 0, Reason.SEND),
        ({"outcome": "refused", "problem": "no"}, ["webhook"], 0, Reason.SEND),
    ],
)
def test_who_is_told_and_why_not(
    changes: dict[str, Any], sinks: list[str], late_ms: int, reason: Reason
) -> None:
    [decision] = summarise(applied(**changes), sinks, NOON_MS + late_ms)
    assert decision.reason is reason
    assert (decision.action is not None) is (reason is Reason.SEND)


# -- words ---------------------------------------------------------------------------------------


def test_the_whole_message() -> None:
    event = applied(
        crossings=crossings(red=14, yellow=40, green=74),
        pending=crossings(red=3),
        turned_red=[
            red("acme", 2_400_000_000, name="Acme", mrr_minor=240_000, currency="EUR"),
            red("bolt", None, before="yellow", pending=True, score_before=None),
        ],
    )
    message = action_of(event, base_url="https://vitals.example/").message
    assert message.severity is Severity.NOTICE
    assert message.text == (
        "Scorecard b2b-saas 2: 128 customers changed band: 14 to red, 40 to yellow, 74 to green\n"
        "Why: activated by Dana: support weighs too much; when hold times end, unless scores come"
        " back: 3 more to red, without a message; the 2 with the greatest value that turned red:\n"
        "  Acme: 80 → 41, green to red, 2,400 EUR a month\n"
        "  bolt, yellow to red when its hold time ends\n"
        "https://vitals.example/"
    )


def test_one_customer_is_one_customer() -> None:
    assert "1 customer changed band: 1 to yellow\n" in text_of(crossings=crossings(yellow=1))


def test_all_that_turned_red_are_listed_as_all() -> None:
    text = text_of(crossings=crossings(red=1), turned_red=[red("a")])
    assert "; turned red:\n  a: 80 → 41, green to red" in text


def test_a_card_that_only_makes_wait_says_so() -> None:
    text = text_of(pending=crossings(red=2, green=1))
    assert text.startswith("Scorecard b2b-saas 2: no customer changed band so far\n")
    assert "2 more to red, 1 more to green" in text


def test_a_card_that_everybody_refuses_is_news_of_its_own() -> None:
    text = text_of(outcome="refused", problem="b2b-saas 2:3: weights: add up to 90")
    assert text.startswith("Scorecard b2b-saas 2 is refused: the one before stays active\n")
    assert "refused in 1 of 1 partitions: b2b-saas 2:3: weights: add up to 90" in text


def test_refused_in_some_partitions_it_says_in_how_many() -> None:
    event = applied(report(0, crossings=crossings(red=1)), report(1, outcome="refused"))
    assert "refused in 1 of 2 partitions" in action_of(event).message.text


def test_points_are_on_the_scale_of_the_card() -> None:
    card = {"name": "n", "version": "1", "hash": "00", "shown_as": {"scale": "0-10", "decimals": 1}}
    changes = {"scorecard": card, "crossings": crossings(red=1), "turned_red": [red("a")]}
    assert "a: 8.0 → 4.1" in text_of(**changes)
    refused = report(1, outcome="refused")
    told = report(0, **changes)
    assert "a: 8.0 → 4.1" in action_of(applied(refused, told)).message.text


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_no_text_of_people_breaks_a_line(author: str, reason: str, name: str) -> None:
    event = applied(
        author=author, reason=reason, crossings=crossings(red=1),
        turned_red=[red("a", name=name, currency=name[:20], mrr_minor=1)],
        scorecard={"name": name or "x", "version": reason[:40], "hash": "00"},
    )  # fmt: skip
    message = action_of(event).message
    assert len(message.headline) < 150
    assert all(part.isprintable() for part in (message.headline, message.because, *message.movers))
    assert len(message.text.splitlines()) == 3


# -- the process ---------------------------------------------------------------------------------


class Outbox:
    """Summaries of two partitions, and what it wrote."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.metrics = Metrics()
        app: Any = SimpleNamespace(should_stop=False)
        self.summaries = Summaries(Settings(), app, 2, self.metrics, self.write)
        self.offset = 0

    async def write(self, event: ScorecardApplied) -> None:
        self.written.append(event.id.rpartition("/")[2])

    async def take(self, *reports: ActivationReport) -> None:
        for each in reports:
            self.summaries.take(self.offset, each.model_dump_json().encode())
            self.offset += 1
        await self.summaries.write()


async def test_it_is_written_once_complete_and_once_only() -> None:
    box = Outbox()
    box.summaries.begin(owner=True)
    await box.take(report(0))
    assert box.written == []
    assert box.metrics.reports_missing._value.get() == 1
    await box.take(report(1))
    assert box.metrics.reports_missing._value.get() == 0
    await box.take(report(1), report(0))
    assert box.written == ["3"]


async def test_who_does_not_own_the_outbox_counts_and_writes_nothing() -> None:
    """When it takes over it writes what the owner before it may not have written any more."""
    box = Outbox()
    box.summaries.begin(owner=False)
    await box.take(report(0), report(1))
    assert box.written == []
    box.summaries.begin(owner=True)
    await box.take()
    assert box.written == ["3"]
    box.summaries.release()
    await box.take(report(0, control_offset=4), report(1, control_offset=4))
    assert box.written == ["3"]


async def test_an_activation_that_waits_holds_up_no_later_one() -> None:
    box = Outbox()
    box.summaries.begin(owner=True)
    await box.take(report(0), report(0, control_offset=4), report(1, control_offset=4))
    assert box.written == ["4"]
    await box.take(report(1))
    assert box.written == ["4", "3"]


async def test_what_is_no_report_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    box = Outbox()
    box.summaries.begin(owner=True)
    box.summaries.take(7, b"{}")
    box.summaries.take(8, None)
    await box.take(report(0), report(1))
    assert box.written == ["3"]
    assert "skipped record 7, which is no report" in caplog.text
