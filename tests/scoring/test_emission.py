"""What is told, why, and in what words."""

from dataclasses import replace
from typing import Any

import pytest

import histories
from partitionlog import (
    DAY_MS,
    SAAS,
    START_MS,
    Log,
    activation,
    at,
    bodies,
    card_of,
    changed_card,
    data_of,
    event,
)
from schemas.scores import Band, Cause, ScoreChanged, Transition
from schemas.signals import Tick
from scoring.bands import Standing
from scoring.card import Card
from scoring.emission import cause_of, evaluate_and_emit
from scoring.emitted import Emitted
from scoring.evaluate import Evaluation
from scoring.facts import rfc3339
from scoring.moment import Moment, Reading, Value
from scoring.outputs import outputs_of, view_of
from scoring.past import Past
from scoring.row import Customer
from scoring.units import Unit
from scoring.words import value_in_words, words_of

OWN = card_of(SAAS).own
MARK, OTHER_MARK = b"12345678", b"87654321"


def emitted(**fields: Any) -> Emitted:
    given = {
        "at_ms": START_MS,
        "card": "c",
        "score": 5000,
        "band": "yellow",
        "letter": "C",
        "coverage_ppm": 1_000_000,
        "lines": [],
        "overrides": [],
        "pending": None,
        "cause": "first",
        "because": "",
        "delta": None,
        "movers": [],
        "events": [],
        "next_ms": None,
    }
    return Emitted(**{**given, **fields})


def known_log(card_text: str | None = None) -> Log:
    log = Log() if card_text is None else Log(card_text)
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS)
    return log


# -- causes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "card", "late", "dirty", "cause"),
    [
        # Each cause beats those below it, also when all of them hold.
        (None, "red", OTHER_MARK, True, True, Cause.FIRST),
        ("unknown", "red", OTHER_MARK, True, True, Cause.FIRST),
        ("unknown", "unknown", OTHER_MARK, True, True, Cause.SCORECARD),
        ("green", "red", OTHER_MARK, True, True, Cause.SCORECARD),
        ("green", "unknown", MARK, True, True, Cause.CORRECTION),
        ("green", "red", MARK, True, True, Cause.CORRECTION),
        ("green", "red", MARK, True, False, Cause.CORRECTION),
        ("green", "red", MARK, False, True, Cause.EVENT),
        ("green", "red", MARK, False, False, Cause.TIME),
    ],
)
def test_the_cause_that_messages_nobody_wins(
    before: str | None, now: str, card: bytes, late: bool, dirty: bool, cause: Cause
) -> None:
    customer = Customer(0)
    customer.card, customer.late, customer.touched = card, late, int(dirty)
    evaluation = Evaluation(None, Past(Standing(Band(now))), None, 0, (), (), (), None, OWN)
    told = None if before is None else emitted(band=before)
    assert cause_of(told, evaluation, customer, MARK) is cause


@pytest.mark.parametrize(
    ("begun", "cause"),
    [
        ("correction", Cause.CORRECTION),
        ("scorecard", Cause.SCORECARD),
        ("event", Cause.TIME),
        ("time", Cause.TIME),
    ],
)
def test_a_hold_that_history_or_a_new_card_began_stays_quiet_at_its_end(
    begun: str, cause: Cause
) -> None:
    customer = Customer(0)
    customer.card = MARK
    customer.past = Past(Standing(Band.YELLOW, Band.GREEN, 0, begun))
    evaluation = Evaluation(None, Past(Standing(Band.GREEN)), None, 0, (), (), (), None, OWN)
    assert cause_of(emitted(band="yellow"), evaluation, customer, MARK) is cause


def test_a_pending_band_remembers_why_it_is_pending() -> None:
    """History that asks for red makes it pending as a correction; its end is one too."""
    held = (
        'red: {enter: "< 50", leave: ">= 56", hold: 1h}',
        'red: {enter: "< 70", leave: ">= 70", hold: 30h}',
    )
    log = known_log(changed_card(held))
    told_ms, old_ms = START_MS + 1_000, START_MS - 2 * DAY_MS
    for number in range(8):
        ticket = {"ticket_id": f"t{number}", "change": "opened", "priority": "urgent"}
        log.read(told_ms, event("ticket.changed", old_ms + number, **ticket))
        log.read(told_ms, event("billing.changed", old_ms + number, change="payment_failed"))
    invoice = {"change": "invoice_issued", "invoice_id": "i", "due_at": at(old_ms - 20 * DAY_MS)}
    log.read(told_ms, event("billing.changed", old_ms - 1, **invoice))
    log.tick(told_ms)
    standing = log.customer().standing
    assert standing.pending is not None
    assert standing.cause == "correction"


