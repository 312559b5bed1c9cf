"""The compiled fold and the one in Python: the same rows, the same outputs, the same counts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partitionlog import HOUR_MS, START_MS, activation, block_of, card_of, event
from schemas.inbound import InboundEvent
from schemas.signals import Block, Tick, decode, encode
from scoring import block, held, plan, recent
from scoring.compiled import fold_c
from scoring.partition import FoldPolicy, PartitionFold
from strategies import events

pytestmark = pytest.mark.skipif(fold_c is None, reason="built without a C compiler")

CARD = """
scorecard: two
version: "1"
objective: Look at what the compiled form keeps.
owner: test
weights: {usage: 60, people: 40}
defaults: {missing: leave_out, minimum_coverage: 0%}
groups:
  usage:
    active: {share: 40, metric: "active_days(use, 30d)", steps: {0: 0, 9: 100}, says: "{value}"}
    uses: {share: 30, metric: "count(use, 7d)", steps: {0: 0, 9: 100}, says: "{value}"}
    slow: {share: 30, metric: "count(failed_use, 48h)", steps: {0: 100, 1: 50}, says: "{value}"}
  people:
    users: {share: 60, metric: "distinct(user, 30d)", steps: {0: 0, 3: 100}, says: "{value}"}
    tickets: {share: 40, metric: "count(ticket, 30d)", steps: {0: 9, 3: 0}, says: "{value}"}
bands:
  green: {enter: ">= 75", leave: "< 70"}
  yellow: otherwise
  red: {enter: "< 50", leave: ">= 55"}
