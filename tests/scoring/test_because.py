"""The sentence that says why: of each cause, on histories as they happen."""

from typing import Any

import pytest

import histories
from partitionlog import DAY_MS as D
from partitionlog import SAAS, START_MS, Log, activation, at, changed_card, data_of, event
from schemas.inbound import InboundEvent
from schemas.scores import Cause
from scoring.because import because
from scoring.evaluate import Line, assess, explain
from scoring.moment import Moment
from scoring.units import MICRO
from scoring.words import joined, spoken

S = START_MS


def known(card: str = SAAS) -> Log:
    log = Log(card)
    log.read(S, *histories.known("acme", S))
    log.tick(S)
    return log


def told(log: Log, ms: int, *events: InboundEvent) -> str:
    """The sentence of what is told once these were read."""
    if events:
        log.read(ms, *events)
    (data,) = data_of(log.tick(ms))
    because: str = data["because"]
    return because


def billing(ms: int, change: str, **fields: Any) -> InboundEvent:
    return event("billing.changed", ms, event_id=f"{change}{ms}", change=change, **fields)


def test_of_the_first_score() -> None:
    assert data_of(known().outputs)[0]["because"] == (
        "First score; what weighs on it: 2 features used in 28 days"
        " and 11.5 uses per seat in 28 days"
    )


def test_of_silence() -> None:
    log = known()
    assert told(log, S + 9 * D) == "Last used 9 days ago (-5.4)"


def test_of_events_with_what_pulls_the_other_way() -> None:
    log = known()
    used = [event("usage.feature", S + n, feature=f, user="ann") for n, f in enumerate("abcd")]
    answer = event("engagement.survey", S + 9, survey="nps", score=2)
    assert (
        told(log, S + 9, answer, *used)
        == "NPS answer 2 (-5.2), but 6 features used in 28 days (+3.4)"
    )


def test_of_a_first_rating_of_nothing() -> None:
    rated = event("ticket.changed", S + 1, ticket_id="t", change="rated", satisfaction=1)
    assert told(known(), S + 1, rated) == "Satisfaction 0 %, which had no data (-5.9)"


def test_of_overrides_that_begin_and_end() -> None:
    log = known()
    assert told(log, S + 1, billing(S + 1, "cancel_scheduled")) == (
        "A cancellation is scheduled, so the colour is red"
    )
    assert told(log, S + 2, billing(S + 2, "subscription_renewed")) == (
        "It no longer holds that a cancellation is scheduled"
    )
    late = billing(S - 30 * D, "invoice_due", invoice_id="i")
    assert told(log, S + 3, late) == (
        "Corrected by late events: an invoice is 30 days overdue, so the score is at most 25"
        " (-58.4); an invoice is overdue for 30 days (-10.0)"
    )
    assert told(log, S + 4, billing(S + 4, "invoice_paid", invoice_id="i")) == (
        "It no longer holds that an invoice is 30 days overdue (+58.4);"
        " no invoice is overdue (+10.0)"
    )
    (data,) = data_of(log.tick(S + 4 + D))
    assert data["after"]["band"] == "green"
    assert data["because"] == ("The score stayed high enough for green for 1 day")


def test_of_a_cap_that_takes_nothing() -> None:
    log = known(changed_card(("cancel_scheduled, band: red", "cancel_scheduled, cap: 100")))
    assert told(log, S + 1, billing(S + 1, "cancel_scheduled")) == "A cancellation is scheduled"


def test_of_too_little_and_of_who_is_not_scored() -> None:
    log = Log()
    log.read(S, event("engagement.contact", S, kind="call"))
    little = "oo little is known: no data for active seats, depth, trend and"
    assert told(log, S).startswith(f"T{little}")
    leaving = told(log, S + 1, billing(S + 1, "cancel_scheduled"))
    assert leaving.startswith(f"A cancellation is scheduled, so the colour is red; t{little}")
    log = known()
    assert told(log, S + 1, event("account.changed", S + 1, internal=True)) == (
        "Not scored: the account's status, or that it is internal, takes it off the scorecard"
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_joined(parts: list[str], words: str) -> None:
    assert joined(parts) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (None, "No account below it has a score any more (-5.0)"),
        (
            Line("children", "children", 0, 4000, 3 * MICRO),
            "Children: mean of 3 accounts 40 (-5.0)",
        ),
        (Line("gone", "measure", 0), "Gone is no longer looked at (-5.0)"),
        (Line("nps", "measure", 0), "No data for NPS (-5.0)"),
    ],
)
def test_of_lines_that_are_no_measure_of_the_card(line: Line | None, words: str) -> None:
    """Children that moved or are gone, a measure that the card has no more."""
    log = known()
    card, customer = log.fold.card, log.customer()
    assert card is not None
    evaluation = explain(assess(customer.state, customer.past, card, Moment(S)), card)
    others = [one for one in evaluation.lines if line is None or one.name != line.name]
    lines = tuple(others) if line is None else (*others, line)
    name, kind = ("children", "children") if line is None else (line.name, line.kind)
    evaluation = evaluation._replace(lines=lines)
    movers = [(name, kind, -500)]
    assert because(Cause.EVENT, customer.emitted, evaluation, movers, [], card) == words


