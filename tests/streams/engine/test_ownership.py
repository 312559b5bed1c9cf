"""The lease: time on the manual clock decides, nothing else."""

import pytest

from streams.clock import ManualClock
from streams.engine.ownership import SHARE, Lease
from streams.exits import Exit, NamedExit

SESSION_S = 10.0
LASTS_MS = int(SESSION_S * SHARE * 1000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000)


def test_a_lease_that_never_began_forbids_nothing(clock: ManualClock) -> None:
    """Before partitions are assigned there is nothing to write, and nothing to lose."""
    clock.advance(10 * LASTS_MS)
    Lease(clock, SESSION_S).check()


def test_s6_a_lease_is_shorter_than_the_session(clock: ManualClock) -> None:
    """Others are given the partitions after the session: we must have stopped before."""
    lease = Lease(clock, SESSION_S)
    lease.begin()
    assert 0 < lease.left_s() < SESSION_S


def test_s6_it_runs_out_to_the_millisecond(clock: ManualClock) -> None:
    lease = Lease(clock, SESSION_S)
    lease.begin()
    clock.advance(LASTS_MS - 1)
    lease.check()
    clock.advance(1)
    with pytest.raises(NamedExit) as ended:
        lease.check()
    assert ended.value.code is Exit.OWNERSHIP_LOST
    assert "no heartbeat was confirmed for 8.0 s" in ended.value.message


def test_s6_a_heartbeat_counts_from_when_it_was_sent(clock: ManualClock) -> None:
    """The coordinator's session began when it got the beat, not when its answer was read."""
    lease = Lease(clock, SESSION_S)
    lease.begin()
    sent_s = clock.elapsed_s()
    clock.advance(3000)
    lease.renew(sent_s)
    assert lease.left_s() == pytest.approx(LASTS_MS / 1000 - 3)


def test_s6_an_answer_that_comes_late_shortens_nothing(clock: ManualClock) -> None:
    lease = Lease(clock, SESSION_S)
    early_s = clock.elapsed_s()
    clock.advance(2000)
    lease.renew(clock.elapsed_s())
    lease.renew(early_s)
    assert lease.left_s() == pytest.approx(LASTS_MS / 1000)


def test_s6_a_process_that_was_frozen_may_not_write(clock: ManualClock) -> None:
    """The clock goes on while the process sleeps: its first check after waking fails."""
    lease = Lease(clock, SESSION_S)
    lease.begin()
    clock.advance(11_000)
    with pytest.raises(NamedExit):
        lease.check()
