"""Chaos at the size of a gate: the whole system, some faults, everything counted.

The full size is ``make soak``, or ``make chaos`` with figures of your own.
"""

import random
from pathlib import Path

import pytest

from chaos.run import Outcome, chaos

pytestmark = pytest.mark.integration

EVENTS = 3_000


def run(tmp_path: Path, seed: int, *faults: str, seconds: float, broken: str = "") -> Outcome:
    """One run; what it found is printed, always."""
    outcome = chaos(
        tmp_path, events=EVENTS, faults=faults, seed=seed, seconds=seconds,
        bad_builds=("--broken", broken) if broken else (), say=print,
    )  # fmt: skip
    print(outcome.as_json())
    assert len(outcome.landed) == len(faults), "a fault came when nothing was left to do"
    return outcome


@pytest.mark.parametrize(
    "faults",
    [("fail-point", "kill-wiped"), ("kill-at-commit", "kill-in-restore", "outreach-point")],
    ids=["at a point, disk lost", "at a commit, in a restore"],
)
def test_s1_s2_n3_kills_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, seed: int, faults: tuple[str, ...]
) -> None:
    """Two kills of each seed: equal to one process that was never killed, to the byte.

    The sender that dies when the receiver has a message sends it again, as the same one.
    """
    seed = random.Random(f"{seed} {faults}").randrange(2**31)
    outcome = run(tmp_path, seed, *faults, seconds=12)
    assert outcome.good, outcome.findings.said
    assert outcome.findings.repeat_attempts > 0 or "outreach-point" not in faults


def test_s5_s6_s10_s12_a_zombie_and_a_broker_that_refuses(tmp_path: Path, seed: int) -> None:
    """A frozen worker wakes; rows alone, letters alone are refused; nobody is answered for 10 s."""
    faults = ("zombie", "changelog-refused", "dead-letters-refused", "broker-away")
    outcome = run(tmp_path, seed, *faults, seconds=34)
    assert outcome.good, outcome.findings.said


def test_control_a_build_that_acknowledges_first_loses_events(tmp_path: Path, seed: int) -> None:
    """The same harness, a broken intake: the run must fail."""
    outcome = run(tmp_path, seed, "all-killed", seconds=8, broken="acknowledge-first")
    assert not outcome.good
    assert outcome.findings.lost > 0
