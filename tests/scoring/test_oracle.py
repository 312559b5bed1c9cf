"""The incremental core against the naive batch scorer, after every event."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import histories
import metric_strategies
from oracle import DAY_MS, FORGET_DAYS, Bands, Expected, Oracle, millis, without_repeats
from partitionlog import SAAS, Log
from properties import examples
from schemas.inbound import InboundEvent
from scoring.evaluate import Evaluation, evaluate
from snapshots import Population, copy_of, snapshot_of

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def assert_equal(found: Evaluation, expected: Expected) -> None:
    """Every figure of a score, and that its lines explain it."""
    measures = {line.name: line for line in found.lines if line.kind == "measure"}
    assert set(measures) <= set(expected.values)
    for name, line in measures.items():
        value = expected.values[name]
        known = (
            line.value
            if value is None or isinstance(value, str)
            else Fraction(line.value, 1_000_000)
        )
        assert known == value, name
        assert line.curve_points == expected.points[name], name
    assert list(found.overrides) == expected.overrides
    assert found.coverage_ppm == expected.coverage * 1_000_000
    assert found.score == expected.score
    assert found.letter == expected.letter
    others = {kind: sum(x.points for x in found.lines if x.kind == kind) for kind in KINDS}
    assert others["measure"] == expected.nominal
    assert others["override"] == -expected.capped_by
    if found.score is not None:
        assert sum(others.values()) == found.score


def touches_what_was_forgotten(history: list[histories.Step]) -> bool:
    """Whether a ticket or invoice may be touched again after it was forgotten.

    It then begins anew, and when it was forgotten depends on when ticks came: the one
    question that events and a time alone do not answer.
    """
    spans: dict[str, list[int]] = {}
    for step in history:
        for field in ("ticket_id", "invoice_id", "goal_id"):
            thing = getattr(step.event, field, None)
            if step.event is not None and thing is not None:
                spans.setdefault(thing, []).extend([millis(step.event.occurred_at), step.now_ms])
    longest_ms = (FORGET_DAYS - 1) * DAY_MS
    return any(max(times) - min(times) > longest_ms for times in spans.values())


KINDS = ("measure", "respread", "override")


def check_history(
    history: list[histories.Step],
    card_text: str = SAAS,
    population: Population | None = None,
    taken_at: int = 0,
) -> None:
    """Read each event, tick, compare; and again at each instant that only time brings.

    Percentiles of a population, if there is one, are taken before the step ``taken_at``.
    """
    log, oracle = Log(card_text), Oracle(card_text)
    bands = Bands(card_text)
    assume(not touches_what_was_forgotten(history))
    read: list[InboundEvent] = []
    read_ms: list[int] = []
    ticked_ms = 0
    for number, step in enumerate(history):
        if population is not None and number == taken_at:
            log.add(copy_of(snapshot_of(card_text, population)), step.now_ms)
            oracle.population = population
        if step.event is not None:
            log.read(step.now_ms, step.event)
            read.append(step.event)
            read_ms.append(ticked_ms)
        evaluated = log.fold.counts.evaluations
        outputs = log.tick(step.now_ms)
        ticked_ms = step.now_ms
        if not read:
            continue
        events = [
            one for one in without_repeats(read, read_ms) if millis(one.occurred_at) <= step.now_ms
        ]
        customer = log.customer()
        expected = oracle.health(events, step.now_ms)
        moment = log.fold.moment(customer, step.now_ms)
        card = log.fold.card
        assert card is not None
        found = evaluate(customer.state, customer.past, card, moment)
        if log.fold.counts.evaluations > evaluated or events:
            assert_equal(found, expected)
        if log.fold.counts.evaluations > evaluated:
            bands.evaluate(expected, step.now_ms)
            assert customer.standing.band == bands.band
            assert customer.standing.pending == (bands.asked and bands.asked[0])
        if outputs:
            assert customer.emitted is not None
            assert customer.emitted.score == expected.score
            assert customer.emitted.band == bands.band


@settings(max_examples=examples(35), suppress_health_check=SLOW)
@given(histories.steps())
def test_incremental_equals_the_oracle_after_every_event(history: list[histories.Step]) -> None:
    """To the hundredth: score, letter, coverage, overrides, each measure's value and points."""
    check_history(history)


@settings(max_examples=examples(8), suppress_health_check=SLOW)
@given(histories.steps(max_size=15), metric_strategies.cards(logistic=False))
def test_incremental_equals_the_oracle_with_any_card(
    history: list[histories.Step], card_text: str
) -> None:
    """Any metric of the language, any curve, zero weights, any window, caps of every kind."""
    check_history(history, card_text)


@settings(max_examples=examples(12), suppress_health_check=SLOW)
@given(histories.steps(max_size=12), metric_strategies.ranked_cards(), st.integers(0, 14))
def test_a23_incremental_equals_the_oracle_with_percentiles(
    history: list[histories.Step], card: tuple[str, Population], taken_at: int
) -> None:
    """Ranks within segments and the portfolio, before the snapshot and after it."""
    check_history(history, *card, taken_at)


@pytest.mark.soak
@settings(max_examples=2000, suppress_health_check=SLOW)
@given(histories.steps(max_size=30), metric_strategies.ranked_cards(), st.integers(0, 20))
def test_percentiles_equal_the_oracle_at_length(
    history: list[histories.Step], card: tuple[str, Population], taken_at: int
) -> None:
    """The same, much longer."""
    check_history(history, *card, taken_at)


@pytest.mark.soak
@settings(max_examples=2000, suppress_health_check=SLOW)
@given(
    histories.steps(max_size=40),
    st.one_of(st.just(SAAS), metric_strategies.cards(logistic=False)),
)
def test_incremental_equals_the_oracle_at_length(
    history: list[histories.Step], card_text: str
) -> None:
    """The same, much longer."""
    check_history(history, card_text)
