"""Chaos at full size, in hours: ``make soak``. Figures and seeds go to docs/reliability.md."""

from pathlib import Path

import pytest

from chaos.nemeses import KILLS, LAST
from chaos.run import Outcome, chaos

pytestmark = pytest.mark.soak

#: Kills every so often while a million events come.
APART_S = 20.0


def run(tmp_path: Path, seed: int, events: int, faults: list[str], apart_s: float) -> Outcome:
    """One run; what it found is printed."""
    outcome = chaos(
        tmp_path, events=events, faults=faults, seed=seed, seconds=apart_s * len(faults), say=print
    )
    print(outcome.as_json())
    assert len(outcome.landed) == len(faults), "a fault came when nothing was left to do"
    return outcome


def test_s1_s2_a_million_events_and_twenty_kills(tmp_path: Path, seed: int) -> None:
    """Five in a restore, five at a commit, five at a named point, five with the disk lost."""
    outcome = run(tmp_path, seed, 1_000_000, [*KILLS] * 5, APART_S)
    assert outcome.good, outcome.findings.said


def test_s1_twenty_seeds_at_the_size_of_a_gate(tmp_path: Path, seed: int) -> None:
    """Each with two kills of its own."""
    for number in range(20):
        faults = [KILLS[number % 4], KILLS[(number + 1) % 4]]
        outcome = run(tmp_path / str(number), seed + number, 4_000, faults, 8)
        assert outcome.good, (seed + number, outcome.findings.said)


def test_s6_a_zombie_that_wakes_among_the_silent_and_a_compaction(
    tmp_path: Path, seed: int
) -> None:
    """Nobody comes after it woke; rows are compacted, and a new worker restores them."""
    outcome = compacted(tmp_path, seed)
    print(outcome.as_json())
    assert outcome.landed == [LAST]
    assert outcome.good, outcome.findings.said


def test_control_without_fencing_the_same_zombie_spoils_the_state(
    tmp_path: Path, seed: int
) -> None:
    """Stale rows are what compaction leaves; the worker that restores them ends by name."""
    with pytest.raises(AssertionError, match="CHANGELOG_DAMAGED"):
        compacted(tmp_path, seed, "--broken", "no-fence")


def compacted(tmp_path: Path, seed: int, *broken: str) -> Outcome:
    """A run of which the last rows are stale ones, if anybody can write such."""
    return chaos(
        tmp_path, events=12_000, faults=[LAST], seed=seed, seconds=20, bad_builds=broken,
        compacted=True, say=print,
    )  # fmt: skip


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(["churn"] * 6, id="s3"),
        pytest.param(["rolling-restart"] * 3, id="s4"),
        pytest.param(["broker-killed"] * 5 + ["changelog-refused"] * 2 + ["broker-away"], id="s5"),
        pytest.param(["zombie"] * 5, id="s6"),
        pytest.param(["dead-letters-refused"] * 3, id="s12"),
        pytest.param(["cut-off", "disk-full"] * 2, id="cut off, full"),
        pytest.param(["wrong-clock"] * 4, id="t7"),
        pytest.param(["all-down"] * 3, id="all down"),
        pytest.param(["redis-killed", "redis-flushed", "kill-outreach"] * 2, id="the edges"),
        pytest.param(["outreach-point"] * 5, id="n3"),
    ],
)
def test_each_fault_again_and_again(tmp_path: Path, seed: int, faults: list[str]) -> None:
    """One kind of fault, many times in one run."""
    outcome = run(tmp_path, seed, 50_000, faults, APART_S)
    assert outcome.good, outcome.findings.said
