"""What an activation does to a partition, and that its reports say so, whatever happens."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histories
from partitionlog import (
    DAY_MS,
    HOUR_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    bodies,
    changed_card,
    event,
    source_control,
)
from properties import examples
from schemas.signals import ControlCopy
from scoring.card import hash_of
from scoring.outputs import Output
from scoring.partition import TickMode
from scoring.row import CARD_KEY, NO_CARD
from scoring.versions import MissingCard

#: Everybody who is below 99 is red with it, at once.
STRICT = changed_card(
    ('version: "1"', 'version: "2"'),
    ('red: {enter: "< 50", leave: ">= 56", hold: 1h}', 'red: {enter: "< 99", leave: ">= 99"}'),
    ('green: {enter: ">= 75", leave: "< 70"', 'green: {enter: ">= 99", leave: "< 99"'),
)
#: The same, an hour later.
HELD = changed_card(('leave: ">= 99"}', 'leave: ">= 99", hold: 1h}'), text=STRICT)
MILD = changed_card(('version: "1"', 'version: "3"'))


def known(*customers: str, **account: Any) -> Log:
    """A log in which these are scored with the shipped card."""
    log = Log()
    for customer in customers:
        log.read(START_MS, *histories.known(customer, START_MS))
        if account:
            log.read(START_MS, event("account.changed", START_MS, customer, **account))
    log.tick(START_MS)
    return log


def reports(outputs: list[Output]) -> list[dict[str, Any]]:
    return bodies(outputs, "activations")


def outcomes(log: Log) -> list[tuple[int, str, int]]:
    return [
        (r["control_offset"], r["outcome"], r.get("evaluated", 0)) for r in reports(log.outputs)
    ]


def refused(text: str, offset: int, why: str) -> ControlCopy:
    return ControlCopy(offset, activation(text).body, why)


# -- reports -------------------------------------------------------------------------------------


def test_the_first_card_moves_nobody_and_reports_nothing() -> None:
    assert reports(known("acme").outputs) == []


def test_an_activation_reports_each_tick_that_moves_somebody_and_its_end() -> None:
    log = known("a", "b", "c")
    log.add(activation(STRICT, 4), START_MS + 1)
    assert log.tick(START_MS + 2, after="b") != []  # of a round that began before
    log.tick(START_MS + 3, through="a")
    log.tick(START_MS + 3, after="a", through="b")
    assert log.fold.header.activation is not None
    log.tick(START_MS + 3, after="b")
    assert outcomes(log) == [
        (4, "running", 1),
        (4, "running", 1),
        (4, "running", 1),
        (4, "done", 0),
    ]
    assert log.fold.header.activation is None
    log.tick(START_MS + 4)
    assert len(reports(log.outputs)) == 4
    [first, *_, last] = reports(log.outputs)
    assert (first["partition"], first["offset"]) == (0, len(log.records) - 5)
    assert first["crossings"] == [{"before": "green", "after": "red", "customers": 1}]
    assert first["scorecard"]["version"] == last["scorecard"]["version"] == "2"
    assert (last["author"], last["reason"], last["crossings"]) == ("test", "test", [])


def test_a_crossing_is_reported_with_what_the_two_cards_said() -> None:
    log = known("acme", name="Acme Inc", mrr_minor=120_000, currency="EUR")
    log.add(activation(STRICT, 1), START_MS + 1)
    [change] = bodies(log.tick(START_MS + 2))
    [report] = reports(log.outputs)
    assert report["turned_red"] == [
        {
            "customer_id": "acme",
            "name": "Acme Inc",
            "before": "green",
            "pending": False,
            "score_before": change["data"]["before"]["score"],
            "score_after": change["data"]["after"]["score"],
            "mrr_minor": 120_000,
            "currency": "EUR",
            "mrr_reporting_minor": 120_000,
        }
    ]
    assert change["data"]["cause"] == "scorecard"


def test_only_the_ten_with_the_greatest_value_are_named() -> None:
    """In the reporting currency where the card has one; who pays nothing known comes last."""
    money = "money: {currency: EUR, rates: {USD: 0.5}}\n"
    log = Log()
    for number in range(12):
        who = f"c{number:02}"
        log.read(START_MS, *histories.known(who, START_MS))
        currency = "USD" if number == 11 else "EUR"
        paid = {"mrr_minor": 100 * number, "currency": currency}
        log.read(START_MS, event("account.changed", START_MS, who, **paid))
    log.tick(START_MS)
    log.add(activation(STRICT + money, 1), START_MS + 1)
    log.tick(START_MS + 2)
    [report] = reports(log.outputs)
    assert report["evaluated"] == sum(c["customers"] for c in report["crossings"]) == 12
    named = [(red["customer_id"], red["mrr_reporting_minor"]) for red in report["turned_red"]]
    assert named == [
        ("c10", 1000), ("c09", 900), ("c08", 800), ("c07", 700), ("c06", 600), ("c11", 550),
        ("c05", 500), ("c04", 400), ("c03", 300), ("c02", 200),
    ]  # fmt: skip


def test_of_a_customer_without_a_rate_or_a_price_the_value_is_unknown() -> None:
    log = known("acme", mrr_minor=5000, currency="USD")
    log.add(activation(STRICT + "money: {currency: EUR}\n", 1), START_MS + 1)
    log.tick(START_MS + 2)
    [red] = reports(log.outputs)[0]["turned_red"]
    assert (red["mrr_minor"], red["mrr_reporting_minor"]) == (5000, None)
    log = Log()
    events = [one for one in histories.known("acme", START_MS) if one.type != "account.created"]
    log.read(START_MS, *events, event("account.created", START_MS - DAY_MS, seats=2))
    log.tick(START_MS)
    log.add(activation(STRICT, 1), START_MS + 1)
    log.tick(START_MS + 2)
    [red] = reports(log.outputs)[0]["turned_red"]
    assert (red["mrr_minor"], red["mrr_reporting_minor"]) == (None, None)


def test_who_waits_for_a_hold_is_counted_apart() -> None:
    """Told once, when it begins to wait; the crossing itself comes with the same quiet cause."""
    log = known("acme")
    log.add(activation(HELD, 1), START_MS + 1)
    log.tick(START_MS + 2)
    [report] = reports(log.outputs)
    band = log.customer().standing.band
    assert report["pending"] == [{"before": str(band), "after": "red", "customers": 1}]
    assert [red["pending"] for red in report["turned_red"]] == [True]
    [*_, crossed] = bodies(log.tick(START_MS + 2 * HOUR_MS), "transitions")
    assert (crossed["data"]["after"], crossed["data"]["cause"]) == ("red", "scorecard")
    assert len(reports(log.outputs)) == 1


def test_who_waited_for_the_same_band_before_is_no_news() -> None:
    log = known("acme")
    log.add(activation(HELD, 1), START_MS + 1)
    log.tick(START_MS + 2)
    log.add(activation(HELD + "# again\n", 2), START_MS + 3)
    log.tick(START_MS + 4)
    [_, report] = reports(log.outputs)
    assert (report["evaluated"], report["crossings"], report["pending"]) == (1, [], [])
    assert report["turned_red"] == []


def test_whom_no_card_scores_is_moved_and_crosses_nothing() -> None:
    log = known("acme")
    log.read(START_MS, event("account.created", START_MS, "shop", status="prospect"))
    log.tick(START_MS)
    log.add(activation(STRICT, 1), START_MS + 1)
    log.tick(START_MS + 2)
    [report] = reports(log.outputs)
    assert (report["evaluated"], [c["customers"] for c in report["crossings"]]) == (2, [1])


def test_an_activation_that_another_one_overtakes_is_reported_as_replaced() -> None:
    log = known("a", "b")
    log.add(activation(STRICT, 1), START_MS + 1)
    log.tick(START_MS + 2, through="a")
    log.add(activation(MILD, 2), START_MS + 3)
    log.tick(START_MS + 4)
    assert outcomes(log) == [(1, "running", 1), (1, "replaced", 0), (2, "done", 2)]
    versions = [report["scorecard"]["version"] for report in reports(log.outputs)]
    assert versions == ["2", "2", "3"]


def test_a_partition_without_customers_reports_too() -> None:
    log = Log()
    log.add(activation(STRICT, 1), START_MS + 1)
    log.tick_if_wanted(START_MS + 2)
    assert outcomes(log) == [(1, "done", 0)]
    count = len(log.records)
    log.tick_if_wanted(START_MS + 3)
    assert len(log.records) == count + 1  # progress, and no more ticks


def test_in_event_time_the_reports_have_the_events_time() -> None:
    log = Log(mode=TickMode.EVENT, as_of_ms=START_MS + 9 * DAY_MS)
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    log.add(activation(STRICT, 1), START_MS)
    log.tick(START_MS + DAY_MS)
    [report] = reports(log.outputs)
    assert (report["at"], report["evaluated"]) == ("2026-03-03T00:00:00.000Z", 1)


# -- what is refused -----------------------------------------------------------------------------


def test_a_refused_card_is_reported_and_changes_nothing() -> None:
    """The text of the card is not even looked at: the verdict stands in the log."""
    log = known("acme")
    log.add(refused("scorecard: [", 1, "card:1: not valid YAML"), START_MS + 1)
    log.tick(START_MS + 2)
    [report] = reports(log.outputs)
    assert (report["outcome"], report["problem"]) == ("refused", "card:1: not valid YAML")
    assert log.fold.header.card_hash == hash_of(SAAS)
    assert log.fold.header.control_offset == 1
    log.add(activation(STRICT, 2), START_MS + 3)
    log.tick(START_MS + 4)
    assert outcomes(log)[1:] == [(2, "done", 1)]


def test_a_refused_card_does_not_end_the_one_that_is_under_way() -> None:
    log = known("acme")
    log.add(activation(STRICT, 1), START_MS + 1)
    log.add(refused("x", 2, "no"), START_MS + 1)
    log.tick(START_MS + 2)
    assert outcomes(log) == [(2, "refused", 0), (1, "done", 1)]


def test_the_card_that_is_active_is_done_at_once() -> None:
    """Activated again, for partitions that refused it: the others must be counted as well."""
    log = known("acme")
    log.add(activation(STRICT, 1), START_MS + 1)
    log.add(activation(STRICT, 2), START_MS + 1)
    log.tick(START_MS + 2)
    assert outcomes(log) == [(2, "done", 0), (1, "done", 1)]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"type": "moon.full"}', b'{"type": "scorecard.activated"}', b"[]", b"1"]
)
@pytest.mark.parametrize("why", ["", "refused"])
def test_what_is_no_decision_is_passed_over(body: bytes, why: str) -> None:
    log = known("acme")
    log.add(ControlCopy(1, body, why), START_MS + 1)
    assert log.tick(START_MS + 2) == []
    assert log.fold.header.control_offset == 1


def test_a_refused_stall_stalls_nothing() -> None:
    log = known("acme")
    stall = source_control("source.stalled", "health.usage.v1", 1)
    log.add(ControlCopy(1, stall.body, "no"), START_MS + 1)
    assert log.fold.header.stalled == {}


@pytest.mark.parametrize("kind", ["intake.paused", "intake.resumed"])
def test_what_intake_is_told_changes_no_state(kind: str) -> None:
    """A source that is stalled stays so: it is declared back when it has been read."""
    log = known("acme")
    log.add(source_control("source.stalled", "health.usage.v1", 1), START_MS + 1)
    log.tick(START_MS + 2)
    log.add(source_control(kind, "health.usage.v1", 2), START_MS + 3)
    assert list(log.fold.header.stalled) == ["health.usage.v1"]
    assert log.tick(START_MS + 4) == []
    assert log.fold.header.control_offset == 2


def test_of_workers_that_start_at_once_the_first_in_the_log_activates_its_card() -> None:
    """The second one's card counts for nothing, its own or the same."""
    log = Log(card_text=None)
    for number, text in enumerate([SAAS, STRICT, SAAS]):
        body = msgspec.json.decode(activation(text).body) | {"first": True}
        log.add(ControlCopy(number, msgspec.json.encode(body)), START_MS)
    assert log.fold.header.card_hash == hash_of(SAAS)
    assert log.fold.header.previous_hash == ""
    log.add(activation(STRICT, 3), START_MS)
    assert log.fold.header.card_hash == hash_of(STRICT)