def test_causes_end_to_end() -> None:
    """First, event, correction, scorecard, time: as the log brings them about."""
    log = known_log()
    for tick_ms, event_ms in ((START_MS + 5, START_MS + 4), (START_MS + 9, START_MS - 2 * DAY_MS)):
        log.read(tick_ms, event("engagement.pulse", event_ms, pulse="lost", reason="r", author="a"))
        log.read(tick_ms, event("engagement.survey", event_ms, survey="nps", score=0))
        log.read(tick_ms, event("billing.changed", event_ms, change="payment_failed"))
        log.tick(tick_ms)
    log.add(activation(changed_card(("{0: 0, 4: 60, 8: 100}", "{0: 0, 2: 100}")), 1), START_MS + 10)
    log.tick(START_MS + 10)
    log.tick(START_MS + 8 * DAY_MS)
    causes = [told["cause"] for told in data_of(log.outputs)]
    assert causes == ["first", "event", "correction", "scorecard", "time"]


# -- the threshold -------------------------------------------------------------------------------


def use_more(log: Log, ms: int, quantity: int) -> list[dict[str, Any]]:
    """One more event, and what was told of it."""
    log.read(ms, event("usage.feature", ms, feature="board", user="ann", quantity=quantity))
    return data_of(log.tick(ms))


def test_small_changes_add_up_until_they_are_told() -> None:
    """Half a point: below it nothing is told, and nothing is lost."""
    log = known_log(changed_card(("{at_least: 0.5}", "{at_least: 1}")))
    first = data_of(log.outputs)[-1]["after"]["score"]
    told: list[dict[str, Any]] = []
    steps = 0
    while not told:
        steps += 1
        told = use_more(log, START_MS + steps, 1)
        assert steps < 50
    assert steps > 1
    assert abs(told[0]["delta"]) >= 100
    assert told[0]["before"]["score"] == first
    assert len(told[0]["events"]) == 3


def test_at_exactly_the_threshold_it_is_told() -> None:
    log = known_log(changed_card(("{at_least: 0.5}", "{at_least: 0.01}")))
    delta = abs(use_more(log, START_MS + 1, 1)[0]["delta"])
    assert delta > 1
    for least, told in ((delta, True), (delta + 1, False)):
        again = known_log(changed_card(("{at_least: 0.5}", f"{{at_least: {least / 100}}}")))
        assert bool(use_more(again, START_MS + 1, 1)) is told


def test_nothing_is_told_of_who_is_not_scored() -> None:
    log = Log()
    log.read(START_MS, event("account.created", START_MS, status="prospect", seats=3))
    assert log.tick(START_MS) == []
    assert log.customer().emitted is None


def test_leaving_the_scorecard_is_told_once() -> None:
    log = known_log()
    log.read(START_MS + 1, event("account.changed", START_MS + 1, internal=True))
    (told,) = data_of(log.tick(START_MS + 1))
    assert told["after"]["band"] == "unknown"
    assert told["after"]["contributions"] == []
    assert told["because"].startswith("Not scored")
    log.read(START_MS + 2, event("account.changed", START_MS + 2, name="Acme"))
    assert log.tick(START_MS + 2) == []


def test_a_new_band_letter_override_or_pending_is_told_however_small() -> None:
    """A cancellation changes no point at first, and is told."""
    log = known_log(changed_card(("{at_least: 0.5}", "{at_least: 100}")))
    log.read(START_MS + 1, event("billing.changed", START_MS + 1, change="cancel_scheduled"))
    (told,) = data_of(log.tick(START_MS + 1))
    assert told["after"]["overrides"] == ["leaving"]
    assert told["after"]["band"] == "red"
    assert told["delta"] == 0
    log.read(START_MS + 2, event("billing.changed", START_MS + 2, change="subscription_renewed"))
    (told,) = data_of(log.tick(START_MS + 2))
    assert told["after"]["overrides"] == []
    assert told["after"]["band"] == "red"
    assert told["after"]["pending"]["band"] == "green"


