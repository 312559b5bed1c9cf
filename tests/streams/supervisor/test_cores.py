"""As many processes as there are cores to use, not as many as the machine has."""

import os
from pathlib import Path

import pytest

from streams.supervisor.cores import cores, granted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),  # a begun core is one: half of it would idle
        ("10000 100000", 1),
        ("max 100000", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_a_containers_limit(tmp_path: Path, text: str, found: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text + "\n")
    assert granted(tmp_path / "cpu.max") == found


def test_the_smaller_of_limit_and_affinity_counts(tmp_path: Path) -> None:
    usable = len(os.sched_getaffinity(0))
    limit = tmp_path / "cpu.max"
    assert cores(limit) == usable  # no such file: no limit
    limit.write_text("100000 100000")
    assert cores(limit) == 1
    limit.write_text(f"{(usable + 5) * 100000} 100000")
    assert cores(limit) == usable
