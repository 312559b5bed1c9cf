"""Child processes: started, watched, and ended for certain.

Each child is the leader of its own process group (a Ctrl-C in the terminal reaches
the parent alone, which then ends the children in order), dies with its parent
(:mod:`streams.leash`), and writes to a log file of its own.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from streams import leash
from streams.clock import Clock

__all__ = ["Child", "ChildDied", "Household", "NotReady"]

_POLL_S = 0.02
_TAIL_LINES = 15
_KILL_WAIT_S = 2.0
_T = TypeVar("_T")


class ChildDied(Exception):
    """A child ended although nobody asked it to."""

    def __init__(self, child: "Child", code: int) -> None:
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        super().__init__(f"{child.name} ended by itself ({how})")
        self.child, self.code = child, code


class NotReady(Exception):
    """A child runs but was not ready in time."""

    def __init__(self, child: "Child", timeout_s: float) -> None:
        super().__init__(f"{child.name} was not ready after {timeout_s:g} s")
        self.child = child


class Child:
    """One running child."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's as well."""
        return self.process.pid

    def said(self, prefix: str) -> str | None:
        """The rest of the first line of its log that begins with ``prefix``."""
        for line in self._text().splitlines():
            if line.startswith(prefix):
                return line.removeprefix(prefix).strip()
        return None

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The end of its log."""
        return "\n".join(self._text().splitlines()[-lines:])

    def _text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Household:
    """All children of one demonstration, in the order of their start."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self._clock = folder, clock
        self._children: list[Child] = []
        self._stopping = False

    @property
    def children(self) -> Sequence[Child]:
        """Those started so far."""
        return tuple(self._children)

    def start(
        self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a child. To be called from the main thread.

        Raises:
            OSError: the log cannot be written, or Python cannot be started.
        """
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                leash.command(list(argv)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                process_group=0,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raises :class:`ChildDied` for the first child that is no longer there."""
        for child in self._children:
            code = child.process.poll()
            if code is not None and not self._stopping:
                raise ChildDied(child, code)

    async def ready(
        self, child: Child, probe: Callable[[], Awaitable[_T | None]], timeout_s: float
    ) -> _T:
        """The probe's first answer that is not None; meanwhile no child may end.

        Raises:
            ChildDied: a child ended instead.
            NotReady: there was no answer in time.
        """
        until_s = self._clock.elapsed_s() + timeout_s
        while self._clock.elapsed_s() < until_s:
            self.check()
            answer = await probe()
            if answer is not None:
                return answer
            await asyncio.sleep(_POLL_S)
        raise NotReady(child, timeout_s)

    async def line(self, child: Child, prefix: str, timeout_s: float) -> str:
        """What the child printed after ``prefix``, as soon as it did."""

        async def probe() -> str | None:
            return child.said(prefix)

        return await self.ready(child, probe, timeout_s)

    async def stop(self, *steps: tuple[Sequence[str], float]) -> list[str]:
        """End all children step by step: their names, and how many seconds they may take.

        Who is not named in any step ends with the last. What is still there when its
        step's time is over is killed. Returns the names of those that had to be.
        """
        self._stopping = True
        named = {name for names, _ in steps for name in names}
        rest = [child.name for child in self._children if child.name not in named]
        killed: list[str] = []
        for number, (names, grace_s) in enumerate(steps, start=1):
            wanted = [*names, *rest] if number == len(steps) else names
            leaving = [child for child in self._children if child.name in wanted]
            killed += await self._end(leaving, self._clock.elapsed_s() + grace_s)
        return killed

    async def _end(self, children: Sequence[Child], until_s: float) -> list[str]:
        for child in children:
            _signal(child, signal.SIGTERM)
        while any(child.process.poll() is None for child in children):
            if self._clock.elapsed_s() >= until_s:
                break
            await asyncio.sleep(_POLL_S)
        stubborn = [child for child in children if child.process.poll() is None]
        for child in children:
            # The whole group, also when its leader has gone: nothing may be left behind.
            _signal(child, signal.SIGKILL)
        for child in stubborn:
            child.process.wait(_KILL_WAIT_S)
        return [child.name for child in stubborn]


def _signal(child: Child, number: signal.Signals) -> None:
    # Suppressed: nobody is left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
