"""Format, lint, types and import contracts, as tests: a CI that runs the tests runs them all."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

COMMANDS = {
    "format": ["ruff", "format", "--check", "--diff", "--quiet"],
    "lint": ["ruff", "check", "--quiet", "--output-format=concise"],
    "types": ["mypy", "--no-error-summary"],
    "imports": ["lint-imports", "--no-logo"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_static(command: list[str]) -> None:
    """The tool finds nothing; ``make check`` says the same, ``make format`` repairs the first."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