letters: {A: 75, B: 50, D: 0}
"""


#: Its feeds are simple: uses are among the latest events as soon as they come.
SIMPLE = (Path(__file__).resolve().parents[1] / "cards" / "bench.yaml").read_text()


@contextmanager
def in_python() -> Iterator[None]:
    """Nothing that is made or applied within is compiled."""
    with (
        patch.object(block, "_apply", block.apply_in_python),
        patch.object(plan, "_count", plan._counting),
        patch.object(recent, "_newest_first", recent.newest_first),
        patch.object(held, "_release", held.release_in_python),
    ):
        yield


def fold_of(card: str = CARD) -> PartitionFold:
    fold = PartitionFold(0, {}, FoldPolicy(load_card=card_of))
    fold.apply(0, START_MS, activation(card))
    return fold


def blocks_in(found: Sequence[InboundEvent], cuts: Sequence[int]) -> list[bytes]:
    """The events in blocks of the one source, some of them twice."""
    edges = sorted({0, len(found), *(cut % (len(found) + 1) for cut in cuts)})
    return [encode(block_of(found[a:b], a, "health.any.v1")) for a, b in pairwise(edges) if a < b]


def use_of(at_ms: int, event_id: str, quantity: int) -> InboundEvent:
    return event("usage.feature", at_ms, event_id=event_id, feature="board", quantity=quantity)


def states(fold: PartitionFold) -> Any:
    counts = asdict(fold.counts)
    return (
        fold.checkpoint(),
        counts,
        sorted(fold._queue.ready.union(fold._queue._waiting)),
        fold.due_count(),
    )


@given(
    st.lists(st.one_of(events(("usage.feature",)), events()), min_size=1, max_size=60),
    st.lists(st.integers(0, 99), max_size=4),
    st.sampled_from([CARD, SIMPLE]),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_compiled_fold_equals_the_one_in_python(
    found: list[InboundEvent], cuts: list[int], card: str
) -> None:
    compiled = fold_of(card)
    with in_python():
        plain = fold_of(card)
    offset = 1
    blocks = blocks_in(found, cuts)
    for value in [*blocks, *blocks[:1]]:
        told = []
        for fold in (compiled, plain):
            record, tick = decode(value), Tick(START_MS + offset)
            assert isinstance(record, Block)
            if fold is plain:
                with in_python():
                    fold.apply(offset, START_MS, record)
                    told.append(fold.apply(offset + 1, START_MS + offset, tick))
            else:
                fold.apply(offset, START_MS, record)
                told.append(fold.apply(offset + 1, START_MS + offset, tick))
        assert told[0] == told[1]
        assert states(compiled) == states(plain)
        offset += 2


@given(
    st.lists(
        st.tuples(st.integers(1, 72), st.integers(0, 3), st.sampled_from("ab")),
        min_size=1,
        max_size=30,
    ),
    st.sets(st.integers(1, 80), min_size=1, max_size=6),
    st.sampled_from([CARD, SIMPLE]),
)
def test_what_was_held_is_released_as_in_python(
    found: list[tuple[int, int, str]], hours: set[int], card: str
) -> None:
    """Uses, and tickets in between, that lie ahead of their record, hour by hour."""
    ahead = [
        event("usage.feature", START_MS + hour * HOUR_MS, who, event_id=f"e{n}", feature="board",
              quantity=quantity)
        if quantity < 3
        else event("ticket.changed", START_MS + hour * HOUR_MS, who, event_id=f"e{n}",
                   ticket_id=f"t{n}", change="opened")
        for n, (hour, quantity, who) in enumerate(found)
    ]  # fmt: skip
    compiled = fold_of(card)
    with in_python():
        plain = fold_of(card)
    for value in blocks_in(ahead, []):
        for fold in (compiled, plain):
            record = decode(value)
            assert isinstance(record, Block)
            fold.apply(1, START_MS, record)
    assert compiled.counts.held == len(ahead)
    for offset, hour in enumerate(sorted(hours), 2):
        at_ms = START_MS + hour * HOUR_MS
        told = compiled.apply(offset, at_ms, Tick(at_ms))
        with in_python():
            assert plain.apply(offset, at_ms, Tick(at_ms)) == told
        assert states(compiled) == states(plain)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.sampled_from("xyz")),
        unique=True, max_size=32,
    )
)  # fmt: skip
def test_the_newest_come_first(found: list[tuple[int, str, str]]) -> None:
    sorted_, compiled = ([[0, at, "c", s, i, 2] for at, s, i in found] for _ in range(2))
    recent.newest_first(sorted_)
    fold_c.newest_first(compiled)
    assert compiled == sorted_


@pytest.mark.parametrize(
    "signal",
    [[], [1], [1, 2, "c", 5, "e", 2, "f", None, 0, 1, 0, 0], [1, "x", "c", 0, "e", 2], ["x"]],
)
def test_what_is_no_signal_ends_with_an_error_and_not_the_process(signal: list[Any]) -> None:
    fold = fold_of()
    with pytest.raises((IndexError, TypeError)):
        fold.apply(1, START_MS, Block("t", 0, ["s"], [signal]))


def test_of_simple_feeds_the_latest_are_kept_at_once() -> None:
    fold = fold_of(SIMPLE)
    with in_python():
        plain = fold_of(SIMPLE)
    found = [use_of(START_MS - n, f"e{n}", n % 3) for n in (9, 5, 7, 1, 3, 5, 8, 2, 30, 4)]
    for offset, value in enumerate(blocks_in(found, [4, 7]), 1):
        fold.apply(offset, START_MS, decode(value))
        with in_python():
            plain.apply(offset, START_MS, decode(value))
    kept = fold._book.live["acme"]
    assert not kept.fresh
    assert states(fold) == states(plain)


def test_the_check_can_fail() -> None:
    """Negative control: a fold that counts otherwise is found out."""
    one, other = fold_of(), fold_of()
    signal = next(iter(decode(blocks_in([use_of(START_MS - 1, "e", 1)], [])[0]).signals))
    one.apply(1, START_MS, Block("t", 0, ["s"], [list(signal)]))
    other.apply(1, START_MS, Block("t", 0, ["s"], [[*signal[:9], 2, *signal[10:]]]))
    assert states(one) != states(other)
