"""Who is told about a crossed line."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.transitions import NOON_MS, transition
from schemas.actions import Severity
from schemas.scores import Band, Cause
from streams.outreach.decide import AGE_MAX_MS, Reason, decide

G, Y, R, U = Band.GREEN, Band.YELLOW, Band.RED, Band.UNKNOWN
HOUR_MS = 3_600_000

#: (before, after) -> what is told, for a live change: the whole table.
CROSSINGS = {
    (G, Y): Severity.LOW,
    (G, R): Severity.HIGH,
    (Y, R): Severity.HIGH,
    (R, Y): Severity.RECOVERED,
    (R, G): Severity.RECOVERED,
    (Y, G): Reason.QUIET_CROSSING,
    (G, U): Reason.UNKNOWN_BAND,
    (Y, U): Reason.UNKNOWN_BAND,
    (R, U): Reason.UNKNOWN_BAND,
    (U, G): Reason.UNKNOWN_BAND,
    (U, Y): Reason.UNKNOWN_BAND,
    (U, R): Reason.UNKNOWN_BAND,
    (G, G): Reason.NOT_A_CROSSING,
    (Y, Y): Reason.NOT_A_CROSSING,
    (R, R): Reason.NOT_A_CROSSING,
    (U, U): Reason.NOT_A_CROSSING,
    (None, G): Reason.NOT_A_CROSSING,
    (None, Y): Reason.NOT_A_CROSSING,
    (None, R): Reason.NOT_A_CROSSING,
    (None, U): Reason.NOT_A_CROSSING,
}


@pytest.mark.parametrize(("before", "after"), list(product([G, Y, R, U, None], [G, Y, R, U])))
@pytest.mark.parametrize("cause", [Cause.EVENT, Cause.TIME])
def test_n1_every_pair_of_bands_has_one_answer(before, after, cause):
    decisions = decide(
        transition(before=before, after=after, cause=cause), ["slack", "webhook"], NOON_MS
    )
    expected = CROSSINGS[before, after]
    if isinstance(expected, Reason):
        assert [(d.reason, d.sink, d.action) for d in decisions] == [(expected, None, None)]
    else:
        assert [d.reason for d in decisions] == [Reason.SEND, Reason.SEND]
        assert {d.action.message.severity for d in decisions} == {expected}


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (Cause.CORRECTION, Reason.CAUSE_CORRECTION),
        (Cause.FIRST, Reason.CAUSE_FIRST),
        (Cause.SCORECARD, Reason.CAUSE_SCORECARD),
        (Cause.PERCENTILES, Reason.CAUSE_PERCENTILES),
    ],
)
@pytest.mark.parametrize(("before", "after"), list(CROSSINGS))
def test_n1_history_first_bands_and_new_cards_message_nobody(cause, reason, before, after):
    [decision] = decide(transition(before=before, after=after, cause=cause), ["slack"], NOON_MS)
    assert (decision.reason, decision.action) == (reason, None)


def test_n5_a_crossing_older_than_a_day_messages_nobody():
    old, young = NOON_MS + AGE_MAX_MS + 1, NOON_MS + AGE_MAX_MS
    assert [d.reason for d in decide(transition(), ["slack"], old)] == [Reason.TOO_OLD]
    assert [d.reason for d in decide(transition(), ["slack"], young)] == [Reason.SEND]


def test_a21_an_account_that_nobody_pursues_messages_nobody():
    """Whatever the crossing; once it is pursued again people are told."""
    mark = {"since": "2026-03-01T00:00:00Z", "author": "Dana", "reason": "Merged", "until": None}
    for (before, after), expected in CROSSINGS.items():
        crossed = transition(before=before, after=after, not_pursued=mark)
        [decision] = decide(crossed, ["slack"], NOON_MS)
        quiet = expected if isinstance(expected, Reason) else Reason.NOT_PURSUED
        assert (decision.reason, decision.action) == (quiet, None)
    assert decide(transition(not_pursued=None), ["slack"], NOON_MS)[0].reason is Reason.SEND


def test_a_crossing_from_a_clock_ahead_of_ours_is_told():
    assert decide(transition(), ["slack"], NOON_MS - HOUR_MS)[0].reason is Reason.SEND


def test_without_sinks_the_reason_is_that_there_are_none():
    assert [d.reason for d in decide(transition(), [], NOON_MS)] == [Reason.SINK_NOT_CONFIGURED]


def test_n1_one_action_per_sink_with_an_id_of_transition_and_sink():
    crossed = transition()
    decisions = decide(crossed, ["console", "slack", "webhook"], NOON_MS)
    assert [d.action.id for d in decisions] == [
        f"{crossed.id}/console",
        f"{crossed.id}/slack",
        f"{crossed.id}/webhook",
    ]
    assert all(d.action.transition == crossed for d in decisions)


@given(
    before=st.sampled_from([*Band, None]),
    after=st.sampled_from(list(Band)),
    cause=st.sampled_from(list(Cause)),
    age_ms=st.integers(-HOUR_MS, 3 * AGE_MAX_MS),
    later_ms=st.integers(0, AGE_MAX_MS),
    sinks=st.lists(st.sampled_from(["console", "slack", "webhook"]), unique=True),
)
def test_the_same_transition_never_gives_a_second_id(before, after, cause, age_ms, later_ms, sinks):
    """Read again later, a transition gives the same ids or none: time can only silence it."""
    crossed = transition(before=before, after=after, cause=cause)
    first = decide(crossed, sinks, NOON_MS + age_ms)
    again = decide(crossed, sinks, NOON_MS + age_ms + later_ms)
    ids = {d.action.id for d in first if d.action}
    assert {d.action.id for d in again if d.action} in (ids, set())
    for decision in first:
        assert (decision.action is not None) == (decision.reason is Reason.SEND)
    if ids:
        assert [d.sink for d in first] == sinks
        assert cause in (Cause.EVENT, Cause.TIME)
        assert age_ms <= AGE_MAX_MS
        assert Band.UNKNOWN not in (before, after)
        assert Band.RED in (before, after) or (before, after) == (G, Y)
