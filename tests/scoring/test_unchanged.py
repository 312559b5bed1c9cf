"""What is not evaluated again because nothing of it is another: it says the same as if it were."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    canonical,
    difference,
    event,
    source_control,
)
from properties import examples
from schemas.inbound import InboundEvent
from scoring import distinct
from scoring.moment import Moment, Reading
from scoring.state import CustomerState
from scoring.unchanged import Looked
from scoring.windows import Read

CUSTOMERS = ("acme", "bolt", "cove")
SHIPPED = sorted((Path(__file__).resolve().parents[2] / "deploy" / "scorecards").glob("*.yaml"))
STEPS = (Path(__file__).resolve().parents[1] / "cards" / "bench.yaml").read_text()
ASKERS = """
archetypes:
  min_stay: 0d
  classes:
    asker: {when: open_tickets >= 1, label: Asks, expects: low, says: it asks}
outlook:
  leave: {when: archetype == asker, says: it asks}
  grow: {when: band == green and archetype == asker, says: it grows}
  renew: {when: 'band in [green, yellow, red]', says: it does not}
"""
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def run(card: str, history: list[histories.Step], *, remembers: bool, hours: int) -> Log:
    """A log with a tick after each step, and one each hour at the end."""
    log = Log(card)
    log.tick(START_MS)

    def tick(now_ms: int) -> None:
        if not remembers:
            for customer in log.fold._book.live.values():
                customer.looked = None
        log.tick(now_ms)

    for step in history:
        if step.event is not None:
            log.read(step.now_ms, step.event)
        tick(step.now_ms)
    last_ms = history[-1].now_ms if history else START_MS
    for hour in range(hours):
        tick(last_ms + hour * HOUR_MS)
    return log


def check(card: str, history: list[histories.Step], hours: int) -> int:
    """Both ways give the same rows and outputs; how many were left out."""
    left_out = 0
    is_same = Looked.is_same

    def counted(self: Looked, *given: Any) -> bool:
        nonlocal left_out
        found = is_same(self, *given)
        left_out += found
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Looked, "is_same", counted)
        remembering = run(card, history, remembers=True, hours=hours)
    before = left_out
    forgetting = run(card, history, remembers=False, hours=hours)
    assert left_out == before, "what is forgotten is not left out"
    for customer_id in forgetting.fold.customers():
        a = canonical(remembering.customer(customer_id))
        b = canonical(forgetting.customer(customer_id))
        assert a == b, (customer_id, difference(a, b))
    assert remembering.outputs == forgetting.outputs
    assert remembering.fold.counts == forgetting.fold.counts
    return left_out


@settings(max_examples=examples(150), suppress_health_check=SLOW)
@given(
    st.one_of(st.just(SAAS), histories.cards()), histories.steps(customers=CUSTOMERS),
    st.sampled_from([0, 60]),
)  # fmt: skip
def test_what_is_left_out_says_what_it_would_have_said(
    card: str, history: list[histories.Step], hours: int
) -> None:
    check(card, history, hours)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@settings(max_examples=examples(20), suppress_health_check=SLOW)
@given(history=histories.steps(customers=CUSTOMERS))
def test_so_it_is_with_each_card_that_is_shipped(path: Path, history: list[histories.Step]) -> None:
    check(path.read_text(), history, 30)


def test_of_uses_on_one_day_nearly_all_are_left_out() -> None:
    """So the two properties above do compare one with the other."""
    days = [START_MS + DAY_MS, START_MS + DAY_MS + HOUR_MS, START_MS + DAY_MS + 2 * HOUR_MS]
    uses = [event("usage.feature", ms, feature="board", user="ann") for ms in days]
    history = [histories.Step(START_MS, one) for one in histories.known("acme", START_MS)]
    history += [histories.Step(ms, use) for ms, use in zip(days, uses, strict=True)]
    assert check(STEPS, history, 12) > 2


@pytest.fixture
def read(log: Log) -> Iterator[list[str]]:
    """The texts of all metrics and conditions that are read, one after the other."""
    card, found = log.fold.card, list[str]()
    assert card is not None
    asked = [*card.overrides, *card.indicators, *(card.outlook.classes if card.outlook else ())]
    metrics = [one.metric for one in card.measures] + [one.when for one in asked if one.when]
    before = [(metric, metric.read) for metric in metrics]
    for metric, reads in before:

        def noted(
            state: CustomerState, moment: Moment, text: str = metric.text, of: Read = reads
        ) -> Reading:
            found.append(text)
            return of(state, moment)

        object.__setattr__(metric, "read", noted)  # a card is compiled once for all tests
    yield found
    for metric, reads in before:
        object.__setattr__(metric, "read", reads)


@pytest.fixture
def log() -> Log:
    """A customer that was evaluated just now, by a card of steps: most uses change no point."""
    log = Log(STEPS)
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS + 1)
    return log


def test_after_one_use_more_only_what_uses_move_is_read(log: Log, read: list[str]) -> None:
    log.read(START_MS + 2, event("usage.feature", START_MS + 2, feature="board", user="ann"))
    log.tick(START_MS + 3)
    assert sorted(read) == ["active_days(use, 30d)", "count(use, 30d)"]


def test_who_is_due_when_it_was_is_queued_once(log: Log) -> None:
    """However often it is touched meanwhile."""
    for number in range(5):
        now_ms = START_MS + 2 + 2 * number
        log.read(now_ms, event("usage.feature", now_ms, feature="board", user="ann"))
        log.tick(now_ms + 1)
    assert log.fold.counts.evaluations == 6
    assert log.fold.due_count() == 1


def test_a_measure_that_conditions_name_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of seats in use is a measure, and stands in each archetype and in the outlook."""
    log, seen, calls = Log(SHIPPED[0].read_text()), distinct.seen, []

    def counted(kept: Any, oldest: int) -> Any:
        calls.append(id(kept))
        return seen(kept, oldest)

    monkeypatch.setattr(distinct, "seen", counted)
    log.read(START_MS, *histories.known("acme", START_MS))
    log.tick(START_MS + 1)
    assert log.customer().past.places["archetype"].name
    assert len(calls) == len(set(calls)) > 0


