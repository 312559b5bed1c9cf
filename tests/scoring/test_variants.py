"""Variants: bands, letters, weights, overrides of one class, and what happens when it changes."""

from typing import Any

import pytest

from oracle import Bands, Oracle
from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, card_of, data_of, event
from schemas.inbound import InboundEvent
from scoring.card import CardError
from scoring.card_compiler import compile_card
from streams.scorecards import load_file

#: The score is ten points for each of 28 days with use, half of it each measure.
CARD = """
scorecard: varied
version: "1"
objective: To demand more of the large ones
owner: test
segments: {large: account.seats >= 50, small: otherwise}
lifecycle: {renewal: days_to_renewal <= 30, steady: otherwise}
defaults: {minimum_coverage: 40%}
weights: {usage: 60, support: 40}
groups:
  usage:
    days: {share: 100, metric: "active_days(use, 28d)", curve: {0: 0, 10: 100}}
  support:
    open: {share: 100, metric: open_tickets, curve: {0: 100, 10: 0}}
scores:
  support: {objective: How support does by itself., weights: {support: 100}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 24h}
  red: {enter: "< 50", leave: ">= 56", hold: 1h}
letters: {A: 85, B: 70, C: 50, D: 0}
overrides:
  unpaid: {when: days_overdue >= 30, cap: 25, says: an invoice is 30 days overdue}
variants:
  large:
    weights: {usage: 20, support: 80}
    minimum_coverage: 90%
    bands:
      green: {enter: ">= 90", leave: "< 85", hold: 48h}
      red: {enter: "< 60", leave: ">= 65", hold: 4h}
    letters: {A: 95, E: 0}
    overrides:
      unpaid: {when: days_overdue >= 60, cap: 40, says: an invoice is 60 days overdue}
"""


def seats(ms: int, n: int) -> InboundEvent:
    return event("account.changed", ms, event_id=f"s{ms}", seats=n)


def uses(days: int) -> list[InboundEvent]:
    return [event("usage.feature", START_MS - n * DAY_MS, feature="f") for n in range(days)]


def tickets(n: int, ms: int = START_MS) -> list[InboundEvent]:
    return [
        event("ticket.changed", ms, event_id=f"t{i}", ticket_id=f"t{i}", change="opened")
        for i in range(n)
    ]


def log(*events: InboundEvent, text: str = CARD) -> Log:
    made = Log(text)
    made.read(START_MS, *events)
    made.tick(START_MS)
    return made


def health(made: Log) -> dict[str, Any]:
    """The health as last told."""
    after: dict[str, Any] = data_of(made.outputs)[-1]["after"]
    return after


def change_seats(made: Log, ms: int, n: int) -> None:
    made.read(ms, seats(ms, n))
    made.tick(ms)


def test_a_class_has_its_own_weights_letters_bands_and_further_letters() -> None:
    """8 of 10 points of use, 3 tickets: 60 x 80 % + 40 x 70 % = 76; else 20 and 80: 72."""
    small = health(log(seats(START_MS - DAY_MS, 5), *uses(8), *tickets(3)))
    assert (small["score"], small["band"], small["letter"]) == (7600, "green", "B")
    assert small["scores"][0]["letter"] == "B"
    large = health(log(seats(START_MS - DAY_MS, 50), *uses(8), *tickets(3)))
    assert (large["score"], large["band"], large["letter"]) == (7200, "yellow", "E")
    assert large["scores"][0]["letter"] == "E"
    for told in (small, large):
        assert sum(line["points"] for line in told["contributions"]) == told["score"]


def test_the_minimum_coverage_is_that_of_the_class() -> None:
    """Support alone is 80 % of a large customer's card: too little; and 40 % of a small one's."""
    assert health(log(seats(START_MS, 50), *tickets(1)))["band"] == "unknown"
    assert health(log(seats(START_MS, 5), *tickets(1)))["score"] == 9000


