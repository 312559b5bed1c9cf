"""How far this machine's clock is off, as the broker's stamps tell."""

import logging
from types import SimpleNamespace

import pytest

from streams.engine.broker_clock import OFFSET_MS_MAX, BrokerClock


def test_t7_a_stamp_between_sending_and_answer_is_agreement() -> None:
    clock = BrokerClock()
    clock.observe(1000, 1400, 2000)
    assert (clock.offset_ms, clock.trusted) == (0, True)


@pytest.mark.parametrize("off_ms", [600_000, -600_000, OFFSET_MS_MAX + 1, -OFFSET_MS_MAX - 1])
def test_t7_a_clock_that_is_far_off_is_not_trusted_and_is_said_once(
    off_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = BrokerClock()
    with caplog.at_level(logging.ERROR):
        clock.observe(1000, 1000 + off_ms, 1000)
        clock.observe(2000, 2000 + off_ms, 2000)
    assert clock.offset_ms == off_ms
    assert not clock.trusted
    assert len(caplog.records) == 1


@pytest.mark.parametrize("off_ms", [OFFSET_MS_MAX, -OFFSET_MS_MAX, 0])
def test_t7_what_is_within_the_limit_is_trusted(off_ms: int) -> None:
    clock = BrokerClock()
    clock.observe(1000, 1000 + off_ms, 1000)
    assert clock.trusted


def test_t7_a_slow_answer_is_no_wrong_clock() -> None:
    """A minute between sending and answer says nothing about a stamp in between."""
    clock = BrokerClock()
    clock.observe(0, 60_000, 60_000)
    clock.observe(0, 0, 60_000)
    assert clock.trusted


def test_t7_a_clock_that_is_right_again_is_trusted_again() -> None:
    clock = BrokerClock()
    clock.observe(1000, 1000 + 600_000, 1000)
    clock.observe(1000, 1000, 1000)
    assert clock.trusted


@pytest.mark.parametrize(
    ("stamps", "timestamp_type", "offset_ms"),
    [(True, 1, 60_000), (True, 0, 0), (False, 1, 0)],
    ids=["stamped by the broker", "stamped by the producer", "the embedded broker"],
)
def test_only_what_the_broker_stamped_tells_its_time(
    stamps: bool, timestamp_type: int, offset_ms: int
) -> None:
    clock = BrokerClock(stamps=stamps)
    clock.answered(0, [SimpleNamespace(timestamp_type=timestamp_type, timestamp=60_000)], 0)
    assert clock.offset_ms == offset_ms
