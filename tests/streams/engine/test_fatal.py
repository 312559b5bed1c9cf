"""The way out, in real processes: exit codes, what stands on standard error, what never runs."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, logging, sys
from streams.engine.fatal import guarded
from streams.exits import Exit, NamedExit
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")

async def work():
    {body}

async def main():
    await guarded(work())
    print("went on")

asyncio.run(main())
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_named_error_ends_with_its_code_and_no_traceback() -> None:
    done = run("raise NamedExit(Exit.GAP, 'records 5 to 9 of t/1 are gone')")
    assert done.returncode == 72
    assert "records 5 to 9 of t/1 are gone (exit 72, GAP)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "went on" not in done.stdout


def test_any_other_error_ends_with_70_and_its_traceback() -> None:
    """Faust acknowledges the event of an agent that raises: so nothing may be raised."""
    done = run("raise KeyError('nobody thought of this')")
    assert done.returncode == 70
    assert "KeyError: 'nobody thought of this'" in done.stderr
    assert "went on" not in done.stdout


@pytest.mark.parametrize("body", ["pass", "await asyncio.sleep(0)"])
def test_work_that_ends_well_ends_nothing(body: str) -> None:
    done = run(body)
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_cancellation_passes() -> None:
    """A rebalance cancels agents: that is no reason to end the process."""
    done = run("raise asyncio.CancelledError")
    assert done.returncode == 1
    assert "CancelledError" in done.stderr
    assert "ending the process" not in done.stderr
