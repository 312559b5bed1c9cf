"""What the control topic says of the sources, decision by decision."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.control import (
    ControlRecord,
    IntakePaused,
    IntakeResumed,
    SourceResumed,
    SourceStalled,
)
from streams.intake.source_states import Place, SourceStates, states_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
SAID: dict[str, Any] = {"at": AT, "author": "dana", "reason": "why"}


def paused(topic: str, partition: int | None = None) -> IntakePaused:
    return IntakePaused(topic=topic, partition=partition, **SAID)


def resumed(topic: str, partition: int | None = None, **more: Any) -> IntakeResumed:
    return IntakeResumed(topic=topic, partition=partition, **SAID, **more)


def after(*records: ControlRecord) -> SourceStates:
    return states_of(enumerate(records))


def test_a_partition_is_paused_and_goes_on() -> None:
    states = after(paused("usage", 3))
    assert states.pause_of("usage", 2) is None
    found = states.pause_of("usage", 3)
    assert found is not None
    assert (found.offset, found.author, found.reason) == (0, "dana", "why")
    assert after(paused("usage", 3), resumed("usage", 3)).paused == {}


def test_a_paused_topic_is_paused_in_all_partitions_until_it_is_resumed_as_a_whole() -> None:
    states = after(paused("usage"), resumed("usage", 3))
    assert states.pause_of("usage", 3) is not None
    assert states.pause_of("usage", 0) is not None
    assert states.pause_of("billing", 0) is None
    assert after(paused("usage", 3), paused("usage"), resumed("usage")).pauses_of("usage") == [
        Place("usage", 3)
    ]


def test_of_repeated_decisions_the_first_counts() -> None:
    """Two workers that both decide do no harm."""
    stalled = SourceStalled(topic="usage", **SAID)
    states = after(paused("usage", 1), paused("usage", 1), stalled, stalled)
    assert [one.offset for one in states.paused.values()] == [0]
    assert states.stalled["usage"].offset == 2


def test_known_bad_records_are_known_by_partition_and_never_less_far() -> None:
    states = after(resumed("usage", known_to={3: 70, 4: 9}), resumed("usage", 3, known_to={3: 50}))
    assert states.known_to == {("usage", 3): 70, ("usage", 4): 9}


def test_a_source_is_back() -> None:
    states = after(SourceStalled(topic="usage", **SAID), SourceResumed(topic="usage", **SAID))
    assert states.stalled == {}
    assert states.resumed_ms == {"usage": int(AT.timestamp() * 1000)}


places = st.tuples(st.sampled_from("ab"), st.sampled_from([None, 0, 1]))


@given(st.lists(st.tuples(st.booleans(), places), max_size=12))
def test_a_place_is_paused_if_its_last_decision_says_so(
    decided: list[tuple[bool, tuple[str, int | None]]],
) -> None:
    states = after(*((paused if stops else resumed)(*place) for stops, place in decided))
    last = {place: stops for stops, place in decided}
    assert {tuple(place) for place in states.paused} == {p for p, stops in last.items() if stops}
