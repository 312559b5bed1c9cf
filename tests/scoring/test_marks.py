"""What a person set, and for how long it holds."""

from typing import Any

import pytest

from partitionlog import DAY_MS, HOUR_MS, START_MS, Log, at, bodies, data_of, event
from scoring.account import PURSUIT_DAYS
from scoring.facts import attributes_of
from scoring.marks import FALL_MIN
from scoring.moment import VALUE_MAX, Moment

LATER_MS = START_MS + 1000
#: The score is the number of seats; everything else that can change changes by one event.
CARD = """
scorecard: seats
version: "1"
objective: To be moved at will.
owner: tests
money: {currency: EUR, rates: {USD: 0.9, JPY: 0.006, ZWL: 1000000000}}
emit: {at_least: 0.5}
defaults: {missing: leave_out, minimum_coverage: 50%}
weights: {all: 100}
groups:
  all:
    seats: {share: 100, metric: account.seats, curve: {0: 0, 100: 100}}
bands:
  green: {enter: ">= 75", leave: "< 70", hold: 0}
  yellow: otherwise
  red: {enter: "< 50", leave: ">= 56", hold: 0}
letters: {A: 85, B: 70, C: 50, D: 0}
overrides:
  worried: {when: pulse is worried, cap: 100}
indicators:
  payment_failed: {when: "count(payment_failed, 7d) >= 1", clears_after: 14d}
archetypes:
  min_stay: 0
  classes:
    talker: {when: pulse is good}
outlook:
  leave: pulse is lost
  grow: pulse is unsure
"""


def seats(at_ms: int, number: int, **fields: Any) -> Any:
    return event("account.changed", at_ms, seats=number, **fields)


def known(number: int = 80, card_text: str = CARD) -> Log:
    """A customer that is scored."""
    log = Log(card_text)
    log.read(START_MS, seats(START_MS, number))
    log.tick(START_MS)
    return log


def say(log: Log, state: str, at_ms: int = LATER_MS, **fields: Any) -> list[dict[str, Any]]:
    """A person sets a state; what is told of it."""
    said = {"author": "Dana", "reason": "Called them", **fields}
    log.read(at_ms, event("engagement.state", at_ms, state=state, **said))
    return data_of(log.tick(at_ms))


def handled(log: Log) -> bool:
    emitted = log.customer().emitted
    assert emitted is not None
    return emitted.handled is not None


# -- handled ---------------------------------------------------------------------------------------


def test_a21_handled_is_told_with_who_and_why() -> None:
    log = known()
    (told,) = say(log, "handled")
    assert told["after"]["handled"] == {
        "since": "2026-03-02T00:00:01.000Z",
        "author": "Dana",
        "reason": "Called them",
        "until": None,
    }
    assert told["before"]["handled"] is None
    assert told["because"] == "Handled by Dana: Called them"
    assert say(log, "handled", LATER_MS + 1)[0]["after"]["handled"]["since"] > "2026-03-02T00:00:01"


def test_a21_handled_lasts_while_nothing_changes() -> None:
    """Also through changes of the score that are smaller than the fall that counts, and rises."""
    log = known(80)
    say(log, "handled")
    for n, number in enumerate((84, 76), 1):
        log.read(LATER_MS + n, seats(LATER_MS + n, number))
        (told,) = data_of(log.tick(LATER_MS + n))
        assert told["after"]["handled"] is not None


def pulse(word: str) -> tuple[str, dict[str, Any]]:
    return "engagement.pulse", {"pulse": word, "reason": "r", "author": "a"}


