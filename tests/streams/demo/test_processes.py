"""Children are watched, ended in order, killed if they must be, and never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers.waiting import until_async
from streams.clock import SystemClock
from streams.demo.processes import ChildDied, Household, NotReady

OBEDIENT = "print('up', flush=True); import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\n"
    "while 1: signal.pause()"
)
GRANDPARENT = (
    "import subprocess, sys, signal; p = subprocess.Popen([sys.executable, '-c', 'import signal;"
    ' signal.signal(15, signal.SIG_IGN); print("up", flush=True)\\nwhile 1: signal.pause()\']);'
    " print('pid', p.pid, flush=True); signal.pause()"
)


@pytest.fixture
async def house(tmp_path):
    household = Household(tmp_path, SystemClock())
    yield household
    await household.stop(([], 0.0))


def start(house, name, code):
    return house.start(name, [sys.executable, "-c", code])


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_children_end_when_they_are_told_to(house):
    children = [start(house, name, OBEDIENT) for name in ("one", "two")]
    for child in children:
        await house.line(child, "up", 10)
    assert await house.stop((["one", "two"], 5.0)) == []
    assert not any(alive(child.pid) for child in children)


async def test_who_does_not_listen_is_killed_and_named(house):
    deaf, good = start(house, "deaf", STUBBORN), start(house, "good", OBEDIENT)
    for child in (deaf, good):
        await house.line(child, "up", 10)
    assert await house.stop((["deaf", "good"], 0.2)) == ["deaf"]
    assert deaf.process.returncode == -signal.SIGKILL
    assert not alive(good.pid)


async def test_a_childs_own_children_are_not_left_behind(house):
    child = start(house, "parent", GRANDPARENT)
    grandchild = int(await house.line(child, "pid ", 10))
    await house.line(child, "up", 10)
    await house.stop((["parent"], 2.0))
    assert await until_async(lambda: not alive(grandchild))


async def test_steps_end_one_after_the_other(house):
    first = start(house, "first", OBEDIENT)
    log = "import signal, os; signal.signal(15, lambda *_: (print('told', os.path.exists("
    second = start(house, "second", f"{log}'/proc/{first.pid}/exe')), os._exit(0)));"
                   "print('up', flush=True); signal.pause()")  # fmt: skip
    for child in (first, second):
        await house.line(child, "up", 10)
    await house.stop((["first"], 5.0), ([], 5.0))
    assert first.process.returncode is not None
    assert second.process.returncode == 0


async def test_the_death_of_a_child_is_reported_with_its_name_and_the_end_of_its_log(house):
    child = start(house, "worker", "print('\\n'.join(f'line {n}' for n in range(99))); exit(7)")
    assert await until_async(lambda: child.process.poll() is not None)
    with pytest.raises(ChildDied, match=r"worker ended by itself \(exit code 7\)") as died:
        house.check()
    assert died.value.child.tail(2) == "line 97\nline 98"


async def test_waiting_for_one_child_notices_the_death_of_another(house):
    waiting = start(house, "slow", OBEDIENT)
    start(house, "broker", "exit(3)")
    with pytest.raises(ChildDied, match="broker"):
        await house.line(waiting, "never said", 10)


async def test_a_child_that_is_not_ready_in_time_is_named(house):
    child = start(house, "slow", OBEDIENT)
    with pytest.raises(NotReady, match=r"slow was not ready after 0\.1 s"):
        await house.line(child, "never said", 0.1)


async def test_a_program_that_does_not_exist_is_a_death_that_says_so(house):
    child = house.start("redis", ["/no/such/redis-server"])
    assert await until_async(lambda: child.process.poll() is not None)
    with pytest.raises(ChildDied, match="redis"):
        house.check()
    assert "No such file" in child.tail()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's leash is Linux's")
async def test_children_die_with_a_parent_that_was_killed(tmp_path):
    code = (
        "import sys, signal; from pathlib import Path; from streams.clock import SystemClock;"
        "from streams.demo.processes import Household;"
        f"h = Household(Path({str(tmp_path)!r}), SystemClock());"
        f"c = h.start('deaf', [sys.executable, '-c', {STUBBORN!r}]);"
        "print(c.pid, flush=True); signal.pause()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert await until_async(lambda: "up" in (tmp_path / "deaf.log").read_text())
    assert alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert await until_async(lambda: not alive(child))


async def test_each_child_leads_its_own_group_so_that_ctrl_c_reaches_the_parent_alone(house):
    child = start(house, "one", OBEDIENT)
    await house.line(child, "up", 10)
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