def test_a_further_score_more_or_less_is_told() -> None:
    """A new card has a score beside the first, which is as it was."""
    log = known_log()
    further = changed_card(
        (
            "weights:",
            "scores:\n  use: {objective: How much they use it, weights: {usage: 100}}\nweights:",
        )
    )
    log.add(activation(further, 1), START_MS + 1)
    (told,) = data_of(log.tick(START_MS + 1))
    assert (told["cause"], told["delta"]) == ("scorecard", 0)
    assert [one["name"] for one in told["after"]["scores"]] == ["use"]


def test_a_due_time_that_has_passed_is_put_off() -> None:
    """A reading that names an instant already gone cannot make a tick go round and round."""
    log = known_log()
    card = log.fold.card
    assert card is not None
    stuck = replace(card.measures[0].metric, read=lambda *_: Reading(1, START_MS - 5))
    measures = (replace(card.measures[0], metric=stuck), *card.measures[1:])
    customer = log.customer()
    moment = Moment(START_MS)
    evaluate_and_emit("acme", customer, replace(card, measures=measures), MARK, moment, source="")
    assert customer.due_ms == START_MS + 1


# -- what is said --------------------------------------------------------------------------------


def test_outputs_are_what_their_contracts_say() -> None:
    log = known_log()
    for ms in (START_MS + 30 * DAY_MS, START_MS + 60 * DAY_MS, START_MS + 130 * DAY_MS):
        log.tick(ms)
    changes = [ScoreChanged.model_validate(body) for body in bodies(log.outputs)]
    crossings = [Transition.model_validate(body) for body in bodies(log.outputs, "transitions")]
    assert len(changes) >= 3
    assert len(crossings) >= 2
    for change in changes:
        assert change.subject == "acme"
        assert change.id == f"acme/{change.data.epoch}-{change.data.sequence}"
    for crossing in crossings:
        change = changes[crossing.data.sequence - 1]
        assert crossing.id == f"{change.id}/band"
        assert crossing.data.after == change.data.after.band
        assert crossing.data.score_after == change.data.after.score
        assert crossing.data.movers == change.data.movers
        assert crossing.data.contributions == change.data.after.contributions
        assert crossing.data.because == change.data.because


def test_the_events_that_moved_it_come_with_it() -> None:
    """The latest of the kinds that feed the largest movers, newest first; five at most."""
    log = known_log()
    for n in range(9):
        ms = START_MS + n
        log.read(
            START_MS + 20,
            event("engagement.survey", ms, event_id=f"s{n}", survey="nps", score=0),
            event("engagement.visit", ms, event_id=f"v{n}", page="/"),
        )
    (told,) = data_of(log.tick(START_MS + 20))
    assert told["movers"][0]["name"] == "nps"
    assert [one["id"] for one in told["events"]] == ["s8", "s7", "s6"]
    assert log.customer().recent == {}


def test_an_override_names_the_events_that_brought_it() -> None:
    log = known_log()
    due = {"event_id": "due", "change": "invoice_due", "invoice_id": "i"}
    log.read(
        START_MS + 1,
        event("billing.changed", START_MS - 31 * DAY_MS, **due),
        event("engagement.visit", START_MS + 1, page="/"),
    )
    (told,) = data_of(log.tick(START_MS + 1))
    assert told["cause"] == "correction"
    assert {"name": "unpaid_30d", "kind": "override"}.items() <= told["movers"][0].items()
    (event_named,) = told["events"]
    assert event_named == {"source": "app", "id": "due", "at": rfc3339(START_MS - 31 * DAY_MS)}
    assert told["movers"][0]["events"] == [event_named]
    assert "an invoice is 30 days overdue" in told["because"]