@pytest.mark.parametrize(
    ("n", "days", "score", "says"),
    [
        (5, 29, 10_000, None),
        (5, 30, 2500, "an invoice is 30 days overdue"),
        (50, 59, 10_000, None),
        (50, 60, 4000, "an invoice is 60 days overdue"),
    ],
)
def test_overrides_are_those_of_the_class(n: int, days: int, score: int, says: str | None) -> None:
    """One name, two rules: each has its own condition, cap and words, also in the reason."""
    due_ms = START_MS - days * DAY_MS
    overdue = event("billing.changed", due_ms, change="invoice_due", invoice_id="i")
    made = log(seats(START_MS - 99 * DAY_MS, n), *uses(10), event(
        "ticket.changed", START_MS, ticket_id="t", change="solved"), overdue)  # fmt: skip
    told = health(made)
    assert told["score"] == score
    (found,) = [line["says"] for line in told["contributions"] if line["kind"] == "override"] or [
        None
    ]
    assert found == says
    assert told["overrides"] == ([] if says is None else ["unpaid"])


def test_the_reason_of_a_change_is_that_of_the_class() -> None:
    """The override's words and events come from the variant."""
    due_ms = START_MS - 60 * DAY_MS
    made = log(seats(START_MS - 99 * DAY_MS, 50), *uses(10), event(
        "ticket.changed", START_MS, ticket_id="t", change="solved"))  # fmt: skip
    late = event("billing.changed", due_ms, change="invoice_due", invoice_id="i")
    made.read(START_MS + 1, late)
    (change,) = data_of(made.tick(START_MS + 1))
    assert change["because"].startswith(
        "Corrected by late events: an invoice is 60 days overdue, so the score is at most 40"
    )
    assert [(one["source"], one["id"]) for one in change["events"]] == [("app", late.event_id)]


def test_the_way_to_green_leads_to_the_level_of_the_class() -> None:
    way = health(log(seats(START_MS, 50), *uses(8), *tickets(3)))["way_to_green"]
    assert way["reachable"]
    assert way["score"] >= 9000
    assert health(log(seats(START_MS, 5), *uses(6), *tickets(3)))["way_to_green"]["score"] < 7600


def test_a_class_that_changes_asks_for_a_band_by_its_own_levels_and_hold() -> None:
    """76 is green for a small one; a large one has 72: yellow at once, as yellow has no hold."""
    made = log(seats(START_MS - DAY_MS, 5), *uses(8), *tickets(3))
    assert health(made)["band"] == "green"
    change_seats(made, START_MS + HOUR_MS, 50)
    told = health(made)
    assert (told["segment"]["name"], told["band"], told["letter"]) == ("large", "yellow", "E")
    # Back again: green asks for its 24 hours.
    change_seats(made, START_MS + 2 * HOUR_MS, 5)
    pending = health(made)["pending"]
    assert (health(made)["band"], pending["band"]) == ("yellow", "green")
    assert made.customer().due_ms == START_MS + 2 * HOUR_MS + DAY_MS