def test_of_a_measure_that_weighs_nothing_any_more() -> None:
    log = known()
    card, customer = log.fold.card, log.customer()
    assert card is not None
    evaluation = explain(assess(customer.state, customer.past, card, Moment(S)), card)
    lines = tuple(one for one in evaluation.lines if one.name != "nps")
    said = because(
        Cause.TIME, customer.emitted, evaluation._replace(lines=lines),
        [("nps", "measure", -500)], [], card,
    )  # fmt: skip
    assert said == "NPS weighs nothing any more (-5.0)"


def test_names_are_spoken() -> None:
    assert spoken("last_nps") == "last NPS"
    assert spoken("unpaid_30d") == "unpaid 30d"


SMALL = """
scorecard: small
version: "1"
objective: To say what is different when no point is.
owner: test
segments: {big: account.seats >= 10, small: otherwise}
lifecycle: {young: tenure < 30d, steady: otherwise}
defaults: {missing: leave_out, minimum_coverage: 0%}
weights: {all: 100}
groups:
  all: {nps: {share: 100, metric: last(nps), curve: {0: 0, 10: 100}, says: "NPS answer {value}"}}
scores:
  again: {objective: The same once more here., weights: {all: 100}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 1d}
  red: {enter: "< 50", leave: ">= 56", hold: 1d}
letters: {A: 85, B: 70, C: 50, D: 0}
indicators:
  failed: {when: "count(payment_failed, 1d) >= 1", says: a payment failed}
archetypes: {classes: {fan: {when: nps >= 9, label: A fan}}}
outlook: {leave: cancel_scheduled, grow: account.seats >= 50}
"""


def test_of_classes_and_indicators_where_no_point_moved() -> None:
    log = Log(SMALL)
    account = {"started_at": at(S - 10 * D), "seats": 5}
    answer = event("engagement.survey", S, survey="nps", score=8)
    log.read(S, event("account.created", S, **account), answer)
    log.tick(S)
    more = event("account.changed", S + 1, seats=20)
    assert told(log, S + 1, more) == "It is now in the segment big"
    assert told(log, S + 2, billing(S + 2, "payment_failed")) == "A payment failed"
    assert told(log, S + D) == "It no longer holds that a payment failed"
    assert told(log, S + 20 * D) == "It is now in the stage steady"
    leaving = billing(S + 20 * D + 1, "cancel_scheduled")
    assert told(log, S + 20 * D + 1, leaving) == "The outlook is now leave"
    ms = S + 21 * D
    nine = event("engagement.survey", ms, survey="nps", score=9)
    assert told(log, ms, nine) == "NPS answer 9 (+10.0)"
    five = event("engagement.survey", ms + 1, survey="nps", score=4)
    assert told(log, ms + 1, five) == "NPS answer 4 (-50.0)"
    (data,) = data_of(log.tick(ms + 1 + D))
    assert (data["before"]["band"], data["after"]["band"], data["delta"]) == ("green", "red", 0)
    assert data["because"] == "The score stayed low enough for red for 1 day"
    six = event("engagement.survey", ms + 2 + D, survey="nps", score=6)
    assert told(log, ms + 2 + D, six) == "NPS answer 6 (+20.0)"


def test_of_a_new_card_without_what_weighed_before() -> None:
    """A measure and an override that no card knows any more are told by their names."""
    red = [billing(S, "cancel_scheduled")]
    log = Log(SAAS)
    log.read(S, *histories.known("acme", S), *red)
    log.tick(S)
    log.add(activation(changed_card(("last_use:", "silence:"), ("leaving:", "going:")), 1), S + 1)
    (data,) = data_of(log.tick(S + 1))
    assert data["cause"] == "scorecard"
    assert "last use is no longer looked at" in data["because"]
    assert "it no longer holds that leaving" in data["because"]