def test_an_override_without_a_number_names_its_events_too() -> None:
    """A cancellation is a condition on billing, whatever came later of other kinds."""
    log = known_log(changed_card(("cancel_scheduled, band: red", "cancel_scheduled, cap: 10")))
    bye = event("billing.changed", START_MS + 1, event_id="bye", change="cancel_scheduled")
    log.read(START_MS + 2, bye, event("engagement.visit", START_MS + 2, page="/"))
    (told,) = data_of(log.tick(START_MS + 2))
    mover = {"name": "leaving", "kind": "override"}
    assert mover.items() <= told["movers"][0].items()
    (event_named,) = told["events"]
    assert event_named == {"source": "app", "id": "bye", "at": rfc3339(START_MS + 1)}
    assert told["movers"][0]["events"] == [event_named]


def test_an_event_that_moved_nothing_is_not_named() -> None:
    """Three weeks of silence moved it; all that happened was a visit, which fed nothing."""
    log = known_log()
    later_ms = START_MS + 21 * DAY_MS
    log.read(later_ms, event("engagement.visit", later_ms, event_id="seen", page="/"))
    (told,) = data_of(log.tick(later_ms))
    assert told["cause"] == "time"
    assert told["movers"][0]["name"] == "last_use"
    assert told["events"] == []
    assert all(mover["events"] == [] for mover in told["movers"])


def test_each_mover_names_the_events_that_fed_it() -> None:
    """An NPS answer is none of CSAT, a use no order; what a condition refuses is not named."""
    text = changed_card(
        ("count(payment_failed, 28d)", '"count(order, 28d, where: item == shoe)"'),
        ("lowest(mean(satisfaction, 180d), mean(csat, 180d))", '"mean(csat, 180d)"'),
        (
            '{0: 100, 1: 50, 2: 20, 3: 0}\n      says: "{value} failed',
            '{0: 0, 1: 100}\n      says: "{value} failed',
        ),
    )
    log = known_log(text)
    ms = START_MS + 1
    log.read(
        ms + 9,
        event("engagement.survey", ms, event_id="nps", survey="nps", score=1),
        event("engagement.survey", ms, event_id="csat", survey="csat", score=3),
        event("usage.activity", ms, event_id="shoe", activity="order", item="shoe"),
        event("usage.activity", ms, event_id="sock", activity="order", item="sock"),
        event("usage.feature", ms, event_id="failed", feature="new", user="cy", outcome="failed"),
        event("ticket.changed", ms, event_id="low", ticket_id="a", change="opened", priority="low"),
        event("ticket.changed", ms, event_id="urgent", ticket_id="b", change="opened",
              priority="urgent"),
    )  # fmt: skip
    (told,) = data_of(log.tick(ms + 9))
    ids = {m["name"]: {e["id"] for e in m["events"]} for m in told["movers"]}
    assert ids["nps"] == {"nps"}
    assert ids["satisfaction"] == {"csat"}
    assert ids["failed_payments"] == {"shoe"}
    assert ids["urgent_open"] == {"urgent"}
    assert ids["open"] == {"low", "urgent"}
    assert ids["breadth"] == {"failed"}
    assert all(mover["delta"] for mover in told["movers"])
    assert {event["id"] for event in told["events"]} <= set().union(*ids.values())


def test_what_moved_too_little_is_named_with_what_moves_next() -> None:
    """Events since the last score told explain the next one, whenever they came."""
    log = known_log(changed_card(("{at_least: 0.5}", "{at_least: 2}")))
    ms = START_MS + 1
    log.read(ms, event("engagement.survey", ms, event_id="eight", survey="nps", score=8))
    assert log.tick(ms) == []
    log.fold.checkpoint()
    again = log.new_fold(dict(log.fold.rows))
    later = ms + 4 * DAY_MS
    for fold in (log.fold, again):
        outputs = fold.apply(len(log.records), later, Tick(later))
        (told,) = data_of(outputs)
        ids = {m["name"]: [e["id"] for e in m["events"]] for m in told["movers"]}
        assert told["cause"] == "time"
        assert ids["nps"] == ["eight"]
        assert [one["id"] for one in told["events"]] == ["eight"]


def test_a_respread_names_what_gave_or_took_the_data() -> None:
    """A first rating of 0 adds no points: what it changes stands in the re-spread alone."""
    log = known_log()
    ms = START_MS + 1
    rated = {"ticket_id": "t", "change": "rated", "satisfaction": 1}
    log.read(ms, event("ticket.changed", ms, event_id="rated", **rated))
    (told,) = data_of(log.tick(ms))
    (respread,) = [mover for mover in told["movers"] if mover["kind"] == "respread"]
    assert [one["id"] for one in respread["events"]] == ["rated"]
    assert respread["group"] is None


