"""``vitals demo``, the whole of it: real processes, real protocols, and nothing left behind."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers.waiting import until

pytestmark = pytest.mark.integration

#: How long anything may take on a busy machine before the test gives up.
PATIENCE_S = 120
ADDRESS = re.compile(r"^http://127\.0\.0\.1:\d+$", re.MULTILINE)


class Demo:
    """A running demonstration with its output in a file."""

    def __init__(self, folder: Path, *options: str, path: str | None = None) -> None:
        self.out = folder / "out.txt"
        self.folder = folder
        environment = {k: v for k, v in os.environ.items() if not k.startswith("VITALS_")}
        environment["TMPDIR"] = str(folder)
        # None of this may reach the demonstration's own processes.
        environment["VITALS_BOOTSTRAP"] = "127.0.0.1:1"
        environment["VITALS_PREFIX"] = "somebody-elses."
        if path is not None:
            environment["PATH"] = path
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams", "demo", "--headless", *options],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=Path(__file__).parents[2],
            )

    def text(self) -> str:
        """What it has printed so far."""
        return self.out.read_text()

    def until(self, said: str, times: int = 1) -> None:
        """Wait until it printed something so many times; it may not end before."""

        def is_said() -> bool:
            return self.text().count(said) >= times

        assert until(lambda: is_said() or self.process.poll() is not None, PATIENCE_S), self.text()
        assert is_said(), self.text()

    def children(self) -> dict[int, str]:
        """Its direct children: process id and command line."""
        return {
            int(entry.name): (entry / "cmdline").read_text().replace("\0", " ")
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _parent(entry) == self.process.pid
        }

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def alive(pid: int) -> bool:
    """Whether a process is there and not just waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def demo(tmp_path):
    running = []

    def start(*options, path=None):
        running.append(Demo(tmp_path, *options, path=path))
        return running[-1]

    yield start
    for each in running:
        each.close()


def test_the_demo_scores_a_company_and_reports(demo, tmp_path):
    """One command, no preparation: customers scored, lines crossed, messages delivered."""
    report = tmp_path / "report.json"
    run = demo("--days", "45", "--report", str(report))
    run.until("live:")
    # A line every five seconds: what is measured of the present comes after the first.
    run.until("live:", times=4)
    run.process.send_signal(signal.SIGINT)
    assert ADDRESS.search(run.text())
    (went_live, *_) = [line for line in run.text().splitlines() if " live: " in line]
    assert "deliveries: none" in went_live, "the past has messaged somebody"
    assert run.process.wait(PATIENCE_S) == 0, run.text()
    told = json.loads(report.read_text())
    assert told["broker"] == "embedded"
    assert told["redis"] in ("redis-server", "fakeredis")
    assert told["customers"] == 200
    assert told["events_in"] > 15_000
    assert told["dead_letters"] >= 3
    # What is under way when the time is over may be missing; nothing may come from nowhere.
    assert 0 <= told["events_in"] - told["dead_letters"] - told["signals"] < 500
    assert told["bands"]["green"] > told["bands"]["red"] > 0
    assert told["bands"]["unknown"] < 20
    assert told["score_changes"] >= told["transitions"] > 200
    assert set(told["deliveries"]) <= {"console", "slack", "webhook"}
    assert told["latency_ms"]["samples"] >= 3
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"]
    assert [path.name for path in tmp_path.glob("vitals-demo-*")] == []


def test_it_ends_by_itself_when_its_time_is_over(demo, tmp_path):
    """However far it has come by then: the report says what there was."""
    report = tmp_path / "report.json"
    run = demo("--seconds", "1", "--customers", "10", "--days", "2", "--report", str(report))
    assert run.process.wait(PATIENCE_S) == 0, run.text()
    assert json.loads(report.read_text())["customers"] <= 10
    assert [path.name for path in tmp_path.glob("vitals-demo-*")] == []


def test_ctrl_c_leaves_no_process_behind_and_the_stand_in_for_redis_will_do(demo, tmp_path):
    """Without a redis-server on the PATH, from the first line to Ctrl-C."""
    run = demo("--customers", "30", "--days", "20", path=str(tmp_path))
    run.until("live:")
    children = run.children()
    assert len(children) == 6
    assert any("embedded redis" in line for line in children.values())
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(PATIENCE_S) == 0, run.text()
    assert [pid for pid in children if alive(pid)] == []
    assert [path.name for path in tmp_path.glob("vitals-demo-*")] == []


def sees(terminal: int, shown: bytearray, text: bytes) -> bool:
    """Whether the terminal has shown something, after all that waits was read."""
    while select.select([terminal], [], [], 0)[0]:
        shown += os.read(terminal, 65_536)
    return text in shown


@pytest.mark.parametrize("how", ["terminal closed", "Ctrl-C"])
def test_in_a_terminal_there_is_a_live_table_and_an_end_without_remains(tmp_path, how):
    """Closing the window ends everything, as Ctrl-C does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VITALS_")}
    argv = [sys.executable, "-m", "streams", "demo", "--customers", "10", "--days", "2"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(argv[0], argv, environment | {"TMPDIR": str(tmp_path), "TERM": "xterm"})
    shown = bytearray()
    try:
        assert until(lambda: sees(terminal, shown, b"   live"), PATIENCE_S), bytes(shown)
        children = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _parent(entry) == pid
        ]
        assert len(children) == 6
        if how == "Ctrl-C":
            os.write(terminal, b"\x03")
            # The terminal must be read, or the table's last picture would wait for it.
            with contextlib.suppress(OSError):
                while os.read(terminal, 65_536):
                    pass
        else:
            os.close(terminal)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert [child for child in children if alive(child)] == []
        assert list(tmp_path.glob("vitals-demo-*")) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert re.search(rb"http://127\.0\.0\.1:\d+", shown)
    assert b"events in" in shown


def test_a_child_that_dies_is_named_with_the_end_of_its_log(demo, tmp_path):
    """And everything else ends with it."""
    run = demo("--customers", "10", "--days", "2")
    run.until("live:")
    children = run.children()
    (worker,) = [pid for pid, line in children.items() if line.rstrip().endswith("streams worker")]
    os.kill(worker, signal.SIGKILL)
    assert run.process.wait(PATIENCE_S) == 1
    said = run.text()
    assert "worker ended by itself (signal 9)" in said
    assert "activating scorecard demo" in said
    assert "Traceback" not in said
    (folder,) = tmp_path.glob("vitals-demo-*")
    assert f"All logs are in {folder}" in said
    assert {path.stem for path in folder.glob("*.log")} >= {"broker", "redis", "worker", "api"}
    assert [pid for pid in children if alive(pid)] == []
