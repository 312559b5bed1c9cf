"""A real server as a child process: started, watched, ended, and never left behind.

Every server of the tests runs on a loopback port in a folder of its own. Besides the
server a tiny watchdog is started, which kills the server when the process that started
it is gone, however it went: a test run that is killed leaves nothing running.
"""

import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["MissingPart", "ServerFailed", "ServerProcess", "free_port", "require_program"]

#: Below the ports that systems give to outgoing connections, so that a port which a
#: killed server has left is still free when the server is started again.
PORTS = range(20_000, 32_000)
TAIL_LINES = 30


class MissingPart(Exception):
    """A real part is not on this machine; ``how`` says how to get it."""

    def __init__(self, part: str, how: str) -> None:
        super().__init__(f"{part} is missing. {how}")
        self.part = part
        self.how = how


class ServerFailed(Exception):
    """A server did not start or ended by itself; the message ends with the tail of its log."""


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    chosen = random.SystemRandom()  # not the tests' generator: a seed must not bring back a port
    for _ in range(200):
        port = chosen.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed(f"no free port between {PORTS.start} and {PORTS.stop}")


def require_program(name: str, part: str, how: str) -> str:
    """The path of a program, or :class:`MissingPart` saying how to get it."""
    path = shutil.which(name)
    if path is None:
        raise MissingPart(part, how)
    return path


class ServerProcess:
    """A child process with a log file, a readiness check and a watchdog."""

    def __init__(self, name: str, command: Sequence[str], directory: Path) -> None:
        self.name = name
        self.command = list(command)
        self.directory = directory
        self.log_path = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is alive (it may be paused)."""
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool], deadline_s: float = 90.0) -> None:
        """Start and wait until ``is_ready``; raises :class:`ServerFailed` with the log's tail."""
        if self.is_running:
            raise ServerFailed(f"{self.name} is already running")
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C is for the tests, which then stop the server in order.
            self._process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", f"cat >/dev/null; kill -9 {self._process.pid} 2>/dev/null"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        give_up_at = time.monotonic() + deadline_s
        while True:
            ready = is_ready()
            # Asked afterwards: what answered may be another server that had the port first.
            if self._process.poll() is not None:
                code = self._process.returncode
                self._forget()
                raise ServerFailed(
                    f"{self.name} ended with code {code} at its start\n{self.tail()}"
                )
            if ready:
                return
            if time.monotonic() > give_up_at:
                self.kill()
                raise ServerFailed(f"{self.name} did not answer in {deadline_s:g} s\n{self.tail()}")
            time.sleep(0.05)  # a poll of another process: there is nothing to wait on

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._forget()

    def stop(self, deadline_s: float = 30.0) -> None:
        """End it in order (SIGTERM), after the deadline by force. Nothing happens if it is down."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._forget()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Thaw it again (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """How a process that has ended did so: its code and the last line of its log."""
        code = None if self._process is None else self._process.poll()
        lines = self.tail().splitlines()
        return f"code {code}: {lines[-1] if lines else ''}"

    def forget(self) -> None:
        """Let go of a process that has ended by itself, so that it can be started again."""
        if not self.is_running:
            self._forget()

    def tail(self) -> str:
        """The last lines of the log."""
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "(no log)"
        return "\n".join([f"--- end of {self.log_path}:", *lines[-TAIL_LINES:]])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ServerFailed(f"{self.name} is not running\n{self.tail()}")
        return self._process

    def _forget(self) -> None:
        # The watchdog goes first: once the server is reaped its process id may be another's.
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.wait()
            if self._watchdog.stdin is not None:
                self._watchdog.stdin.close()
        self._watchdog = None
        self._process = None
