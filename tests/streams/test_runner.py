"""The runner in real processes: how signals, slow stops and crashes end it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PROGRAM = """
import asyncio, logging, sys
from streams import runner
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")

class Part:
    async def start(self): print("ready", flush=True)
    async def stop(self):
        print("stopping", flush=True)
        if "stuck" in sys.argv: await asyncio.Event().wait()
        print("stopped", flush=True)

class Crashing:
    crash_reason = None
    def __init__(self): self._crashed = asyncio.Event()
    async def start(self):
        self.crash_reason = ValueError("this app is broken"); self._crashed.set()
    async def stop(self): print("app stopped", flush=True)

if "soon" in sys.argv: runner.STOP_S_MAX = 0.2

async def apps(): return [Crashing()] if "crash" in sys.argv else []
sys.exit(runner.run(asyncio.run(apps()), [Part()]))
"""
Process = subprocess.Popen[str]


@contextmanager
def running(*words: str) -> Iterator[Process]:
    """The program, ready."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *words], **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_o2_a_signal_stops_in_order_and_ends_with_0(number: signal.Signals) -> None:
    with running() as process:
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "stopping\nstopped\n")
    assert f"{number.name}: stopping" in errors
    assert "Traceback" not in errors


def test_a_second_signal_ends_at_once() -> None:
    with running("stuck") as process:
        process.terminate()
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping\n"
        process.terminate()
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "second signal" in errors


def test_a_stop_that_takes_too_long_ends_by_name() -> None:
    with running("stuck", "soon") as process:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 76
    assert "stopping took more than" in errors


def test_a_crashed_app_ends_the_process_with_70() -> None:
    command = [sys.executable, "-c", PROGRAM, "crash"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (70, "ready\napp stopped\nstopping\nstopped\n")
    assert "this app is broken" in done.stderr
