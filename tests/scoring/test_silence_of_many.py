"""Ten thousand customers fall silent: to look when something is due is to look every minute."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import histories
import metric_strategies
from partitionlog import DAY_MS, HOUR_MS, START_MS, card_of, folded, signals_of
from properties import examples
from schemas.inbound import InboundEvent
from scoring.card import Card
from scoring.evaluate import Evaluation, evaluate
from scoring.moment import Moment
from scoring.past import Past
from scoring.plan import Plan
from scoring.state import CustomerState, forget

MINUTE_MS = 60_000
CARDS, CUSTOMERS = 4, 250
FEW = examples(CUSTOMERS) < CUSTOMERS
BATCHES = 2 if FEW else 10
#: Ages in minutes: at once, of late, and around where windows and memory end.
ENDS = [0, 1, 7, 14, 28, 30, 60, 90, 180, 399, 400, 401]


def drawn(strategy: st.SearchStrategy[Any], number: int, from_seed: int) -> list[Any]:
    """So many values of a strategy, without the first: that is always the simplest."""
    found: list[Any] = []

    @seed(from_seed)
    @settings(
        max_examples=number + 1,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(strategy)
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found[1:]


def minutes_ago(rng: random.Random) -> int:
    """How long ago something happened, or how long after everything one looks."""
    days = rng.choice(
        [
            rng.randrange(3),
            rng.randrange(40),
            rng.randrange(40),
            rng.choice(ENDS),
            rng.randrange(430),
        ]
    )
    return days * 24 * 60 + rng.choice([0, 0, 1, 59, 60, rng.randrange(24 * 60)])


def scored(rng: random.Random, kind: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What happened; but most accounts are not said to be none that a card scores."""
    if kind.startswith("account") and rng.randrange(8):
        kept = {name: one for name, one in fields.items() if name not in ("status", "internal")}
        return "account.changed", kept
    return kind, fields


def histories_of(
    rng: random.Random, payloads: Sequence[Any], customers: int
) -> Iterator[list[InboundEvent]]:
    """Random histories whose events lie on full minutes: so does then all that is due."""
    for number in range(customers):
        customer = f"c{number}"
        events = [
            histories.made(one, n, START_MS - minutes_ago(rng) * MINUTE_MS, customer)
            for n, one in enumerate(rng.choices(payloads, k=rng.randrange(1, 14)))
        ]
        yield events + (histories.known(customer, START_MS) if rng.randrange(2) else [])


def seen(found: Evaluation) -> tuple[Any, ...]:
    """What makes history. A span's own value moves on between; its points do not."""
    others = tuple(other for other, _ in found.others)
    return (found.score, found.letter, found.coverage_ppm, found.overrides, found.past, others)


