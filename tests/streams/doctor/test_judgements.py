"""What the doctor makes of what it is told: each limit from both sides."""

import pytest

from streams.doctor.broker import protocol_of
from streams.doctor.decided import _offset
from streams.doctor.finding import State
from streams.doctor.machine import _python, examine_machine
from streams.doctor.view import policy_of, release_of
from streams.engine.broker_clock import BrokerClock

MB = 2**20


@pytest.mark.parametrize(
    ("running", "state"),
    [
        ((3, 10), State.FAIL),
        ((3, 11), State.OK),
        ((3, 14), State.OK),
        ((3, 15), State.FAIL),
    ],
)
def test_python(running, state):
    assert _python(running, ".".join(map(str, running))).state is state


def test_this_machine_is_fit_to_run_these_tests():
    assert [f for f in examine_machine() if f.state is State.FAIL] == []


@pytest.mark.parametrize(
    ("versions", "state", "said"),
    [
        ({0: (3, 13), 60: (0, 2)}, State.OK, "4.0 or newer"),
        ({0: (0, 9), 60: (0, 0)}, State.OK, "2.8 to 3.9"),
        ({0: (0, 8)}, State.FAIL, "older than 2.8"),
        ({}, State.FAIL, "older than 2.8"),
    ],
)
def test_the_brokers_release_is_told_from_what_it_speaks(versions, state, said):
    finding = protocol_of(versions, embedded=False)
    assert (finding.state, finding.found) == (state, said)
    assert bool(finding.remedy) is (state is not State.OK)


def test_the_embedded_broker_is_a_warning_whatever_it_speaks():
    finding = protocol_of({}, embedded=True)
    assert finding.state is State.WARN
    assert "nothing survives" in finding.found


@pytest.mark.parametrize(
    ("release", "state"), [("5.0.14", State.FAIL), ("6.0.0", State.OK), ("10.2", State.OK)]
)
def test_redis_release(release, state):
    assert release_of({"redis_version": release}, "redis://here").state is state


@pytest.mark.parametrize(
    ("info", "state"),
    [
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru", "used_memory": MB}, State.OK),
        ({"maxmemory": MB, "maxmemory_policy": "allkeys-lru", "used_memory": 1}, State.WARN),
        ({"maxmemory": MB, "maxmemory_policy": "noeviction", "used_memory": 1}, State.OK),
        ({"maxmemory": MB, "maxmemory_policy": "noeviction", "used_memory": MB}, State.WARN),
        ({}, State.OK),
    ],
)
def test_a_redis_that_would_forget_customers_is_a_warning(info, state):
    assert policy_of(info).state is state


@pytest.mark.parametrize(
    ("off_ms", "state"),
    [(0, State.OK), (-2_100, State.WARN), (5_000, State.WARN), (31_000, State.FAIL)],
)
def test_clock_offset(off_ms, state):
    observed = BrokerClock()
    observed.observe(1_000_000, 1_000_000 + off_ms, 1_000_000)
    finding = _offset("clock", observed)
    assert finding.state is state
    assert bool(finding.remedy) is (state is not State.OK)