@pytest.mark.parametrize("which", ["active", "previous"])
def test_a_header_whose_card_has_no_text_is_named(which: str) -> None:
    log = known("acme")
    log.add(activation(STRICT, 1), START_MS + 1)
    log.fold.checkpoint()
    gone = hash_of(STRICT if which == "active" else SAAS)
    del log.rows[CARD_KEY + gone.encode()]
    with pytest.raises(MissingCard, match=f"names scorecard {gone[:16]}, whose text is missing"):
        log.new_fold(log.rows)


# -- properties ----------------------------------------------------------------------------------


def stood(log: Log) -> dict[str, tuple[bytes, str]]:
    """Each customer's mark of the card, and the band that was told last."""
    found = {}
    for customer_id in log.fold.customers():
        customer = log.customer(customer_id)
        band = "" if customer.emitted is None else customer.emitted.band
        found[customer_id] = (customer.card, band)
    return found


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(
    histories.steps(max_size=12, customers=("a", "b", "c")),
    st.lists(st.integers(0, 12), min_size=1, max_size=3),
    st.data(),
)
def test_the_reports_add_up_to_the_crossings_that_only_a_card_made(
    history: list[histories.Step], switch_at: list[int], data: st.DataObject
) -> None:
    """Held against the rows: whose band differs after the first evaluation with another card."""
    log, cards = Log(), [STRICT, SAAS, HELD]
    expected: Counter[tuple[str, str, str]] = Counter()
    for number, step in enumerate(history):
        if number in switch_at and cards:
            log.add(activation(cards.pop(), 10 - len(cards)), step.now_ms)
        if step.event is not None:
            log.read(step.now_ms, step.event)
        before = stood(log)
        log.tick_if_wanted(step.now_ms, data.draw(st.integers(1, 3)))
        for customer, (card, band) in stood(log).items():
            card_before, band_before = before.get(customer, (NO_CARD, ""))
            if card_before not in (NO_CARD, card) and band_before and band_before != band:
                expected[log.fold.header.card_hash, band_before, band] += 1
    found: Counter[tuple[str, str, str]] = Counter()
    for report in reports(log.outputs):
        for crossed in report["crossings"]:
            key = (report["scorecard"]["hash"], crossed["before"], crossed["after"])
            found[key] += crossed["customers"]
    assert found == expected