def test_what_is_pending_goes_on_with_the_hold_of_the_new_class() -> None:
    """Red is pending since 1:00; with the new class it takes 4 hours from then, not 1."""
    made = log(seats(START_MS - DAY_MS, 5), *uses(8), *tickets(3))
    assert health(made)["band"] == "green"
    later_ms = START_MS + HOUR_MS
    opened = [
        event("ticket.changed", later_ms, event_id=f"n{i}", ticket_id=f"n{i}", change="opened")
        for i in range(7)
    ]
    made.read(later_ms, *opened)
    made.tick(later_ms)  # 48: red is pending
    assert health(made)["pending"]["band"] == "red"
    change_seats(made, later_ms + HOUR_MS // 2, 50)
    assert made.customer().standing.since_ms == later_ms
    assert made.customer().due_ms == later_ms + 4 * HOUR_MS
    told = len(made.outputs)
    made.tick(later_ms + 4 * HOUR_MS - 1)
    assert health(made)["band"] == "green"
    made.tick(later_ms + 4 * HOUR_MS)
    assert health(made)["band"] == "red"
    assert len(made.outputs) > told


def test_what_is_pending_is_entered_at_once_where_the_new_hold_is_over() -> None:
    made = log(seats(START_MS - DAY_MS, 50), *uses(10), *tickets(0), event(
        "ticket.changed", START_MS, ticket_id="t", change="solved"))  # fmt: skip
    assert health(made)["band"] == "green"
    opened_ms = START_MS + HOUR_MS
    made.read(opened_ms, *tickets(9, opened_ms))
    made.tick(opened_ms)  # 20 + 8 = 28
    assert health(made)["pending"]["band"] == "red"
    change_seats(made, opened_ms + 2 * HOUR_MS, 5)  # 60 + 4 = 64: red is not asked for any more
    assert made.customer().standing.pending is None
    assert health(made)["band"] == "yellow"


def test_a_variant_by_stage_begins_at_its_instant() -> None:
    """30 days before the renewal the demands rise; the score does not move."""
    text = CARD.replace("  large:\n    weights: {usage: 20, support: 80}\n", "  renewal:\n")
    renewal = event("account.changed", START_MS - DAY_MS, renewal_at="2026-04-05T00:00:00Z")
    made = log(renewal, *uses(8), *tickets(3), text=text)
    assert (health(made)["band"], health(made)["stage"]["name"]) == ("green", "steady")
    at_ms = START_MS + 4 * DAY_MS
    assert made.customer().due_ms == at_ms
    made.tick(at_ms - 1)
    assert health(made)["band"] == "green"
    (change,) = data_of(made.tick(at_ms))
    assert (change["after"]["band"], change["cause"], change["delta"]) == ("yellow", "time", 0)
    assert change["after"]["letter"] == "E"


def test_no_overrides_at_all_can_be_said() -> None:
    text = CARD[: CARD.index("variants:")] + "variants: {large: {overrides: {}}}\n"
    overdue = event("billing.changed", START_MS - 40 * DAY_MS, change="invoice_due", invoice_id="i")
    assert health(log(seats(START_MS, 50), *uses(10), overdue, text=text))["overrides"] == []
    assert health(log(seats(START_MS, 5), *uses(10), overdue, text=text))["overrides"] == ["unpaid"]


def test_names_of_all_variants_are_known() -> None:
    card = card_of(CARD)
    assert card.override_names == ("unpaid",)
    assert card.letter_names == ("A", "B", "C", "D", "E")


def test_it_is_the_oracles_over_time() -> None:
    """The segment goes to and fro while use ebbs: score, letter and band after every hour."""
    oracle, bands = Oracle(CARD), Bands(CARD)
    made = log(seats(START_MS - DAY_MS, 5), *uses(9), *tickets(1))
    events = [seats(START_MS - DAY_MS, 5), *uses(9), *tickets(1)]
    bands.evaluate(oracle.health(events, START_MS), START_MS)
    for hour in range(1, 24 * 24):
        now_ms = START_MS + hour * HOUR_MS
        if hour % 60 == 0:
            events.append(seats(now_ms, 50 if hour % 120 else 5))
            made.read(now_ms, events[-1])
        made.tick(now_ms)
        expected = oracle.health(events, now_ms)
        band = bands.evaluate(expected, now_ms)
        assert made.customer().standing.band == band
        emitted = made.customer().emitted
        assert emitted is not None
        assert (emitted.score, emitted.letter, emitted.band) == (
            expected.score, expected.letter, band,
        )  # fmt: skip


def test_two_series_with_one_key_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """63 bits do not meet by chance; should they, rows could not tell the two apart."""
    monkeypatch.setattr("scoring.series.key_of", lambda text: 7)
    with pytest.raises(CardError) as ended:
        compile_card(load_file(CARD.replace("open_tickets", '"count(ticket, 28d)"')), CARD)
    assert ended.value.problems == [
        (("groups",), "'count use' and 'count ticket' cannot be told apart: write one otherwise")
    ]