def test_what_is_due_alone_is_read_alone(log: Log, read: list[str]) -> None:
    """A day leaves the window of uses; nobody looks at tickets for that."""
    due_ms = log.customer().due_ms
    assert due_ms is not None
    log.tick(due_ms)
    assert log.fold.counts.evaluations == 2
    assert set(read) == {"active_days(use, 30d)", "count(use, 30d)"}


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param(lambda log: log.read(START_MS + 2, _account()), id="a fact"),
        pytest.param(
            lambda log: log.add(source_control("source.stalled", "health.usage.v1", 1), START_MS),
            id="a stalled source",
        ),
        pytest.param(lambda log: log.fold._book.live.clear(), id="another process"),
    ],
)
def test_what_may_be_another_is_read_whole(
    log: Log, read: list[str], moves: Callable[[Log], Any]
) -> None:
    card = log.fold.card
    assert card is not None
    log.fold.checkpoint()
    moves(log)
    log.read(START_MS + 2, event("usage.feature", START_MS + 2, feature="board", user="ann"))
    log.tick(START_MS + 3)
    assert {one.metric.text for one in card.measures} <= set(read)


def _account() -> InboundEvent:
    return event("account.changed", START_MS, seats=7)


def test_what_was_said_the_last_time_is_not_said_of_this_one() -> None:
    """The outlook goes by the archetype; of who is in none any more it must not go by the old."""
    log = Log(STEPS + ASKERS)
    log.read(START_MS, *histories.known("acme", START_MS))
    for number, change in enumerate(("opened", "solved"), 1):
        at_ms = START_MS + number * HOUR_MS
        log.read(at_ms, event("ticket.changed", at_ms, ticket_id="new", change=change))
        log.tick(at_ms + 1)
        places = log.customer().past.places
        found = places["archetype"].name, places["outlook"].name
        assert found == (("asker", "leave") if change == "opened" else ("", "renew"))