CHANGES = {
    "band": ("account.changed", {"seats": 74}, 72),
    "letter": ("account.changed", {"seats": 86}, 84),
    "override": (*pulse("worried"), 80),
    "indicator": ("billing.changed", {"change": "payment_failed"}, 80),
    "archetype": (*pulse("good"), 80),
    "outlook": (*pulse("lost"), 80),
    "fall": ("account.changed", {"seats": 95}, 100),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a21_handled_ends_with_each_change_that_counts(what: str) -> None:
    """And does not come back when the change is undone, until somebody says it again."""
    kind, fields, before = CHANGES[what]
    if what == "band":
        before, fields = 71, {"seats": 75}
    log = known(before)
    say(log, "handled")
    log.read(LATER_MS + 5, event(kind, LATER_MS + 5, **fields))
    (told,) = data_of(log.tick(LATER_MS + 5))
    assert told["after"]["handled"] is None
    assert told["because"].startswith("No longer handled")
    log.read(LATER_MS + 9, seats(LATER_MS + 9, before))
    log.tick(LATER_MS + 9)
    for days in range(1, 120):
        log.tick_if_wanted(LATER_MS + days * DAY_MS)
    assert not handled(log)
    (told, *_) = say(log, "handled", LATER_MS + 120 * DAY_MS)
    assert told["after"]["handled"] is not None


def test_a21_what_was_not_known_when_it_was_said_ends_it_at_once() -> None:
    """A failed payment in the same tick: the person had not seen it."""
    log = known()
    said = {"state": "handled", "author": "Dana", "reason": "Called them"}
    log.read(
        LATER_MS,
        event("engagement.state", LATER_MS, **said),
        event("billing.changed", LATER_MS, change="payment_failed"),
    )
    (told,) = data_of(log.tick(LATER_MS))
    assert told["after"]["handled"] is None


@pytest.mark.parametrize(("now", "ends"), [(9_501, False), (9_500, True)])
def test_a21_handled_ends_when_the_score_falls_by_five_points(now: int, ends: bool) -> None:
    """Both sides of the bound: against what was told when it was said, not against the peak."""
    assert FALL_MIN == 500
    log = known(card_text=CARD.replace("{0: 0, 100: 100}", "{0: 0, 10000: 100}"))
    for n, number in enumerate((10_000, 9_990, now), 1):
        at_ms = LATER_MS + n * HOUR_MS
        log.read(at_ms, seats(at_ms, number))
        log.tick(at_ms)
        if n == 1:
            say(log, "handled", at_ms + 1)
    assert handled(log) is not ends


def test_a21_handled_ends_at_its_own_time_without_an_event() -> None:
    log = known()
    end_ms = LATER_MS + HOUR_MS
    say(log, "handled", expires_at=at(end_ms))
    assert log.customer().due_ms is not None
    assert (log.customer().due_ms or 0) <= end_ms
    log.tick_if_wanted(end_ms - 1)
    assert handled(log)
    (told,) = data_of(log.tick_if_wanted(end_ms))
    assert told["after"]["handled"] is None
    assert told["cause"] == "time"
    assert told["because"] == "No longer handled"


def test_a21_a_person_takes_it_back() -> None:
    log = known()
    say(log, "handled")
    (told,) = say(log, "not_handled", LATER_MS + 1)
    assert told["after"]["handled"] is None
    assert log.customer().past.handling is None


def test_handled_and_not_pursued_do_not_touch_each_other() -> None:
    log = known()
    say(log, "not_pursued")
    (told,) = say(log, "handled", LATER_MS + 1)
    assert told["after"]["not_pursued"] is not None
    assert told["after"]["handled"] is not None
    (told,) = say(log, "pursued", LATER_MS + 2)
    assert told["after"]["not_pursued"] is None
    assert told["after"]["handled"] is not None


def test_what_was_set_before_the_first_score_holds_then() -> None:
    """There is nothing that the person could have seen: what is found first counts."""
    log = Log(CARD)
    log.read(
        START_MS,
        event("engagement.state", START_MS, state="handled", author="Dana", reason="r"),
        seats(START_MS, 80),
    )
    log.tick(START_MS)
    assert handled(log)


# -- not pursued -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stated", [True, False])
def test_a21_not_pursued_ends_by_itself(stated: bool) -> None:
    """At its own date, else after 180 days; due then, told then."""
    log = known()
    end_ms = LATER_MS + (3 * HOUR_MS if stated else PURSUIT_DAYS * DAY_MS)
    (told,) = say(log, "not_pursued", **({"expires_at": at(end_ms)} if stated else {}))
    mark = told["after"]["not_pursued"]
    assert mark["until"] == ("2026-03-02T03:00:01.000Z" if stated else "2026-08-29T00:00:01.000Z")
    assert told["because"] == "Not pursued, says Dana: Called them"
    while (log.customer().due_ms or end_ms) < end_ms:
        log.tick_if_wanted(log.customer().due_ms or 0)
    emitted = log.customer().emitted
    assert emitted is not None
    assert emitted.not_pursued is not None
    assert log.customer().due_ms == end_ms
    (told,) = data_of(log.tick_if_wanted(end_ms))
    assert told["after"]["not_pursued"] is None
    assert told["cause"] == "time"
    assert told["because"].startswith("Pursued again")


def test_a21_a_crossing_carries_that_nobody_pursues_the_account() -> None:
    log = known()
    say(log, "not_pursued")
    log.read(LATER_MS + 1, seats(LATER_MS + 1, 10))
    (crossing,) = bodies(log.tick(LATER_MS + 1), "transitions")
    assert crossing["data"]["not_pursued"]["author"] == "Dana"


# -- the facts that lists go by --------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": "Aiko"},
        {"mrr_minor": 990_000},
        {"renewal_at": "2026-03-20T00:00:00Z"},
    ],
)
def test_a21_what_orders_lists_is_told_when_it_moves(fields: dict[str, Any]) -> None:
    """However little it does to the score; what it does not order by is not."""
    log = known(80)
    log.read(LATER_MS, event("account.changed", LATER_MS, **fields))
    (told,) = data_of(log.tick(LATER_MS))
    assert {name: str(told["attributes"][name])[:10] for name in fields} == {
        name: str(value)[:10] for name, value in fields.items()
    }
    log.read(LATER_MS + 1, event("account.changed", LATER_MS + 1, country="FR"))
    assert data_of(log.tick(LATER_MS + 1)) == []


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (100_000, "EUR", 100_000),
        (100_000, "USD", 90_000),
        (100_000, "JPY", 60_000),
        (100_000, None, 100_000),
        (100_000, "CHF", None),  # no rate: of unknown worth
        (None, "EUR", None),
        (10**15, "ZWL", VALUE_MAX),  # no amount is too large for a row
    ],
)
def test_a21_mrr_is_told_in_the_cards_currency(
    amount: int | None, currency: str | None, expected: int | None
) -> None:
    log = Log(CARD)
    fields = {"mrr_minor": amount, "currency": currency}
    given = {name: value for name, value in fields.items() if value is not None}
    log.read(START_MS, event("account.created", START_MS, **given))
    log.tick(START_MS)
    card = log.fold.card
    assert card is not None
    told = attributes_of(log.customer().state, card, Moment(START_MS))
    assert told.get("mrr_reporting_minor") == expected
    assert told.get("reporting_currency") == (None if expected is None else "EUR")