class Customer:
    """One customer who says no more, from an instant on."""

    def __init__(self, card: Card, events: list[InboundEvent], from_ms: int) -> None:
        self.card, self.from_ms = card, from_ms
        self.plan = Plan(card.series)
        self.signals = signals_of(events)

    def state(self) -> CustomerState:
        return folded(self.plan, self.signals)

    def when_due(self, at_most: int, until_ms: int) -> tuple[list[tuple[int, Evaluation]], int]:
        """Evaluated at the start and then only when due; and until when that is known."""
        state, past, now_ms, found = self.state(), Past(), self.from_ms, []
        while True:
            self.plan.prune(state, now_ms)
            forget(state, now_ms)
            evaluation = evaluate(state, past, self.card, Moment(now_ms))
            found.append((now_ms, evaluation))
            past, due_ms = evaluation.past, evaluation.next_ms
            if due_ms is None or due_ms >= until_ms or len(found) > at_most:
                return found, min(due_ms or until_ms, until_ms)
            assert due_ms > now_ms
            assert due_ms % MINUTE_MS == 0
            now_ms = due_ms

    def check_between(self, rng: random.Random, at_most: int = 3) -> int:
        """Look in between, and return how often one looked."""
        spans, until_ms = self.when_due(at_most, self.from_ms + 500 * DAY_MS)
        state, looks = self.state(), 0
        for (start_ms, expected), end_ms in zip(
            spans, [*(start for start, _ in spans[1:]), until_ms], strict=True
        ):
            near = [n * MINUTE_MS for n in (1, 2, 3)]
            wanted = {*(start_ms + ms for ms in near), *(end_ms - ms for ms in near)}
            for size_ms in (HOUR_MS, DAY_MS):
                bounds = range(-(-start_ms // size_ms) * size_ms, end_ms, size_ms)
                wanted |= {*rng.sample(bounds, min(len(bounds), 3))}
            wanted |= {rng.randrange(start_ms, end_ms, MINUTE_MS) for _ in range(3)}
            for now_ms in wanted:
                if start_ms < now_ms < end_ms:
                    found = evaluate(state, expected.past, self.card, Moment(now_ms))
                    assert seen(found) == seen(expected), (now_ms - start_ms, end_ms - now_ms)
                    looks += 1
        return looks + len(spans)

    def check_every_minute(self, minutes: int) -> int:
        """Evaluate every minute, each from the one before, and compare all of it."""
        end_ms = self.from_ms + minutes * MINUTE_MS
        spans, _ = self.when_due(minutes, end_ms)
        due, expected = dict(spans), spans[0][1]
        state, past = self.state(), Past()
        for now_ms in range(self.from_ms, end_ms, MINUTE_MS):
            found = evaluate(state, past, self.card, Moment(now_ms))
            expected = due.get(now_ms, expected)
            past = found.past
            assert seen(found) == seen(expected), now_ms - self.from_ms
        return minutes


def population(rng: random.Random, cards: int, customers: int) -> Iterator[Customer]:
    """So many random cards, on each so many random customers who are silent for some while."""
    from_seed = rng.randrange(2**32)
    payloads = [scored(rng, *one) for some in drawn(PAYLOADS, 12, from_seed) for one in some]
    for text in drawn(CARDS_OF_ALL_KINDS, cards, from_seed):
        card = card_of(text)
        for events in histories_of(rng, payloads, customers):
            yield Customer(card, events, START_MS + minutes_ago(rng) * MINUTE_MS)


OFTEN = ("usage.feature", "usage.feature", "ticket.changed", "billing.changed", "usage.activity")
#: What people write, and now and then whatever the language allows.
CARDS_OF_ALL_KINDS = st.one_of(histories.cards(), histories.cards(), metric_strategies.cards())
PAYLOADS = st.lists(
    st.sampled_from([*OFTEN, *sorted(histories.FIELDS)]).flatmap(
        lambda kind: st.tuples(st.just(kind), histories.FIELDS[kind])
    ),
    min_size=20,
    max_size=40,
)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_ten_thousand_customers_are_looked_at_only_when_due(batch: int, rng: random.Random) -> None:
    """10 batches of 4 random cards and 250 random customers each: 10,000 in a virtual clock.

    Two histories are compared: evaluating only when something is due, and evaluating every minute
    besides. All events lie on full minutes, and so does (asserted) every due instant. The two are
    the same if an evaluation at any other minute says what the last due one said and leaves what is
    remembered of the past as it was: then it may as well not have been. For each customer, from an
    instant up to 430 days after its history, over its next three due instants (or 500 days), one
    looks in the three minutes on both sides of every due instant, on full hours, at midnights, and
    in minutes at random between. One customer of each card is evaluated in every minute of a day,
    each evaluation from the one before. ``make soak`` does this with all.

    With ``--few-examples`` (``make check``): 8 cards, 200 customers.
    """
    customers = CUSTOMERS // 10 if FEW else CUSTOMERS
    looks = 0
    for number, customer in enumerate(population(rng, CARDS, customers)):
        looks += customer.check_between(rng)
        if number % customers == 7:
            looks += customer.check_every_minute(24 * 60)
    assert looks > 10 * CARDS * customers


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(BATCHES))
def test_ten_thousand_customers_in_every_minute_of_a_day(batch: int, rng: random.Random) -> None:
    """All 10,000, each evaluated in every minute of a day, from an instant as above."""
    for customer in population(rng, CARDS, CUSTOMERS):
        customer.check_every_minute(24 * 60)
