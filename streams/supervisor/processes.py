"""Starts several processes, and ends all of them as soon as one has ended.

Nothing is started again here: whoever runs the supervisor (systemd, Compose, Kubernetes)
does that already, with its own delays and alerts, and goes by the exit code. A second
loop inside would hide a worker that crashes every minute, and would start one again
that ended by name, for which a restart is no help.
"""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streams import leash
from streams.exits import Exit

__all__ = ["Program", "Relay", "Supervisor"]

log = logging.getLogger(__name__)

_READ_BYTES = 65_536

#: Hears a process's name, the stream it wrote to ("stdout" or "stderr"), and a line.
Relay = Callable[[str, str, bytes], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a command that ends in order at SIGTERM."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]


class Supervisor:
    """Runs programs until told to stop, or until one of them ends.

    A program gets ``stop_s`` for an orderly end; what is left then is killed. Each leads
    a process group of its own, so that a Ctrl-C in the terminal reaches the supervisor
    alone, and dies with the supervisor if that is killed (Linux). Run it in the main thread.
    """

    def __init__(self, programs: Sequence[Program], relay: Relay, *, stop_s: float) -> None:
        self._programs = programs
        self._relay = relay
        self._stop_s = stop_s
        self._told = asyncio.Event()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._killed: set[str] = set()
        #: The last line of each on its standard error: of one that ends by name its reason.
        self._last: dict[str, bytes] = {}

    async def run(self) -> Exit:
        """Start all; the exit code for the supervisor."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        waits: dict[asyncio.Task[int], str] = {}
        for program in self._programs:
            process = self._running[program.name] = await self._start(program)
            waits[asyncio.create_task(self._follow(program.name, process))] = program.name
            log.info("%s is process %d", program.name, process.pid)
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait({told, *waits}, return_when=asyncio.FIRST_COMPLETED)
        first = next((task for task in waits if task.done()), None)
        if first is not None and not self._told.is_set():
            code = _exit_of_one_that_ended(waits[first], first.result())
        else:
            first, code = None, Exit.OK
        self._signal(signal.SIGTERM)
        _, late = await asyncio.wait(waits, timeout=self._stop_s)
        if late:
            self._kill([waits[task] for task in late])
            await asyncio.wait(late)
        told.cancel()
        if first is not None:
            # Once more: whoever looks at the end of a log finds the reason there.
            last = self._last.get(waits[first], b"").decode(errors="replace")
            log.critical("ended with %d (%s) as %s: %s", code, code.name, waits[first], last)
            return code
        return self._exit_of_all({name: task.result() for task, name in waits.items()})

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *leash.command(list(program.argv)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(program.environment),
            process_group=0,
        )

    async def _follow(self, name: str, process: asyncio.subprocess.Process) -> int:
        """Relay what it prints; how it ended, when all of that was relayed."""
        assert process.stdout is not None
        assert process.stderr is not None
        await asyncio.gather(
            self._read(name, "stdout", process.stdout),
            self._read(name, "stderr", process.stderr),
        )
        return await process.wait()

    async def _read(self, name: str, stream: str, reader: asyncio.StreamReader) -> None:
        rest = b""
        while found := await reader.read(_READ_BYTES):
            *lines, rest = (rest + found).split(b"\n")
            for line in lines:
                self._tell(name, stream, line)
        if rest:
            self._tell(name, stream, rest)

    def _tell(self, name: str, stream: str, line: bytes) -> None:
        if stream == "stderr":
            self._last[name] = line
        self._relay(name, stream, line)

    def _stop(self, number: int) -> None:
        if self._told.is_set():
            log.warning("second signal: ending at once")
            self._kill(list(self._running))
            logging.shutdown()
            os._exit(Exit.INTERRUPTED)
        log.info("%s: stopping %d processes", signal.Signals(number).name, len(self._running))
        self._told.set()

    def _kill(self, names: Sequence[str]) -> None:
        for name in names:
            if self._running[name].returncode is None:
                log.critical("%s did not end in time: it is killed", name)
                self._killed.add(name)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """To all that still run, with what they started themselves."""
        for process in self._running.values():
            if process.returncode is None:
                # Suppressed: it ended meanwhile.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)

    def _exit_of_all(self, codes: Mapping[str, int]) -> Exit:
        """After a stop that was asked for: the first code that is no orderly end."""
        for name, code in codes.items():
            if name in self._killed:
                return Exit.STOP_TIMEOUT
            # One that had only begun to start does not handle the signal yet, and has done nothing.
            if code not in (Exit.OK, -signal.SIGTERM):
                log.critical("%s ended with %s while it was stopped", name, _told_code(code))
                return _exit_of(code)
        return Exit.OK


def _exit_of_one_that_ended(name: str, code: int) -> Exit:
    """Say what happened, for whoever reads the last lines; the code to end with."""
    found = _exit_of(code)
    log.critical(
        "%s ended by itself with %s: the others are stopped, and all end with %d (%s)",
        name,
        _told_code(code),
        found,
        found.name,
    )
    return found


def _exit_of(code: int) -> Exit:
    """A named exit stays what it is; all else (a signal, an end without a reason) is INTERNAL."""
    try:
        found = Exit(code)
    except ValueError:
        return Exit.INTERNAL
    return Exit.INTERNAL if found in (Exit.OK, Exit.INTERRUPTED) else found


def _told_code(code: int) -> str:
    if code >= 0:
        return f"code {code}"
    name = signal.Signals(-code).name
    return f"{name} (out of memory?)" if -code == signal.SIGKILL else name