def test_because_of_too_little() -> None:
    log = Log()
    log.read(START_MS, event("engagement.contact", START_MS, kind="call"))
    (told,) = data_of(log.tick(START_MS))
    assert told["because"].startswith("Too little is known: no data for active seats")
    assert told["after"]["score"] is None


def test_because_of_a_new_card_and_of_the_first_score() -> None:
    log = known_log()
    assert "Too little" not in data_of(log.outputs)[-1]["because"]
    log.add(activation(changed_card(("{0: 0, 4: 60, 8: 100}", "{0: 0, 2: 100}")), 1), START_MS + 1)
    (told,) = data_of(log.tick(START_MS + 1))
    assert told["because"].startswith("New scorecard b2b-saas 1; ")


def test_the_view_says_what_was_told() -> None:
    log = known_log()
    customer, card = log.customer(), log.fold.card
    assert card is not None
    view = view_of("acme", customer, card)
    assert view is not None
    told = data_of(log.outputs)[-1]
    assert view["health"] == told["after"]
    assert view["changed_at"] == "2026-03-02T00:00:00.000Z"
    assert view_of("nobody", Customer(0), card) is None


def test_account_facts_come_with_every_score() -> None:
    log = Log()
    log.read(
        START_MS,
        event("account.created", START_MS, name="Acme", seats=5, owner="dana", country="DE",
              renewal_at="2026-09-15T00:00:00Z", attributes={"industry": "food"}, mrr_minor=1),
    )  # fmt: skip
    (told,) = data_of(log.tick(START_MS))
    assert told["customer_name"] == "Acme"
    assert told["attributes"] == {
        "name": "Acme",
        "owner": "dana",
        "mrr_minor": 1,
        "mrr_reporting_minor": 1,
        "seats": 5,
        "country": "DE",
        "renewal_at": "2026-09-15T00:00:00.000Z",
        "attribute.industry": "food",
    }


@pytest.mark.parametrize(
    ("unit", "value", "words"),
    [
        (Unit.RATIO, 384_999, "38 %"),
        (Unit.RATIO, -250_000, "-25 %"),
        (Unit.SECONDS, 59_000_000, "under a minute"),
        (Unit.SECONDS, 60_000_000, "1 minute"),
        (Unit.SECONDS, 7_199_000_000, "1 hour"),
        (Unit.SECONDS, 7_200_000_000, "2 hours"),
        (Unit.DAYS, 1_000_000, "1 day"),
        (Unit.DAYS, 41_666, "1 hour"),
        (Unit.DAYS, 958_333, "23 hours"),
        (Unit.DAYS, 30_958_333, "30 days"),
        (Unit.DAYS, 0, "under a minute"),
        (Unit.COUNT, 3_000_000, "3"),
        (Unit.COUNT, 3_250_000, "3.2"),
        (Unit.COUNT, 123_400_000, "123"),
        (Unit.COUNT, 9_000_000, "9"),
        (Unit.MONEY, 1_234_600_000, "1,235"),
        (Unit.MONEY, -800_000_000, "-800"),
        (Unit.TEXT, "worried", "worried"),
    ],
)
def test_values_in_words(unit: Unit, value: Value, words: str) -> None:
    assert value_in_words(unit, value) == words


def test_words_of_a_measure() -> None:
    card: Card | None = Log().fold.card
    assert card is not None
    last_use, nps = card.by_name["last_use"], card.by_name["nps"]
    assert words_of(last_use, 2_000_000) == "last used 2 days ago"
    assert words_of(nps, None) == "NPS: no data"


def test_times_are_rfc3339() -> None:
    assert rfc3339(1) == "1970-01-01T00:00:00.001Z"


def test_before_and_after_are_of_the_same_customer() -> None:
    """Nothing to send of a customer that never emitted would be a mistake of the caller."""
    with pytest.raises(AssertionError):
        outputs_of("acme", Customer(0), None, Log().fold.card, source="")  # type: ignore[arg-type]
