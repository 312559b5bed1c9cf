"""The supervisor over small programs: who ends it with what, and what becomes of the others."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.waiting import until
from streams.exits import Exit
from streams.supervisor.processes import Program, Supervisor

#: Ends in order when it is told to.
ORDERLY = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (print('down'), sys.exit(0)));"
    "print('up', flush=True); signal.pause()"
)
#: Cannot end in order: its work does not become durable.
TOO_SLOW = ORDERLY.replace("sys.exit(0)", "sys.exit(76)")
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True);"
    "signal.pause(); signal.pause()"
)


def program(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-c", code], dict(os.environ))


class Heard:
    """What was relayed; what the test waits for happens when all have said "up"."""

    def __init__(self, programs: int) -> None:
        self.lines: list[tuple[str, str, bytes]] = []
        self._missing = programs
        self.all_up = asyncio.Event()

    def __call__(self, name: str, stream: str, line: bytes) -> None:
        self.lines.append((name, stream, line))
        if line == b"up":
            self._missing -= 1
            if self._missing == 0:
                self.all_up.set()


async def run(programs: list[Program], stop_s: float = 30) -> tuple[Exit, Heard]:
    """Until one ends by itself."""
    heard = Heard(len(programs))
    found = await asyncio.wait_for(Supervisor(programs, heard, stop_s=stop_s).run(), 60)
    return found, heard


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(73)", Exit.CHANGELOG_DAMAGED),
        ("sys.exit(70)", Exit.INTERNAL),
        ("sys.exit(1)", Exit.FAILED),
        ("sys.exit(3)", Exit.INTERNAL),  # no code of ours
        ("sys.exit(0)", Exit.INTERNAL),  # nobody asked it to
        ("os.kill(os.getpid(), signal.SIGKILL)", Exit.INTERNAL),
    ],
)
async def test_one_that_ends_ends_all_with_its_code(end: str, code: Exit, caplog) -> None:
    ending = program("two", f"import os, signal, sys; print('the reason', file=sys.stderr); {end}")
    found, heard = await run([program("one", ORDERLY), ending])
    assert found is code
    assert ("two", "stderr", b"the reason") in heard.lines
    assert "two ended by itself with" in caplog.text
    assert caplog.messages[-1] == f"ended with {code.value} ({code.name}) as two: the reason"


async def test_the_others_end_in_order() -> None:
    """What they have in hand becomes durable: only then a start does not fold it again."""
    heard = Heard(1)
    reading, writing = os.pipe()
    waiting = program("two", f"import os, sys; os.read({reading}, 1); sys.exit(72)")

    class Passing(Supervisor):
        async def _start(self, started: Program) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *started.argv,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[reading],
                process_group=0,
            )

    running = asyncio.create_task(
        Passing([program("one", ORDERLY), waiting], heard, stop_s=30).run()
    )
    await asyncio.wait_for(heard.all_up.wait(), 30)
    os.write(writing, b"x")
    assert await asyncio.wait_for(running, 60) is Exit.GAP
    os.close(reading)
    os.close(writing)
    assert [line for line in heard.lines if line[0] == "one"] == [
        ("one", "stdout", b"up"),
        ("one", "stdout", b"down"),
    ]


async def stopped(programs: list[Program], stop_s: float = 30) -> tuple[Exit, Heard]:
    """Told to stop by a signal to this process, when all are up."""
    heard = Heard(len(programs))
    running = asyncio.create_task(Supervisor(programs, heard, stop_s=stop_s).run())
    await asyncio.wait_for(heard.all_up.wait(), 30)
    os.kill(os.getpid(), signal.SIGTERM)
    return await asyncio.wait_for(running, 60), heard


async def test_o2_a_stop_reaches_all_and_is_an_orderly_end() -> None:
    found, heard = await stopped([program("one", ORDERLY), program("two", ORDERLY)])
    assert found is Exit.OK
    assert {line[0] for line in heard.lines if line[2] == b"down"} == {"one", "two"}


async def test_one_that_cannot_stop_in_order_says_so_for_all() -> None:
    assert (await stopped([program("one", ORDERLY), program("two", TOO_SLOW)]))[0] is (
        Exit.STOP_TIMEOUT
    )


async def test_one_that_does_not_stop_is_killed(caplog) -> None:
    found, _ = await stopped([program("one", ORDERLY), program("two", DEAF)], stop_s=0.5)
    assert found is Exit.STOP_TIMEOUT
    assert "two did not end in time: it is killed" in caplog.text
    assert "one did not end" not in caplog.text


async def test_a_line_without_an_end_is_relayed_as_well() -> None:
    code = "import sys; sys.stdout.write('a\\n' + 'b' * 200_000 + '\\nc'); sys.exit(71)"
    _, heard = await run([program("one", code)])
    assert [line for _, _, line in heard.lines] == [b"a", b"b" * 200_000, b"c"]


MAIN = """
import asyncio, os, sys
from streams.supervisor.processes import Program, Supervisor
def relay(name, stream, line): print(name, line.decode(), flush=True)
programs = [Program(name, [sys.executable, "-c", sys.argv[1]], dict(os.environ)) for name in "ab"]
sys.exit(asyncio.run(Supervisor(programs, relay, stop_s=60).run()))
"""


@contextmanager
def supervising(code: str) -> Iterator["subprocess.Popen[str]"]:
    """A supervisor in a process of its own, over two of them, both up."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", MAIN, code], **pipes) as process:
        try:
            assert process.stdout is not None
            up = {process.stdout.readline(), process.stdout.readline()}
            assert up == {"a up\n", "b up\n"}
            yield process
        finally:
            process.kill()


def test_a_second_signal_ends_all_at_once() -> None:
    with supervising(DEAF) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)  # its pipe ends when nobody of them is left
    assert process.returncode == Exit.INTERRUPTED


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's leash is Linux's")
def test_nothing_is_left_of_a_supervisor_that_was_killed() -> None:
    """Whoever starts it again must not find its processes in the same folders."""
    with supervising(DEAF) as process:
        children = set(map(int, _children(process.pid)))
        assert len(children) == 2
        process.kill()
        process.wait()
    assert until(lambda: not any(_alive(pid) for pid in children), 30)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
